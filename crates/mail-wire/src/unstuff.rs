//! A message body as SMTP's DATA carries it: taking the dots off, and policing CR and LF.

use memchr::memchr2;

use crate::run::clean_run;

/// An octet that stands alone though the protocol knows it only as half of CRLF (RFC 5321 §2.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// A CR that no LF follows.
    Cr,
    /// An LF that no CR precedes.
    Lf,
}

/// What the next octets of the input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'i> {
    /// Octets of the message, as sent before stuffing.
    Data(&'i [u8]),
    /// CRLF `.` CRLF: the body is complete. The CRLF before the dot belongs to the message and was handed out.
    End,
    /// Everything was taken; more must be read.
    NeedInput,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Behind CRLF, or before the first octet of the body.
    LineStart,
    /// Behind a `.` at a line's start.
    Dot,
    /// Behind `.` CR at a line's start.
    DotCr,
    Text,
    /// Behind a CR inside a line.
    Cr,
}

/// Takes the dot-stuffing of RFC 5321 §4.5.2 off, as slices of the input.
///
/// Only CRLF `.` CRLF ends a body: a dot between any other line endings is text, whatever a laxer server would make of it. Bare
/// CR and bare LF are handed out as they stand and remembered in [`Unstuffer::bare`], so that the session stays in step to the
/// true end and refuses the message there.
#[derive(Clone, Debug)]
pub struct Unstuffer {
    state: State,
    bare: Option<Bare>,
}

impl Default for Unstuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Unstuffer {
    /// At the first octet of a body: a `.` CRLF right there ends an empty message (RFC 5321 §4.1.1.4).
    pub const fn new() -> Self {
        Self { state: State::LineStart, bare: None }
    }

    /// The first bare CR or LF seen so far.
    pub const fn bare(&self) -> Option<Bare> {
        self.bare
    }

    /// Takes octets from the front of `input`; returns how many and what they were. After [`Chunk::End`] the rest of the input
    /// is not the body's.
    pub fn next<'i>(&mut self, input: &'i [u8]) -> (usize, Chunk<'i>) {
        let mut at = 0;
        // The states around a dot are left after at most two octets; none of them hands octets of the input out.
        while let Some(&octet) = input.get(at) {
            match (self.state, octet) {
                (State::LineStart, b'.') => self.state = State::Dot,
                (State::Dot, b'\r') => self.state = State::DotCr,
                (State::DotCr, b'\n') => return (at + 1, Chunk::End),
                // The CR was text after all, and a bare one. It may have come with an earlier input.
                (State::DotCr, _) => {
                    self.note(Bare::Cr);
                    self.state = State::Text;
                    return (at, Chunk::Data(b"\r"));
                }
                (State::LineStart | State::Dot, _) => self.state = State::Text,
                (State::Text | State::Cr, _) => return self.text(input, at),
            }
            if !matches!(self.state, State::Text) {
                at += 1;
            }
        }
        (at, Chunk::NeedInput)
    }

    /// Hands out everything from `start` to the next dot at a line's start, or to the end of the input.
    fn text<'i>(&mut self, input: &'i [u8], start: usize) -> (usize, Chunk<'i>) {
        let mut at = start;
        while let Some(text @ [first, ..]) = input.get(at..) {
            at += match (self.state, first) {
                (State::LineStart, b'.') => break,
                (State::Cr, b'\n') => self.take(1, State::LineStart),
                (State::Cr, _) => {
                    self.note(Bare::Cr);
                    self.take(0, State::Text)
                }
                (_, b'\n') => {
                    self.note(Bare::Lf);
                    self.take(1, State::Text)
                }
                (_, b'\r') => self.take(1, State::Cr),
                _ => self.quiet(text),
            };
        }
        (at, Chunk::Data(input.get(start..at).unwrap_or_default()))
    }

    /// How far nothing in `text`, which starts inside a line, must be looked at more closely.
    fn quiet(&mut self, text: &[u8]) -> usize {
        let clean = clean_run(text, needs_a_look);
        let (run, rest) = text.split_at_checked(clean).unwrap_or_default();
        match run.last() {
            Some(b'\r') => self.take(clean, State::Cr),
            Some(b'\n') => self.take(clean, State::LineStart),
            _ => self.take(clean + memchr2(b'\r', b'\n', rest).unwrap_or(rest.len()), State::Text),
        }
    }

    const fn take(&mut self, octets: usize, state: State) -> usize {
        self.state = state;
        octets
    }

    fn note(&mut self, octet: Bare) {
        self.bare.get_or_insert(octet);
    }
}

/// Half of a CRLF without the other half, or a dot at the start of a line.
fn needs_a_look(first: u8, second: u8, third: u8) -> bool {
    ((first == b'\r') != (second == b'\n')) | ((second == b'\n') & (third == b'.'))
}
