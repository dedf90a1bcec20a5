//! The grammar of RFC 5321 §4.1: one production, one function, one line of ABNF.
//!
//! A command line is found first and parsed whole: every parser here is `complete`, and what it leaves over is an error.

pub(crate) mod address;
pub(crate) mod parameter;

use nom::Parser;
use nom::combinator::all_consuming;

/// A parser's outcome over a borrowed line.
pub(crate) type Parsed<'i, T> = nom::IResult<&'i str, T>;

/// Parses all of `input`, or nothing.
pub(crate) fn whole<'i, T>(parser: impl FnMut(&'i str) -> Parsed<'i, T>, input: &'i str) -> Option<T> {
    all_consuming(parser).parse(input).ok().map(|(_, parsed)| parsed)
}

/// A character of UTF-8 beyond ASCII, as RFC 6531 §3.3 adds it to atoms and quoted strings.
pub(crate) fn utf8_non_ascii(character: char) -> bool {
    !character.is_ascii() && !character.is_control()
}
