//! Other people's programs at doors of every kind, and what they say where a door is not for them.

use std::process::Stdio;

use super::curl::{self, curl};
use super::msmtp::{file, msmtp};
use super::swaks::{self, swaks};
use super::{Tls, assert_sends, fails, left_out, python, succeeds};
use crate::harness::Service;
use crate::harness::mail::{assert_same, behind_trace, samples};
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::profiles::{asahi, modern, service};

#[test]
fn where_tls_is_required_programs_that_begin_it_send_and_others_are_told() {
    if left_out() {
        return;
    }
    let service = service(modern);
    let door = Door::Submission;
    assert_sends(&service, "swaks", &samples(), |message| {
        succeeds(
            swaks::logged_in(&mut swaks(&service, door, Tls::Starttls, message), "PLAIN"),
            Stdio::null(),
        );
    });
    assert_sends(&service, "curl", &samples(), |message| {
        let mut curl = curl(&service, door, Tls::Starttls, "client.example.org");
        succeeds(curl::upload(curl::logged_in(&mut curl, &AYUMI, "AUTH=PLAIN"), message), Stdio::null());
    });
    assert_sends(&service, "msmtp", &samples(), |message| {
        succeeds(&mut msmtp(&service, door, Tls::Starttls, "plain", AYUMI.password), file(message));
    });

    let message = service.site.write("message.eml", &samples()[0].octets);
    let mut swaks = swaks(&service, door, Tls::Never, &message);
    let mut curl = curl(&service, door, Tls::Never, "client.example.org");
    for (said, words) in [
        (
            fails(&mut msmtp(&service, door, Tls::Never, "plain", AYUMI.password), file(&message)),
            "does not support authentication",
        ),
        (fails(&mut msmtp(&service, door, Tls::Never, "off", ""), file(&message)), "530 5.7.0"),
        (fails(swaks::logged_in(&mut swaks, "PLAIN"), Stdio::null()), "did not advertise authentication"),
        (fails(curl::upload(&mut curl, &message), Stdio::null()), "530"),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(service.fetch(&KENJI).is_empty());
}

#[test]
fn p_15_programs_send_through_587_without_starttls_and_those_that_want_it_give_up() {
    if left_out() {
        return;
    }
    let service = service(asahi);
    let door = Door::Submission;
    assert_sends(&service, "swaks", &samples(), |message| {
        succeeds(swaks::logged_in(&mut swaks(&service, door, Tls::Never, message), "LOGIN"), Stdio::null());
    });
    assert_sends(&service, "curl", &samples(), |message| {
        let mut curl = curl(&service, door, Tls::Never, "client.example.org");
        succeeds(curl::upload(curl::logged_in(&mut curl, &AYUMI, "AUTH=PLAIN"), message), Stdio::null());
    });
    assert_sends(&service, "msmtp", &samples(), |message| {
        succeeds(&mut msmtp(&service, door, Tls::Never, "plain", AYUMI.password), file(message));
    });

    let message = service.site.write("message.eml", &samples()[0].octets);
    fails(&mut msmtp(&service, door, Tls::Starttls, "plain", AYUMI.password), file(&message));
    let mut curl = curl(&service, door, Tls::Starttls, "client.example.org");
    fails(curl::upload(curl::logged_in(&mut curl, &AYUMI, "AUTH=PLAIN"), &message), Stdio::null());
    assert!(service.fetch(&KENJI).is_empty());
}

#[test]
fn smtplib_sends_addresses_and_headers_beyond_ascii_where_they_are_taken() {
    if left_out() {
        return;
    }
    let sender = "花子@example.net";
    let script = |service: &Service, door, tls, method| {
        let mut command = python::script(service, include_str!("utf8.py"), door, tls, method, &AYUMI);
        command.args([sender, KENJI.address]);
        command
    };
    let service = Service::start();
    for (door, tls, method, keyword) in [
        (Door::Mx, Tls::Never, "none", "UTF8SMTP"),
        (Door::Mx, Tls::Starttls, "none", "UTF8SMTPS"),
        (Door::Submission, Tls::Starttls, "login", "UTF8SMTPSA"),
    ] {
        succeeds(&mut script(&service, door, tls, method), Stdio::null());
        let came = service.fetch(&KENJI);
        let came = behind_trace(came.last().unwrap());
        assert_eq!(came.return_path, format!("<{sender}>"));
        assert!(came.received.contains(&format!(" with {keyword} id ")), "{}", came.received);
        let message = str::from_utf8(came.message).unwrap();
        assert!(message.contains("Subject: こんにちは\r\n"), "{message}");
        assert!(message.contains(&format!("From: {sender}\r\n")), "{message}");
        assert!(message.ends_with("\r\n\r\n花子\r\n"), "{message}");
    }

    let site = Site::with_users();
    let disabled =
        Site::configuration().replace("protocol = \"smtp\"", "protocol = \"smtp\"\ndisable = [\"SMTPUTF8\"]");
    site.configure(&disabled);
    let service = Service::serve(site);
    let said = fails(&mut script(&service, Door::Mx, Tls::Never, "none"), Stdio::null());
    assert!(said.contains("SMTPNotSupportedError"), "{said}");
    assert!(service.fetch(&KENJI).is_empty());
}

#[test]
fn chunks_of_all_kinds_by_smtplibs_connection() {
    if left_out() {
        return;
    }
    let service = Service::start();
    // Among them the one that DATA would have to stuff.
    for sample in &samples()[..3] {
        let file = service.site.write("message.eml", &sample.octets);
        let mut command =
            python::script(&service, include_str!("chunks.py"), Door::Mx, Tls::Never, "none", &AYUMI);
        succeeds(command.args([AYUMI.address, KENJI.address]).arg(file), Stdio::null());
        let mut mailbox = service.mailbox(&KENJI);
        assert_eq!(mailbox.count(), 3, "{}", sample.name);
        for number in 1..=3 {
            assert_same(sample, behind_trace(&mailbox.retrieve(number)).message, "BDAT");
            mailbox.ask(&format!("DELE {number}"), "+OK");
        }
        mailbox.quit();
    }
}
