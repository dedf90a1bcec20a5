//! mpop, which fetches into a Maildir.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Tls, assert_fetched, fails, given, left_out, python, succeeds};
use crate::harness::Service;
use crate::harness::mail::{self, samples};
use crate::harness::site::{Door, KENJI};

fn mpop(service: &Service, door: Door, tls: Tls, auth: &str, password: &str) -> Command {
    let address = service.address(door);
    let password = service.site.write("password", format!("{password}\n"));
    let mut command = Command::new("mpop");
    command.args([
        format!("--host={}", address.ip()),
        format!("--port={}", address.port()),
        format!("--auth={auth}"),
        format!("--user={}", KENJI.login),
        format!("--passwordeval=cat '{}'", password.display()),
        format!("--uidls-file={}", service.site.path("uidls").display()),
    ]);
    // The message as it is: by itself mpop puts a Received of its own before it.
    command.args(["--received-header=off", "--quiet"]);
    match tls {
        Tls::Never => command.arg("--tls=off"),
        Tls::Starttls => command.args(["--tls=on", "--tls-starttls=on"]),
        Tls::Implicit => command.args(["--tls=on", "--tls-starttls=off"]),
    };
    if tls != Tls::Never {
        command.arg(format!("--tls-trust-file={}", service.site.path("ca.pem").display()));
    }
    command
}

/// Runs mpop into a fresh Maildir and returns what lies there then, in the order of the server.
fn fetched(service: &Service, mpop: &mut Command) -> Vec<Vec<u8>> {
    let maildir = empty_maildir(service);
    succeeds(mpop.arg(format!("--delivery=maildir,{}", maildir.display())), Stdio::null());
    messages_in(&maildir)
}

/// A place for a program to deliver to.
pub(super) fn empty_maildir(service: &Service) -> PathBuf {
    let maildir = service.site.path("fetched");
    let _ = fs::remove_dir_all(&maildir);
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(folder)).unwrap();
    }
    maildir
}

/// What was delivered to it, in the order of delivery.
pub(super) fn messages_in(maildir: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> =
        fs::read_dir(maildir.join("new")).unwrap().map(|entry| entry.unwrap().path()).collect();
    // mpop and getmail count what one run delivers: 1164651898.M963082P1712Q10.host
    files.sort_by_cached_key(|file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        name.split(['Q', '.']).nth(2).unwrap().parse::<u64>().unwrap()
    });
    files.iter().map(|file| with_crlf(&fs::read(file).unwrap())).collect()
}

/// Programs of Unix store its line ends.
pub(super) fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        octets.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        octets.extend_from_slice(b"\r\n");
    }
    octets
}

#[test]
fn r_11_mpop_fetches_over_every_kind_of_connection_with_the_certificate_checked() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let given = given(&service, &[samples(), python::test_messages()].concat());
    for (door, tls, auth) in [
        (Door::Pop3, Tls::Never, "apop"),
        (Door::Pop3, Tls::Never, "user"),
        (Door::Pop3, Tls::Never, "plain"),
        (Door::Pop3, Tls::Never, "login"),
        (Door::Pop3, Tls::Starttls, "apop"),
        (Door::Pop3, Tls::Starttls, "user"),
        (Door::Pop3, Tls::Starttls, "plain"),
        (Door::Pop3, Tls::Starttls, "login"),
        (Door::Pop3s, Tls::Implicit, "user"),
        (Door::Pop3s, Tls::Implicit, "plain"),
        (Door::Pop3s, Tls::Implicit, "login"),
    ] {
        let mut mpop = mpop(&service, door, tls, auth, KENJI.password);
        let fetched = fetched(&service, mpop.args(["--keep=on", "--only-new=off"]));
        assert_fetched(&format!("mpop, {door:?}, {tls:?}, {auth}"), &given, &fetched);
    }
}

#[test]
fn r_05_mpop_fetches_each_message_once_and_its_deletions_are_done() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let given = given(&service, &samples());
    let fetch = |keep: &str| {
        let mut mpop = mpop(&service, Door::Pop3s, Tls::Implicit, "user", KENJI.password);
        fetched(&service, mpop.args([keep, "--only-new=on"]))
    };
    assert_fetched("mpop, first", &given, &fetch("--keep=on"));
    // By their unique identifiers it knows them again.
    assert_fetched("mpop, second", &[], &fetch("--keep=on"));
    assert_eq!(service.fetch(&KENJI).len(), given.len());
    fetch("--keep=off");
    assert_eq!(service.fetch(&KENJI).len(), 0);
}

#[test]
fn a_message_of_50_mib_by_mpop() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let given = given(&service, &[mail::large()]);
    let mut mpop = mpop(&service, Door::Pop3s, Tls::Implicit, "user", KENJI.password);
    assert_fetched("mpop", &given, &fetched(&service, &mut mpop));
}

#[test]
fn mpop_is_told_of_a_wrong_password() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let mut mpop = mpop(&service, Door::Pop3s, Tls::Implicit, "user", "wrong");
    let said = fails(mpop.arg("--delivery=mbox,/dev/null"), Stdio::null());
    assert!(said.contains("[AUTH]"), "{said}");
}
