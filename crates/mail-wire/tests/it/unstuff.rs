use mail_wire::{Bare, Chunk, Unstuffer};
use proptest::prelude::*;

use crate::{every_cut, every_string};

/// What a body says: the message, whether and where it ended, and the first octet that stood alone.
#[derive(Debug, PartialEq, Eq)]
struct Body {
    message: Vec<u8>,
    end: Option<usize>,
    bare: Option<Bare>,
}

/// RFC 5321 §4.5.2 an octet at a time, over the whole body at once.
fn reference(input: &[u8]) -> Body {
    let mut body = Body { message: Vec::new(), end: None, bare: None };
    let (mut at, mut line_start) = (0, true);
    let note = |body: &mut Body, octet| {
        body.bare.get_or_insert(octet);
    };
    while at < input.len() {
        if line_start && input[at..].starts_with(b".\r\n") {
            body.end = Some(at + 3);
            return body;
        }
        if line_start && input[at] == b'.' {
            at += 1;
            line_start = false;
            // What follows a dot is held back while it may still be the end.
            if &input[at..] == b"\r" {
                return body;
            }
            continue;
        }
        line_start = false;
        match input[at] {
            b'\r' if input.get(at + 1) == Some(&b'\n') => {
                body.message.extend(b"\r\n");
                at += 2;
                line_start = true;
                continue;
            }
            b'\r' if at + 1 < input.len() => note(&mut body, Bare::Cr),
            b'\n' => note(&mut body, Bare::Lf),
            _ => {}
        }
        body.message.push(input[at]);
        at += 1;
    }
    body
}

fn machine(pieces: &[&[u8]]) -> Body {
    let mut unstuffer = Unstuffer::new();
    let (mut message, mut seen) = (Vec::new(), 0);
    for piece in pieces {
        let mut at = 0;
        loop {
            let (consumed, chunk) = unstuffer.next(&piece[at..]);
            at += consumed;
            match chunk {
                Chunk::Data(data) => {
                    assert!(!data.is_empty() && (consumed > 0 || data == b"\r"), "no progress");
                    message.extend(data);
                }
                Chunk::End => return Body { message, end: Some(seen + at), bare: unstuffer.bare() },
                Chunk::NeedInput => break assert_eq!(at, piece.len(), "asked for input with input left"),
            }
        }
        seen += piece.len();
    }
    Body { message, end: None, bare: unstuffer.bare() }
}

#[test]
fn every_small_body_at_every_cut() {
    every_string(b"\r\n.x", 8, |text| {
        let wanted = reference(text);
        for pieces in every_cut(text) {
            assert_eq!(
                machine(&pieces),
                wanted,
                "{:?}",
                pieces.iter().map(|p| p.escape_ascii().to_string()).collect::<Vec<_>>()
            );
        }
    });
}

#[test]
fn known_answers() {
    let table: &[(&[u8], &[u8], bool)] = &[
        (b".\r\n", b"", true),
        (b"\r\n.\r\n", b"\r\n", true),
        (b"a\r\n.\r\n", b"a\r\n", true),
        (b"..\r\n.\r\n", b".\r\n", true),
        (b"..x\r\n.\r\n", b".x\r\n", true),
        (b".x\r\n.\r\n", b"x\r\n", true),
        (b"a\n.\n", b"a\n.\n", false),
        (b"a\n.\r\n", b"a\n.\r\n", false),
        (b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n", true),
        (b"a\r.\r\n", b"a\r.\r\n", false),
        (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n", true),
        (b"\0\xff\r\n.\r\n", b"\0\xff\r\n", true),
    ];
    for &(input, message, ended) in table {
        let body = machine(&[input]);
        assert_eq!(
            (body.message.as_slice(), body.end),
            (message, ended.then_some(input.len())),
            "{}",
            input.escape_ascii()
        );
    }
}

/// A message is looked at in blocks. What happens in one must be found wherever it stands in it, and whatever the cut.
#[test]
fn every_small_body_at_every_place_in_a_long_one() {
    every_string(b"\r\n.x", 4, |text| {
        for before in (0..70).chain(126..132) {
            let long = [b"x".repeat(before).as_slice(), text, b"x".repeat(200).as_slice()].concat();
            let wanted = reference(&long);
            assert_eq!(machine(&[&long]), wanted, "{} behind {before}", text.escape_ascii());
            let (left, right) = long.split_at(before + text.len() / 2);
            assert_eq!(machine(&[left, right]), wanted, "{} behind {before}", text.escape_ascii());
        }
    });
}

proptest! {
    /// Whatever is stuffed comes back, at any cuts.
    #[test]
    fn unstuffing_undoes_stuffing(lines in proptest::collection::vec("[.a-z]{0,5}", 0..12), cut in 1usize..9) {
        let message: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect();
        let wire = crate::stuff::machine(&[&message]);
        let body = machine(&wire.chunks(cut).collect::<Vec<_>>());
        prop_assert_eq!(body, Body { message, end: Some(wire.len()), bare: None });
    }
}
