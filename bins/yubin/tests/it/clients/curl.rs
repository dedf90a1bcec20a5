//! curl: SMTP, SMTPS, POP3, POP3S, and both upgrades.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Tls, assert_fetched, assert_sends, fails, given, left_out, python, succeeds};
use crate::harness::Service;
use crate::harness::mail::{self, assert_same, behind_trace, samples};
use crate::harness::site::{AYUMI, Door, KENJI, User};

pub(super) fn curl(service: &Service, door: Door, tls: Tls, path: &str) -> Command {
    let scheme = match (door.is_pop3(), tls) {
        (false, Tls::Implicit) => "smtps",
        (false, _) => "smtp",
        (true, Tls::Implicit) => "pop3s",
        (true, _) => "pop3",
    };
    let mut command = Command::new("curl");
    command.args(["--disable", "--silent", "--show-error", "--cacert"]).arg(service.site.path("ca.pem"));
    command.arg("--url").arg(format!("{scheme}://{}/{path}", service.address(door)));
    if tls == Tls::Starttls {
        command.arg("--ssl-reqd");
    }
    command
}

pub(super) fn logged_in<'c>(command: &'c mut Command, user: &User, options: &str) -> &'c mut Command {
    command.args(["--user", &format!("{}:{}", user.login, user.password), "--login-options", options])
}

pub(super) fn upload<'c>(command: &'c mut Command, message: &Path) -> &'c mut Command {
    command.args(["--mail-from", AYUMI.address, "--mail-rcpt", KENJI.address, "--upload-file"]).arg(message)
}

#[test]
fn p_08_curl_sends_through_every_port_with_tls_and_authentication() {
    if left_out() {
        return;
    }
    let service = Service::start();
    for (door, tls, mechanism) in [
        (Door::Mx, Tls::Starttls, "AUTH=PLAIN"),
        (Door::Submission, Tls::Starttls, "AUTH=LOGIN"),
        (Door::Submissions, Tls::Implicit, "AUTH=PLAIN"),
        (Door::Submission, Tls::Never, "AUTH=PLAIN"),
    ] {
        assert_sends(&service, &format!("curl, {door:?}, {tls:?}"), &samples(), |message| {
            let mut curl = curl(&service, door, tls, "client.example.org");
            succeeds(upload(logged_in(&mut curl, &AYUMI, mechanism), message), Stdio::null());
        });
    }
}

#[test]
fn p_01_curl_sends_pythons_test_messages_in_clear_text() {
    if left_out() {
        return;
    }
    let service = Service::start();
    assert_sends(&service, "curl", &python::test_messages(), |message| {
        succeeds(
            upload(&mut curl(&service, Door::Mx, Tls::Never, "client.example.org"), message),
            Stdio::null(),
        );
    });
}

#[test]
fn r_03_curl_fetches_by_apop_user_and_sasl_over_every_kind_of_connection() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let given = given(&service, &[samples(), python::test_messages()].concat());
    for (door, tls, method) in [
        (Door::Pop3, Tls::Never, "AUTH=+APOP"),
        (Door::Pop3, Tls::Never, "AUTH=*"),
        (Door::Pop3, Tls::Starttls, "AUTH=PLAIN"),
        (Door::Pop3s, Tls::Implicit, "AUTH=LOGIN"),
    ] {
        let fetched: Vec<_> = (1..=given.len())
            .map(|number| {
                let mut curl = curl(&service, door, tls, &number.to_string());
                succeeds(logged_in(&mut curl, &KENJI, method), Stdio::null())
            })
            .collect();
        assert_fetched(&format!("curl, {door:?}, {tls:?}, {method}"), &given, &fetched);
    }
}

#[test]
fn r_03_curl_by_every_other_form_of_login() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let given = given(&service, &samples()[..1]);
    for (door, tls, method) in [
        (Door::Pop3, Tls::Never, "AUTH=PLAIN"),
        (Door::Pop3, Tls::Never, "AUTH=LOGIN"),
        (Door::Pop3, Tls::Starttls, "AUTH=+APOP"),
        (Door::Pop3, Tls::Starttls, "AUTH=LOGIN"),
        (Door::Pop3s, Tls::Implicit, "AUTH=PLAIN"),
        (Door::Pop3s, Tls::Implicit, "AUTH=*"),
    ] {
        let mut curl = curl(&service, door, tls, "1");
        let fetched = succeeds(logged_in(&mut curl, &KENJI, method), Stdio::null());
        assert_fetched(&format!("curl, {door:?}, {tls:?}, {method}"), &given, &[fetched]);
    }
}

#[test]
fn a_message_of_50_mib_by_curl() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let large = mail::large();
    let file = service.site.write("large.eml", &large.octets);
    let mut send = curl(&service, Door::Submissions, Tls::Implicit, "client.example.org");
    succeeds(upload(logged_in(&mut send, &AYUMI, "AUTH=PLAIN"), &file), Stdio::null());
    let mut fetch = curl(&service, Door::Pop3s, Tls::Implicit, "1");
    let came = succeeds(logged_in(&mut fetch, &KENJI, "AUTH=PLAIN"), Stdio::null());
    assert_same(&large, behind_trace(&came).message, "curl");
}

#[test]
fn curl_is_told_of_a_wrong_password_and_of_an_unknown_recipient() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let file = service.site.write("message.eml", &samples()[0].octets);
    let stranger = User { password: "wrong", ..AYUMI };

    let mut send = curl(&service, Door::Submissions, Tls::Implicit, "client.example.org");
    let said = fails(upload(logged_in(&mut send, &stranger, "AUTH=PLAIN"), &file), Stdio::null());
    assert!(said.contains("(67)"), "{said}");

    let mut fetch = curl(&service, Door::Pop3s, Tls::Implicit, "1");
    let said = fails(logged_in(&mut fetch, &stranger, "AUTH=PLAIN"), Stdio::null());
    assert!(said.contains("(67)"), "{said}");

    let mut send = curl(&service, Door::Mx, Tls::Never, "client.example.org");
    send.args(["--mail-from", AYUMI.address, "--mail-rcpt", "nobody@mx.example.jp", "--upload-file"]);
    let said = fails(send.arg(&file), Stdio::null());
    assert!(said.contains("550"), "{said}");
}
