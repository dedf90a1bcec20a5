//! A clamd that is not there, hangs, dies or answers rubbish: no message is taken without a check unless the operator wants that, and a
//! line says so.

use serde_json::Value;

use super::clamd::{CLEAN, Clamd, Conversation, Played, infected};
use super::{STRANGER, arrives, assert_nothing_stays, send, service, session};
use crate::clients::left_out;
use crate::harness::Service;
use crate::harness::site::{AYUMI, KENJI};

type Act = fn(Conversation);

/// The ways to say nothing of use, and a part of what the log says of each.
const WAYS: [(&str, Act); 9] = [
    // It takes the connection, and nothing of what is sent.
    ("no answer within", |conversation| std::mem::forget(conversation)),
    ("no answer within", |mut conversation| {
        conversation.command();
        conversation.rest();
        std::mem::forget(conversation);
    }),
    ("hung up without an answer", |_| ()),
    ("hung up without an answer", |mut conversation| {
        conversation.command();
        conversation.piece();
    }),
    ("hung up without an answer", |mut conversation| {
        conversation.command();
        conversation.rest();
    }),
    ("not whole", |mut conversation| {
        conversation.command();
        conversation.rest();
        conversation.say(b"stream: OK");
    }),
    ("HTTP/1.0 200 OK", |mut conversation| {
        conversation.command();
        conversation.rest();
        conversation.say(b"HTTP/1.0 200 OK\r\n\r\n");
    }),
    // More than anybody wants to hear.
    ("not whole", |mut conversation| {
        conversation.command();
        conversation.rest();
        conversation.say(&b"OK ".repeat(100_000));
    }),
    ("Can't allocate memory", |mut conversation| {
        conversation.command();
        conversation.rest();
        conversation.say(b"stream: Can't allocate memory ERROR\0");
    }),
];

fn failure(service: &Service) -> Value {
    let wanted = |event: &Value| (event["event"] == "virus_check_failed").then(|| event.clone());
    service.smtpd.wait_for("a failed check", wanted)
}

/// Larger than what waits in memory, and than what a socket holds.
fn large() -> Vec<u8> {
    [CLEAN, &b"0123456789012345678901234567890123456789\r\n".repeat(50_000)].concat()
}

#[test]
fn v_04_whatever_clamd_does_a_message_that_it_does_not_clear_is_refused_for_now() {
    for (nth, (why, act)) in WAYS.into_iter().enumerate() {
        let played = Played::always(act);
        let service = service(&played.0, "timeout = \"500ms\"", "virus_check = \"always\"");
        let mut smtp = session(&service, None);
        for message in [CLEAN, &large()] {
            send(&mut smtp, STRANGER, &[KENJI.address], message, "451 4.7.1");
            send(&mut smtp, STRANGER, &[KENJI.address, AYUMI.address], message, "451 4.7.1");
            assert_nothing_stays(&service);
        }
        smtp.quit();
        let failure = failure(&service);
        assert!(failure["reason"].as_str().unwrap().contains(why), "{nth}: {failure}");
        assert_eq!((&failure["done"], &failure["count"]), (&"refused".into(), &1.into()));
    }
}

#[test]
fn v_04_a_clamd_that_has_gone_and_comes_back() {
    if left_out() {
        return;
    }
    let mut clamd = Clamd::start("");
    let places = [clamd.unix(), clamd.tcp()];
    clamd.stop();
    for place in places {
        let service = service(&place, "", "virus_check = \"always\"");
        arrives(&service, &[KENJI.address], CLEAN, "451 4.7.1");
        assert_nothing_stays(&service);
        // `yubin check` says so, and finds no fault.
        let said = service.site.yubin(&["check"]);
        assert!(said.contains(&format!("clamd at {place} does not answer")), "{said}");
        assert!(said.contains("waits outside (451 4.7.1)"), "{said}");
    }
    let back = Clamd::start("");
    let service = service(&back.unix(), "", "virus_check = \"always\"");
    arrives(&service, &[KENJI.address], CLEAN, "250");
    assert!(service.site.yubin(&["check"]).contains("ClamAV "));
}

#[test]
fn v_04_one_that_is_taken_unchecked_is_in_the_log_with_the_reason() {
    for (_, act) in [WAYS[0], WAYS[3], WAYS[6]] {
        let played = Played::always(act);
        let settings = "timeout = \"500ms\"\non_fail = \"accept\"";
        let service = service(&played.0, settings, "virus_check = \"always\"");
        arrives(&service, &[KENJI.address], CLEAN, "250");
        arrives(&service, &[KENJI.address, AYUMI.address], &large(), "250");
        assert_eq!(service.fetch(&KENJI).len(), 2);
        let failure = failure(&service);
        assert_eq!(failure["done"], "accepted");
        service.smtpd.wait_for("the message", |event| {
            let this = event["event"] == "message_accepted" && event["queue_id"] == failure["queue_id"];
            (this && event["virus_check"] == "unchecked").then_some(())
        });
        service.smtpd.wait_for("the second", |event| {
            (event["event"] == "virus_check_failed" && event["count"] == 2).then_some(())
        });
    }
}

/// An answer that came before clamd had all of the message says nothing of the rest.
#[test]
fn v_04_a_word_on_a_part_of_a_message_is_none() {
    let played = Played::always(|mut conversation| {
        conversation.command();
        conversation.piece();
        conversation.say(b"stream: OK\0");
    });
    let service = service(&played.0, "", "virus_check = \"always\"");
    arrives(&service, &[KENJI.address], &large(), "451 4.7.1");
    assert!(failure(&service)["reason"].as_str().unwrap().contains("only a part"));
    assert_nothing_stays(&service);
}

/// What clamd has found it has found, whatever it does not want to hear any more.
#[test]
fn a_virus_is_one_though_clamd_hangs_up_before_the_end() {
    let played = Played::always(|mut conversation| {
        conversation.command();
        conversation.piece();
        conversation.say(b"stream: Early FOUND\0");
    });
    let service = service(&played.0, "", "virus_check = \"always\"");
    arrives(&service, &[KENJI.address], &[infected(), large()].concat(), "554 5.7.1");
}

/// A message whose client goes away lets go of clamd.
#[test]
fn who_hangs_up_within_a_message_leaves_nothing_at_clamd() {
    let played = Played::start();
    let service = service(&played.unix(), "", "virus_check = \"always\"");
    let mut smtp = session(&service, None);
    smtp.envelope(STRANGER, &[KENJI.address]);
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&large()[..200_000]);
    let mut conversation = played.next();
    conversation.command();
    conversation.piece();
    drop(smtp);
    conversation.wait_for_end();
    service.smtpd.wait_for_events("session_close", 1);
}
