//! Messages that are too big for the virus check.

use super::clamd::{CLEAN, Clamd, Played, infected};
use super::{arrives, assert_nothing_stays, service};
use crate::clients::left_out;
use crate::harness::site::KENJI;

/// More than the limit of these tests, with a virus at its end.
fn big() -> Vec<u8> {
    let lines = b"0123456789012345678901234567890123456789\r\n".repeat(10_000);
    [CLEAN, &lines[..], &infected()].concat()
}

const LIMIT: &str = "max_size = \"256KiB\"\n";

#[test]
fn v_06_above_the_limit_a_message_is_taken_and_logged_or_refused_as_configured() {
    if left_out() {
        return;
    }
    let clamd = Clamd::start("");
    for (setting, answer, done) in [
        ("", "250", "accepted"),
        ("over_size = \"accept\"", "250", "accepted"),
        ("over_size = \"reject\"", "552 5.3.4", "refused"),
    ] {
        let service = service(&clamd.unix(), &format!("{LIMIT}{setting}"), "virus_check = \"always\"");
        arrives(&service, &[KENJI.address], &big(), answer);
        let skipped = service
            .smtpd
            .wait_for("the reason", |event| (event["event"] == "virus_check_skipped").then(|| event.clone()));
        assert_eq!(skipped["done"], done);
        if done == "refused" {
            assert_nothing_stays(&service);
        } else {
            assert_eq!(service.fetch(&KENJI).len(), 1);
        }
        // Below it all is as ever.
        arrives(&service, &[KENJI.address], &infected(), "554 5.7.1");
    }
}

#[test]
fn v_06_clamd_is_left_alone_as_soon_as_a_message_is_too_big() {
    let played = Played::start();
    let service = service(&played.unix(), LIMIT, "virus_check = \"always\"");
    let mut smtp = super::session(&service, None);
    smtp.envelope(super::STRANGER, &[KENJI.address]);
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&big());
    // The message has no end yet.
    played.next().wait_for_end();
    smtp.wire.bytes(b".\r\n");
    smtp.expect("250");
    smtp.quit();
}

/// Where the limit here is above clamd's own, its word on that is trouble as any other.
#[test]
fn v_04_v_06_what_clamd_itself_finds_too_big_it_has_not_looked_through() {
    if left_out() {
        return;
    }
    let clamd = Clamd::start("StreamMaxLength 256K");
    for place in [clamd.unix(), clamd.tcp()] {
        let service = service(&place, "", "virus_check = \"always\"");
        arrives(&service, &[KENJI.address], &big(), "451 4.7.1");
        let failed = service.smtpd.wait_for("the reason", |event| {
            (event["event"] == "virus_check_failed").then(|| event["reason"].as_str().unwrap().to_owned())
        });
        assert_eq!(failed, "INSTREAM size limit exceeded. ERROR");
        assert_nothing_stays(&service);
    }
}

/// What is above other limits than that of the stream clamd takes, and does not look through.
#[test]
fn v_06_what_clamd_says_it_did_not_look_through_is_neither_clean_nor_a_virus() {
    if left_out() {
        return;
    }
    let clamd = Clamd::start("MaxFileSize 256K\nAlertExceedsMax yes");
    for (setting, answer, done) in
        [("", "250", "accepted"), ("over_size = \"reject\"", "552 5.3.4", "refused")]
    {
        let service = service(&clamd.unix(), setting, "virus_check = \"always\"");
        arrives(&service, &[KENJI.address], &big(), answer);
        let skipped = service
            .smtpd
            .wait_for("the reason", |event| (event["event"] == "virus_check_skipped").then(|| event.clone()));
        assert_eq!(skipped["done"], done);
        arrives(&service, &[KENJI.address], &infected(), "554 5.7.1");
    }
}
