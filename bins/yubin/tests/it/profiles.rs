//! Doors as two providers and we ourselves set them up, and what each lets in.

use crate::harness::Service;
use crate::harness::mail::samples;
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::harness::smtp::{Smtp, stuffed};
use crate::harness::wire::Wire;

/// As the guide of ASAHI Net has it: no STARTTLS and no STLS anywhere.
pub(crate) fn asahi(door: Door) -> &'static str {
    match door {
        Door::Mx => "protocol = \"smtp\"\nauth = \"optional\"\nclear_text_auth = true\n",
        Door::Submission => "protocol = \"smtp\"\nauth = \"required\"\nclear_text_auth = true\n",
        Door::Submissions => "protocol = \"smtp\"\ntls = \"implicit\"\nauth = \"required\"\n",
        Door::Pop3 => "protocol = \"pop3\"\nclear_text_auth = true\napop = true\n",
        Door::Pop3s => "protocol = \"pop3\"\ntls = \"implicit\"\n",
    }
}

/// As `examples/modern.toml` has it, but that nothing at all happens on 587 before TLS.
pub(crate) fn modern(door: Door) -> &'static str {
    match door {
        Door::Mx => "protocol = \"smtp\"\ntls = \"starttls\"\nauth = \"optional\"\n",
        Door::Submission => "protocol = \"smtp\"\ntls = \"starttls-required\"\nauth = \"required\"\n",
        Door::Submissions => "protocol = \"smtp\"\ntls = \"implicit\"\nauth = \"required\"\n",
        Door::Pop3 => "protocol = \"pop3\"\ntls = \"starttls-required\"\n",
        Door::Pop3s => "protocol = \"pop3\"\ntls = \"implicit\"\n",
    }
}

pub(crate) fn service(settings: fn(Door) -> &'static str) -> Service {
    let site = Site::with_users();
    site.configure(&Site::configuration_of(settings));
    Service::serve(site)
}

fn sends(smtp: &mut Smtp) {
    smtp.send_mail(AYUMI.address, &[KENJI.address], &samples()[0].octets);
}

#[test]
fn p_11_asahi_gives_mail_out_on_both_ports() {
    let service = service(asahi);
    service.receive("friend@example.org", &[KENJI.address], &samples()[0].octets);
    for door in [Door::Pop3, Door::Pop3s] {
        let mut pop3 = service.pop3(door);
        pop3.login(&KENJI);
        assert_eq!(pop3.count(), 1);
        pop3.quit();
    }
}

#[test]
fn p_14_asahi_465_is_tls_from_the_first_byte_without_starttls() {
    let service = service(asahi);
    let mut wire = Wire::clear(service.address(Door::Submissions));
    wire.bytes(b"EHLO client.example.org\r\n");
    assert!(!String::from_utf8_lossy(&wire.rest()).contains("220"));

    let mut smtp = service.smtp(Door::Submissions);
    assert!(!smtp.hello().offers("STARTTLS"));
    smtp.ask("STARTTLS", "502 5.5.1");
    smtp.authenticate(&AYUMI);
    sends(&mut smtp);
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn p_15_asahi_587_has_authentication_and_no_starttls() {
    let service = service(asahi);
    let mut smtp = service.smtp(Door::Submission);
    let hello = smtp.hello();
    assert!(!hello.offers("STARTTLS"), "{hello:?}");
    assert_eq!(hello.mechanisms(), ["LOGIN", "PLAIN"]);
    smtp.ask("STARTTLS", "502 5.5.1");
    smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "530 5.7.0");
    smtp.authenticate(&AYUMI);
    sends(&mut smtp);
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn p_16_asahi_25_has_no_starttls() {
    let service = service(asahi);
    let mut smtp = service.smtp(Door::Mx);
    assert!(!smtp.hello().offers("STARTTLS"));
    smtp.ask("STARTTLS", "502 5.5.1");
    smtp.send_mail("friend@example.org", &[KENJI.address], &samples()[0].octets);
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn p_23_each_door_has_its_own_way_to_tls_and_nothing_is_carried_over_into_it() {
    let editnet = Service::start();
    let (asahi, modern) = (service(asahi), service(modern));
    for (service, door) in [(&editnet, Door::Submission), (&modern, Door::Mx), (&modern, Door::Submission)] {
        let mut smtp = service.smtp(door);
        assert!(smtp.hello().offers("STARTTLS"), "{door:?}");
        smtp.wire.bytes(b"STARTTLS\r\nRSET\r\nNOOP\r\n");
        let said = String::from_utf8_lossy(&smtp.wire.rest()).into_owned();
        assert!(!said.contains("250 "), "{door:?}: {said}");

        let mut smtp = service.smtp(door).start_tls(&service.site);
        // Greeting and login are forgotten.
        smtp.ask("MAIL FROM:<a@example.org>", "503");
        assert!(!smtp.hello().offers("STARTTLS"), "{door:?}");
    }
    for service in [&editnet, &modern] {
        let mut pop3 = service.pop3(Door::Pop3);
        assert!(pop3.list("CAPA").contains(&"STLS".to_owned()));
        pop3.wire.bytes(b"STLS\r\nCAPA\r\n");
        assert!(!String::from_utf8_lossy(&pop3.wire.rest()).contains("UIDL"));
    }
    for (service, door) in [(&asahi, Door::Mx), (&asahi, Door::Submission), (&editnet, Door::Submissions)] {
        let mut smtp = service.smtp(door);
        assert!(!smtp.hello().offers("STARTTLS"), "{door:?}");
        smtp.ask("STARTTLS", "502 5.5.1");
    }
}

#[test]
fn where_tls_is_required_nothing_is_done_before_it() {
    let service = service(modern);
    let mut smtp = service.smtp(Door::Submission);
    let hello = smtp.hello();
    assert!(hello.offers("STARTTLS") && !hello.offers("AUTH"), "{hello:?}");
    smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "530 5.7.0");
    smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "538 5.7.11");
    let mut smtp = smtp.start_tls(&service.site);
    smtp.hello();
    smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "530 5.7.0");
    smtp.authenticate(&AYUMI);
    sends(&mut smtp);

    let mut pop3 = service.pop3(Door::Pop3);
    assert!(!pop3.list("CAPA").iter().any(|line| line == "USER" || line.starts_with("SASL")));
    pop3.ask(&format!("USER {}", KENJI.login), "-ERR");
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

/// Outlook Express of old: away from port 25, SMTPS is TLS from the first byte, on whichever port.
#[test]
fn p_26_a_client_that_knows_implicit_tls_only_sends_through_465() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Submissions);
    smtp.ask("EHLO AYUMINOPC", "250");
    smtp.authenticate(&AYUMI);
    sends(&mut smtp);
    smtp.quit();
    assert_eq!(service.fetch(&KENJI).len(), 1);

    // On 587 it meets a greeting in clear text and gives up; the server does not wait for it.
    let mut wire = Wire::clear(service.address(Door::Submission));
    wire.bytes(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\nQUIT\r\n");
    let said = String::from_utf8_lossy(&wire.rest()).into_owned();
    assert!(said.starts_with("220 ") && said.contains("\r\n500 "), "{said}");
}

/// The same mail program with "SMTPS" ticked, on the port of its owner's choice.
#[test]
fn p_29_becky_with_smtps_ticked_sends_through_465_and_through_587() {
    let service = Service::start();
    for door in [Door::Submissions, Door::Submission] {
        let mut smtp = service.smtp(door);
        let hello = smtp.ask("EHLO [192.168.1.10]", "250");
        if door == Door::Submission {
            assert!(hello.offers("STARTTLS"), "{hello:?}");
            smtp = smtp.start_tls(&service.site);
            smtp.ask("EHLO [192.168.1.10]", "250");
        }
        smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "235 2.7.0");
        smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.alias), "250");
        smtp.ask(&format!("RCPT TO:<{}>", KENJI.alias), "250");
        smtp.ask("DATA", "354");
        smtp.wire.bytes(&stuffed(&samples()[0].octets));
        smtp.expect("250 2.0.0");
        smtp.quit();
    }
    assert_eq!(service.fetch(&KENJI).len(), 2);
}

#[test]
fn s_04_a_password_crosses_in_clear_text_only_where_the_listener_allows_it() {
    for (settings, service) in [("editnet", Service::start()), ("asahi", service(asahi))] {
        for door in [Door::Mx, Door::Submission] {
            let mut smtp = service.smtp(door);
            assert_eq!(smtp.hello().mechanisms(), ["LOGIN", "PLAIN"], "{settings} {door:?}");
            smtp.authenticate(&AYUMI);
            sends(&mut smtp);
            smtp.quit();
        }
        assert_eq!(service.fetch(&KENJI).len(), 2, "{settings}");
    }
    let service = service(modern);
    for door in [Door::Mx, Door::Submission] {
        for attempt in
            [format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "AUTH PLAIN".into(), "AUTH LOGIN".into()]
        {
            let mut smtp = service.smtp(door);
            assert!(!smtp.hello().offers("AUTH"), "{door:?}");
            smtp.ask(&attempt, "538 5.7.11");
            smtp.quit();
        }
        let mut smtp = service.smtp(door);
        smtp.hello();
        let mut smtp = smtp.start_tls(&service.site);
        assert_eq!(smtp.hello().mechanisms(), ["LOGIN", "PLAIN"], "{door:?}");
        smtp.authenticate(&AYUMI);
        smtp.quit();
    }
}

#[test]
fn s_13_submission_always_asks_for_a_login() {
    for service in [Service::start(), service(asahi), service(modern)] {
        for (door, encrypted) in [(Door::Submission, false), (Door::Submissions, true)] {
            let mut smtp = service.smtp(door);
            smtp.hello();
            let answer = smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "530 5.7.0");
            // RFC 3207 §4: where TLS is demanded, that is what lacks.
            let next = if answer.is("530 5.7.0 Say STARTTLS") { "530 5.7.0" } else { "503" };
            smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), next);
            smtp.ask("DATA", next);
            // Nor is a failed login one.
            if encrypted {
                smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain_with(AYUMI.login, "wrong")), "535 5.7.8");
                smtp.ask("MAIL FROM:<>", "530 5.7.0");
            }
            smtp.quit();
        }
        assert!(service.fetch(&KENJI).is_empty());
    }
}

/// Each of three doors, encrypted and not, logged in and not, to one of ours and to another: from outside.
#[test]
fn every_door_from_outside_lets_in_what_it_should() {
    // There is no way out of this installation yet: who may relay is told so, in other words than who may not.
    const NO_WAY_OUT: &str = "550 5.4.4";
    let service = Service::start();
    for (door, encrypted, logged_in, local, foreign) in [
        (Door::Mx, false, false, "250", "550 5.7.1"),
        (Door::Mx, false, true, "250", NO_WAY_OUT),
        (Door::Mx, true, false, "250", "550 5.7.1"),
        (Door::Mx, true, true, "250", NO_WAY_OUT),
        (Door::Submission, false, false, "530 5.7.0", "530 5.7.0"),
        (Door::Submission, false, true, "250", NO_WAY_OUT),
        (Door::Submission, true, false, "530 5.7.0", "530 5.7.0"),
        (Door::Submission, true, true, "250", NO_WAY_OUT),
        (Door::Submissions, true, false, "530 5.7.0", "530 5.7.0"),
        (Door::Submissions, true, true, "250", NO_WAY_OUT),
    ] {
        for (recipient, expected) in [(KENJI.address, local), ("friend@example.net", foreign)] {
            let mut smtp = service.smtp(door);
            smtp.hello();
            if encrypted && !door.is_implicit_tls() {
                smtp = smtp.start_tls(&service.site);
                smtp.hello();
            }
            if logged_in {
                smtp.authenticate(&AYUMI);
            }
            smtp.wire.line(&format!("MAIL FROM:<{}>", AYUMI.address));
            let mut reply = smtp.reply();
            if reply.is("250") {
                smtp.wire.line(&format!("RCPT TO:<{recipient}>"));
                reply = smtp.reply();
            }
            assert!(
                reply.is(expected),
                "{door:?}, TLS {encrypted}, login {logged_in}, to {recipient}: {reply:?}, not {expected}"
            );
            smtp.quit();
        }
    }
}
