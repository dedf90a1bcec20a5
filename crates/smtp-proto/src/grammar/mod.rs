//! The grammar of RFC 5321 §4.1 and of the registered extensions: one production, one function, one line of ABNF.
//!
//! A command line is found first and parsed whole: every parser here is `complete`, and what it leaves over is an error.

pub(crate) mod address;
pub(crate) mod date_time;
pub(crate) mod delivery;
pub(crate) mod marks;
pub(crate) mod notification;
pub(crate) mod parameter;

use nom::Parser;
use nom::combinator::all_consuming;
use nom::error::{Error, ErrorKind};

/// A parser's outcome over a borrowed line.
pub(crate) type Parsed<'i, T> = nom::IResult<&'i str, T>;

/// Parses all of `input`, or nothing.
pub(crate) fn whole<'i, T>(parser: impl FnMut(&'i str) -> Parsed<'i, T>, input: &'i str) -> Option<T> {
    all_consuming(parser).parse(input).ok().map(|(_, parsed)| parsed)
}

/// One ASCII character: nom's `char` decodes UTF-8 first, and stands between all others.
#[inline]
pub(crate) fn mark<'i>(octet: u8) -> impl Fn(&'i str) -> Parsed<'i, ()> {
    move |input| match input.as_bytes().first() {
        Some(first) if *first == octet => Ok((input.get(1..).unwrap_or_default(), ())),
        _ => Err(nom::Err::Error(Error::new(input, ErrorKind::Char))),
    }
}

/// A character of UTF-8 beyond ASCII, as RFC 6531 §3.3 adds it to atoms and quoted strings.
pub(crate) fn utf8_non_ascii(character: char) -> bool {
    !character.is_ascii() && !character.is_control()
}

/// A set of ASCII characters; those beyond ASCII are in every set, as RFC 6531 §3.3 wants.
pub(crate) struct Class([bool; 128]);

impl Class {
    /// Letters, digits, and these.
    pub(crate) const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut class = Self([false; 128]);
        let mut octet = 0_u8;
        while octet < 128 {
            class = class.set(octet, octet.is_ascii_alphanumeric());
            octet += 1;
        }
        class.set_all(others, true)
    }

    /// Printable characters without the blank, but for these.
    pub(crate) const fn printable_without(others: &[u8]) -> Self {
        let mut class = Self([false; 128]);
        let mut octet = 0_u8;
        while octet < 128 {
            class = class.set(octet, octet.is_ascii_graphic());
            octet += 1;
        }
        class.set_all(others, false)
    }

    const fn set_all(mut self, mut octets: &[u8], member: bool) -> Self {
        while let [first, rest @ ..] = octets {
            self = self.set(*first, member);
            octets = rest;
        }
        self
    }

    #[expect(clippy::indexing_slicing, reason = "while compiling, where it would be an error")]
    const fn set(mut self, octet: u8, member: bool) -> Self {
        self.0[octet as usize] = member;
        self
    }

    /// `1*member`
    #[inline]
    pub(crate) fn run<'i>(&self, input: &'i str) -> Parsed<'i, &'i str> {
        match input.split_at_checked(self.length(input)) {
            Some((run, rest)) if !run.is_empty() => Ok((rest, run)),
            _ => Err(nom::Err::Error(Error::new(input, ErrorKind::TakeWhile1))),
        }
    }

    /// Octets of the longest start of `input` whose characters are all members.
    fn length(&self, input: &str) -> usize {
        let mut at = 0;
        while let Some(&octet) = input.as_bytes().get(at) {
            at += match self.0.get(usize::from(octet)) {
                Some(true) => 1,
                Some(false) => break,
                None => match input.get(at..).and_then(|rest| rest.chars().next()) {
                    Some(character) if utf8_non_ascii(character) => character.len_utf8(),
                    _ => break,
                },
            };
        }
        at
    }
}

/// `1*digit`, at most so many of them, as a number.
pub(crate) fn digits(value: &str, most: usize) -> Option<u32> {
    let good = (1..=most).contains(&value.len()) && value.bytes().all(|digit| digit.is_ascii_digit());
    good.then(|| value.parse().ok()).flatten()
}

/// One of a few words, in any case.
pub(crate) fn word<T: Copy>(value: &str, words: &[(&str, T)]) -> Option<T> {
    words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value)).map(|(_, meant)| *meant)
}
