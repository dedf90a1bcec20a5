//! Commands: the verb by one integer compare, the argument by the grammar, all borrowed from the line.

use core::str;

use nom::Parser;
use nom::bytes::complete::tag_no_case;
use nom::character::complete::{space0, space1};
use nom::sequence::preceded;

use crate::grammar::Parsed;
use crate::grammar::address::{ForwardPath, ReversePath};
use crate::grammar::parameter::{Parameter, is_xtext, parameter, size};
use crate::replies;
use crate::reply::Reply;

/// A verb that this server knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Auth,
    Data,
    Ehlo,
    Helo,
    Help,
    Mail,
    Noop,
    /// Registered somewhere, but not spoken here: 502 rather than 500 (RFC 5321 §4.2.4).
    NotImplemented,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
}

impl Verb {
    fn parse(word: &[u8]) -> Option<Self> {
        Some(match packed(word)? {
            AUTH => Self::Auth,
            BDAT | EXPN | ETRN | TURN | SEND | SOML | SAML => Self::NotImplemented,
            DATA => Self::Data,
            EHLO => Self::Ehlo,
            HELO => Self::Helo,
            HELP => Self::Help,
            MAIL => Self::Mail,
            NOOP => Self::Noop,
            QUIT => Self::Quit,
            RCPT => Self::Rcpt,
            RSET => Self::Rset,
            STARTTLS => Self::StartTls,
            VRFY => Self::Vrfy,
            _ => return None,
        })
    }
}

const AUTH: u64 = pack(b"AUTH");
const BDAT: u64 = pack(b"BDAT");
const DATA: u64 = pack(b"DATA");
const EHLO: u64 = pack(b"EHLO");
const ETRN: u64 = pack(b"ETRN");
const EXPN: u64 = pack(b"EXPN");
const HELO: u64 = pack(b"HELO");
const HELP: u64 = pack(b"HELP");
const MAIL: u64 = pack(b"MAIL");
const NOOP: u64 = pack(b"NOOP");
const QUIT: u64 = pack(b"QUIT");
const RCPT: u64 = pack(b"RCPT");
const RSET: u64 = pack(b"RSET");
const SAML: u64 = pack(b"SAML");
const SEND: u64 = pack(b"SEND");
const SOML: u64 = pack(b"SOML");
const STARTTLS: u64 = pack(b"STARTTLS");
const TURN: u64 = pack(b"TURN");
const VRFY: u64 = pack(b"VRFY");

/// Up to eight letters as one number, in upper case (RFC 5321 §2.4: verbs are not case sensitive).
const fn pack(mut word: &[u8]) -> u64 {
    let mut number = 0;
    while let [first, rest @ ..] = word {
        number = number << 8 | first.to_ascii_uppercase() as u64;
        word = rest;
    }
    number
}

fn packed(word: &[u8]) -> Option<u64> {
    (word.len() <= 8).then(|| pack(word))
}

/// A command line, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command<'i> {
    pub(crate) verb: Verb,
    /// What stands behind the verb, without the blanks around it; trailing ones are tolerated (RFC 5321 §4.1.1).
    pub(crate) argument: &'i str,
}

impl<'i> Command<'i> {
    pub(crate) fn parse(line: &'i [u8]) -> Result<Self, Reply> {
        let end = line.iter().position(|octet| matches!(octet, b' ' | b'\t')).unwrap_or(line.len());
        let (word, argument) = line.split_at_checked(end).unwrap_or((line, b""));
        let verb = Verb::parse(word).ok_or(replies::COMMAND_UNKNOWN)?;
        let argument = str::from_utf8(argument.trim_ascii()).map_err(|_| replies::NOT_UTF8)?;
        Ok(Self { verb, argument })
    }
}

/// The name by which a client greets. RFC 5321 §4.1.4 forbids to refuse mail for a wrong one, so all that is asked is that it be
/// printable and without blanks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientName<'i>(&'i str);

impl<'i> ClientName<'i> {
    /// As the client wrote it.
    pub const fn as_str(&self) -> &'i str {
        self.0
    }

    pub(crate) fn parse(argument: &'i str) -> Result<Self, Reply> {
        let printable = argument.chars().all(|c| c.is_ascii_graphic() || (!c.is_ascii() && !c.is_control()));
        match printable && argument.len() <= 255 {
            true => Ok(Self(argument)),
            false => Err(replies::BAD_CLIENT_NAME),
        }
    }
}

/// What a body consists of, as MAIL says (RFC 6152 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyType {
    /// ASCII only.
    SevenBit,
    /// MIME with octets above 127.
    EightBitMime,
}

/// `MAIL FROM:`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail<'i> {
    /// Where reports go.
    pub reverse_path: ReversePath<'i>,
    /// What the client says the message will be, in octets (RFC 1870).
    pub size: Option<u64>,
    /// What the client says the body consists of.
    pub body: Option<BodyType>,
    /// Whom the message came from first, in xtext, or `<>` (RFC 4954 §5). A claim, to be believed of trusted clients only.
    pub auth: Option<&'i str>,
}

impl<'i> Mail<'i> {
    /// `mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF`
    pub(crate) fn parse(argument: &'i str) -> Result<Self, Reply> {
        let (rest, reverse_path) =
            path_behind("FROM:", ReversePath::parse, argument).ok_or(replies::BAD_SENDER)?;
        let mut mail = Self { reverse_path, size: None, body: None, auth: None };
        each_parameter(rest, |parameter| mail.take(parameter))?;
        match reverse_path {
            ReversePath::Mailbox(mailbox) if !mailbox.is_ascii() => Err(replies::ADDRESS_NOT_ASCII),
            _ => Ok(mail),
        }
    }

    fn take(&mut self, Parameter { keyword, value }: Parameter<'i>) -> Result<(), Reply> {
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        if is("SIZE") {
            once(&mut self.size, value.and_then(size))
        } else if is("BODY") {
            once(&mut self.body, value.and_then(BodyType::parse))
        } else if is("AUTH") {
            once(&mut self.auth, value.filter(|text| *text == "<>" || is_xtext(text)))
        } else {
            Err(replies::PARAMETER_UNKNOWN)
        }
    }
}

impl BodyType {
    /// `body-value = "7BIT" / "8BITMIME"`
    fn parse(value: &str) -> Option<Self> {
        let named = |name: &str| value.eq_ignore_ascii_case(name);
        match () {
            () if named("7BIT") => Some(Self::SevenBit),
            () if named("8BITMIME") => Some(Self::EightBitMime),
            () => None,
        }
    }
}

/// `RCPT TO:`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rcpt<'i> {
    /// Whom the message is for.
    pub forward_path: ForwardPath<'i>,
}

impl<'i> Rcpt<'i> {
    /// `rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF`
    pub(crate) fn parse(argument: &'i str) -> Result<Self, Reply> {
        let (rest, forward_path) =
            path_behind("TO:", ForwardPath::parse, argument).ok_or(replies::BAD_RECIPIENT)?;
        each_parameter(rest, |_| Err(replies::PARAMETER_UNKNOWN))?;
        match forward_path {
            ForwardPath::Mailbox(mailbox) if !mailbox.is_ascii() => Err(replies::ADDRESS_NOT_ASCII),
            _ => Ok(Self { forward_path }),
        }
    }
}

/// A path behind its keyword. Blanks between the two are against RFC 5321 §3.3, and common.
fn path_behind<'i, P>(
    keyword: &str,
    path: impl FnMut(&'i str) -> Parsed<'i, P>,
    argument: &'i str,
) -> Option<(&'i str, P)> {
    preceded((tag_no_case(keyword), space0), path).parse(argument).ok()
}

/// `Mail-parameters = esmtp-param *(SP esmtp-param)`, and nothing but these.
fn each_parameter<'i>(
    mut rest: &'i str,
    mut take: impl FnMut(Parameter<'i>) -> Result<(), Reply>,
) -> Result<(), Reply> {
    while !rest.is_empty() {
        let parsed: Parsed<'i, _> = preceded(space1, parameter).parse(rest);
        let (behind, parameter) = parsed.map_err(|_| replies::BAD_PARAMETER)?;
        take(parameter)?;
        rest = behind;
    }
    Ok(())
}

/// A parameter has a value, and comes once (RFC 5321 §4.1.1.11).
fn once<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), Reply> {
    match (value, &place) {
        (Some(value), None) => *place = Some(value),
        _ => return Err(replies::BAD_PARAMETER),
    }
    Ok(())
}
