//! What the mail programs of the providers' guides send, word by word.

use crate::harness::Service;
use crate::harness::mail::{assert_same, behind_trace, samples};
use crate::harness::site::{AYUMI, Door, KENJI};
use crate::harness::smtp::{Smtp, base64, stuffed};

#[test]
fn k_01_becky() {
    let service = Service::start();
    let sample = &samples()[0];
    // "SMTPS" ticked, port 465, SMTP authentication PLAIN.
    let mut smtp = service.smtp(Door::Submissions);
    smtp.ask("EHLO [192.168.1.10]", "250");
    smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "235");
    smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.alias), "250");
    smtp.ask(&format!("RCPT TO:<{}>", KENJI.alias), "250");
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&stuffed(&sample.octets));
    smtp.expect("250");
    smtp.quit();

    // "POP3S" ticked, port 995; the message stays on the server, then goes.
    let mut pop3 = service.pop3(Door::Pop3s);
    pop3.ask(&format!("USER {}", KENJI.login), "+OK");
    pop3.ask(&format!("PASS {}", KENJI.password), "+OK");
    assert_eq!(pop3.count(), 1);
    assert_eq!(pop3.list("UIDL").len(), 1);
    assert_eq!(pop3.list("LIST").len(), 1);
    assert_same(sample, behind_trace(&pop3.retrieve(1)).message, "Becky");
    pop3.quit();

    let mut pop3 = service.mailbox(&KENJI);
    assert_eq!(pop3.count(), 1);
    assert_eq!(pop3.list("UIDL").len(), 1);
    pop3.ask("DELE 1", "+OK");
    pop3.quit();
    assert_eq!(service.fetch(&KENJI).len(), 0);
}

#[test]
fn k_02_outlook_express() {
    let service = Service::start();
    let sample = &samples()[0];
    // It names the computer, not a host; it logs in by LOGIN; and it puts a space behind the colon.
    let mut smtp = service.smtp(Door::Submissions);
    smtp.ask("EHLO AYUMINOPC", "250");
    smtp.ask("AUTH LOGIN", "334 VXNlcm5hbWU6");
    smtp.ask(&base64(AYUMI.login), "334 UGFzc3dvcmQ6");
    smtp.ask(&base64(AYUMI.password), "235");
    smtp.ask(&format!("MAIL FROM: <{}>", AYUMI.alias), "250");
    smtp.ask(&format!("RCPT TO: <{}>", KENJI.alias), "250");
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&stuffed(&sample.octets));
    smtp.expect("250");
    smtp.quit();

    let mut pop3 = service.pop3(Door::Pop3s);
    pop3.ask(&format!("USER {}", KENJI.login), "+OK");
    pop3.ask(&format!("PASS {}", KENJI.password), "+OK");
    assert_eq!(pop3.count(), 1);
    assert_eq!(pop3.list("LIST").len(), 1);
    assert_same(sample, behind_trace(&pop3.retrieve(1)).message, "Outlook Express");
    pop3.ask("DELE 1", "+OK");
    pop3.quit();
    assert_eq!(service.fetch(&KENJI).len(), 0);
}
