//! A message as POP3's multi-line responses and SMTP's DATA carry it: putting the dots on.

use memchr::memchr;

use crate::run::clean_run;

/// The next octets to send, and how far the input was taken for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'i> {
    /// Octets for the wire: a slice of the input, or a constant.
    pub octets: &'i [u8],
    /// Octets of the input that were taken. Zero for a dot that was put in.
    pub consumed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    LineStart,
    /// The dot of a line that starts with one was doubled; the line itself comes next.
    Stuffed,
    Text,
    /// The last octet was a CR.
    Cr,
    /// A bare LF stands next, and its CRLF is owed.
    BareLf,
}

/// Puts the dot-stuffing of RFC 1939 §3 and RFC 5321 §4.5.2 on, as slices of the input with constants between them.
///
/// A bare LF, as files of other programs have it, becomes CRLF. A bare CR is passed on where it stands.
#[derive(Clone, Debug)]
pub struct Stuffer {
    state: State,
}

impl Default for Stuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Stuffer {
    /// At the first octet of a message.
    pub const fn new() -> Self {
        Self { state: State::LineStart }
    }

    /// The next piece of `input`, or `None` when all of it was taken. Drop `consumed` octets and call again.
    pub fn next<'i>(&mut self, input: &'i [u8]) -> Option<Piece<'i>> {
        let first = *input.first()?;
        match self.state {
            State::LineStart if first == b'.' => {
                self.state = State::Stuffed;
                return Some(Piece { octets: b".", consumed: 0 });
            }
            State::BareLf => {
                self.state = State::LineStart;
                return Some(Piece { octets: b"\r\n", consumed: 1 });
            }
            _ => {}
        }
        let taken = self.run(input);
        match taken {
            // A bare LF at the front: nothing before it to hand out.
            0 => self.next(input),
            _ => Some(Piece { octets: input.get(..taken).unwrap_or_default(), consumed: taken }),
        }
    }

    /// What ends the message on the wire: the missing CRLF of its last line, if any, and the dot line.
    pub const fn finish(&self) -> &'static [u8] {
        match self.state {
            State::LineStart => b".\r\n",
            _ => b"\r\n.\r\n",
        }
    }

    /// How many octets can go out unchanged: up to a line that starts with a dot, a bare LF, or the end of the input.
    fn run(&mut self, input: &[u8]) -> usize {
        let mut after_cr = self.state == State::Cr;
        self.state = State::Text;
        let mut at = 0;
        while let Some(found) = next_lf(input.get(at..).unwrap_or_default()) {
            let lf = at + found;
            let crlf = match lf.checked_sub(1) {
                Some(before) => input.get(before) == Some(&b'\r'),
                None => after_cr,
            };
            if !crlf {
                self.state = State::BareLf;
                return lf;
            }
            after_cr = false;
            at = lf + 1;
            if matches!(input.get(at), Some(b'.') | None) {
                self.state = State::LineStart;
                return at;
            }
        }
        if input.last() == Some(&b'\r') || (input.is_empty() && after_cr) {
            self.state = State::Cr;
        }
        input.len()
    }
}

/// The first LF that may be bare, or have a dot behind it.
fn next_lf(input: &[u8]) -> Option<usize> {
    let clean = match input.first() {
        Some(b'\n') => 0,
        _ => {
            clean_run(input, |first, second, third| (second == b'\n') & ((first != b'\r') | (third == b'.')))
        }
    };
    memchr(b'\n', input.get(clean..)?).map(|found| clean + found)
}
