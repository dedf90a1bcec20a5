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
        let Some(&last) = piece.last() else { return };
        let lf = piece.iter().filter(|&&b| b == b'\n').count();
        let crlf_inside = piece.windows(2).filter(|pair| pair == b"\r\n").count();
        let crlf_across = usize::from(self.last == Some(b'\r') && piece.first() == Some(&b'\n'));
        self.stored += piece.len() as u64;
        self.bare_lf += (lf - crlf_inside - crlf_across) as u64;
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

#[cfg(test)]
mod tests {
    use super::*;

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
