//! CR and LF in a message: as a pair only (RFC 5321 §2.3.8). Policing for chunks, and normalising for old devices.

use mail_wire::Bare;
use memchr::memchr2;

/// Watches for a bare CR or LF in octets that come in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Police {
    /// The last octet was a CR.
    cr: bool,
    bare: Option<Bare>,
}

impl Police {
    pub(crate) const fn bare(&self) -> Option<Bare> {
        self.bare
    }

    pub(crate) fn watch(&mut self, octets: &[u8]) {
        let Some(&first) = octets.first() else { return };
        let mut at = 0;
        if core::mem::take(&mut self.cr) {
            match first {
                b'\n' => at = 1,
                _ => self.note(Bare::Cr),
            }
        }
        while let Some((found, kind)) = next_bare(octets, at) {
            match kind {
                Some(bare) => self.note(bare),
                None => self.cr = true,
            }
            at = found + 1;
        }
    }

    /// The message is complete.
    pub(crate) fn finish(&mut self) {
        if core::mem::take(&mut self.cr) {
            self.note(Bare::Cr);
        }
    }

    fn note(&mut self, bare: Bare) {
        self.bare.get_or_insert(bare);
    }
}

/// Makes CRLF of a bare LF and a blank of a bare CR, as slices of the input with constants between them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Normaliser {
    /// A CR was taken, and what comes next says what it becomes.
    held: bool,
}

/// The next octets, and how far the input was taken for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'i> {
    /// As they stand at the front of the input.
    Clean(&'i [u8]),
    /// Put in for what stands there, or stood there; so many octets of the input are taken.
    Instead(&'static [u8], usize),
}

impl<'i> Piece<'i> {
    /// The octets, and how many of the input they stand for.
    pub(crate) const fn octets(self) -> (&'i [u8], usize) {
        match self {
            Self::Clean(octets) => (octets, octets.len()),
            Self::Instead(octets, taken) => (octets, taken),
        }
    }
}

impl Normaliser {
    pub(crate) fn next<'i>(&mut self, input: &'i [u8]) -> Option<Piece<'i>> {
        let first = *input.first()?;
        if core::mem::take(&mut self.held) {
            return Some(match first {
                b'\n' => Piece::Instead(b"\r\n", 1),
                _ => Piece::Instead(b" ", 0),
            });
        }
        Some(match next_bare(input, 0) {
            Some((0, Some(Bare::Lf))) => Piece::Instead(b"\r\n", 1),
            Some((0, Some(Bare::Cr))) => Piece::Instead(b" ", 1),
            Some((0, None)) => {
                self.held = true;
                Piece::Instead(b"", 1)
            }
            Some((at, _)) => Piece::Clean(input.get(..at).unwrap_or_default()),
            None => Piece::Clean(input),
        })
    }

    /// What the end of the message still owes, if this is the end.
    pub(crate) fn finish_if(&mut self, ended: bool) -> Option<&'static [u8]> {
        (ended && core::mem::take(&mut self.held)).then_some(b" ")
    }
}

/// Where the next CR or LF stands that is not half of a CRLF; `None` for a CR at the very end, of which nobody knows yet.
fn next_bare(octets: &[u8], mut from: usize) -> Option<(usize, Option<Bare>)> {
    loop {
        let at = from + memchr2(b'\r', b'\n', octets.get(from..)?)?;
        match (octets.get(at), octets.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => from = at + 2,
            (Some(b'\r'), Some(_)) => return Some((at, Some(Bare::Cr))),
            (Some(b'\r'), None) => return Some((at, None)),
            _ => return Some((at, Some(Bare::Lf))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn normalised(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut normaliser, mut out) = (Normaliser::default(), Vec::new());
        for piece in pieces {
            let mut rest = *piece;
            while let Some(piece) = normaliser.next(rest) {
                let (octets, taken) = piece.octets();
                out.extend_from_slice(octets);
                rest = &rest[taken..];
            }
        }
        out.extend_from_slice(normaliser.finish_if(true).unwrap_or_default());
        out
    }

    fn policed(pieces: &[&[u8]]) -> Option<Bare> {
        let mut police = Police::default();
        pieces.iter().for_each(|piece| police.watch(piece));
        police.finish();
        police.bare()
    }

    /// Octet by octet, as slowly as can be.
    fn reference(message: &[u8]) -> (Vec<u8>, Option<Bare>) {
        let (mut out, mut bare, mut at) = (Vec::new(), None, 0);
        while at < message.len() {
            let (octets, taken, kind): (&[u8], _, _) = match &message[at..] {
                [b'\r', b'\n', ..] => (b"\r\n", 2, None),
                [b'\r', ..] => (b" ", 1, Some(Bare::Cr)),
                [b'\n', ..] => (b"\r\n", 1, Some(Bare::Lf)),
                rest => (&rest[..1], 1, None),
            };
            out.extend_from_slice(octets);
            bare = bare.or(kind);
            at += taken;
        }
        (out, bare)
    }

    #[test]
    fn every_string_of_cr_lf_and_text_at_every_cut() {
        for length in 0..=8_u32 {
            for number in 0..3_usize.pow(length) {
                let digit = |place| b"\r\na"[number / 3_usize.pow(place) % 3];
                let message: Vec<u8> = (0..length).map(digit).collect();
                let (wanted, bare) = reference(&message);
                for cut in 0..=message.len() {
                    let (left, right) = message.split_at(cut);
                    assert_eq!(normalised(&[left, right]), wanted, "{} at {cut}", message.escape_ascii());
                    assert_eq!(policed(&[left, right]), bare, "{} at {cut}", message.escape_ascii());
                }
                let octets: Vec<&[u8]> = message.chunks(1).collect();
                assert_eq!(normalised(&octets), wanted, "{}", message.escape_ascii());
                assert_eq!(policed(&octets), bare, "{}", message.escape_ascii());
            }
        }
    }
}
