//! The parameters of MAIL and RCPT: RFC 5321 §4.1.2 and the extensions that define them.

use nom::Parser;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::{opt, recognize};
use nom::sequence::preceded;

use super::{Parsed, utf8_non_ascii};

/// A keyword with its value, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameter<'i> {
    pub(crate) keyword: &'i str,
    pub(crate) value: Option<&'i str>,
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`
pub(crate) fn parameter(input: &str) -> Parsed<'_, Parameter<'_>> {
    let (rest, (keyword, value)) = (keyword, opt(preceded(char('='), value))).parse(input)?;
    Ok((rest, Parameter { keyword, value }))
}

/// `esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")`
fn keyword(input: &str) -> Parsed<'_, &str> {
    recognize((
        satisfy(|c| c.is_ascii_alphanumeric()),
        take_while(|c: char| c.is_ascii_alphanumeric() || c == '-'),
    ))
    .parse(input)
}

/// `esmtp-value = 1*(%d33-60 / %d62-126 / UTF8-non-ascii)`
fn value(input: &str) -> Parsed<'_, &str> {
    take_while1(|c| matches!(c, '!'..='<' | '>'..='~') || utf8_non_ascii(c)).parse(input)
}

/// `size-value = 1*20DIGIT` (RFC 1870 §3), in octets. What no integer holds is as big as can be said.
pub(crate) fn size(value: &str) -> Option<u64> {
    let digits = value.len() <= 20 && !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

/// `xtext = *( xchar / hexchar )`, `hexchar = "+" 2(%x30-39 / %x41-46)` (RFC 3461 §4)
pub(crate) fn is_xtext(value: &str) -> bool {
    let mut octets = value.bytes();
    while let Some(octet) = octets.next() {
        let hexadecimal =
            |octet: Option<u8>| octet.is_some_and(|octet| matches!(octet, b'0'..=b'9' | b'A'..=b'F'));
        let good = match octet {
            b'+' => hexadecimal(octets.next()) && hexadecimal(octets.next()),
            b'=' => false,
            octet => octet.is_ascii_graphic(),
        };
        if !good {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::whole;
    use super::*;

    #[test]
    fn parameters() {
        let table = [
            ("SIZE=100", Some(("SIZE", Some("100")))),
            ("smtputf8", Some(("smtputf8", None))),
            ("AUTH=<>", Some(("AUTH", Some("<>")))),
            ("X-1=a:b", Some(("X-1", Some("a:b")))),
            ("", None),
            ("=", None),
            ("-A", None),
            ("A=", None),
            ("A=b=c", None),
            ("A b", None),
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
            ("", true),
            ("a+2Bb", true),
            ("<>", true),
            ("+", false),
            ("+2", false),
            ("+2b", false),
            ("a=b", false),
        ] {
            assert_eq!(is_xtext(text), wanted, "{text}");
        }
    }
}
