//! What stands in a server's lines.

use crate::command::MessageNumber;

/// `[…]` at the start of a refusal (RFC 2449 §8): why, for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseCode<'i> {
    /// `[AUTH]`, RFC 3206: the credentials; ask for the password again.
    Auth,
    /// `[IN-USE]`, RFC 2449 §8.1.2: try again later.
    InUse,
    /// `[LOGIN-DELAY]`, RFC 2449 §8.1.1: try again later.
    LoginDelay,
    /// `[SYS/PERM]`, RFC 3206: trouble that needs a human.
    SysPerm,
    /// `[SYS/TEMP]`, RFC 3206: try again later.
    SysTemp,
    /// `[UTF8]`, RFC 6856 §5.
    Utf8,
    /// Another one, without brackets.
    Other(&'i [u8]),
}

impl<'i> ResponseCode<'i> {
    fn parse(code: &'i [u8]) -> Self {
        let known = [
            (&b"AUTH"[..], Self::Auth),
            (b"IN-USE", Self::InUse),
            (b"LOGIN-DELAY", Self::LoginDelay),
            (b"SYS/PERM", Self::SysPerm),
            (b"SYS/TEMP", Self::SysTemp),
            (b"UTF8", Self::Utf8),
        ];
        let found = known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(code));
        found.map_or(Self::Other(code), |(_, code)| code)
    }
}

pub(super) enum Status<'i> {
    /// What stands behind `+`, in base64.
    Challenge(&'i [u8]),
    Err(Option<ResponseCode<'i>>, &'i [u8]),
    Ok(&'i [u8]),
}

/// RFC 1939 §3, RFC 5034 §4; `None` for what is no status line.
pub(super) fn status(line: &[u8]) -> Option<Status<'_>> {
    if let Some(text) = behind(line, b"+OK") {
        return Some(Status::Ok(text));
    }
    if let Some(text) = behind(line, b"-ERR") {
        let (code, text) = response_code(text);
        return Some(Status::Err(code, text));
    }
    behind(line, b"+").map(Status::Challenge)
}

/// What stands behind a word and a blank.
fn behind<'i>(line: &'i [u8], word: &[u8]) -> Option<&'i [u8]> {
    match line.strip_prefix(word)? {
        [] => Some(b""),
        [b' ', text @ ..] => Some(text),
        _ => None,
    }
}

fn response_code(text: &[u8]) -> (Option<ResponseCode<'_>>, &[u8]) {
    let Some(inside) = text.strip_prefix(b"[") else { return (None, text) };
    let Some(end) = inside.iter().position(|&octet| octet == b']') else { return (None, text) };
    let (code, rest) = inside.split_at(end);
    let rest = rest.strip_prefix(b"]").unwrap_or(rest);
    (Some(ResponseCode::parse(code)), rest.strip_prefix(b" ").unwrap_or(rest))
}

/// A line of LIST or UIDL, or what stands behind the `+OK` to one with a number: the message, and its octets or unique-id.
pub fn read_row(line: &[u8]) -> Option<(MessageNumber, &[u8])> {
    let (number, value) = words(line)?;
    Some((MessageNumber::new(u32::try_from(number).ok()?)?, value))
}

/// What stands behind the `+OK` to STAT: messages and octets.
pub fn read_totals(text: &[u8]) -> Option<(u64, u64)> {
    let (messages, octets) = words(text)?;
    Some((messages, read_number(octets)?))
}

/// A number, blanks, and a word; what stands behind it is the server's own.
fn words(line: &[u8]) -> Option<(u64, &[u8])> {
    let mut words = line.split(|&octet| octet == b' ').filter(|word| !word.is_empty());
    Some((read_number(words.next()?)?, words.next()?))
}

/// A decimal number of at most 64 bits.
pub(crate) fn read_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        sum.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_totals() {
        let message = MessageNumber::new;
        for (line, wanted) in [
            ("1 120", Some((message(1).unwrap(), &b"120"[..]))),
            ("2  QhdPYR:00WBw1Ph7x7 ", Some((message(2).unwrap(), b"QhdPYR:00WBw1Ph7x7"))),
            ("4294967295 a b", Some((message(u32::MAX).unwrap(), b"a"))),
            ("4294967296 a", None),
            ("0 1", None),
            ("x 1", None),
            ("1", None),
            ("", None),
        ] {
            assert_eq!(read_row(line.as_bytes()), wanted, "{line}");
        }
        assert_eq!(read_totals(b"2 320"), Some((2, 320)));
        assert_eq!(read_totals(b"0 18446744073709551615 of my own"), Some((0, u64::MAX)));
        assert_eq!(read_totals(b"2 18446744073709551616"), None);
        assert_eq!(read_totals(b"2 -1"), None);
    }
}
