//! Commands: the verb by one integer compare, the argument by the grammar, all borrowed from the line.

mod keyword;
mod mail;
mod parameters;
mod rcpt;

pub use mail::Mail;
pub use rcpt::Rcpt;

use core::str;

use crate::replies;
use crate::reply::Reply;

/// A verb that this server knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Auth,
    Bdat,
    Data,
    Ehlo,
    Helo,
    Help,
    /// A method of HTTP (RFC 9110 §9): a browser, or a program behind it, was led here, and every line that follows is somebody else's.
    Http,
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
            EXPN | ETRN | TURN | SEND | SOML | SAML => Self::NotImplemented,
            BDAT => Self::Bdat,
            CONNECT | DELETE | GET | HEAD | OPTIONS | PATCH | POST | PUT | TRACE => Self::Http,
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
const CONNECT: u64 = pack(b"CONNECT");
const DATA: u64 = pack(b"DATA");
const DELETE: u64 = pack(b"DELETE");
const EHLO: u64 = pack(b"EHLO");
const ETRN: u64 = pack(b"ETRN");
const EXPN: u64 = pack(b"EXPN");
const GET: u64 = pack(b"GET");
const HEAD: u64 = pack(b"HEAD");
const HELO: u64 = pack(b"HELO");
const HELP: u64 = pack(b"HELP");
const MAIL: u64 = pack(b"MAIL");
const NOOP: u64 = pack(b"NOOP");
const OPTIONS: u64 = pack(b"OPTIONS");
const PATCH: u64 = pack(b"PATCH");
const POST: u64 = pack(b"POST");
const PUT: u64 = pack(b"PUT");
const QUIT: u64 = pack(b"QUIT");
const RCPT: u64 = pack(b"RCPT");
const RSET: u64 = pack(b"RSET");
const SAML: u64 = pack(b"SAML");
const SEND: u64 = pack(b"SEND");
const SOML: u64 = pack(b"SOML");
const STARTTLS: u64 = pack(b"STARTTLS");
const TRACE: u64 = pack(b"TRACE");
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
/// printable: old programs send what their computer is called, blanks and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientName<'i>(&'i str);

impl<'i> ClientName<'i> {
    /// As the client wrote it.
    pub const fn as_str(&self) -> &'i str {
        self.0
    }

    pub(crate) fn parse(argument: &'i str) -> Result<Self, Reply> {
        let printable = argument.chars().all(|c| !c.is_control());
        match printable && argument.len() <= 255 {
            true => Ok(Self(argument)),
            false => Err(replies::BAD_CLIENT_NAME),
        }
    }
}

#[cfg(test)]
mod tests;
