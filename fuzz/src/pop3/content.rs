//! RETR's and TOP's multi-line response.

use mail_wire::{Chunk, Unstuffer};
use pop3_proto::Content;

use crate::pieces;

/// The first octet says how the file is read, the second how many lines TOP wants of it.
pub fn content(data: &[u8]) {
    let [cut, lines, file @ ..] = data else { return };
    let sent = send(Content::whole(), [file].into_iter());
    assert_eq!(sent, send(Content::whole(), pieces(*cut, file)));
    let top = send(Content::top(u32::from(*lines)), [file].into_iter());
    assert_eq!(top, send(Content::top(u32::from(*lines)), pieces(*cut, file)));

    // What a client makes of it, with CRLF everywhere and at the end.
    assert_eq!(received(&sent), as_lines(file).concat());
    assert_eq!(received(&top), as_lines(&wanted(file, usize::from(*lines))).concat());
}

fn send<'p>(mut content: Content, pieces: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut wire = Vec::new();
    for mut rest in pieces {
        while let Some(piece) = content.next(rest) {
            assert!(!piece.octets.is_empty() || piece.consumed > 0, "no progress");
            wire.extend_from_slice(piece.octets);
            rest = &rest[piece.consumed..];
        }
        assert!(rest.is_empty() || content.is_complete(), "it stopped before the end");
    }
    wire.extend_from_slice(content.finish());
    wire
}

fn received(wire: &[u8]) -> Vec<u8> {
    let (mut unstuffer, mut message, mut rest) = (Unstuffer::new(), Vec::new(), wire);
    loop {
        let (taken, chunk) = unstuffer.next(rest);
        rest = &rest[taken..];
        match chunk {
            Chunk::Data(octets) => message.extend_from_slice(octets),
            Chunk::End => break assert!(rest.is_empty(), "a response in the response"),
            Chunk::NeedInput => panic!("a response without an end"),
        }
    }
    message
}

/// The lines of a file, which end with LF, as they go over the wire.
fn as_lines(file: &[u8]) -> Vec<Vec<u8>> {
    let line = |line: &[u8]| match line.strip_suffix(b"\n") {
        Some(text) => [text.strip_suffix(b"\r").unwrap_or(text), b"\r\n"].concat(),
        None => [line, b"\r\n"].concat(),
    };
    file.split_inclusive(|&octet| octet == b'\n').map(line).collect()
}

/// RFC 1939 §7: the header, the blank line, and so many lines.
fn wanted(file: &[u8], lines: usize) -> Vec<u8> {
    let all: Vec<&[u8]> = file.split_inclusive(|&octet| octet == b'\n').collect();
    let blank = all.iter().position(|line| matches!(*line, b"\r\n" | b"\n"));
    let most = blank.map_or(all.len(), |blank| blank + 1 + lines);
    all.into_iter().take(most).collect::<Vec<_>>().concat()
}
