//! What comes in, what is refused, and that a session stays in step.

use std::path::PathBuf;

use crate::harness::Service;
use crate::harness::mail::{assert_same, behind_trace, samples};
use crate::harness::site::{AYUMI, Door, KENJI, User};
use crate::harness::smtp::stuffed;

#[test]
fn d_02_the_issued_name_is_an_address_from_the_first_minute() {
    let service = Service::start();
    let new = User {
        login: "u1234ab567c",
        password: "haru no kawa 3",
        address: "u1234ab567c@mx.example.jp",
        alias: "",
    };
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    smtp.ask(&format!("RCPT TO:<{}>", new.address), "550 5.1.1");
    // While the daemons run, and while this very session does.
    service.site.add_account(&new);
    smtp.ask(&format!("RCPT TO:<{}>", new.address), "250");
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&stuffed(&samples()[0].octets));
    smtp.expect("250");
    smtp.quit();
    assert_eq!(service.fetch(&new).len(), 1);
}

#[test]
fn d_03_the_alias_and_the_issued_name_reach_the_same_maildrop() {
    let service = Service::start();
    for address in [KENJI.address, KENJI.alias] {
        service.receive("friend@example.org", &[address], &samples()[0].octets);
    }
    assert_eq!(service.fetch(&KENJI).len(), 2);
    assert_eq!(service.fetch(&AYUMI).len(), 0);
}

#[test]
fn d_05_d_12_d_15_every_kind_of_domain_at_rcpt() {
    let service = Service::start();
    let yubin = |words: &str| service.site.yubin(&words.split(' ').collect::<Vec<_>>());
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    smtp.ask("RCPT TO:<kenji@example.jp>", "550 5.7.1");
    // While this very session goes on.
    yubin("domain equivalent example.jp mx.example.jp");
    yubin("domain bar atson.example --text Write_to_the_same_name_at_mx.example.jp");
    smtp.ask("RCPT TO:<kenji@example.jp>", "250");
    let refused = smtp.ask(&format!("RCPT TO:<{}@atson.example>", KENJI.login), "550 5.1.2");
    assert!(refused.lines[0].ends_with("Write_to_the_same_name_at_mx.example.jp"), "{refused:?}");
    smtp.ask("RCPT TO:<nobody@example.jp>", "550 5.1.1");
    for duty in ["postmaster@mx.example.jp", "ABUSE@example.jp", "Postmaster"] {
        smtp.ask(&format!("RCPT TO:<{duty}>"), "250");
    }
    yubin("address off kenji@mx.example.jp");
    smtp.ask("RCPT TO:<kenji@mx.example.jp>", "550 5.1.1");
    smtp.quit();
}

#[test]
fn d_13_an_unknown_recipient_is_refused_at_rcpt() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    smtp.ask("RCPT TO:<nobody@mx.example.jp>", "550 5.1.1");
    // No recipient is left, so there is nothing to send.
    smtp.ask("DATA", "554");
    smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "250");
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&stuffed(&samples()[0].octets));
    smtp.expect("250");
    smtp.quit();
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn d_13_the_answer_is_the_same_for_an_account_that_is_suspended_and_receives() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    let before = smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "250");
    service.site.yubin(&["account", "suspend", KENJI.login]);
    smtp.ask("RSET", "250");
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    let suspended = smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "250");
    assert_eq!(suspended.lines, before.lines);
    smtp.ask("RCPT TO:<nobody@mx.example.jp>", "550 5.1.1");
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&stuffed(&samples()[0].octets));
    smtp.expect("250");
    smtp.quit();
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn o_04_a_stranger_cannot_send_to_other_places() {
    let service = Service::start();
    for address in [
        "someone@example.net",
        "someone%example.net@mx.example.jp",
        "example.net!someone@mx.example.jp",
        "\"someone@example.net\"@mx.example.jp",
        "@mx.example.jp:someone@example.net",
        "だれか@example.net",
        "someone@mx.example.jp@example.net",
    ] {
        let mut smtp = service.smtp(Door::Mx);
        smtp.hello();
        smtp.ask("MAIL FROM:<friend@example.org>", "250");
        smtp.wire.line(&format!("RCPT TO:<{address}>"));
        let reply = smtp.reply();
        // Not taken now, and not to be tried again; which words say so depends on the form.
        assert!((500..560).contains(&reply.code), "{address}: {reply:?}");
    }
}

#[test]
fn a_line_that_is_too_long_gets_one_500_and_the_session_stays_in_step() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    for length in [5_000, 1_000_000] {
        smtp.wire.line(&"x".repeat(length));
        smtp.expect("500");
        smtp.ask("NOOP", "250");
    }
    smtp.send_mail("friend@example.org", &[KENJI.address], &samples()[0].octets);
    smtp.quit();

    let mut pop3 = service.pop3(Door::Pop3);
    pop3.wire.line(&"x".repeat(5_000));
    pop3.expect("-ERR");
    pop3.ask("CAPA", "+OK");
}

#[test]
fn a_bare_line_feed_is_refused_at_the_end_of_the_message_and_in_step() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    for smuggled in ["text\n.\r\nMAIL FROM:<evil@example.org>\r\n", "text\r\n.\nmore\r\n", "text\r.\r\n"] {
        smtp.envelope("friend@example.org", &[KENJI.address]);
        smtp.ask("DATA", "354");
        smtp.wire.bytes(format!("Subject: x\r\n\r\n{smuggled}\r\n.\r\n").as_bytes());
        smtp.expect("550");
    }
    smtp.send_mail("friend@example.org", &[KENJI.address], &samples()[0].octets);
    smtp.quit();
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn a_pipelined_batch_is_answered_in_order() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Mx);
    assert!(smtp.hello().offers("PIPELINING"));
    let batch = format!(
        "MAIL FROM:<friend@example.org>\r\nRCPT TO:<nobody@mx.example.jp>\r\nRCPT TO:<{}>\r\nDATA\r\n",
        KENJI.address
    );
    smtp.wire.bytes(batch.as_bytes());
    for reply in ["250", "550 5.1.1", "250", "354"] {
        smtp.expect(reply);
    }
    let sample = &samples()[2];
    smtp.wire.bytes(&[stuffed(&sample.octets), b"QUIT\r\n".to_vec()].concat());
    smtp.expect("250");
    smtp.expect("221");
    assert_same(sample, behind_trace(&service.fetch(&KENJI)[0]).message, "pipelining");
}

#[test]
fn a_connection_that_drops_in_data_leaves_nothing() {
    let service = Service::start();
    // One that would fit in memory and one that has surely been streamed to a file, for one recipient and for two.
    for recipients in [&[KENJI.address][..], &[KENJI.address, AYUMI.address]] {
        for octets in [100, 3 << 20] {
            let mut smtp = service.smtp(Door::Mx);
            smtp.hello();
            smtp.envelope("friend@example.org", recipients);
            smtp.ask("DATA", "354");
            smtp.wire.bytes(b"Subject: half\r\n\r\n");
            smtp.wire.bytes("half a message\r\n".repeat(octets / 16).as_bytes());
            smtp.wire.drop_line();
        }
    }
    // The end of the daemon awaits the end of every session.
    let Service { smtpd, pop3d, site } = service;
    smtpd.terminate();
    let (status, log) = smtpd.ended();
    assert!(status.success(), "{status}\n{log}");
    assert_eq!(site.mail_files(), Vec::<PathBuf>::new());
    assert_eq!(site.queue_files(), Vec::<PathBuf>::new());
    drop(pop3d);
}
