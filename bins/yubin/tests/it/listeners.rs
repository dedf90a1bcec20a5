//! What each door offers, and what it refuses.

use crate::harness::Service;
use crate::harness::mail::samples;
use crate::harness::site::{AYUMI, Door, KENJI};
use crate::harness::wire::Wire;

#[test]
fn p_01_port_25_takes_mail_in_clear_text_after_helo_and_after_ehlo() {
    let service = Service::start();
    let message = &samples()[0].octets;
    for hello in ["EHLO client.example.org", "HELO client.example.org"] {
        let mut smtp = service.smtp(Door::Mx);
        smtp.ask(hello, "250");
        smtp.send_mail("friend@example.org", &[KENJI.address], message);
        smtp.quit();
    }
    assert_eq!(service.fetch(&KENJI).len(), 2);
}

#[test]
fn p_02_port_25_offers_starttls_and_authentication_and_after_starttls_no_starttls() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Mx);
    let hello = smtp.hello();
    assert!(hello.offers("STARTTLS"), "{hello:?}");
    assert_eq!(hello.mechanisms(), ["LOGIN", "PLAIN"]);

    let mut smtp = smtp.start_tls(&service.site);
    let hello = smtp.hello();
    assert!(!hello.offers("STARTTLS"), "{hello:?}");
    assert_eq!(hello.mechanisms(), ["LOGIN", "PLAIN"]);
    smtp.ask("STARTTLS", "503");
    smtp.quit();
}

#[test]
fn p_05_implicit_tls_only_and_authentication_is_demanded() {
    let service = Service::start();
    let door = Door::Submissions;
    assert_no_clear_text(&service, door, "EHLO client.example.org\r\n", "220");

    let mut smtp = service.smtp(door);
    let hello = smtp.hello();
    assert!(!hello.offers("STARTTLS"), "{hello:?}");
    assert_eq!(hello.mechanisms(), ["LOGIN", "PLAIN"]);
    smtp.wire.line("STARTTLS");
    let refusal = smtp.reply();
    assert!(refusal.is("502") || refusal.is("503"), "{refusal:?}");
    smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "530 5.7.0");
    smtp.authenticate(&AYUMI);
    smtp.send_mail(AYUMI.address, &[KENJI.address], &samples()[0].octets);
    smtp.quit();
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn p_06_port_587_offers_starttls_without_demanding_it_and_demands_authentication() {
    let service = Service::start();
    for encrypted in [false, true] {
        let mut smtp = service.smtp(Door::Submission);
        let hello = smtp.hello();
        assert!(hello.offers("STARTTLS"), "{hello:?}");
        if encrypted {
            smtp = smtp.start_tls(&service.site);
            smtp.hello();
        }
        smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "530 5.7.0");
        smtp.authenticate(&AYUMI);
        smtp.send_mail(AYUMI.address, &[KENJI.address], &samples()[0].octets);
        smtp.quit();
    }
    assert_eq!(service.fetch(&KENJI).len(), 2);
}

#[test]
fn p_08_one_account_sends_through_all_three_ports_with_tls_on_each() {
    let service = Service::start();
    for door in Door::SMTP {
        let mut smtp = service.smtp(door);
        smtp.hello();
        if !door.is_implicit_tls() {
            smtp = smtp.start_tls(&service.site);
            smtp.hello();
        }
        smtp.authenticate(&AYUMI);
        smtp.send_mail(AYUMI.address, &[KENJI.address], &samples()[0].octets);
        smtp.quit();
    }
    assert_eq!(service.fetch(&KENJI).len(), 3);
}

#[test]
fn p_09_port_110_takes_a_password_in_clear_text() {
    let service = Service::start();
    let mut pop3 = service.pop3(Door::Pop3);
    pop3.login(&KENJI);
    assert_eq!(pop3.stat(), (0, 0));
    pop3.quit();
}

#[test]
fn p_10_port_995_is_tls_from_the_first_byte_and_has_no_stls() {
    let service = Service::start();
    assert_no_clear_text(&service, Door::Pop3s, "CAPA\r\n", "+OK");

    let mut pop3 = service.pop3(Door::Pop3s);
    let capabilities = pop3.list("CAPA");
    assert!(!capabilities.iter().any(|line| line == "STLS"), "{capabilities:?}");
    pop3.ask("STLS", "-ERR");
    pop3.login(&KENJI);
    pop3.quit();
}

/// Nobody has to tell a program not to look at the certificate.
#[test]
fn p_21_a_strict_client_verifies_chain_and_name_wherever_there_is_tls() {
    let service = Service::start();
    // It trusts the test's authority and no other, and asks for the name that the guide gives.
    for (door, begins_in_clear_text) in
        [(Door::Submissions, false), (Door::Submission, true), (Door::Mx, true), (Door::Pop3s, false)]
    {
        let version = if door.is_pop3() {
            let mut pop3 = service.pop3(door);
            pop3.login(&AYUMI);
            pop3.wire.tls().0
        } else {
            let mut smtp = service.smtp(door);
            if begins_in_clear_text {
                smtp.hello();
                smtp = smtp.start_tls(&service.site);
            }
            smtp.hello();
            smtp.authenticate(&AYUMI);
            smtp.wire.tls().0
        };
        assert_eq!(version, "TLSv1.3", "{door:?}");
    }
}

#[test]
fn what_stands_behind_starttls_in_clear_text_is_never_obeyed() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.wire.bytes(b"STARTTLS\r\nNOOP\r\nRSET\r\n");
    let said = String::from_utf8_lossy(&smtp.wire.rest()).into_owned();
    assert!(!said.contains("250 "), "{said}");

    let mut pop3 = service.pop3(Door::Pop3);
    pop3.wire.bytes(b"STLS\r\nNOOP\r\nCAPA\r\n");
    let said = String::from_utf8_lossy(&pop3.wire.rest()).into_owned();
    assert!(!said.contains("UIDL"), "{said}");
}

/// Clear text where TLS should begin ends the connection, and the server says nothing in clear text that a client could take
/// for a greeting.
fn assert_no_clear_text(service: &Service, door: Door, command: &str, greeting: &str) {
    let mut wire = Wire::clear(service.address(door));
    wire.bytes(command.as_bytes());
    let said = String::from_utf8_lossy(&wire.rest()).into_owned();
    assert!(!said.contains(greeting), "{said}");
}
