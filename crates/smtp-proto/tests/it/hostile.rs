//! Clients that only want to do harm: what they cost, and that nothing of theirs becomes mail.

use std::sync::Arc;

use smtp_proto::{Channel, CloseReason, Config, Event, Session};

/// Feeds `input` in pieces of `cut` octets, keeps what is not consumed, and accepts everything; how it ended, what was said, and the
/// messages.
fn talk(input: &[u8], cut: usize) -> (Option<CloseReason>, Vec<u8>, Vec<Vec<u8>>) {
    let mut session = Session::new(Arc::new(Config::new("mx")), Channel::Clear);
    let (mut held, mut out, mut message, mut messages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for piece in input.chunks(cut) {
        held.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let step = session.step(&held[at..], &mut out).unwrap();
            at += step.consumed;
            match step.event {
                Event::NeedInput => break,
                Event::Body(octets) => message.extend_from_slice(octets),
                Event::BodyEnd => {
                    messages.push(std::mem::take(&mut message));
                    session.accept(&mut out).unwrap();
                }
                Event::Reset(_) => message.clear(),
                Event::Close(reason) => return (Some(reason), out, messages),
                _ => session.accept(&mut out).unwrap(),
            }
        }
        held.drain(..at);
        assert!(held.len() < 12_288 + cut, "it grows");
    }
    (None, out, messages)
}

#[test]
fn a_hundred_thousand_noops_are_cut_short() {
    for cut in [1, 4096] {
        let (closed, out, _) = talk(&b"NOOP\r\n".repeat(100_000), cut);
        assert_eq!(closed, Some(CloseReason::TooManyIdleCommands));
        assert_eq!(out.iter().filter(|&&octet| octet == b'\n').count(), 100);
    }
}

#[test]
fn a_flood_of_recipients_is_bounded() {
    let mut input = b"HELO pc\r\nMAIL FROM:<a@example.jp>\r\n".to_vec();
    input.extend(b"RCPT TO:<b@example.jp>\r\n".repeat(100_000));
    let (_, out, _) = talk(&input, 1460);
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out.matches("250 2.1.5 ").count(), 1_000);
    assert_eq!(out.matches("452 4.5.3 ").count(), 99_000);
}

#[test]
fn pipelined_rubbish_ends_early() {
    for rubbish in [
        &b"GET / HTTP/1.1\r\nHost: mx\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
        b"\0\0\0\r\n",
        b"\n\n\n\n",
        b"BDAT 1\r\nx",
    ] {
        for cut in [1, 7, 4096] {
            let (closed, out, messages) = talk(&rubbish.repeat(1_000), cut);
            assert!(closed.is_some() && messages.is_empty(), "{}", rubbish.escape_ascii());
            assert!(out.len() < 10_000, "{}", rubbish.escape_ascii());
        }
    }
}

/// However a client ends in the middle, there is no message: only an end makes one.
#[test]
fn what_breaks_off_is_no_message() {
    let whole: &[u8] = b"EHLO pc\r\nMAIL FROM:<a@example.jp>\r\nRCPT TO:<b@example.jp>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n.\r\n";
    let chunked: &[u8] = b"EHLO pc\r\nMAIL FROM:<a@example.jp>\r\nRCPT TO:<b@example.jp>\r\nBDAT 9\r\nSubject: BDAT 5 LAST\r\nx\r\n\r\n";
    for input in [whole, chunked] {
        for end in 0..input.len() {
            assert!(talk(&input[..end], 3).2.is_empty(), "at {end}");
        }
        assert_eq!(talk(input, 3).2.len(), 1);
    }
}

#[test]
fn an_endless_header_is_handed_on_and_not_kept() {
    let mut input = b"HELO pc\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.jp>\r\nDATA\r\nX: ".to_vec();
    input.extend(b"x".repeat(1 << 20));
    let (closed, out, messages) = talk(&input, 4096);
    assert!(
        closed.is_none() && messages.is_empty() && out.ends_with(b"354 End data with <CR><LF>.<CR><LF>\r\n")
    );
}
