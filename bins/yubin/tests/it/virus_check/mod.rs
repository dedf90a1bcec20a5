//! Messages looked through for viruses: whose, by which host, and what becomes of them when clamd finds something, or cannot say.

mod clamd;
mod failing;
mod held;
mod hosts;
mod notice;
mod size;

use crate::clients::left_out;
use crate::harness::Service;
use crate::harness::site::{AYUMI, Door, KENJI, Site, User};
use crate::harness::smtp::{Smtp, stuffed};

use clamd::{CLEAN, Clamd, Played, infected, infected_attachment};

const VIRUS: &str = "554 5.7.1";
const STRANGER: &str = "friend@example.org";

/// A site with this in `[virus_check]`, and these settings more of each listener for mail.
fn configure(site: &Site, section: &str, listener: &str) {
    let text = Site::configuration_with(&format!("\n[virus_check]\n{section}\n"));
    let text = text.replace("protocol = \"smtp\"\n", &format!("protocol = \"smtp\"\n{listener}\n"));
    site.configure(&text);
}

/// With AYUMI's contract, and without one of KENJI's.
fn with_contract() -> Site {
    let site = Site::with_users();
    site.yubin(&["account", "set", AYUMI.login, "virus_check=on"]);
    site
}

/// A service that asks this clamd.
fn service(clamd: &str, section: &str, listener: &str) -> Service {
    let site = with_contract();
    configure(&site, &format!("clamd = \"{clamd}\"\n{section}"), listener);
    Service::serve(site)
}

/// What the end of a message is answered.
fn send(smtp: &mut Smtp, from: &str, to: &[&str], message: &[u8], expected: &str) {
    smtp.envelope(from, to);
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&stuffed(message));
    smtp.expect(expected);
}

/// A session in which this customer has logged in, or nobody.
fn session(service: &Service, user: Option<&User>) -> Smtp {
    let mut smtp = service.smtp(if user.is_some() { Door::Submissions } else { Door::Mx });
    smtp.hello();
    if let Some(user) = user {
        smtp.authenticate(user);
    }
    smtp
}

fn submits(service: &Service, user: &User, to: &[&str], message: &[u8], expected: &str) {
    let mut smtp = session(service, Some(user));
    send(&mut smtp, user.address, to, message, expected);
    smtp.quit();
}

fn arrives(service: &Service, to: &[&str], message: &[u8], expected: &str) {
    let mut smtp = session(service, None);
    send(&mut smtp, STRANGER, to, message, expected);
    smtp.quit();
}

fn assert_nothing_stays(service: &Service) {
    assert_eq!(service.site.mail_files(), Vec::<std::path::PathBuf>::new());
    assert_eq!(service.site.queue_files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn v_01_a_virus_is_refused_wherever_it_is_in_the_message_and_leaves_nothing() {
    if left_out() {
        return;
    }
    let clamd = Clamd::start("");
    for place in [clamd.unix(), clamd.tcp()] {
        let service = service(&place, "", "virus_check = \"always\"");
        let large = b"0123456789012345678901234567890123456789\r\n".repeat(50_000);
        for message in [infected(), infected_attachment(b""), infected_attachment(&large)] {
            submits(&service, &KENJI, &[AYUMI.address], &message, VIRUS);
            submits(&service, &KENJI, &[AYUMI.address, KENJI.address], &message, VIRUS);
        }
        let mut smtp = session(&service, Some(&KENJI));
        smtp.envelope(KENJI.address, &[AYUMI.address]);
        let message = infected();
        smtp.wire.line(&format!("BDAT {} LAST", message.len()));
        smtp.wire.bytes(&message);
        smtp.expect(VIRUS);
        assert_nothing_stays(&service);
        // The session goes on.
        send(&mut smtp, KENJI.address, &[AYUMI.address], CLEAN, "250");
        send(&mut smtp, KENJI.address, &[AYUMI.address], &[CLEAN, &large[..]].concat(), "250");
        smtp.quit();
        assert_eq!(service.fetch(&AYUMI).len(), 2);
        let found = service
            .smtpd
            .wait_for("a virus", |event| (event["event"] == "virus_found").then(|| event.clone()));
        assert_eq!((&found["virus"], &found["done"]), (&"Test.Eicar.UNOFFICIAL".into(), &"refused".into()));
        assert_eq!((&found["from"], &found["account"]), (&KENJI.address.into(), &KENJI.login.into()));
        service.smtpd.wait_for("a clean one", |event| {
            (event["event"] == "message_accepted" && event["virus_check"] == "clean").then_some(())
        });
    }
}

/// What a session of a sender comes to: the reply to MAIL or to the end of a message with a virus.
fn outcome(service: &Service, user: &User, to: &User) -> String {
    let mut smtp = session(service, Some(user));
    smtp.wire.line(&format!("MAIL FROM:<{}>", user.address));
    let mail = smtp.reply();
    if !mail.is("250") {
        return format!("MAIL {} {}", mail.code, &mail.lines[0][..5]);
    }
    smtp.ask(&format!("RCPT TO:<{}>", to.address), "250");
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&stuffed(&infected()));
    let end = smtp.reply();
    smtp.quit();
    format!("{} {}", end.code, &end.lines[0][..5])
}

/// AYUMI has the contract, KENJI has not.
#[test]
fn v_02_v_03_whose_messages_are_looked_through_by_each_rule() {
    if left_out() {
        return;
    }
    let clamd = Clamd::start("");
    let (virus, taken, other_host) = ("554 5.7.1", "250 2.0.0", "MAIL 550 5.7.1");
    for (rule, [with_to_with, with_to_without, without_to_with, without_to_without]) in [
        ("off", [taken, taken, taken, taken]),
        ("received", [virus, taken, virus, taken]),
        ("contract", [virus, virus, virus, taken]),
        ("contract-only", [virus, virus, other_host, other_host]),
        ("always", [virus, virus, virus, virus]),
    ] {
        let service = service(&clamd.unix(), "", &format!("virus_check = \"{rule}\""));
        assert_eq!(outcome(&service, &AYUMI, &AYUMI), with_to_with, "{rule}");
        assert_eq!(outcome(&service, &AYUMI, &KENJI), with_to_without, "{rule}");
        assert_eq!(outcome(&service, &KENJI, &AYUMI), without_to_with, "{rule}");
        assert_eq!(outcome(&service, &KENJI, &KENJI), without_to_without, "{rule}");
    }
}

#[test]
fn v_03_mail_from_outside_is_looked_through_for_who_has_the_contract() {
    if left_out() {
        return;
    }
    let clamd = Clamd::start("");
    let service = service(&clamd.unix(), "", "");
    arrives(&service, &[KENJI.address], &infected(), "250");
    arrives(&service, &[AYUMI.alias], &infected(), VIRUS);
    // Nobody wants a virus: one whose contract finds it spares the others.
    arrives(&service, &[KENJI.address, AYUMI.address], &infected(), VIRUS);
    arrives(&service, &[KENJI.address, AYUMI.address], CLEAN, "250");
    assert_eq!((service.fetch(&KENJI).len(), service.fetch(&AYUMI).len()), (2, 1));
    // Why one was not looked through is in the log.
    service.smtpd.wait_for("the reason", |event| {
        (event["event"] == "message_accepted" && event["virus_check"] == "no_contract").then_some(())
    });
    // From now on.
    service.site.yubin(&["account", "set", KENJI.login, "virus_check=on"]);
    arrives(&service, &[KENJI.address], &infected(), VIRUS);
}

#[test]
fn v_01_clamd_sees_the_message_as_it_is_stored_while_it_comes() {
    let played = Played::start();
    let service = service(&played.unix(), "", "virus_check = \"always\"");
    let mut smtp = session(&service, None);
    // A small message that dawdles keeps no connection.
    smtp.envelope(STRANGER, &[KENJI.address]);
    smtp.ask("DATA", "354");
    smtp.wire.bytes(b"Subject: slow\r\n");
    let lines = b"0123456789\r\n".repeat(10_000);
    smtp.wire.bytes(b"\r\n");
    assert!(played.is_alone());
    smtp.wire.bytes(&lines);
    let mut conversation = played.next();
    conversation.command();
    let mut seen = conversation.piece();
    assert!(seen.starts_with(b"Return-Path: <friend@example.org>\r\nReceived: "));
    // The end of the message has not come.
    smtp.wire.bytes(b"last\r\n.\r\n");
    seen.extend(conversation.rest());
    assert_nothing_is_new(&service);
    conversation.say(b"stream: OK\0");
    smtp.expect("250");
    smtp.quit();
    assert!(service.fetch(&KENJI) == [seen], "what was looked through is what was delivered");
}

/// No message is in a mailbox yet.
fn assert_nothing_is_new(service: &Service) {
    let new = service.site.mail_files().into_iter().filter(|path| path.parent().unwrap().ends_with("new"));
    assert_eq!(new.count(), 0);
}

#[test]
fn v_04_clamd_has_no_more_messages_at_once_than_it_shall() {
    let played = Played::start();
    let service = service(&played.unix(), "connections = 1", "virus_check = \"always\"");
    let mut sessions = [session(&service, None), session(&service, None)];
    for smtp in &mut sessions {
        smtp.envelope(STRANGER, &[KENJI.address]);
        smtp.ask("DATA", "354");
    }
    let [first, second] = &mut sessions;
    first.wire.bytes(&stuffed(CLEAN));
    let mut conversation = played.next();
    second.wire.bytes(&stuffed(CLEAN));
    conversation.command();
    conversation.rest();
    assert!(played.is_alone());
    conversation.say(b"stream: OK\0");
    first.expect("250");
    let mut conversation = played.next();
    conversation.command();
    conversation.rest();
    conversation.say(b"stream: OK\0");
    second.expect("250");
}

#[test]
fn a_large_message_that_is_looked_through_costs_no_more_than_its_pieces() {
    let clamd = Played::always(|mut conversation| {
        conversation.command();
        conversation.rest();
        conversation.say(b"stream: OK\0");
    });
    let service = service(&clamd.0, "", "virus_check = \"always\"");
    let message = [
        CLEAN,
        &b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n".repeat(700_000),
    ]
    .concat();
    let mut smtp = session(&service, None);
    smtp.envelope(STRANGER, &[KENJI.address]);
    smtp.ask("DATA", "354");
    service.smtpd.forget_peak_memory();
    smtp.wire.bytes(&stuffed(&message));
    smtp.expect("250");
    let peak = service.smtpd.peak_memory();
    smtp.quit();
    assert!(peak < 32 << 10, "smtpd took {peak} KiB");
}
