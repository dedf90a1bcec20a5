//! Python's smtplib and poplib, and the test data of its email package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Tls, assert_fetched, assert_sends, given, left_out, succeeds};
use crate::harness::Service;
use crate::harness::mail::{self, Message, samples};
use crate::harness::site::{AYUMI, Door, KENJI, User};

/// The messages among Python's test data, sent as CRLF; a last line without an ending gets one, for DATA cannot do without.
/// The other files there are pictures and sounds for its MIME parts.
pub(super) fn test_messages() -> Vec<Message> {
    let script =
        "import test.test_email as t, os; print(os.path.join(os.path.dirname(t.__file__), 'data'), end='')";
    let folder = succeeds(Command::new("python3").args(["-c", script]), Stdio::null());
    let folder = PathBuf::from(String::from_utf8(folder).unwrap());
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(files.len() >= 40, "only {} messages in Python's test data", files.len());
    files.iter().map(|file| message(file)).collect()
}

fn message(file: &Path) -> Message {
    let text = fs::read(file).unwrap();
    let mut octets = Vec::with_capacity(text.len() + 1024);
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        octets.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        octets.extend_from_slice(b"\r\n");
    }
    Message { name: file.file_name().unwrap().to_string_lossy().into_owned(), octets }
}

/// One of the scripts beside this file; both begin with the same arguments.
pub(super) fn script(
    service: &Service,
    script: &str,
    door: Door,
    tls: Tls,
    method: &str,
    user: &User,
) -> Command {
    let address = service.address(door);
    let mut command = Command::new("python3");
    command.args(["-c", script, &address.ip().to_string(), &address.port().to_string()]);
    command.arg(match tls {
        Tls::Never => "clear",
        Tls::Starttls => "starttls",
        Tls::Implicit => "tls",
    });
    command.arg(service.site.path("ca.pem"));
    command.args([method, user.login, user.password]);
    command
}

fn smtplib(service: &Service, door: Door, tls: Tls, method: &str, message: &Path) {
    let mut command = script(service, include_str!("send.py"), door, tls, method, &AYUMI);
    succeeds(command.args([AYUMI.address, KENJI.address]).arg(message), Stdio::null());
}

/// The messages in the order of the server.
fn poplib(service: &Service, door: Door, tls: Tls, method: &str) -> Vec<Vec<u8>> {
    let folder = service.site.path("fetched");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let mut command = script(service, include_str!("fetch.py"), door, tls, method, &KENJI);
    let count = succeeds(command.arg(&folder), Stdio::null());
    let count: usize = String::from_utf8(count).unwrap().trim().parse().unwrap();
    (1..=count).map(|number| fs::read(folder.join(number.to_string())).unwrap()).collect()
}

#[test]
fn s_07_smtplib_and_poplib_take_the_same_name_and_password_everywhere() {
    if left_out() {
        return;
    }
    let service = Service::start();
    for (door, tls, method) in [
        (Door::Mx, Tls::Never, "none"),
        (Door::Submission, Tls::Never, "PLAIN"),
        (Door::Submission, Tls::Starttls, "LOGIN"),
        (Door::Submissions, Tls::Implicit, "PLAIN"),
    ] {
        assert_sends(&service, &format!("smtplib, {door:?}, {tls:?}, {method}"), &samples(), |message| {
            smtplib(&service, door, tls, method, message);
        });
    }
    let given = given(&service, &[samples(), test_messages()].concat());
    for (door, tls, method) in [
        (Door::Pop3, Tls::Never, "USER"),
        (Door::Pop3, Tls::Never, "APOP"),
        (Door::Pop3, Tls::Starttls, "USER"),
        (Door::Pop3s, Tls::Implicit, "USER"),
    ] {
        let how = format!("poplib, {door:?}, {tls:?}, {method}");
        assert_fetched(&how, &given, &poplib(&service, door, tls, method));
    }
}

#[test]
fn smtplib_sends_pythons_test_messages() {
    if left_out() {
        return;
    }
    let service = Service::start();
    assert_sends(&service, "smtplib", &test_messages(), |message| {
        smtplib(&service, Door::Mx, Tls::Never, "none", message);
    });
}

#[test]
fn a_message_of_50_mib_by_smtplib_and_poplib() {
    if left_out() {
        return;
    }
    let service = Service::start();
    assert_sends(&service, "smtplib", &[mail::large()], |message| {
        smtplib(&service, Door::Submissions, Tls::Implicit, "PLAIN", message);
    });
    let given = given(&service, &[mail::large()]);
    assert_fetched("poplib", &given, &poplib(&service, Door::Pop3s, Tls::Implicit, "USER"));
}
