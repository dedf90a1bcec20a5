//! POP3 from the greeting to QUIT.

use crate::harness::Service;
use crate::harness::mail::{assert_same, behind_trace, samples};
use crate::harness::pop3::Pop3;
use crate::harness::site::{AYUMI, Door, KENJI, User};

/// A service in which Kenji has the sample messages.
fn with_mail() -> Service {
    let service = Service::start();
    for message in samples() {
        service.receive(AYUMI.address, &[KENJI.address], &message.octets);
    }
    service
}

#[test]
fn r_01_every_command_of_rfc_1939() {
    let service = with_mail();
    let count = samples().len();
    let mut pop3 = service.pop3(Door::Pop3);
    pop3.login(&KENJI);

    let (messages, octets) = pop3.stat();
    assert_eq!(messages, count);
    let listed = pop3.list("LIST");
    assert_eq!(listed.len(), count);
    let sizes: Vec<u64> =
        listed.iter().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(sizes.iter().sum::<u64>(), octets);
    assert_eq!(pop3.ask("LIST 2", "+OK "), format!("+OK 2 {}", sizes[1]));
    pop3.ask("LIST 99", "-ERR");

    let identifiers = pop3.list("UIDL");
    assert_eq!(identifiers.len(), count);
    assert_eq!(pop3.ask("UIDL 3", "+OK "), format!("+OK {}", identifiers[2]));

    for (sample, number) in samples().iter().zip(1..) {
        let message = pop3.retrieve(number);
        assert_eq!(message.len() as u64, sizes[number - 1], "LIST told another size for {}", sample.name);
        assert_same(sample, behind_trace(&message).message, "RETR");
    }

    // TOP: the header, the empty line, and as many lines as asked for.
    let whole = pop3.retrieve(3);
    let text = String::from_utf8(whole).unwrap();
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    let first: String = body.split_inclusive("\r\n").take(2).collect();
    let top = String::from_utf8(pop3.message("TOP 3 2")).unwrap();
    assert_eq!(top, format!("{header}\r\n\r\n{first}"));

    pop3.ask("NOOP", "+OK");
    pop3.ask("DELE 1", "+OK");
    pop3.ask("RETR 1", "-ERR");
    pop3.ask("DELE 1", "-ERR");
    assert_eq!(pop3.count(), count - 1);
    pop3.ask("RSET", "+OK");
    assert_eq!(pop3.count(), count);
    pop3.ask("XYZZY", "-ERR");
    pop3.quit();
}

#[test]
fn r_03_apop_and_user_on_the_same_port() {
    let service = with_mail();
    let mut pop3 = service.pop3(Door::Pop3);
    pop3.login(&KENJI);
    pop3.quit();

    let mut pop3 = service.pop3(Door::Pop3);
    let command = apop(&pop3.greeting, &KENJI);
    pop3.ask(&command, "+OK");
    assert_eq!(pop3.count(), samples().len());
    pop3.quit();

    // Each greeting has a stamp of its own, so what was overheard once opens nothing.
    let mut pop3 = service.pop3(Door::Pop3);
    assert_ne!(apop(&pop3.greeting, &KENJI), command);
    pop3.ask(&command, "-ERR");
}

/// RFC 1939 §7: the MD5 sum of the stamp in the greeting and the password behind it.
pub(crate) fn apop(greeting: &str, user: &User) -> String {
    use md5::{Digest as _, Md5};
    let stamp = greeting.find('<').map(|start| &greeting[start..]).unwrap();
    let stamp = &stamp[..=stamp.find('>').unwrap()];
    let digest = Md5::digest(format!("{stamp}{}", user.password));
    let digest: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("APOP {} {digest}", user.login)
}

#[test]
fn r_05_what_is_deleted_is_gone_after_quit_and_only_then_and_identifiers_stay() {
    let service = with_mail();
    let mut pop3 = service.mailbox(&KENJI);
    let identifiers = unique(&mut pop3);
    pop3.ask("DELE 2", "+OK");
    pop3.ask("DELE 4", "+OK");
    // The line breaks before QUIT: nothing was deleted.
    pop3.wire.drop_line();
    service.pop3d.wait_for_events("session_close", 1);

    let mut pop3 = service.mailbox(&KENJI);
    assert_eq!(unique(&mut pop3), identifiers);
    pop3.ask("DELE 2", "+OK");
    pop3.ask("DELE 4", "+OK");
    pop3.quit();

    let mut pop3 = service.mailbox(&KENJI);
    let left: Vec<_> = [0, 2, 4].map(|index| identifiers[index].clone()).into();
    assert_eq!(unique(&mut pop3), left);
    pop3.quit();
    assert_eq!(service.site.mail_files().len(), left.len(), "the files are gone too");

    // A new message gets a new identifier, also after a restart of the daemon.
    service.receive(AYUMI.address, &[KENJI.address], &samples()[1].octets);
    let service = service.restart_pop3d();
    let now = unique(&mut service.mailbox(&KENJI));
    assert_eq!(now[..3], left);
    assert!(!identifiers.contains(&now[3]));
}

fn unique(pop3: &mut Pop3) -> Vec<String> {
    let lines = pop3.list("UIDL");
    lines.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn r_11_port_995_with_the_certificate_checked() {
    let service = with_mail();
    // The harness trusts the test's own authority only, and checks the host's name.
    let mut pop3 = service.pop3(Door::Pop3s);
    pop3.login(&KENJI);
    assert_eq!(pop3.count(), samples().len());
    pop3.quit();
    // The same by the upgrade on 110.
    let mut pop3 = service.pop3(Door::Pop3).start_tls(&service.site);
    pop3.login(&KENJI);
    assert_eq!(pop3.count(), samples().len());
    pop3.quit();
}

#[test]
fn r_12_a_second_session_is_told_that_the_maildrop_is_in_use() {
    let service = with_mail();
    let first = service.mailbox(&KENJI);
    let mut second = service.pop3(Door::Pop3s);
    second.ask(&format!("USER {}", KENJI.login), "+OK");
    second.ask(&format!("PASS {}", KENJI.password), "-ERR [IN-USE]");
    // Delivery waits for nobody's session.
    service.receive(AYUMI.address, &[KENJI.address], &samples()[0].octets);
    // The lock goes with its owner, however that ends.
    let service = service.crash_pop3d();
    assert_eq!(service.fetch(&KENJI).len(), samples().len() + 1);
    drop(first);
}
