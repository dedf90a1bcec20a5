//! The parameters of MAIL and RCPT: the form that all of them share (RFC 5321 §4.1.2), and xtext.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use nom::Parser;
use nom::combinator::{opt, verify};
use nom::sequence::preceded;

use super::{Class, Parsed, mark};

/// A keyword with its value, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameter<'i> {
    pub(crate) keyword: &'i str,
    pub(crate) value: Option<&'i str>,
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`
#[inline]
pub(crate) fn parameter(input: &str) -> Parsed<'_, Parameter<'_>> {
    let (rest, (keyword, value)) = (keyword, opt(preceded(mark(b'='), value))).parse(input)?;
    Ok((rest, Parameter { keyword, value }))
}

/// `esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")`
#[inline]
fn keyword(input: &str) -> Parsed<'_, &str> {
    static KEYWORD: Class = Class::alphanumeric_and(b"-");
    verify(|input| KEYWORD.run(input), |text: &str| text.is_ascii() && !text.starts_with('-')).parse(input)
}

/// `esmtp-value = 1*(%d33-60 / %d62-126 / UTF8-non-ascii)`
#[inline]
fn value(input: &str) -> Parsed<'_, &str> {
    static VALUE: Class = Class::printable_without(b"=");
    VALUE.run(input)
}

/// `size-value = 1*20DIGIT` (RFC 1870 §3), in octets. What no integer holds is as big as can be said.
pub(crate) fn size(value: &str) -> Option<u64> {
    let digits = value.len() <= 20 && !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

/// Octets in the form in which parameters carry them (RFC 3461 §4), as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Xtext<'i>(&'i str);

impl<'i> Xtext<'i> {
    /// `xtext = 1*( xchar / hexchar )`, `hexchar = "+" 2(%x30-39 / %x41-46)`. RFC 3461 allows none, but then no parameter can hold it.
    pub fn parse(text: &'i str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut octets = text.bytes();
        while let Some(octet) = octets.next() {
            let hexadecimal =
                |octet: Option<u8>| octet.is_some_and(|octet| matches!(octet, b'0'..=b'9' | b'A'..=b'F'));
            let good = match octet {
                b'+' => hexadecimal(octets.next()) && hexadecimal(octets.next()),
                b'=' => false,
                octet => octet.is_ascii_graphic(),
            };
            if !good {
                return None;
            }
        }
        Some(Self(text))
    }

    /// As it was written.
    pub const fn as_str(&self) -> &'i str {
        self.0
    }

    /// What it stands for: any octets at all.
    pub fn decoded(&self) -> Cow<'i, [u8]> {
        if !self.0.contains('+') {
            return Cow::Borrowed(self.0.as_bytes());
        }
        let mut plain = Vec::with_capacity(self.0.len());
        let mut parts = self.0.split('+');
        plain.extend(parts.next().unwrap_or_default().bytes());
        for part in parts {
            let (digits, rest) = part.split_at_checked(2).unwrap_or_default();
            plain.extend(u8::from_str_radix(digits, 16));
            plain.extend(rest.bytes());
        }
        Cow::Owned(plain)
    }

    /// Appends the xtext form of `octets`.
    pub fn encode(octets: &[u8], out: &mut Vec<u8>) {
        for &octet in octets {
            match octet {
                b'!'..=b'~' if !matches!(octet, b'+' | b'=') => out.push(octet),
                _ => {
                    let digit = |nibble: u8| b"0123456789ABCDEF".get(usize::from(nibble)).copied();
                    out.push(b'+');
                    out.extend([digit(octet >> 4), digit(octet & 15)].into_iter().flatten());
                }
            }
        }
    }
}

impl fmt::Display for Xtext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::whole;
    use super::*;

    #[test]
    fn parameters() {
        let table = [
            ("SIZE=100", Some(("SIZE", Some("100")))),
            ("smtputf8", Some(("smtputf8", None))),
            ("AUTH=<>", Some(("AUTH", Some("<>")))),
            ("X-1=a:b", Some(("X-1", Some("a:b")))),
            ("ORCPT=utf-8;\u{82b1}@x", Some(("ORCPT", Some("utf-8;\u{82b1}@x")))),
            ("", None),
            ("=", None),
            ("-A", None),
            ("A=", None),
            ("A=b=c", None),
            ("A b", None),
            ("A=\u{7f}", None),
            ("A=\u{80}", None),
        ];
        for (text, wanted) in table {
            let wanted = wanted.map(|(keyword, value)| Parameter { keyword, value });
            assert_eq!(whole(parameter, text), wanted, "{text}");
        }
    }

    #[test]
    fn sizes() {
        let table = [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("99999999999999999999", Some(u64::MAX)),
        ];
        for (text, wanted) in
            table.into_iter().chain(["", "-1", "+1", "1k", "100000000000000000000"].map(|t| (t, None)))
        {
            assert_eq!(size(text), wanted, "{text}");
        }
    }

    #[test]
    fn xtext() {
        for (text, wanted) in [
            ("a+2Bb", Some(&b"a+b"[..])),
            ("+00+FF", Some(b"\0\xff")),
            ("<>", Some(b"<>")),
            ("", None),
            ("+", None),
            ("+2", None),
            ("+2b", None),
            ("a=b", None),
            ("a b", None),
            ("\u{82b1}", None),
        ] {
            let decoded = Xtext::parse(text).map(|xtext| xtext.decoded().into_owned());
            assert_eq!(decoded.as_deref(), wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(octets in proptest::collection::vec(any::<u8>(), 1..50)) {
            let mut text = Vec::new();
            Xtext::encode(&octets, &mut text);
            let text = core::str::from_utf8(&text).unwrap();
            prop_assert_eq!(&*Xtext::parse(text).unwrap().decoded(), octets);
        }
    }
}
