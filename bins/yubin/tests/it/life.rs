//! What becomes of live sessions and of the next ones when the operator changes what an account may do.

use crate::harness::Service;
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::harness::smtp::Smtp;

#[test]
fn c_09_c_10_a_suspended_account_sends_nothing_from_this_moment_and_reads_on() {
    let service = Service::start();
    let mut live = service.smtp(Door::Submission);
    live.hello();
    live.authenticate(&AYUMI);
    let mut reading = service.mailbox(&AYUMI);
    let mut other = service.smtp(Door::Submission);
    other.hello();
    other.authenticate(&KENJI);

    let help = "See_https://example.jp/help";
    service.site.yubin(&["account", "suspend", AYUMI.login, "--text", help]);
    live.expect("421 4.7.0");
    let mut next = service.smtp(Door::Submission);
    next.hello();
    let refused = next.ask(&format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "535 5.7.8");
    assert!(refused.lines[0].ends_with(help), "{refused:?}");
    let generic = next.ask(&format!("AUTH PLAIN {}", Smtp::plain_with(AYUMI.login, "x")), "535 5.7.8");
    assert!(!generic.lines[0].contains(help), "{generic:?}");
    // It gets mail and reads it, and nobody else is disturbed.
    service.receive("friend@example.org", &[AYUMI.address], b"Subject: still here\r\n\r\nHello\r\n");
    reading.ask("NOOP", "+OK");
    reading.quit();
    assert_eq!(service.fetch(&AYUMI).len(), 1);
    other.ask("NOOP", "250");
    other.quit();

    service.site.yubin(&["account", "resume", AYUMI.login]);
    let mut again = service.smtp(Door::Submission);
    again.hello();
    again.authenticate(&AYUMI);
    again.quit();
}

#[test]
fn c_09_reading_and_receiving_stop_by_themselves() {
    let service = Service::start();
    let reading = service.mailbox(&AYUMI);
    service.site.yubin(&["account", "suspend", AYUMI.login, "--reading", "--receiving"]);
    assert_eq!(reading.wire.rest(), b"");
    let mut pop3 = service.pop3(Door::Pop3s);
    pop3.ask(&format!("USER {}", AYUMI.login), "+OK");
    pop3.ask(&format!("PASS {}", AYUMI.password), "-ERR [SYS/PERM]");
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    smtp.ask(&format!("RCPT TO:<{}>", AYUMI.address), "550 5.2.1");
    service.site.yubin(&["account", "stage", AYUMI.login]);
    smtp.ask(&format!("RCPT TO:<{}>", AYUMI.address), "450 4.2.1");
    service.site.yubin(&["account", "resume", AYUMI.login]);
    smtp.ask(&format!("RCPT TO:<{}>", AYUMI.address), "250");
    smtp.quit();
}

#[test]
fn s_11_a_service_is_registered_while_the_daemons_run() {
    let site = Site::with_users();
    let texts = "apop_key = \"apop.key\"\nunregistered_text = \"Register at https://example.jp\"";
    site.configure(&Site::configuration().replace("apop_key = \"apop.key\"", texts));
    let service = Service::serve(site);
    service.site.yubin(&["account", "set", AYUMI.login, "smtp_auth=off"]);
    let mut smtp = service.smtp(Door::Submission);
    smtp.hello();
    let told = smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "535 5.7.8");
    assert!(told.lines[0].ends_with("Register at https://example.jp"), "{told:?}");
    // Who does not know the password learns nothing of the account.
    let mut stranger = service.smtp(Door::Submission);
    stranger.hello();
    let wrong = stranger.ask(&format!("AUTH PLAIN {}", Smtp::plain_with(AYUMI.login, "x")), "535 5.7.8");
    let nobody = stranger.ask(&format!("AUTH PLAIN {}", Smtp::plain_with("nobody", "x")), "535 5.7.8");
    assert_eq!(wrong.lines, nobody.lines);
    assert!(!wrong.lines[0].contains("Register"), "{wrong:?}");
    service.site.yubin(&["account", "set", AYUMI.login, "smtp_auth=on"]);
    smtp.authenticate(&AYUMI);
    smtp.quit();
}

#[test]
fn s_16_who_writes_as_another_is_refused_rewritten_or_left_alone() {
    for (rights, reply) in [("off", "250"), ("warn", "250"), ("rewrite", "250"), ("reject", "553 5.7.1")] {
        let site = Site::with_users();
        let required = "auth = \"required\"\n";
        let configuration = Site::configuration();
        assert!(configuration.contains(required));
        let rights_set = format!("{required}sender_rights = \"{rights}\"\n");
        site.configure(&configuration.replace(required, &rights_set));
        let service = Service::serve(site);
        let mut smtp = service.smtp(Door::Submissions);
        smtp.hello();
        smtp.authenticate(&AYUMI);
        for own in [AYUMI.address, AYUMI.alias, "AYUMI@MX.example.jp", ""] {
            smtp.ask(&format!("MAIL FROM:<{own}>"), "250");
            smtp.ask("RSET", "250");
        }
        smtp.ask(&format!("MAIL FROM:<{}>", KENJI.address), reply);
        if reply == "250" {
            smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "250");
            smtp.ask("DATA", "354");
            smtp.wire.bytes(b"Subject: x\r\n\r\nHello\r\n.\r\n");
            smtp.expect("250");
            let message = String::from_utf8(service.fetch(&KENJI).remove(0)).unwrap();
            let sender = if rights == "rewrite" { AYUMI.address } else { KENJI.address };
            assert!(message.contains(&format!("Return-Path: <{sender}>")), "{rights}: {message}");
        }
        smtp.quit();
    }
}

#[test]
fn c_11_what_a_suspended_account_sent_is_held_listed_and_dropped() {
    let service = Service::with_mail_that_waits(&["a@elsewhere.example"], b"Subject: spam\r\n\r\nBuy\r\n");
    let said = service.site.yubin(&["account", "suspend", AYUMI.login]);
    assert!(said.contains("1 messages of it are held") && said.contains(" queue drop"), "{said}");
    let list = || service.site.yubin(&["--json", "queue", "list", "--held", "--account", AYUMI.login]);
    let held = list();
    assert!(held.contains("is suspended") && held.contains("a@elsewhere.example"), "{held}");
    // Whoever may send again sends nothing of it before somebody has looked at it.
    let said = service.site.yubin(&["account", "resume", AYUMI.login]);
    assert!(said.contains("--release-queue"), "{said}");
    service.site.yubin(&["queue", "retry", "--account", AYUMI.login]);
    assert!(list().contains("is suspended"));
    let said = service.site.yubin(&["account", "resume", AYUMI.login, "--release-queue"]);
    assert!(!said.contains("held"), "{said}");
    assert_eq!(list().trim(), "[]");
    service.site.yubin(&["queue", "retry", "--account", AYUMI.login]);
    service.smtpd.wait_for_events("outbound_deferred", 2);
    service.site.yubin(&["account", "suspend", AYUMI.login]);
    service.site.yubin(&["queue", "drop", "--account", AYUMI.login, "--held", "--reason", "spam"]);
    assert_eq!(service.site.yubin(&["--json", "queue", "list"]).trim(), "[]");
}
