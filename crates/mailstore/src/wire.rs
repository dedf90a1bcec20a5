//! How many octets a stored message has on the wire, where every line ends with CRLF.

use std::io::{self, Read, Seek, SeekFrom};

/// Counts the octets that RETR sends for a file (RFC 1939 §11), without the dot stuffing and the final dot.
///
/// A bare LF becomes CRLF, and a last line without an ending gets one. Bare CR is an octet like any other.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WireSize {
    stored: u64,
    bare_lf: u64,
    last: Option<u8>,
}

impl WireSize {
    /// Takes the next piece of the file.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        let (Some(&first), Some(&last)) = (piece.first(), piece.last()) else { return };
        let across = is_bare(self.last.unwrap_or_default(), first);
        self.stored += piece.len() as u64;
        self.bare_lf += u64::from(across) + bare_inside(piece);
        self.last = Some(last);
    }

    /// Octets of the file as it lies on the disk.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// Octets of the message as it is sent.
    pub(crate) fn wire(&self) -> u64 {
        let missing_ending = match self.last {
            None | Some(b'\n') => 0,
            Some(_) => 2,
        };
        self.stored + self.bare_lf + missing_ending
    }

    /// Octets of a message as it is sent, of which somebody says how many they are. That is so where its last line has an ending: the
    /// last octet tells. Where it has none, some count the CRLF that is sent behind it, and some do not.
    pub(crate) fn claimed(mut file: impl Read + Seek, claimed: u64) -> io::Result<u64> {
        let mut last = [0];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last == *b"\n" {
            return Ok(claimed);
        }
        file.rewind()?;
        WireSize::of(file).map(|size| size.wire())
    }

    /// Reads a whole file.
    pub(crate) fn of(mut file: impl Read) -> io::Result<WireSize> {
        let mut size = WireSize::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(size),
                Ok(n) => size.update(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Octets that are looked at together: as many as an octet can count.
const BLOCK: usize = 128;

/// Every octet of every message goes through here, so it goes as vector instructions: the octets and those behind them are two slices
/// that overlap, since of windows the compiler makes none.
fn bare_inside(piece: &[u8]) -> u64 {
    let behind = piece.get(1..).unwrap_or_default();
    let (blocks, (next_blocks, rest)) = (piece.as_chunks::<BLOCK>().0, behind.as_chunks::<BLOCK>());
    let count = |(before, octets): (&[u8; BLOCK], &[u8; BLOCK])| {
        let pairs = before.iter().zip(octets);
        u64::from(pairs.fold(0, |count: u8, (before, octet)| count + u8::from(is_bare(*before, *octet))))
    };
    let whole: u64 = blocks.iter().zip(next_blocks).map(count).sum();
    let before_rest = piece.get(behind.len() - rest.len()..).unwrap_or_default();
    let left = before_rest.iter().zip(rest).filter(|(before, octet)| is_bare(**before, **octet)).count();
    whole + left as u64
}

const fn is_bare(before: u8, octet: u8) -> bool {
    (octet == b'\n') & (before != b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_line_endings_are_found_wherever_they_stand_in_a_long_piece() {
        for length in [BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 2, 3 * BLOCK + 7] {
            for at in 0..length {
                for (ending, bare) in [(&b"\n"[..], 1), (b"\r\n", 0), (b"\n\n", 2), (b"\r\n\n", 1)] {
                    let text = [&vec![b'x'; at][..], ending, &vec![b'x'; length - at]].concat();
                    let mut size = WireSize::default();
                    size.update(&text);
                    assert_eq!(size.bare_lf, bare, "{ending:?} at {at} of {length}");
                }
            }
            let mut size = WireSize::default();
            size.update(&vec![b'\n'; length]);
            assert_eq!(size.bare_lf, length as u64);
        }
    }

    #[test]
    fn wire_size_is_the_same_at_every_cut() {
        let table: &[(&[u8], u64)] = &[
            (b"", 0),
            (b"a", 3),
            (b"\n", 2),
            (b"\r\n", 2),
            (b"a\nb\n", 6),
            (b"a\r\nb\r\n", 6),
            (b"a\rb\n", 5),
            (b"\r", 3),
            (b"\r\r\n\n", 5),
            (b"a\nb", 6),
        ];
        for (text, wire) in table {
            for cut in 0..=text.len() {
                let mut size = WireSize::default();
                size.update(&text[..cut]);
                size.update(&text[cut..]);
                assert_eq!((size.wire(), size.stored()), (*wire, text.len() as u64), "{text:?} at {cut}");
            }
            assert_eq!(WireSize::of(*text).unwrap().wire(), *wire);
        }
    }
}
