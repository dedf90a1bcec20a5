//! Hostile bodies: nothing in them is ever taken for a command, whatever the cut.

use std::sync::Arc;

use smtp_proto::{Channel, CloseReason, Config, Event, ResetReason, Session};

use crate::script::reply;

/// What a session made of a body and what came behind it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    replies: String,
    resets: Vec<ResetReason>,
    /// The bodies of the messages that were accepted.
    accepted: Vec<Vec<u8>>,
    closed: Option<CloseReason>,
}

fn config() -> Config {
    let mut config = Config::new("mx");
    config.limits.errors = 1_000;
    config
}

/// Opens a transaction and feeds it `body`, cut into pieces of `cut` octets.
fn deliver(config: Config, body: &[u8], cut: usize) -> Outcome {
    let mut session = Session::new(Arc::new(config), Channel::Clear);
    let mut sink = Vec::new();
    let opening = b"HELO pc\r\nMAIL FROM:<a@example.jp>\r\nRCPT TO:<b@example.jp>\r\nDATA\r\n";
    drive(&mut session, opening, &mut sink, &mut Outcome::default());
    let mut outcome = Outcome::default();
    let (mut input, mut message) = (Vec::new(), Vec::new());
    for piece in body.chunks(cut) {
        input.extend_from_slice(piece);
        let consumed = drive(&mut session, &input, &mut message, &mut outcome);
        input.drain(..consumed);
    }
    outcome
}

fn drive(session: &mut Session, input: &[u8], message: &mut Vec<u8>, outcome: &mut Outcome) -> usize {
    let (mut at, mut out) = (0, Vec::new());
    while outcome.closed.is_none() {
        let step = session.step(&input[at..], &mut out).unwrap();
        at += step.consumed;
        match step.event {
            Event::NeedInput => break,
            Event::Body(octets) => message.extend_from_slice(octets),
            Event::BodyEnd => {
                outcome.accepted.push(std::mem::take(message));
                session.accept(&mut out).unwrap();
            }
            Event::Reset(reason) => {
                message.clear();
                outcome.resets.push(reason);
            }
            Event::Close(reason) => outcome.closed = Some(reason),
            _ => session.accept(&mut out).unwrap(),
        }
    }
    outcome.replies += std::str::from_utf8(&out).unwrap();
    at
}

/// Each hides a second transaction behind something that a laxer server takes for the end.
#[test]
fn nothing_but_crlf_dot_crlf_ends_a_message() {
    let ends: [&[u8]; 12] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\r\n.\r\r\n",
        b"\n\r.\n\r",
        b"\r\n.\0\r\n",
        b"\n.\r",
        b"\r\n\0.\r\n",
        b"\r\r\n.\r\r\n",
    ];
    let hidden = b"MAIL FROM:<evil@example.jp>\r\nRCPT TO:<b@example.jp>\r\nDATA\r\nsmuggled\r\n";
    for end in ends {
        let body = [b"first", end, hidden, b".\r\n"].concat();
        let whole = deliver(config(), &body, body.len());
        for cut in 1..body.len() {
            assert_eq!(deliver(config(), &body, cut), whole, "{} cut at {cut}", end.escape_ascii());
        }
        assert!(whole.accepted.len() <= 1, "{}: {whole:?}", end.escape_ascii());
        assert_eq!(whole.replies.lines().count(), 1, "{}: {whole:?}", end.escape_ascii());
        let bare = end.iter().any(|octet| b"\r\n".contains(octet))
            && !matches!(end, b"\r\n.\0\r\n" | b"\r\n\0.\r\n");
        assert_eq!(whole.accepted.is_empty(), bare, "{}: {whole:?}", end.escape_ascii());
    }
}

#[test]
fn a_bare_octet_is_refused_at_the_end_and_the_session_stays_in_step() {
    for (body, reason, text) in [
        (&b"a\nb\r\n.\r\nNOOP\r\n"[..], ResetReason::BareLf, "550 5.6.11 The message holds a bare LF\r\n"),
        (b"a\rb\r\n.\r\nNOOP\r\n", ResetReason::BareCr, "550 5.6.11 The message holds a bare CR\r\n"),
    ] {
        for cut in 1..=body.len() {
            let outcome = deliver(config(), body, cut);
            assert_eq!(outcome.resets, [reason]);
            assert_eq!(outcome.replies, format!("{text}250 2.0.0 OK\r\n"));
            assert!(outcome.accepted.is_empty());
        }
    }
}

#[test]
fn l_02_overflow_is_told_at_once_and_refused_at_the_end() {
    for cut in [1, 7, 100] {
        let mut config = config();
        config.size = Some(4);
        let outcome = deliver(config, b"123\r\nMAIL FROM:<x@y>\r\n.\r\nNOOP\r\n", cut);
        assert_eq!(outcome.resets, [ResetReason::TooBig]);
        assert_eq!(outcome.replies, "552 5.3.4 The message is bigger than the limit\r\n250 2.0.0 OK\r\n");
    }
}

#[test]
fn a_caller_in_trouble_refuses_in_mid_body() {
    let mut session = Session::new(Arc::new(config()), Channel::Clear);
    let mut out = Vec::new();
    let opening = b"HELO pc\r\nMAIL FROM:<a@example.jp>\r\nRCPT TO:<b@example.jp>\r\nDATA\r\nfirst\r\n";
    drive(&mut session, opening, &mut Vec::new(), &mut Outcome::default());
    session.refuse(reply("452 4.3.1 Not enough space"), &mut out).unwrap();
    assert!(out.is_empty(), "a reply in mid-body would be out of step");
    let mut outcome = Outcome::default();
    let mut message = Vec::new();
    drive(&mut session, b"MAIL FROM:<x@y>\r\n.\r\nNOOP\r\n", &mut message, &mut outcome);
    assert!(message.is_empty() && outcome.accepted.is_empty() && outcome.resets.is_empty());
    assert_eq!(outcome.replies, "452 4.3.1 Not enough space\r\n250 2.0.0 OK\r\n");
}

/// Which of two faults is told depends on where they stand, and not on how the reads cut them.
#[test]
fn of_two_faults_the_first_one_counts() {
    for (body, reason) in [
        (&b"12\n3456789\r\n.\r\n"[..], ResetReason::BareLf),
        (b"1234\n56789\r\n.\r\n", ResetReason::BareLf),
        (b"12345\n6789\r\n.\r\n", ResetReason::TooBig),
        (b"123\r56789\r\n.\r\n", ResetReason::BareCr),
        (b"1234\r56789\r\n.\r\n", ResetReason::TooBig),
        (b"123456789\r\n.\r\n", ResetReason::TooBig),
    ] {
        for cut in 1..=body.len() {
            let mut config = config();
            config.size = Some(4);
            let outcome = deliver(config, body, cut);
            assert_eq!(outcome.resets, [reason], "{} cut at {cut}", body.escape_ascii());
        }
    }
}
