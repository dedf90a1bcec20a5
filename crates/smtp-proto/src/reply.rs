//! Replies: three digits, an enhanced status code (RFC 3463, RFC 2034), text.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

/// A reply code of RFC 5321 §4.2: 200 to 559.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// A code, when its digits are those of a reply.
    pub const fn new(code: u16) -> Option<Self> {
        // Reply-code = %x32-35 %x30-35 %x30-39
        match (code / 100, code / 10 % 10) {
            (2..=5, 0..=5) => Some(Self(code)),
            _ => None,
        }
    }

    /// The three digits as a number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// 4yz: the client may try the same again later.
    pub const fn is_transient(self) -> bool {
        self.0 / 100 == 4
    }

    /// 5yz: the client must not try the same again.
    pub const fn is_permanent(self) -> bool {
        self.0 / 100 == 5
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An enhanced status code: class, subject, detail (RFC 3463 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Enhanced(pub u8, pub u16, pub u16);

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A reply that cannot break its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: Code,
    enhanced: Option<Enhanced>,
    text: Cow<'static, str>,
}

/// Octets of a line's text: 512 less the codes and CRLF.
const LONGEST_TEXT: usize = 480;

/// Not a reply that SMTP can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a reply is a code, an enhanced code of the same class, and lines of printable ASCII of up to 480 octets"
)]
pub struct InvalidReply;

impl Reply {
    /// A reply. `text` may have several lines, parted by `\n`; each becomes a line of the reply, which RFC 5321 §4.5.3.1.5 limits
    /// to 512 octets.
    pub fn new(
        code: u16,
        enhanced: Enhanced,
        text: impl Into<Cow<'static, str>>,
    ) -> Result<Self, InvalidReply> {
        let text = text.into();
        match is_reply(code, enhanced, &text) {
            true => Ok(Self { code: Code(code), enhanced: Some(enhanced), text }),
            false => Err(InvalidReply),
        }
    }

    /// The same in UTF-8, for a client that said SMTPUTF8 (RFC 6531 §3.7.4).
    pub fn in_utf8(
        code: u16,
        enhanced: Enhanced,
        text: impl Into<Cow<'static, str>>,
    ) -> Result<Self, InvalidReply> {
        let text = text.into();
        let fits = |line: &str| line.len() <= LONGEST_TEXT && !line.contains(char::is_control);
        match is_reply(code, enhanced, "") && text.split('\n').all(fits) {
            true => Ok(Self { code: Code(code), enhanced: Some(enhanced), text }),
            false => Err(InvalidReply),
        }
    }

    /// The same codes with another text; see [`Reply::new`].
    pub fn reworded(&self, text: impl Into<Cow<'static, str>>) -> Result<Self, InvalidReply> {
        self.enhanced.ok_or(InvalidReply).and_then(|enhanced| Self::new(self.code.get(), enhanced, text))
    }

    /// A reply for a table of constants.
    ///
    /// # Panics
    ///
    /// When it is no reply; in a constant, that is while compiling.
    pub const fn of(code: u16, enhanced: Enhanced, text: &'static str) -> Self {
        assert!(is_reply(code, enhanced, text), "not a reply that SMTP can carry");
        Self { code: Code(code), enhanced: Some(enhanced), text: Cow::Borrowed(text) }
    }

    /// A reply that has no enhanced code by its RFC: 220 at the start, 250 to HELO and EHLO, 334, 354 (RFC 2034 §4).
    pub(crate) const fn bare(code: u16, text: &'static str) -> Self {
        Self { code: Code(code), enhanced: None, text: Cow::Borrowed(text) }
    }

    /// The three digits.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The enhanced status code.
    pub const fn enhanced(&self) -> Option<Enhanced> {
        self.enhanced
    }

    /// The text; several lines are parted by `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends the reply as it goes over the wire.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            self.write_head(if lines.peek().is_some() { b'-' } else { b' ' }, out);
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }

    /// As [`Reply::write`], with a name before the text: greetings and farewells say who speaks.
    pub(crate) fn write_from(&self, hostname: &str, out: &mut Vec<u8>) {
        self.write_head(b' ', out);
        out.extend_from_slice(hostname.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    /// Code and blank alone, for what goes on in other hands.
    pub(crate) fn write_open(&self, out: &mut Vec<u8>) {
        self.write_head(b' ', out);
    }

    fn write_head(&self, parting: u8, out: &mut Vec<u8>) {
        put_number(self.code.0, out);
        out.push(parting);
        if let Some(Enhanced(class, subject, detail)) = self.enhanced {
            for (number, parting) in [(u16::from(class), b'.'), (subject, b'.'), (detail, b' ')] {
                put_number(number, out);
                out.push(parting);
            }
        }
    }
}

/// Decimal digits, without the machinery of `fmt`: a reply is written for every command.
fn put_number(number: u16, out: &mut Vec<u8>) {
    if number > 9 {
        put_number(number / 10, out);
    }
    out.push(b'0' + (number % 10) as u8);
}

impl fmt::Display for Reply {
    /// For a log: one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        let mut parting = ' ';
        for line in self.text.split('\n') {
            write!(f, "{parting}{line}")?;
            parting = '/';
        }
        Ok(())
    }
}

/// The rules of [`InvalidReply`].
const fn is_reply(code: u16, enhanced: Enhanced, text: &str) -> bool {
    let mut length = 0;
    let mut rest = text.as_bytes();
    while let [octet, behind @ ..] = rest {
        length = if *octet == b'\n' { 0 } else { length + 1 };
        if length > LONGEST_TEXT || !matches!(octet, b'\n' | b'\t' | b' '..=b'~') {
            return false;
        }
        rest = behind;
    }
    Code::new(code).is_some() && code / 100 == enhanced.0 as u16
}

/// Formats into the caller's buffer.
pub(crate) fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    struct Buffer<'o>(&'o mut Vec<u8>);
    impl fmt::Write for Buffer<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing into a vector cannot fail.
    let _ = fmt::Write::write_fmt(&mut Buffer(out), text);
}
