//! A message as it leaves: what must be known of it before, and its octets.

use std::io::{self, Read};

use mail_queue::Octets;

use super::limits;

/// What was found by reading the message once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    /// Octets in front that do not leave: our Return-Path, which is for mailboxes alone (RFC 5321 §4.4).
    pub(crate) skipped: u64,
    /// Octets that leave.
    pub(crate) octets: u64,
    /// Octets of its header, among those.
    pub(crate) header: u64,
    /// `Received` fields in it.
    pub(crate) hops: usize,
    /// Whether an octet is beyond ASCII.
    pub(crate) eight_bit: bool,
    /// Whether one in its header is.
    pub(crate) wide_header: bool,
}

/// What of a message is its header, without the empty line; of one that is cut, as far as it has whole lines.
pub(crate) fn header(message: &[u8]) -> &[u8] {
    if message.starts_with(b"\r\n") {
        return b"";
    }
    let end = memchr::memmem::find(message, b"\r\n\r\n");
    let end = end.or_else(|| memchr::memmem::rfind(message, b"\r\n")).map_or(0, |at| at + 2);
    message.get(..end).unwrap_or_default()
}

/// Reads all of it, and sets it back to the first octet that leaves.
pub(crate) fn examine(message: &mut Octets) -> io::Result<Facts> {
    let mut facts = Facts::default();
    let mut scan = HeaderScan::default();
    let mut buffer = vec![0; limits::PIECE.min(usize::try_from(message.len()).unwrap_or(usize::MAX))];
    let mut total = 0;
    loop {
        let piece = match message.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => buffer.get(..n).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        total += piece.len() as u64;
        facts.eight_bit |= !piece.is_ascii();
        scan.take(piece);
    }
    facts.skipped = scan.return_path;
    facts.octets = total - facts.skipped;
    facts.header = scan.read.saturating_sub(facts.skipped);
    facts.hops = scan.hops;
    facts.wide_header = scan.wide;
    message.go_to(facts.skipped);
    Ok(facts)
}

/// Octets in front of a message, of which this is the beginning, that do not leave.
pub(crate) fn skipped(beginning: &[u8]) -> usize {
    let mut scan = HeaderScan::default();
    scan.take(beginning);
    usize::try_from(scan.return_path).unwrap_or_default()
}

/// Goes over a header, whatever its pieces are.
#[derive(Debug, Default)]
struct HeaderScan {
    /// The beginning of the line that is being read, in small letters.
    start: Vec<u8>,
    line: u64,
    read: u64,
    over: bool,
    hops: usize,
    /// Octets of a Return-Path that the message begins with.
    return_path: u64,
    in_return_path: bool,
    /// An octet of the line that is being read is beyond ASCII.
    wide_line: bool,
    /// One of a field that leaves is.
    wide: bool,
}

impl HeaderScan {
    fn take(&mut self, piece: &[u8]) {
        for line in piece.split_inclusive(|octet| *octet == b'\n') {
            if self.over {
                return;
            }
            let room = b"return-path:".len().saturating_sub(self.start.len());
            self.start.extend(line.iter().take(room).map(u8::to_ascii_lowercase));
            self.line += line.len() as u64;
            self.wide_line |= !line.is_ascii();
            if line.ends_with(b"\n") {
                self.end_of_line();
            }
        }
    }

    fn end_of_line(&mut self) {
        let start = std::mem::take(&mut self.start);
        let length = std::mem::take(&mut self.line);
        let (first, wide) = (self.read == 0, std::mem::take(&mut self.wide_line));
        self.read += length;
        match &*start {
            b"\r\n" | b"\n" => {
                self.over = true;
                self.read -= length;
            }
            [b' ' | b'\t', ..] => {
                if self.in_return_path {
                    self.return_path += length;
                }
            }
            _ => {
                self.in_return_path = first && start.starts_with(b"return-path:");
                if self.in_return_path {
                    self.return_path = length;
                }
                self.hops += usize::from(start.starts_with(b"received:"));
            }
        }
        self.wide |= wide && !self.in_return_path;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined(text: &[u8]) -> (Facts, Vec<u8>) {
        let mut message = Octets::of_memory(text.into());
        let facts = examine(&mut message).unwrap();
        let mut left = Vec::new();
        message.read_to_end(&mut left).unwrap();
        (facts, left)
    }

    #[test]
    fn our_return_path_stays_here() {
        let rest = b"Received: a\r\n\tby b\r\nRECEIVED: c\r\nX: Received:\r\n\r\nReceived: no\r\n";
        let whole = [b"Return-Path:\r\n <a@b>\r\n".as_slice(), rest].concat();
        let (facts, left) = examined(&whole);
        assert_eq!(left, rest);
        assert_eq!((facts.hops, facts.eight_bit, facts.octets), (2, false, rest.len() as u64));
        assert_eq!(facts.header, (rest.len() - b"\r\nReceived: no\r\n".len()) as u64);
        let later = b"X: y\r\nReturn-Path: <a@b>\r\n\r\n\xe9\r\n";
        let (facts, left) = examined(later);
        assert_eq!((left.as_slice(), facts.skipped, facts.eight_bit), (&later[..], 0, true));
        assert!(!facts.wide_header, "its body alone");
        assert!(examined("Subject: x\r\n\t日本\r\n\r\n".as_bytes()).0.wide_header);
        assert!(!examined("Return-Path:\r\n <日本@b>\r\nSubject: x\r\n\r\n".as_bytes()).0.wide_header);
        assert_eq!(examined(b"").0, Facts::default());
    }

    #[test]
    fn pieces_make_no_difference() {
        let text = b"Return-Path: <a@b>\r\nReceived: x\r\nSubject: y\r\n\r\nbody\r\n";
        let mut whole = HeaderScan::default();
        whole.take(text);
        let mut pieces = HeaderScan::default();
        text.chunks(1).for_each(|piece| pieces.take(piece));
        assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
        assert_eq!((whole.return_path, whole.hops), (20, 1));
    }
}
