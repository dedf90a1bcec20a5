//! How much a mailbox may hold, from the operator's command to the sender's reply.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, Door, KENJI, Site, User};

/// A message of so many octets on the way.
fn message(octets: usize) -> Vec<u8> {
    let mut message = b"Subject: filling\r\n\r\n".to_vec();
    while message.len() < octets {
        let line = (octets - message.len()).min(72);
        message.extend(std::iter::repeat_n(b'x', line.saturating_sub(2)));
        message.extend_from_slice(b"\r\n");
    }
    message
}

fn maildir(site: &Site, user: &User) -> PathBuf {
    let shown: Value = serde_json::from_str(&site.yubin(&["account", "show", user.login, "--json"])).unwrap();
    shown["maildir"].as_str().unwrap().into()
}

fn quota_of(site: &Site, user: &User) -> Value {
    let shown: Value = serde_json::from_str(&site.yubin(&["quota", "show", user.login, "--json"])).unwrap();
    shown[0].clone()
}

/// What the ledger says.
pub(crate) fn ledger(maildir: &Path) -> (i64, i64) {
    let text = fs::read_to_string(maildir.join("maildirsize")).unwrap();
    let numbers = text.lines().skip(1).map(|line| {
        let mut numbers = line.split_ascii_whitespace().map(|number| number.parse::<i64>().unwrap());
        (numbers.next().unwrap(), numbers.next().unwrap())
    });
    numbers.fold((0, 0), |(octets, messages), line| (octets + line.0, messages + line.1))
}

/// What lies there.
pub(crate) fn on_disk(maildir: &Path) -> (i64, i64) {
    let files = ["new", "cur"].map(|part| fs::read_dir(maildir.join(part)).unwrap());
    let sizes = files.into_iter().flatten().map(|file| file.unwrap().metadata().unwrap().len() as i64);
    sizes.fold((0, 0), |(octets, messages), size| (octets + size, messages + 1))
}

#[test]
fn l_03_without_a_quota_nothing_is_limited_and_no_ledger_is_kept() {
    let service = Service::start();
    service.receive("friend@example.org", &[KENJI.address], &message(1000));
    assert_eq!(quota_of(&service.site, &KENJI)["quota"], Value::Null);
    assert_eq!(quota_of(&service.site, &KENJI)["percent"], Value::Null);
    assert!(!maildir(&service.site, &KENJI).join("maildirsize").exists());
}

#[test]
fn l_03_a_full_mailbox_is_said_at_rcpt_and_pop3_gives_the_room_back() {
    let site = Site::with_users();
    site.configure(&(Site::configuration() + "\n[quota]\nwarn_percent = \"none\"\n"));
    site.yubin(&["account", "set", KENJI.login, "quota=100KiB", "quota_messages=3"]);
    let service = Service::serve(site);
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.send_mail("friend@example.org", &[KENJI.address], &message(60_000));

    smtp.ask("MAIL FROM:<friend@example.org> SIZE=60000", "250");
    smtp.ask(&format!("RCPT TO:<{}>", KENJI.alias), "452 4.2.2");
    smtp.ask(&format!("RCPT TO:<{}>", AYUMI.address), "250");
    smtp.ask("RSET", "250");
    for _ in 0..2 {
        smtp.send_mail("friend@example.org", &[KENJI.address], &message(1000));
    }
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "452 4.2.2");
    smtp.ask("RSET", "250");
    // What is on its way counts, until its transaction is over.
    let shown = quota_of(&service.site, &KENJI);
    assert_eq!(
        (&shown["messages"], &shown["quota_messages"], &shown["percent"]),
        (&json!(3), &json!(3), &json!(100))
    );

    // Nothing was said of its size, so that it is known at its end only.
    service.site.yubin(&["account", "set", KENJI.login, "quota_messages=10"]);
    smtp.envelope("friend@example.org", &[KENJI.address]);
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&crate::harness::smtp::stuffed(&message(60_000)));
    smtp.expect("452 4.2.2");

    let mut pop3 = service.mailbox(&KENJI);
    pop3.ask("DELE 1", "+OK");
    pop3.quit();
    let place = maildir(&service.site, &KENJI);
    assert_eq!(ledger(&place), on_disk(&place), "pop3d wrote what it removed");
    smtp.send_mail("friend@example.org", &[KENJI.address], &message(60_000));
    assert_eq!(ledger(&place), on_disk(&place));
    smtp.quit();
    service.smtpd.wait_for("over quota", |event| (event["reason"] == "over-quota").then_some(()));
}

#[test]
fn l_03_two_addresses_of_one_mailbox_need_the_room_of_the_one_message_that_it_gets() {
    let site = Site::with_users();
    site.configure(&(Site::configuration() + "\n[quota]\nwarn_percent = \"none\"\n"));
    site.yubin(&["account", "set", KENJI.login, "quota=100KiB", "quota_messages=1"]);
    let service = Service::serve(site);
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org> SIZE=60000", "250");
    for address in [KENJI.address, KENJI.alias, KENJI.address] {
        smtp.ask(&format!("RCPT TO:<{address}>"), "250");
    }
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&crate::harness::smtp::stuffed(&message(60_000)));
    smtp.expect("250");
    let place = maildir(&service.site, &KENJI);
    assert_eq!((ledger(&place), on_disk(&place).1), (on_disk(&place), 1));
    // Nothing is held back of the room of the next.
    service.site.yubin(&["account", "set", KENJI.login, "quota=200KiB", "quota_messages=2"]);
    smtp.send_mail("friend@example.org", &[KENJI.alias], &message(60_000));
    assert_eq!((ledger(&place), on_disk(&place).1), (on_disk(&place), 2));
    smtp.quit();
}

#[test]
fn l_03_the_operator_chooses_the_reply_and_the_default_and_an_account_its_exception() {
    let site = Site::with_users();
    site.configure(
        &(Site::configuration() + "\n[quota]\nmessages = 1\nover = \"reject\"\nwarn_percent = 0\n"),
    );
    site.yubin(&["account", "set", AYUMI.login, "quota_messages=none"]);
    let service = Service::serve(site);
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    for _ in 0..2 {
        smtp.send_mail("friend@example.org", &[AYUMI.address], &message(100));
    }
    smtp.send_mail("friend@example.org", &[KENJI.address], &message(100));
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "552 5.2.2");
    // A change of the operator's is known at once.
    service.site.yubin(&["account", "set", KENJI.login, "quota_messages=2"]);
    smtp.ask(&format!("RCPT TO:<{}>", KENJI.address), "250");
    smtp.ask("RSET", "250");
    // And what another transaction holds is not there for this one.
    smtp.envelope("friend@example.org", &[KENJI.address]);
    let mut other = service.smtp(Door::Mx);
    other.hello();
    other.ask("MAIL FROM:<friend@example.org>", "250");
    other.ask(&format!("RCPT TO:<{}>", KENJI.address), "552 5.2.2");
    smtp.ask("RSET", "250");
    other.ask(&format!("RCPT TO:<{}>", KENJI.address), "250");
    other.quit();
    smtp.quit();
}

#[test]
fn l_03_counting_that_fails_refuses_nobody() {
    let site = Site::with_users();
    site.yubin(&["account", "set", KENJI.login, "quota=1MiB"]);
    let service = Service::serve(site);
    service.receive("friend@example.org", &[KENJI.address], &message(100));
    let place = maildir(&service.site, &KENJI);
    // A directory that cannot be listed, even by root.
    fs::remove_dir(place.join("cur")).unwrap();
    symlink("cur", place.join("cur")).unwrap();
    fs::remove_file(place.join("maildirsize")).unwrap();
    service.receive("friend@example.org", &[KENJI.address], &message(100));
    service.smtpd.wait_for_events("quota_unknown", 1);
    assert_eq!(fs::read_dir(place.join("new")).unwrap().count(), 2);

    fs::remove_file(place.join("cur")).unwrap();
    fs::create_dir(place.join("cur")).unwrap();
    service.site.yubin(&["quota", "recount", KENJI.login]);
    assert_eq!(ledger(&place), on_disk(&place));
}

#[test]
fn l_09_the_owner_is_told_once_and_the_operator_sees_the_largest() {
    let site = Site::with_users();
    site.configure(&(Site::configuration() + "\n[quota]\noctets = \"100KiB\"\nwarn_percent = 90\n"));
    let service = Service::serve(site);
    for octets in [50_000, 43_000, 1000] {
        service.receive("friend@example.org", &[KENJI.alias], &message(octets));
    }
    service.smtpd.wait_for_events("quota_warned", 1);
    let messages = service.fetch(&KENJI);
    let warnings: Vec<_> = messages
        .iter()
        .map(|message| String::from_utf8_lossy(message))
        .filter(|text| text.contains("Auto-Submitted"))
        .collect();
    assert_eq!((messages.len(), warnings.len()), (4, 1), "once, not with each message");
    let (header, body) = warnings[0].split_once("\r\n\r\n").unwrap();
    assert!(header.contains("From: <postmaster@mx.example.jp>") && header.contains(KENJI.alias), "{header}");
    let body = BASE64_STANDARD.decode(body.replace("\r\n", "")).unwrap();
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains("メールボックス") && body.contains("nearly full"), "{body}");

    let top: Value =
        serde_json::from_str(&service.site.yubin(&["quota", "show", "--top", "1", "--json"])).unwrap();
    assert_eq!((top.as_array().unwrap().len(), &top[0]["login"]), (1, &json!(KENJI.login)));
    let place = maildir(&service.site, &KENJI);
    assert_eq!((top[0]["octets"].as_i64().unwrap(), top[0]["messages"].as_i64().unwrap()), on_disk(&place));
    assert_eq!(ledger(&place), on_disk(&place));
}

#[test]
fn a_setting_that_is_none_is_refused_with_those_that_are() {
    let site = Site::with_users();
    for (setting, expected) in [
        ("quota=much", "quota=10GiB"),
        ("quota_messages=1MiB", "quota_messages=10000"),
        ("colour=red", "quota=SIZE"),
        ("quota", "quota=SIZE"),
    ] {
        let output = site.run(Program::Yubin, &["account", "set", KENJI.login, setting], "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}
