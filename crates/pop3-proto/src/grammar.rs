//! The command grammar, one function a production. The line was found before, and stands here whole, without its ending.
//!
//! ```abnf
//! command = verb [SP arguments] *WSP     ; RFC 1939 §3; blanks at the end are what some old clients send
//! ```

use auth_sasl::ApopDigest;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while_m_n, take_while1};
use nom::character::complete::space0;
use nom::combinator::{all_consuming, map_opt, map_res, opt, success};
use nom::error::{ErrorKind, FromExternalError, ParseError};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use crate::command::{Command, Hidden, MessageNumber, Sasl, Verb};

/// Why a line is not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The verb is known; what follows it is wrong.
    Malformed(Verb, Problem),
    /// The keyword is none that we know.
    UnknownVerb,
}

/// What is wrong behind a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The arguments are not those of this verb.
    Arguments,
    /// A message number or line count that is not made of digits.
    NotANumber,
    /// A number past 2³² − 1: well formed, but there is no such message.
    TooLarge,
    /// Messages are counted from 1.
    Zero,
}

impl<'i> Command<'i> {
    /// Reads a whole line, without its ending.
    pub fn parse(line: &'i [u8]) -> Result<Self, Fault> {
        let (rest, verb) = verb(line).map_err(|_| Fault::UnknownVerb)?;
        match arguments(verb, rest) {
            Ok((_, command)) => Ok(command),
            Err(nom::Err::Failure(Reason(problem)) | nom::Err::Error(Reason(problem))) => {
                Err(Fault::Malformed(verb, problem))
            }
            // `complete` parsers do not ask for more.
            Err(nom::Err::Incomplete(_)) => Err(Fault::Malformed(verb, Problem::Arguments)),
        }
    }
}

/// What a parser below reports. nom's own "does not match" is a problem with the arguments.
#[derive(Debug)]
struct Reason(Problem);

impl ParseError<&[u8]> for Reason {
    fn from_error_kind(_: &[u8], _: ErrorKind) -> Self {
        Self(Problem::Arguments)
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl<E> FromExternalError<&[u8], E> for Reason {
    fn from_external_error(_: &[u8], _: ErrorKind, _: E) -> Self {
        Self(Problem::Arguments)
    }
}

type Parsed<'i, T> = IResult<&'i [u8], T, Reason>;

/// `verb = 3*4VCHAR` (RFC 2449 §4), in any case; a longer word is an unknown one.
fn verb(input: &[u8]) -> Parsed<'_, Verb> {
    map_opt(take_while1(|octet: u8| octet.is_ascii_graphic()), Verb::parse).parse(input)
}

/// What may follow each verb: the right-hand sides of RFC 1939 §5–§7, RFC 2449 §5, RFC 2595 §4, RFC 5034 §4 and RFC 6856.
fn arguments(verb: Verb, input: &[u8]) -> Parsed<'_, Command<'_>> {
    match verb {
        Verb::Apop => end(apop).parse(input),
        Verb::Auth => end(auth).parse(input),
        Verb::Capa => end(success(Command::Capa)).parse(input),
        Verb::Dele => end(sp(message_number).map(Command::Dele)).parse(input),
        Verb::Lang => end(opt(sp(language_range)).map(Command::Lang)).parse(input),
        Verb::List => end(opt(sp(message_number)).map(Command::List)).parse(input),
        Verb::Noop => end(success(Command::Noop)).parse(input),
        Verb::Pass => all_consuming(sp(password).map(Command::Pass)).parse(input),
        Verb::Quit => end(success(Command::Quit)).parse(input),
        Verb::Retr => end(sp(message_number).map(Command::Retr)).parse(input),
        Verb::Rset => end(success(Command::Rset)).parse(input),
        Verb::Stat => end(success(Command::Stat)).parse(input),
        Verb::Stls => end(success(Command::Stls)).parse(input),
        Verb::Top => end(top).parse(input),
        Verb::Uidl => end(opt(sp(message_number)).map(Command::Uidl)).parse(input),
        Verb::User => end(sp(name).map(Command::User)).parse(input),
        Verb::Utf8 => end(success(Command::Utf8)).parse(input),
    }
}

/// `SP argument`
fn sp<'i, T>(
    argument: impl Parser<&'i [u8], Output = T, Error = Reason>,
) -> impl Parser<&'i [u8], Output = T, Error = Reason> {
    preceded(tag(&b" "[..]), argument)
}

/// `arguments *WSP`, and nothing behind it.
fn end<'i, T>(
    arguments: impl Parser<&'i [u8], Output = T, Error = Reason>,
) -> impl Parser<&'i [u8], Output = T, Error = Reason> {
    all_consuming(terminated(arguments, space0))
}

/// `apop = SP name SP digest` (RFC 1939 §7)
fn apop(input: &[u8]) -> Parsed<'_, Command<'_>> {
    let (input, name) = sp(name).parse(input)?;
    let (input, digest) = sp(digest).parse(input)?;
    Ok((input, Command::Apop { name, digest }))
}

/// `auth = [SP sasl-mech [SP (base64 / "=")]]` (RFC 5034 §4; without arguments as RFC 1734's clients ask)
fn auth(input: &[u8]) -> Parsed<'_, Command<'_>> {
    let with_mechanism = (sp(sasl_mech), opt(sp(initial_response)))
        .map(|(mechanism, initial)| Command::Auth(Some(Sasl { mechanism, initial })));
    alt((with_mechanism, success(Command::Auth(None)))).parse(input)
}

/// `top = SP message-number SP line-count` (RFC 1939 §7)
fn top(input: &[u8]) -> Parsed<'_, Command<'_>> {
    let (input, message) = sp(message_number).parse(input)?;
    let (input, lines) = sp(line_count).parse(input)?;
    Ok((input, Command::Top { message, lines }))
}

/// `name = 1*<UTF-8 character but controls and blanks>`: RFC 1939 §3 has printable ASCII. Whether such an account exists is not
/// the grammar's question.
fn name(input: &[u8]) -> Parsed<'_, &str> {
    let octets = take_while1(|octet: u8| octet > b' ' && octet != 0x7F);
    map_opt(map_res(octets, core::str::from_utf8), |name: &str| {
        (!name.chars().any(char::is_control)).then_some(name)
    })
    .parse(input)
}

/// `password = 1*<octet but NUL>`: the rest of the line, blanks included (RFC 1939 §7), in whatever character set.
fn password(input: &[u8]) -> Parsed<'_, Hidden<'_>> {
    take_while1(|octet: u8| octet != 0).map(Hidden).parse(input)
}

/// `digest = 32HEXDIG` (RFC 1939 §7)
fn digest(input: &[u8]) -> Parsed<'_, ApopDigest> {
    map_opt(take_while1(|octet: u8| octet.is_ascii_hexdigit()), ApopDigest::parse).parse(input)
}

/// `sasl-mech = 1*20(UPPER-ALPHA / DIGIT / "-" / "_")` (RFC 4422 §3.1), in any case.
fn sasl_mech(input: &[u8]) -> Parsed<'_, &str> {
    let letter = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    map_res(take_while_m_n(1, 20, letter), core::str::from_utf8).parse(input)
}

/// `initial-response = base64 / "="` (RFC 5034 §6). Only the alphabet is looked at here; decoding is the exchange's first step.
fn initial_response(input: &[u8]) -> Parsed<'_, Hidden<'_>> {
    take_while1(|octet: u8| octet.is_ascii_graphic()).map(Hidden).parse(input)
}

/// `lang-range = "*" / 1*(ALPHA / DIGIT / "-")` (RFC 6856 §3.1, RFC 5646 §2.1)
fn language_range(input: &[u8]) -> Parsed<'_, &str> {
    let letter = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    map_res(alt((tag(&b"*"[..]), take_while1(letter))), core::str::from_utf8).parse(input)
}

/// `message-number = 1*DIGIT`, not zero.
fn message_number(input: &[u8]) -> Parsed<'_, MessageNumber> {
    let (rest, digits) = digits(input)?;
    match value_of(digits).map(MessageNumber::new) {
        Some(Some(number)) => Ok((rest, number)),
        Some(None) => Err(number_problem(Problem::Zero)),
        None => Err(number_problem(Problem::TooLarge)),
    }
}

/// `line-count = 1*DIGIT`: "a non-negative number of lines" (RFC 1939 §7). More than 2³² − 1 lines are all lines.
fn line_count(input: &[u8]) -> Parsed<'_, u32> {
    let (rest, digits) = digits(input)?;
    Ok((rest, value_of(digits).unwrap_or(u32::MAX)))
}

/// `1*DIGIT`. A word of anything else is told apart from a missing one.
fn digits(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, word) = take_while1(|octet: u8| octet.is_ascii_graphic()).parse(input)?;
    match word.iter().all(u8::is_ascii_digit) {
        true => Ok((rest, word)),
        false => Err(number_problem(Problem::NotANumber)),
    }
}

/// `None`: past 2³² − 1.
fn value_of(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |sum, digit| sum.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

/// Final: no other production may match instead.
const fn number_problem(problem: Problem) -> nom::Err<Reason> {
    nom::Err::Failure(Reason(problem))
}

#[cfg(test)]
mod tests;
