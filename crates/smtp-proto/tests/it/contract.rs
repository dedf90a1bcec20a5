//! The caller's side of the contract: what it must not do is told, and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use smtp_proto::{Channel, CloseReason, Config, Event, Misuse, Session};

use crate::script::reply;

fn session() -> Session {
    Session::new(Arc::new(Config::new("mx")), Channel::Clear)
}

#[test]
fn a_question_comes_before_anything_else() {
    let (mut session, mut out) = (session(), Vec::new());
    assert_eq!(session.accept(&mut out), Err(Misuse::NothingAsked));
    assert_eq!(session.refuse(reply("550 5.1.1 x"), &mut out), Err(Misuse::NothingAsked));
    assert_eq!(session.tls_established(), Err(Misuse::TlsNotDue));
    assert!(matches!(session.step(b"HELO pc\r\n", &mut out).unwrap().event, Event::Hello(_)));
    assert_eq!(session.step(b"NOOP\r\n", &mut out), Err(Misuse::QuestionOpen));
    assert_eq!(session.shut_down(&reply("421 4.3.2 x"), &mut out), Err(Misuse::QuestionOpen));
    assert_eq!(session.refuse(reply("250 2.0.0 x"), &mut out), Err(Misuse::AnswerCode));
    assert_eq!(session.accept_with(&reply("550 5.0.0 x"), &mut out), Err(Misuse::AnswerCode));
    assert!(out.is_empty());
    session.accept(&mut out).unwrap();
    assert_eq!(out, b"250 mx at your service\r\n");
}

#[test]
fn a_refusal_with_421_ends_the_session() {
    let (mut session, mut out) = (session(), Vec::new());
    assert!(matches!(session.step(b"HELO pc\r\nNOOP\r\n", &mut out).unwrap().event, Event::Hello(_)));
    session.refuse(reply("421 4.3.2 Closing"), &mut out).unwrap();
    let step = session.step(b"NOOP\r\n", &mut out).unwrap();
    assert_eq!((step.consumed, step.event), (0, Event::Close(CloseReason::ShutDown)));
    assert_eq!(out, b"421 4.3.2 Closing\r\n");
}

#[test]
fn a_drain_says_421_between_two_commands() {
    let (mut session, mut out) = (session(), Vec::new());
    assert_eq!(session.shut_down(&reply("450 4.3.2 x"), &mut out), Err(Misuse::AnswerCode));
    session.shut_down(&reply("421 4.3.2 Shutting down"), &mut out).unwrap();
    assert_eq!(session.step(b"", &mut out).unwrap().event, Event::Close(CloseReason::ShutDown));
    assert_eq!(out, b"421 4.3.2 Shutting down\r\n");
}

#[test]
fn patience_depends_on_the_state() {
    let (mut session, mut out) = (session(), Vec::new());
    assert_eq!(session.patience(), Duration::from_secs(300));
    let mut input: &[u8] = b"HELO pc\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";
    while !input.is_empty() {
        input = &input[session.step(input, &mut out).unwrap().consumed..];
        session.accept(&mut out).unwrap();
    }
    assert_eq!(session.patience(), Duration::from_secs(180));
}
