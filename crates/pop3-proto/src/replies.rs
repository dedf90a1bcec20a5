//! Everything that the server says on one line, and nothing else anywhere.
//!
//! The texts in brackets are response codes: RFC 2449 §8 (`IN-USE`), RFC 3206 (`AUTH`, `SYS/TEMP`, `SYS/PERM`). No other text
//! starts with a bracket, since RESP-CODES is announced.

use alloc::vec::Vec;

use crate::command::{MessageNumber, Verb};
use crate::decimal::decimal;
use crate::event::Refusal;
use crate::maildrop::Totals;

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
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let mut line = Line(out);
        match self {
            Self::Greeting { hostname, stamp: None } => {
                line.say("+OK ").say(hostname).say(" POP3 server ready")
            }
            Self::Greeting { hostname, stamp: Some(stamp) } => {
                line.say("+OK ").say(hostname).say(" POP3 server ready ").say(stamp)
            }
            Self::NameTaken => line.say("+OK now the password"),
            Self::LoggedIn(totals) => line.say("+OK maildrop has ").totals(totals),
            Self::Stat(Totals { messages, octets }) => {
                line.say("+OK ").number(messages.into()).say(" ").number(octets)
            }
            Self::Listing(totals) => line.say("+OK ").totals(totals),
            Self::ListingOf(message, octets) => {
                line.say("+OK ").number(message.get().into()).say(" ").number(octets)
            }
            Self::UniqueIds => line.say("+OK unique-ids follow"),
            Self::UniqueIdOf(message, id) => line.say("+OK ").number(message.get().into()).say(" ").say(id),
            Self::Octets(octets) => line.say("+OK ").number(octets).say(" octets"),
            Self::TopFollows => line.say("+OK top of message follows"),
            Self::Marked(message) => line.say("+OK message ").number(message.get().into()).say(" deleted"),
            Self::Unmarked(totals) => line.say("+OK maildrop has ").totals(totals),
            Self::Noop => line.say("+OK"),
            Self::Capabilities => line.say("+OK capabilities follow"),
            Self::Mechanisms => line.say("+OK mechanisms follow"),
            Self::BeginTls => line.say("+OK begin TLS"),
            Self::Goodbye => line.say("+OK goodbye"),

            Self::Unknown => line.say("-ERR unknown command"),
            Self::Usage(verb) => line.say("-ERR wrong arguments; usage: ").say(verb.usage()),
            Self::TooLong => line.say("-ERR line too long"),
            Self::BareLf => line.say("-ERR line does not end in CRLF"),
            Self::NotANumber => line.say("-ERR not a number"),
            Self::Zero => line.say("-ERR messages are numbered from 1"),
            Self::NoSuchMessage { messages } => {
                line.say("-ERR no such message, only ").number(messages.into()).say(" in maildrop")
            }
            Self::Deleted(message) => {
                line.say("-ERR message ").number(message.get().into()).say(" is deleted")
            }

            Self::LogInFirst => line.say("-ERR log in first"),
            Self::LoggedInAlready => line.say("-ERR logged in already"),
            Self::UserFirst => line.say("-ERR USER first"),
            Self::TlsAlready => line.say("-ERR TLS is active already"),
            Self::NoStls => line.say("-ERR STLS is not offered here"),
            Self::NoApop => line.say("-ERR APOP is not offered here"),
            Self::TlsFirst => line.say("-ERR a password in clear needs TLS"),
            Self::UnknownMechanism => line.say("-ERR mechanism not offered"),
            Self::MalformedResponse => line.say("-ERR malformed response"),
            Self::Cancelled => line.say("-ERR authentication cancelled"),

            Self::WrongCredentials => line.say("-ERR [AUTH] login failed"),
            Self::InUse => line.say("-ERR [IN-USE] maildrop is open in another session"),
            Self::Temporary => line.say("-ERR [SYS/TEMP] try again later"),
            Self::Permanent => line.say("-ERR [SYS/PERM] ask the operator of this service"),
            Self::Vanished => line.say("-ERR the message is gone from the maildrop"),
            Self::NotRemoved => line.say("-ERR some deleted messages not removed"),

            Self::TooManyErrors => line.say("-ERR too many errors, closing"),
            Self::TooManyCommands => line.say("-ERR too many commands before login, closing"),
            Self::TooManyAuthFailures => line.say("-ERR [AUTH] login failed too often, closing"),
            Self::BehindStls => line.say("-ERR octets behind STLS, closing"),
        };
        out.extend_from_slice(b"\r\n");
    }
}

impl From<Refusal> for Reply<'_> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Credentials => Self::WrongCredentials,
            Refusal::InUse => Self::InUse,
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
