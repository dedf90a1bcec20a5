//! Command lines: found first, parsed whole afterwards.

use memchr::memchr;

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// CR LF, as both protocols demand.
    CrLf,
    /// A bare LF. Whether that is forgiven is the protocol's decision (SMTP: RFC 5321 §2.3.8 says no).
    Lf,
}

/// What stands at the start of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'i> {
    /// A whole line. `text` is without its ending; `consumed` counts the ending too.
    Line {
        /// The line without its ending.
        text: &'i [u8],
        /// How it ended.
        ending: Ending,
        /// Octets of the input that this line took.
        consumed: usize,
    },
    /// Part of a line that is longer than the limit: drop these octets. Its end is reported as [`Found::TooLong`].
    Skipping {
        /// Octets of the input to drop.
        consumed: usize,
    },
    /// The end of a line that was longer than the limit: told once per line, behind its ending, so that the session answers once
    /// and stays in step.
    TooLong {
        /// Octets of the input to drop.
        consumed: usize,
    },
    /// No whole line yet. Call again with the same octets and more behind them.
    NeedInput,
}

/// Finds lines in an input that grows; octets that were searched once are not searched again.
#[derive(Clone, Debug)]
pub struct LineFinder {
    limit: usize,
    searched: usize,
    skipping: bool,
}

impl LineFinder {
    /// `limit`: the longest line in octets, its CRLF included (RFC 5321 §4.5.3.1.4 counts so).
    pub const fn new(limit: usize) -> Self {
        Self { limit, searched: 0, skipping: false }
    }

    /// Looks at `input`, which starts where the last consumed line ended.
    pub fn find<'i>(&mut self, input: &'i [u8]) -> Found<'i> {
        let fresh = input.get(self.searched..).unwrap_or_default();
        match memchr(b'\n', fresh) {
            Some(at) => self.line(input, self.searched + at),
            None => self.no_end(input),
        }
    }

    fn line<'i>(&mut self, input: &'i [u8], lf: usize) -> Found<'i> {
        let consumed = lf + 1;
        self.searched = 0;
        if core::mem::take(&mut self.skipping) || consumed > self.limit {
            return Found::TooLong { consumed };
        }
        let line = input.get(..lf).unwrap_or_default();
        match line.strip_suffix(b"\r") {
            Some(text) => Found::Line { text, ending: Ending::CrLf, consumed },
            None => Found::Line { text: line, ending: Ending::Lf, consumed },
        }
    }

    fn no_end<'i>(&mut self, input: &'i [u8]) -> Found<'i> {
        if self.skipping || input.len() >= self.limit {
            self.searched = 0;
            self.skipping = true;
            return match input.len() {
                0 => Found::NeedInput,
                consumed => Found::Skipping { consumed },
            };
        }
        self.searched = input.len();
        Found::NeedInput
    }
}
