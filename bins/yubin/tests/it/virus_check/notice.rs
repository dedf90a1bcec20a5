//! What the owner of a mailbox is told of a virus that was for it, and who is told nothing.

use std::fs::File;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::clamd::{CLEAN, Conversation, Played};
use super::held::{holding, queue};
use super::{VIRUS, arrives, assert_nothing_stays, send, service, session, submits};
use crate::harness::Service;
use crate::harness::site::{AYUMI, KENJI, User};

const DAILY: &str = "owner_notice = \"1d\"";

/// A clamd that finds a virus in whatever it is shown.
fn finds(mut conversation: Conversation) {
    conversation.command();
    conversation.rest();
    conversation.say(b"stream: Test.Virus FOUND\0");
}

/// The notices in a mailbox: header and text.
fn notices(service: &Service, user: &User) -> Vec<(String, String)> {
    let read = |message: Vec<u8>| {
        let message = String::from_utf8(message).unwrap();
        let (header, body) = message.split_once("\r\n\r\n").unwrap();
        // Where all of it is ASCII it stands there as it is.
        let decoded = || BASE64_STANDARD.decode(body.replace("\r\n", "")).unwrap();
        let text = if header.contains("base64") { decoded() } else { body.as_bytes().to_owned() };
        (header.to_owned(), String::from_utf8(text).unwrap())
    };
    service.fetch(user).into_iter().map(read).collect()
}

#[test]
fn v_03_an_owner_is_told_of_a_virus_once_a_day_and_its_sender_nothing_but_the_refusal() {
    let played = Played::always(finds);
    let service = service(&played.0, DAILY, "");
    let mut smtp = session(&service, None);
    for sender in ["friend@example.org", KENJI.address, ""] {
        send(&mut smtp, sender, &[AYUMI.alias, AYUMI.address], CLEAN, VIRUS);
    }
    smtp.quit();
    let told = notices(&service, &AYUMI);
    let [(header, text)] = &*told else { panic!("{told:#?}") };
    let from = "From: <postmaster@mx.example.jp>\r\n";
    for field in ["Return-Path: <>\r\n", from, "Auto-Submitted: auto-generated\r\n", AYUMI.alias] {
        assert!(header.contains(field), "{field}\n{header}");
    }
    for part in ["friend@example.org", "Test.Virus", "受信を拒否しました", "was refused", "once in 1 day"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(service.fetch(&KENJI).len(), 0, "who is said to have sent it is not told");
    let sent = service.smtpd.wait_for("a word about it", |event| {
        (event["event"] == "virus_notice_sent").then(|| event["queue_id"].as_str().unwrap().to_owned())
    });
    assert!(text.contains(&sent), "{sent}\n{text}");

    // Of who restarts it, or of another machine, it is once a day, too.
    let service = service.crash_smtpd();
    arrives(&service, &[AYUMI.alias], CLEAN, VIRUS);
    assert_eq!(notices(&service, &AYUMI).len(), 1);
    // And the next day again.
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 3600);
    let mark = service.site.files_named("yubin-virus-notice");
    File::options().write(true).open(&mark[0]).unwrap().set_modified(yesterday).unwrap();
    arrives(&service, &[AYUMI.alias], CLEAN, VIRUS);
    assert_eq!(notices(&service, &AYUMI).len(), 2);
    assert_eq!(service.site.queue_files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn v_03_a_notice_speaks_the_language_of_its_domain_and_each_owner_gets_one() {
    let played = Played::always(finds);
    let service = service(&played.0, DAILY, "virus_check = \"always\"");
    for (language, user, there, not_there) in
        [("ja", &KENJI, "受信を拒否しました", "refused"), ("en", &AYUMI, "was refused", "拒否")]
    {
        service.site.yubin(&["domain", "set", "mx.example.jp", &format!("report_language={language}")]);
        arrives(&service, &[user.address], CLEAN, VIRUS);
        let told = notices(&service, user);
        assert!(told[0].1.contains(there) && !told[0].1.contains(not_there), "{told:#?}");
    }
    // Both were told today.
    arrives(&service, &[AYUMI.address, KENJI.address], CLEAN, VIRUS);
    assert_eq!((notices(&service, &AYUMI).len(), notices(&service, &KENJI).len()), (1, 1));
}

#[test]
fn v_03_a_notice_stays_in_the_mailbox_of_who_has_mail_sent_on() {
    let played = Played::always(finds);
    let service = holding(&played.0, &format!("{DAILY}\n\n[forwarding]\nsrs_key = \"srs.key\""));
    service.site.yubin(&["account", "set", AYUMI.login, "forward=on"]);
    service.site.yubin(&["account", "forward", "add", AYUMI.login, "friend@example.org"]);
    arrives(&service, &[AYUMI.address], CLEAN, VIRUS);
    assert_eq!(notices(&service, &AYUMI).len(), 1);
    assert_eq!(queue(&service, &["list"]), serde_json::json!([]));
}

#[test]
fn v_03_an_owner_is_told_of_what_is_held_and_has_it_when_it_is_released() {
    let played = Played::always(finds);
    let service = holding(&played.0, &format!("{DAILY}\non_virus = \"hold\""));
    arrives(&service, &[AYUMI.address], CLEAN, "250");
    let told = notices(&service, &AYUMI);
    assert!(told.len() == 1 && told[0].1.contains("held back") && told[0].1.contains("保留"), "{told:#?}");
    queue(&service, &["release", "--held"]);
    assert_eq!(service.fetch(&AYUMI).len(), 2);
}

#[test]
fn v_03_nobody_is_told_unless_the_operator_wants_it() {
    let played = Played::always(finds);
    let service = service(&played.0, "", "");
    arrives(&service, &[AYUMI.address], CLEAN, VIRUS);
    submits(&service, &KENJI, &[AYUMI.address], CLEAN, VIRUS);
    assert_nothing_stays(&service);
}
