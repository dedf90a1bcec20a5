//! A server's reply, read (RFC 5321 §4.2).

use core::str;

use memchr::memchr_iter;

use crate::reply::{Code, Enhanced};

/// A whole reply of a server, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'i> {
    code: Code,
    enhanced: Option<Enhanced>,
    /// All of its lines, codes included.
    lines: &'i [u8],
}

/// Why octets are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A line does not start with three digits and a hyphen, a blank or its end; or the codes of its lines differ.
    Malformed,
    /// It is longer than the limits.
    TooLong,
}

/// Looks for a whole reply in an input that grows; octets that were searched once are not searched again.
#[derive(Clone, Debug)]
pub(super) struct AnswerFinder {
    limit: usize,
    /// Octets of whole lines that were seen and are not the last.
    seen: usize,
    /// Octets that hold no line's end.
    searched: usize,
}

impl AnswerFinder {
    /// `limit`: octets of a whole reply.
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, seen: 0, searched: 0 }
    }

    /// Looks at `input`, which starts where the last reply ended. `Ok(None)`: more is needed.
    pub(super) fn find<'i>(&mut self, input: &'i [u8]) -> Result<Option<Answer<'i>>, Unreadable> {
        for lf in memchr_iter(b'\n', input.get(self.searched..).unwrap_or_default()) {
            let end = self.searched + lf + 1;
            let line = input.get(self.seen..end).unwrap_or_default();
            let (_, more) = line_head(line).ok_or(Unreadable::Malformed)?;
            if end > self.limit {
                return Err(Unreadable::TooLong);
            }
            if !more {
                *self = Self::new(self.limit);
                return Answer::parse(input.get(..end).unwrap_or_default())
                    .map(Some)
                    .ok_or(Unreadable::Malformed);
            }
            self.seen = end;
        }
        self.searched = input.len();
        match input.len() >= self.limit {
            true => Err(Unreadable::TooLong),
            false => Ok(None),
        }
    }
}

impl<'i> Answer<'i> {
    /// `Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF`. A bare LF is forgiven a server: it
    /// ends nothing else here.
    pub fn parse(lines: &'i [u8]) -> Option<Self> {
        let mut rest = lines.split_inclusive(|&octet| octet == b'\n').peekable();
        let first = *rest.peek()?;
        let (code, _) = line_head(first)?;
        while let Some(line) = rest.next() {
            let (same, more) = line_head(line).filter(|_| line.ends_with(b"\n"))?;
            if same != code || more != rest.peek().is_some() {
                return None;
            }
        }
        // RFC 2034 §4: of the same class, or it is text that looks like one.
        let enhanced = enhanced(text_of(first)).filter(|(code_, _)| u16::from(code_.0) == code.get() / 100);
        Some(Self { code, enhanced: enhanced.map(|(code, _)| code), lines })
    }

    /// The three digits.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The enhanced status code of the first line (RFC 2034).
    pub const fn enhanced(&self) -> Option<Enhanced> {
        self.enhanced
    }

    /// The texts, a line each, without codes. They are the server's octets: not ASCII perhaps, nor fit for a log as they are.
    pub fn texts(&self) -> impl Iterator<Item = &'i [u8]> {
        let skip = self.enhanced.is_some();
        self.lines.split_inclusive(|&octet| octet == b'\n').map(move |line| {
            let text = text_of(line);
            match enhanced(text) {
                Some((_, behind)) if skip => behind,
                _ => text,
            }
        })
    }

    /// Octets that it took on the wire.
    pub(super) const fn len(&self) -> usize {
        self.lines.len()
    }

    /// 2yz
    pub const fn is_positive(&self) -> bool {
        self.code.get() / 100 == 2
    }
}

/// The code of a line, and whether another line follows.
fn line_head(line: &[u8]) -> Option<(Code, bool)> {
    let (digits, rest) = line.split_at_checked(3)?;
    let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits)?;
    let code = Code::new(str::from_utf8(digits).ok()?.parse().ok()?)?;
    match rest {
        [b'-', ..] => Some((code, true)),
        [b' ' | b'\n', ..] | [b'\r', b'\n'] => Some((code, false)),
        _ => None,
    }
}

/// A line without its code and its ending.
fn text_of(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.get(4..).unwrap_or_default()
}

/// `status-code = class "." subject "." detail` (RFC 3463 §2), and what stands behind it.
fn enhanced(text: &[u8]) -> Option<(Enhanced, &[u8])> {
    let end = text.iter().position(|&octet| octet == b' ').unwrap_or(text.len());
    let (code, behind) = text.split_at_checked(end)?;
    let mut numbers = str::from_utf8(code).ok()?.split('.').map(|digits| {
        let short = (1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| short)
    });
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let class =
        u8::try_from(class).ok().filter(|class| matches!(class, 2 | 4 | 5) && numbers.next().is_none())?;
    Some((Enhanced(class, subject, detail), behind.strip_prefix(b" ").unwrap_or(behind)))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::reply::Reply;

    #[test]
    fn answers() {
        for (lines, code, enhanced, texts) in [
            (&b"250 OK\r\n"[..], 250, None, &[&b"OK"[..]][..]),
            (b"250\r\n", 250, None, &[b""]),
            (b"250 2.1.0 OK\r\n", 250, Some(Enhanced(2, 1, 0)), &[b"OK"]),
            (b"550-5.1.1 no\r\n550 5.1.1 such\n", 550, Some(Enhanced(5, 1, 1)), &[b"no", b"such"]),
            (b"550 2.1.0 other class\r\n", 550, None, &[b"2.1.0 other class"]),
            (b"220-a\r\n220-\r\n220 b\r\n", 220, None, &[b"a", b"", b"b"]),
            (b"550 5.1.1000 x\r\n", 550, None, &[b"5.1.1000 x"]),
            (b"550 5.1.1\r\n", 550, Some(Enhanced(5, 1, 1)), &[b""]),
        ] {
            let answer = Answer::parse(lines).unwrap();
            assert_eq!((answer.code().get(), answer.enhanced()), (code, enhanced));
            assert!(answer.texts().eq(texts.iter().copied()), "{}", lines.escape_ascii());
        }
        for bad in [
            &b""[..],
            b"\r\n",
            b"250",
            b"25 OK\r\n",
            b"2500 OK\r\n",
            b"250OK\r\n",
            b"150 x\r\n",
            b"600 x\r\n",
            b"+50 x\r\n",
            b"250-a\r\n",
            b"250-a\r\n251 b\r\n",
            b"250 a\r\n250 b\r\n",
            b"HTTP/1.1 200 OK\r\n",
        ] {
            assert_eq!(Answer::parse(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn an_answer_is_found_at_every_cut_and_bounded() {
        let input = b"250-mx\r\n250-SIZE\r\n250 HELP\r\n220 next\r\n";
        for cut in 0..input.len() {
            let mut finder = AnswerFinder::new(64);
            let early = finder.find(&input[..cut]).unwrap();
            let found = early.unwrap_or_else(|| finder.find(input).unwrap().unwrap());
            assert_eq!(found.len(), 28, "cut at {cut}");
        }
        assert_eq!(AnswerFinder::new(64).find(&b"250-x\r\n".repeat(10)), Err(Unreadable::TooLong));
        assert_eq!(AnswerFinder::new(64).find(&[b'2'; 64]), Err(Unreadable::TooLong));
        assert_eq!(AnswerFinder::new(64).find(b"250-x\r\nx\r\n"), Err(Unreadable::Malformed));
    }

    proptest! {
        /// What a server of ours writes, a client of ours reads.
        #[test]
        fn parsing_undoes_writing(code in 0..3_usize, lines in proptest::collection::vec("[ -~]{0,40}", 1..5)) {
            let code = [250, 450, 550][code];
            let enhanced = Enhanced((code / 100) as u8, 1, 5);
            let reply = Reply::new(code, enhanced, lines.join("\n")).unwrap();
            let mut wire = Vec::new();
            reply.write(&mut wire);
            let answer = Answer::parse(&wire).unwrap();
            prop_assert_eq!((answer.code(), answer.enhanced()), (reply.code(), reply.enhanced()));
            prop_assert!(answer.texts().eq(lines.iter().map(|line| line.as_bytes())));
        }
    }
}
