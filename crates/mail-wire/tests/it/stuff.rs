use mail_wire::Stuffer;

use crate::{every_cut, every_string};

/// RFC 1939 §3 a line at a time, over the whole message at once.
fn reference(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut line_start = true;
    for (at, &octet) in message.iter().enumerate() {
        if line_start && octet == b'.' {
            wire.push(b'.');
        }
        if octet == b'\n' && (at == 0 || message[at - 1] != b'\r') {
            wire.push(b'\r');
        }
        wire.push(octet);
        line_start = octet == b'\n';
    }
    wire.extend(if line_start { &b".\r\n"[..] } else { b"\r\n.\r\n" });
    wire
}

pub(crate) fn machine(pieces: &[&[u8]]) -> Vec<u8> {
    let mut stuffer = Stuffer::new();
    let mut wire = Vec::new();
    for piece in pieces {
        let mut at = 0;
        while let Some(next) = stuffer.next(&piece[at..]) {
            assert!(!next.octets.is_empty());
            wire.extend(next.octets);
            at += next.consumed;
        }
        assert_eq!(at, piece.len());
    }
    wire.extend(stuffer.finish());
    wire
}

#[test]
fn every_small_message_at_every_cut() {
    every_string(b"\r\n.x", 8, |text| {
        let wanted = reference(text);
        for pieces in every_cut(text) {
            assert_eq!(machine(&pieces), wanted, "{}", text.escape_ascii());
        }
    });
}

/// As for un-stuffing: long stretches are looked at in blocks.
#[test]
fn every_small_message_at_every_place_in_a_long_one() {
    every_string(b"\r\n.x", 4, |text| {
        for before in (0..70).chain(126..132) {
            let long = [b"x".repeat(before).as_slice(), text, b"x".repeat(200).as_slice()].concat();
            let (left, right) = long.split_at(before + text.len() / 2);
            let wanted = reference(&long);
            assert_eq!(machine(&[&long]), wanted, "{} behind {before}", text.escape_ascii());
            assert_eq!(machine(&[left, right]), wanted, "{} behind {before}", text.escape_ascii());
        }
    });
}

#[test]
fn known_answers() {
    let table: &[(&[u8], &[u8])] = &[
        (b"", b".\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b".a\n.b\n", b"..a\r\n..b\r\n.\r\n"),
        (b"a\r", b"a\r\r\n.\r\n"),
        (b"\n\n", b"\r\n\r\n.\r\n"),
    ];
    for &(message, wire) in table {
        assert_eq!(machine(&[message]), wire, "{}", message.escape_ascii());
    }
}
