use alloc::vec::Vec;
use std::string::String;

use proptest::prelude::*;

use super::*;

/// Feeds `file` in pieces that end at `cuts`; returns the wire form and how many pieces were read.
fn sent(mut content: Content, file: &[u8], cuts: &[usize]) -> (Vec<u8>, usize) {
    let mut wire = Vec::new();
    let mut from = 0;
    let mut read = 0;
    for &to in cuts.iter().chain([&file.len()]) {
        if content.is_complete() {
            break;
        }
        read += 1;
        let mut rest = &file[from..to];
        while let Some(piece) = content.next(rest) {
            wire.extend_from_slice(piece.octets);
            rest = &rest[piece.consumed..];
        }
        from = to;
    }
    wire.extend_from_slice(content.finish());
    (wire, read)
}

/// TOP as RFC 1939 §7 words it, over lines.
fn reference(file: &[u8], lines: u32) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut left = None;
    for line in file.split_inclusive(|&octet| octet == b'\n') {
        match &mut left {
            None if line == b"\n" || line == b"\r\n" => left = Some(lines),
            None => {}
            Some(0) => break,
            Some(left) => *left -= 1,
        }
        kept.extend_from_slice(line);
    }
    sent(Content::whole(), &kept, &[]).0
}

#[test]
fn top_of_a_message() {
    let file = b"A: 1\r\nB: 2\r\n\r\none\r\n.two\r\n\r\nfour";
    let rows: [(u32, &[u8]); 6] = [
        (0, b"A: 1\r\nB: 2\r\n\r\n.\r\n"),
        (1, b"A: 1\r\nB: 2\r\n\r\none\r\n.\r\n"),
        (2, b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n.\r\n"),
        (3, b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n\r\n.\r\n"),
        (4, b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n\r\nfour\r\n.\r\n"),
        (u32::MAX, b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n\r\nfour\r\n.\r\n"),
    ];
    for (lines, wanted) in rows {
        let all: Vec<usize> = (0..=file.len()).collect();
        for cut in 0..=file.len() {
            assert_eq!(sent(Content::top(lines), file, &[cut]).0, wanted, "{lines} lines, cut at {cut}");
        }
        assert_eq!(sent(Content::top(lines), file, &all).0, wanted, "{lines} lines, octet by octet");
    }
}

#[test]
fn r_09_top_does_not_read_past_its_lines() {
    let mut file = Vec::from(*b"Subject: long\r\n\r\n");
    for _ in 0..100_000 {
        file.extend_from_slice(b"a line of a body that goes on\r\n");
    }
    let cuts: Vec<usize> = (1..).map(|piece| piece * 4_096).take_while(|&cut| cut < file.len()).collect();
    assert_eq!(sent(Content::top(10), &file, &cuts).1, 1, "pieces read");
    assert_eq!(sent(Content::top(200), &file, &cuts).1, 2, "pieces read");
}

/// Every string of a small alphabet, at every cut, and octet by octet.
#[test]
fn every_short_file() {
    let alphabet = *b"\r\n.a";
    let mut file = Vec::new();
    for length in 0..=6u32 {
        for code in 0..4usize.pow(length) {
            file.clear();
            file.extend((0..length).map(|at| alphabet[code / 4usize.pow(at) % 4]));
            for lines in 0..3 {
                let wanted = reference(&file, lines);
                for cut in 0..=file.len() {
                    assert_eq!(sent(Content::top(lines), &file, &[cut]).0, wanted, "{file:?} {lines} {cut}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        parts in proptest::collection::vec(
            proptest::sample::select(&["\r\n", "\n", "\r", ".", "..", "text", "\r\n\r\n", "\r\n."][..]), 0..40),
        lines in 0u32..8,
        mut cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let file: String = parts.concat();
        let mut at: Vec<usize> = cuts.drain(..).map(|cut| cut.index(file.len() + 1)).collect();
        at.sort_unstable();
        prop_assert_eq!(sent(Content::top(lines), file.as_bytes(), &at).0, reference(file.as_bytes(), lines));
        let whole = sent(Content::whole(), file.as_bytes(), &[]).0;
        prop_assert_eq!(sent(Content::whole(), file.as_bytes(), &at).0, whole);
    }
}
