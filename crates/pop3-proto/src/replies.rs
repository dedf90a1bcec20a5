//! Everything that the server says on one line, and nothing else anywhere; the words themselves are in a file per language.
//!
//! The texts in brackets are response codes: RFC 2449 §8 (`IN-USE`, `LOGIN-DELAY`), RFC 3206 (`AUTH`, `SYS/TEMP`, `SYS/PERM`), RFC
//! 6856 §5 (`UTF8`). No other text starts with a bracket, since RESP-CODES is announced. Codes, and whatever a client's program
//! reads, are the same in every language.

use alloc::vec::Vec;

use crate::command::{MessageNumber, Verb};
use crate::decimal::decimal;
use crate::event::Refusal;
use crate::language::Language;
use crate::maildrop::Totals;

mod english;
mod japanese;

/// A one-line reply, or the first line of one with several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    // +OK
    /// RFC 1939 §4. With a stamp, APOP is offered.
    Greeting { hostname: &'a str, stamp: Option<&'a str> },
    /// RFC 1939 §7: said for every name, so that none is told to exist.
    NameTaken,
    /// RFC 1939 §7.
    LoggedIn(Totals),
    /// RFC 1939 §5.
    Stat(Totals),
    /// RFC 1939 §5.
    Listing(Totals),
    /// RFC 1939 §5: the listing of one message.
    ListingOf(MessageNumber, u64),
    /// RFC 1939 §7: the heading of all unique-ids.
    UniqueIds,
    /// RFC 1939 §7: the unique-id of one message.
    UniqueIdOf(MessageNumber, &'a str),
    /// RFC 1939 §5.
    Octets(u64),
    /// RFC 1939 §7.
    TopFollows,
    /// RFC 1939 §5.
    Marked(MessageNumber),
    /// RFC 1939 §5.
    Unmarked(Totals),
    /// RFC 1939 §5.
    Noop,
    /// RFC 2449 §5.
    Capabilities,
    /// The list that clients from before CAPA ask for by a bare AUTH.
    Mechanisms,
    /// RFC 2595 §4.
    BeginTls,
    /// RFC 6856 §2.1.
    Utf8On,
    /// RFC 6856 §3.2: the heading of all languages.
    Languages,
    /// RFC 6856 §3.2.
    LanguageIs(&'static str),
    /// RFC 1939 §4 and §6.
    Goodbye,

    // -ERR: what the client said
    /// RFC 1939 §3.
    Unknown,
    /// RFC 1939 §3.
    Usage(Verb),
    /// The line was longer than [`crate::limits::LINE`].
    TooLong,
    /// The line ended in a bare LF, and this listener wants CRLF.
    BareLf,
    /// A word where a number belongs.
    NotANumber,
    /// Messages are counted from 1.
    Zero,
    /// RFC 1939 §5: "no such message".
    NoSuchMessage { messages: u32 },
    /// RFC 1939 §5: a deleted message is not to be referred to.
    Deleted(MessageNumber),

    // -ERR: when it said it
    /// TRANSACTION's commands before login.
    LogInFirst,
    /// AUTHORIZATION's commands after login.
    LoggedInAlready,
    /// RFC 1939 §7: PASS follows USER.
    UserFirst,
    /// RFC 2595 §4: no TLS within TLS.
    TlsAlready,
    /// This listener has no STLS.
    NoStls,
    /// RFC 6856 §3.2.
    NoSuchLanguage,
    /// The greeting had no stamp.
    NoApop,
    /// RFC 2595 §2: a password is not to be sent in clear on this listener.
    TlsFirst,
    /// RFC 5034 §4.
    UnknownMechanism,
    /// RFC 5034 §4: not base64, or not what the mechanism wants.
    MalformedResponse,
    /// RFC 5034 §4: the client sent `*`.
    Cancelled,

    // -ERR: what the caller answered
    /// RFC 3206 §4: the credentials; the same for an unknown name and a wrong password.
    WrongCredentials,
    /// RFC 2449 §8.1.2.
    InUse,
    /// RFC 2449 §8.1.1.
    LoginDelay,
    /// RFC 6856 §5.
    NeedsUtf8,
    /// RFC 3206 §3.
    Temporary,
    /// RFC 3206 §3.
    Permanent,
    /// Another program took the message away.
    Vanished,
    /// RFC 1939 §6.
    NotRemoved,

    // -ERR: and the session ends
    /// [`crate::Limits::errors`].
    TooManyErrors,
    /// [`crate::Limits::commands_before_login`].
    TooManyCommands,
    /// [`crate::Limits::auth_failures`].
    TooManyAuthFailures,
    /// RFC 2595 §4, and what became of STARTTLS elsewhere: commands that came in clear must not run under TLS.
    BehindStls,
}

impl Reply<'_> {
    /// Appends the line, CRLF included.
    pub(crate) fn write(self, language: Language, out: &mut Vec<u8>) {
        let mut line = Line(out);
        match language {
            Language::English => english::write(self, &mut line),
            Language::Japanese => japanese::write(self, &mut line),
        };
        out.extend_from_slice(b"\r\n");
    }
}

impl From<Refusal> for Reply<'_> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Credentials => Self::WrongCredentials,
            Refusal::InUse => Self::InUse,
            Refusal::LoginDelay => Self::LoginDelay,
            Refusal::NeedsUtf8 => Self::NeedsUtf8,
            Refusal::NotRemoved => Self::NotRemoved,
            Refusal::Permanent => Self::Permanent,
            Refusal::Temporary => Self::Temporary,
            Refusal::Vanished => Self::Vanished,
        }
    }
}

struct Line<'o>(&'o mut Vec<u8>);

impl Line<'_> {
    fn say(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        decimal(self.0, number);
        self
    }

    fn totals(&mut self, Totals { messages, octets }: Totals) -> &mut Self {
        self.number(messages.into()).say(" messages (").number(octets).say(" octets)")
    }
}

#[cfg(test)]
mod tests;
