//! msmtp, the sendmail of many desktops.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Tls, assert_sends, fails, left_out, python, succeeds};
use crate::harness::Service;
use crate::harness::mail::{self, samples};
use crate::harness::site::{AYUMI, Door, KENJI};

pub(super) fn msmtp(service: &Service, door: Door, tls: Tls, auth: &str, password: &str) -> Command {
    let address = service.address(door);
    let mut command = Command::new("msmtp");
    command.args([
        format!("--host={}", address.ip()),
        format!("--port={}", address.port()),
        "--domain=client.example.org".to_owned(),
        format!("--from={}", AYUMI.address),
    ]);
    // The message as it is: by itself msmtp adds what it misses and takes Bcc away.
    command.args(["--set-from-header=off", "--set-date-header=off", "--set-msgid-header=off"]);
    command.args(["--remove-bcc-headers=off", "--undisclosed-recipients=off"]);
    command.arg(format!("--auth={auth}"));
    if auth != "off" {
        let password = service.site.write("password", format!("{password}\n"));
        command.arg(format!("--user={}", AYUMI.login));
        command.arg(format!("--passwordeval=cat '{}'", password.display()));
    }
    match tls {
        Tls::Never => command.arg("--tls=off"),
        Tls::Starttls => command.args(["--tls=on", "--tls-starttls=on"]),
        Tls::Implicit => command.args(["--tls=on", "--tls-starttls=off"]),
    };
    if tls != Tls::Never {
        command.arg(format!("--tls-trust-file={}", service.site.path("ca.pem").display()));
    }
    command.args(["--", KENJI.address]);
    command
}

pub(super) fn file(message: &Path) -> Stdio {
    File::open(message).unwrap().into()
}

#[test]
fn s_01_msmtp_sends_by_plain_and_by_login_over_every_kind_of_connection() {
    if left_out() {
        return;
    }
    let service = Service::start();
    for (door, tls, auth) in [
        (Door::Mx, Tls::Starttls, "plain"),
        (Door::Submission, Tls::Never, "plain"),
        (Door::Submission, Tls::Starttls, "login"),
        (Door::Submissions, Tls::Implicit, "plain"),
    ] {
        assert_sends(&service, &format!("msmtp, {door:?}, {tls:?}, {auth}"), &samples(), |message| {
            succeeds(&mut msmtp(&service, door, tls, auth, AYUMI.password), file(message));
        });
    }
}

#[test]
fn msmtp_sends_pythons_test_messages() {
    if left_out() {
        return;
    }
    let service = Service::start();
    assert_sends(&service, "msmtp", &python::test_messages(), |message| {
        succeeds(&mut msmtp(&service, Door::Mx, Tls::Never, "off", ""), file(message));
    });
}

#[test]
fn a_message_of_50_mib_by_msmtp() {
    if left_out() {
        return;
    }
    let service = Service::start();
    assert_sends(&service, "msmtp", &[mail::large()], |message| {
        succeeds(
            &mut msmtp(&service, Door::Submissions, Tls::Implicit, "plain", AYUMI.password),
            file(message),
        );
    });
}

#[test]
fn msmtp_shows_the_servers_words_for_a_wrong_password() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let message = service.site.write("message.eml", &samples()[0].octets);
    let mut msmtp = msmtp(&service, Door::Submissions, Tls::Implicit, "plain", "wrong");
    let said = fails(&mut msmtp, file(&message));
    assert!(said.contains("535 5.7.8"), "{said}");
}
