//! What a session does not put up with for ever.

use std::sync::Arc;

use smtp_proto::{Channel, CloseReason, Config, Event, Session};

use crate::script::{auth, reply};

/// Feeds `line` until the session closes; returns how often, why, and the last reply.
fn repeat(session: &mut Session, line: &[u8]) -> (usize, CloseReason, String) {
    for times in 1..10_000 {
        let mut out = Vec::new();
        let mut input = line;
        loop {
            let step = session.step(input, &mut out).unwrap();
            input = &input[step.consumed..];
            match step.event {
                Event::NeedInput => break,
                Event::Authenticate(_) => session.refuse(reply("535 5.7.8 No"), &mut out).unwrap(),
                Event::Close(reason) => return (times, reason, String::from_utf8(out).unwrap()),
                _ => session.accept(&mut out).unwrap(),
            }
        }
    }
    panic!("never closed");
}

fn session(set: impl FnOnce(&mut Config)) -> Session {
    let mut config = Config::new("mx");
    set(&mut config);
    Session::new(Arc::new(config), Channel::Clear)
}

#[test]
fn errors_end_the_session() {
    let (times, reason, last) = repeat(&mut session(|config| config.limits.errors = 3), b"FOO\r\n");
    assert_eq!((times, reason), (3, CloseReason::TooManyErrors));
    assert_eq!(last, "421 4.7.0 Too many errors, closing\r\n");
}

#[test]
fn idle_commands_end_the_session_but_messages_do_not() {
    let (times, reason, last) = repeat(&mut session(|config| config.limits.idle_commands = 3), b"NOOP\r\n");
    assert_eq!((times, reason), (3, CloseReason::TooManyIdleCommands));
    assert_eq!(last, "421 4.7.0 Too many commands without a message, closing\r\n");

    let mut session = session(|config| config.limits.idle_commands = 3);
    let mut out = Vec::new();
    for _ in 0..20 {
        let mut input: &[u8] = b"RSET\r\nHELO pc\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\n";
        loop {
            let step = session.step(input, &mut out).unwrap();
            input = &input[step.consumed..];
            match step.event {
                Event::NeedInput => break,
                Event::Close(reason) => panic!("closed: {reason:?}"),
                _ => session.accept(&mut out).unwrap(),
            }
        }
    }
}

#[test]
fn failed_authentications_end_the_session() {
    let mut session = session(|config| {
        config.auth = auth();
        config.auth.clear_text = true;
        config.limits.auth_failures = 3;
    });
    let (times, reason, last) = repeat(&mut session, b"EHLO pc\r\nAUTH PLAIN AGEAYg==\r\n");
    assert_eq!((times, reason), (3, CloseReason::TooManyAuthFailures));
    assert!(last.ends_with("535 5.7.8 No\r\n"));
}

/// Says yes to everything but to recipients at `old.example`, and returns all replies.
fn converse(session: &mut Session, mut input: &[u8]) -> (String, Option<CloseReason>) {
    let mut out = Vec::new();
    let closed = loop {
        let step = session.step(input, &mut out).unwrap();
        input = &input[step.consumed..];
        match step.event {
            Event::NeedInput => break None,
            Event::Close(reason) => break Some(reason),
            Event::Body(_) | Event::Reset(_) => {}
            Event::Rcpt(rcpt) if rcpt.forward_path.to_string().ends_with("old.example") => {
                session.refuse(reply("550 5.1.1 No"), &mut out).unwrap();
            }
            _ => session.accept(&mut out).unwrap(),
        }
    };
    (String::from_utf8(out).unwrap(), closed)
}

#[test]
fn recipients_beyond_the_limit_are_no_error_of_the_client() {
    let mut session = session(|config| {
        config.limits.recipients = 2;
        config.limits.errors = 2;
        config.limits.refused_recipients = 2;
    });
    let recipients = "RCPT TO:<a@b.example>\r\n".repeat(50);
    let input = format!("HELO pc\r\nMAIL FROM:<>\r\n{recipients}DATA\r\n.\r\n");
    let (replies, closed) = converse(&mut session, input.as_bytes());
    assert_eq!(closed, None);
    assert_eq!(replies.matches("452 4.5.3 ").count(), 48);
    assert!(replies.ends_with("250 2.6.0 Message accepted\r\n"), "{replies}");
}

#[test]
fn who_tries_names_is_sent_away_but_an_old_list_is_not() {
    let limited = |config: &mut Config| config.limits.refused_recipients = 10;
    let guesses = "RCPT TO:<x@old.example>\r\n";
    let (replies, closed) = converse(
        &mut session(limited),
        format!("HELO pc\r\nMAIL FROM:<>\r\n{}", guesses.repeat(100)).as_bytes(),
    );
    assert_eq!(closed, Some(CloseReason::TooManyErrors));
    assert_eq!(replies.matches("550 5.1.1 ").count(), 9);

    let message = format!("MAIL FROM:<>\r\n{}RCPT TO:<a@b.example>\r\nDATA\r\n.\r\n", guesses.repeat(8));
    let (_, closed) =
        converse(&mut session(limited), format!("HELO pc\r\n{}", message.repeat(20)).as_bytes());
    assert_eq!(closed, None);
}

#[test]
fn an_over_long_line_needs_no_memory_and_is_answered_once() {
    let mut session = session(|_| {});
    let (mut out, mut held) = (Vec::new(), 0);
    for _ in 0..100 {
        let mut input = vec![b'x'; held + 4096];
        let step = session.step(&input, &mut out).unwrap();
        assert_eq!(step.event, Event::NeedInput);
        input.drain(..step.consumed);
        held = input.len();
        assert!(held <= 12_288);
    }
    assert!(out.is_empty());
    assert_eq!(session.step(b"\r\nNOOP\r\n", &mut out).unwrap().consumed, 8);
    assert_eq!(out, b"500 5.5.2 Line too long\r\n250 2.0.0 OK\r\n");
}
