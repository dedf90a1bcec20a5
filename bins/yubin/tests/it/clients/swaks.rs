//! swaks, the testers' own SMTP client, with its TLS modules.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Tls, assert_sends, left_out, python, succeeds};
use crate::harness::Service;
use crate::harness::mail::{self, samples};
use crate::harness::site::{AYUMI, Door, KENJI};
use crate::harness::smtp::stuffed;

pub(super) fn swaks(service: &Service, door: Door, tls: Tls, message: &Path) -> Command {
    let address = service.address(door);
    let mut command = Command::new("swaks");
    command.args(["--server", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.args(["--helo", "client.example.org", "--from", AYUMI.address, "--to", KENJI.address]);
    // By itself swaks takes the header apart, puts it together again, and replaces words in the body. So it gets what follows
    // DATA as it shall go over the wire, but for the last line ending, which it always adds.
    let mut data = stuffed(&fs::read(message).unwrap());
    data.truncate(data.len() - "\r\n".len());
    fs::write(message, data).unwrap();
    command.arg("--no-data-fixup").arg("--data").arg(format!("@{}", message.display()));
    // A message of 50 MiB would be printed as well.
    command.args(["--suppress-data", "--silent", "1"]);
    match tls {
        Tls::Never => {}
        Tls::Starttls => _ = command.args(["--tls", "--tls-verify"]),
        Tls::Implicit => _ = command.args(["--tls-on-connect", "--tls-verify"]),
    }
    if tls != Tls::Never {
        command.arg("--tls-ca-path").arg(service.site.path("ca.pem"));
    }
    command
}

pub(super) fn logged_in<'c>(command: &'c mut Command, mechanism: &str) -> &'c mut Command {
    command.args(["--auth", mechanism, "--auth-user", AYUMI.login, "--auth-password", AYUMI.password])
}

#[test]
fn s_02_swaks_sends_by_plain_and_by_login_over_every_kind_of_connection() {
    if left_out() {
        return;
    }
    let service = Service::start();
    for (door, tls, mechanism) in [
        (Door::Mx, Tls::Starttls, "PLAIN"),
        (Door::Submission, Tls::Never, "LOGIN"),
        (Door::Submission, Tls::Starttls, "PLAIN"),
        (Door::Submissions, Tls::Implicit, "LOGIN"),
    ] {
        assert_sends(&service, &format!("swaks, {door:?}, {tls:?}, {mechanism}"), &samples(), |message| {
            let mut swaks = swaks(&service, door, tls, message);
            succeeds(logged_in(&mut swaks, mechanism), Stdio::null());
        });
    }
}

#[test]
fn swaks_sends_pythons_test_messages() {
    if left_out() {
        return;
    }
    let service = Service::start();
    assert_sends(&service, "swaks", &python::test_messages(), |message| {
        succeeds(&mut swaks(&service, Door::Mx, Tls::Never, message), Stdio::null());
    });
}

#[test]
fn a_message_of_50_mib_by_swaks() {
    if left_out() {
        return;
    }
    let service = Service::start();
    assert_sends(&service, "swaks", &[mail::large()], |message| {
        let mut swaks = swaks(&service, Door::Submissions, Tls::Implicit, message);
        succeeds(logged_in(&mut swaks, "PLAIN"), Stdio::null());
    });
}
