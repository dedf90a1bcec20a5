//! A message on its way out: the body of RETR's and TOP's multi-line response.

use mail_wire::{Piece, Stuffer};
use memchr::memchr;

/// Turns a message file, read in pieces of any size, into what follows the `+OK` line: RFC 1939 §3's dot-stuffing, and for TOP
/// only as much as was asked for.
///
/// ```
/// use pop3_proto::Content;
///
/// let file = b"Subject: dots\r\n\r\n.one\r\ntwo\r\nthree\r\n";
/// let mut content = Content::top(2);
/// let mut wire = Vec::new();
/// for chunk in file.chunks(7) {
///     let mut rest = chunk;
///     while let Some(piece) = content.next(rest) {
///         wire.extend_from_slice(piece.octets);
///         rest = &rest[piece.consumed..];
///     }
///     if content.is_complete() {
///         break; // no need to read on
///     }
/// }
/// wire.extend_from_slice(content.finish());
/// assert_eq!(wire, b"Subject: dots\r\n\r\n..one\r\ntwo\r\n.\r\n");
/// ```
#[derive(Clone, Debug)]
pub struct Content {
    stuffer: Stuffer,
    cutter: Option<TopCutter>,
}

impl Content {
    /// All of the message: RETR.
    pub const fn whole() -> Self {
        Self { stuffer: Stuffer::new(), cutter: None }
    }

    /// Its header, the blank line, and the first `lines` lines of its body: TOP.
    pub const fn top(lines: u32) -> Self {
        Self { stuffer: Stuffer::new(), cutter: Some(TopCutter::new(lines)) }
    }

    /// The next piece of `input`, or `None` when nothing of it is left to send. Drop `consumed` octets and call again.
    pub fn next<'i>(&mut self, input: &'i [u8]) -> Option<Piece<'i>> {
        let Some(cutter) = &mut self.cutter else { return self.stuffer.next(input) };
        let piece = self.stuffer.next(cutter.wanted(input))?;
        cutter.taken(piece.consumed);
        Some(piece)
    }

    /// Whether nothing of what follows in the file is wanted: only ever so for TOP.
    pub fn is_complete(&self) -> bool {
        self.cutter.as_ref().is_some_and(TopCutter::is_complete)
    }

    /// What ends the response, once the file or the wanted part of it is through.
    pub const fn finish(&self) -> &'static [u8] {
        self.stuffer.finish()
    }
}

/// How far a message is wanted: its header, the blank line and so many lines. A line ends in LF, with or without CR before it.
#[derive(Clone, Debug)]
struct TopCutter {
    /// Lines still wanted behind the blank line.
    lines: u32,
    in_header: bool,
    /// The line that the last octet looked at belongs to.
    line: Line,
    /// Octets that were looked at and found wanted, but not taken yet: they are not looked at again.
    granted: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Empty,
    /// A CR so far: with LF behind it, the line is blank.
    Cr,
    Text,
}

impl Line {
    const fn with(self, octets: &[u8]) -> Self {
        match (self, octets) {
            (line, []) => line,
            (Self::Empty, [b'\r']) => Self::Cr,
            _ => Self::Text,
        }
    }
}

impl TopCutter {
    const fn new(lines: u32) -> Self {
        Self { lines, in_header: true, line: Line::Empty, granted: 0 }
    }

    const fn is_complete(&self) -> bool {
        !self.in_header && self.lines == 0 && self.granted == 0
    }

    /// What of `input` is wanted: a prefix.
    fn wanted<'i>(&mut self, input: &'i [u8]) -> &'i [u8] {
        if self.granted == 0 {
            self.granted = self.look(input);
        }
        input.get(..self.granted).unwrap_or(input)
    }

    const fn taken(&mut self, octets: usize) {
        self.granted = self.granted.saturating_sub(octets);
    }

    fn look(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        while self.in_header || self.lines > 0 {
            let rest = input.get(at..).unwrap_or_default();
            let Some(lf) = memchr(b'\n', rest) else {
                self.line = self.line.with(rest);
                return input.len();
            };
            let line = core::mem::replace(&mut self.line, Line::Empty);
            self.end_of_line(line.with(rest.get(..lf).unwrap_or_default()));
            at += lf + 1;
        }
        at
    }

    const fn end_of_line(&mut self, line: Line) {
        if !self.in_header {
            self.lines -= 1;
        } else if !matches!(line, Line::Text) {
            self.in_header = false;
        }
    }
}

#[cfg(test)]
mod tests;
