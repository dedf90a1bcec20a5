//! The replies in English.

use super::{Line, Reply};
use crate::maildrop::Totals;

/// Appends what a reply says, without CRLF.
pub(super) fn write<'l, 'o>(reply: Reply<'_>, line: &'l mut Line<'o>) -> &'l mut Line<'o> {
    match reply {
        Reply::Greeting { hostname, stamp: None } => line.say("+OK ").say(hostname).say(" POP3 server ready"),
        Reply::Greeting { hostname, stamp: Some(stamp) } => {
            line.say("+OK ").say(hostname).say(" POP3 server ready ").say(stamp)
        }
        Reply::NameTaken => line.say("+OK now the password"),
        Reply::LoggedIn(totals) => line.say("+OK maildrop has ").totals(totals),
        Reply::Stat(Totals { messages, octets }) => {
            line.say("+OK ").number(messages.into()).say(" ").number(octets)
        }
        Reply::Listing(totals) => line.say("+OK ").totals(totals),
        Reply::ListingOf(message, octets) => {
            line.say("+OK ").number(message.get().into()).say(" ").number(octets)
        }
        Reply::UniqueIds => line.say("+OK unique-ids follow"),
        Reply::UniqueIdOf(message, id) => line.say("+OK ").number(message.get().into()).say(" ").say(id),
        Reply::Octets(octets) => line.say("+OK ").number(octets).say(" octets"),
        Reply::TopFollows => line.say("+OK top of message follows"),
        Reply::Marked(message) => line.say("+OK message ").number(message.get().into()).say(" deleted"),
        Reply::Unmarked(totals) => line.say("+OK maildrop has ").totals(totals),
        Reply::Noop => line.say("+OK"),
        Reply::Capabilities => line.say("+OK capabilities follow"),
        Reply::Mechanisms => line.say("+OK mechanisms follow"),
        Reply::BeginTls => line.say("+OK begin TLS"),
        Reply::Utf8On => line.say("+OK UTF-8 it is"),
        Reply::Languages => line.say("+OK languages follow"),
        Reply::LanguageIs(tag) => line.say("+OK ").say(tag).say(" this is English"),
        Reply::Goodbye => line.say("+OK goodbye"),

        Reply::Unknown => line.say("-ERR unknown command"),
        Reply::Usage(verb) => line.say("-ERR wrong arguments; usage: ").say(verb.usage()),
        Reply::TooLong => line.say("-ERR line too long"),
        Reply::BareLf => line.say("-ERR line does not end in CRLF"),
        Reply::NotANumber => line.say("-ERR not a number"),
        Reply::Zero => line.say("-ERR messages are numbered from 1"),
        Reply::NoSuchMessage { messages } => {
            line.say("-ERR no such message, only ").number(messages.into()).say(" in maildrop")
        }
        Reply::Deleted(message) => line.say("-ERR message ").number(message.get().into()).say(" is deleted"),

        Reply::LogInFirst => line.say("-ERR log in first"),
        Reply::LoggedInAlready => line.say("-ERR logged in already"),
        Reply::UserFirst => line.say("-ERR USER first"),
        Reply::TlsAlready => line.say("-ERR TLS is active already"),
        Reply::NoStls => line.say("-ERR STLS is not offered here"),
        Reply::NoSuchLanguage => line.say("-ERR language not offered"),
        Reply::NoApop => line.say("-ERR APOP is not offered here"),
        Reply::TlsFirst => line.say("-ERR a password in clear needs TLS"),
        Reply::UnknownMechanism => line.say("-ERR mechanism not offered"),
        Reply::MalformedResponse => line.say("-ERR malformed response"),
        Reply::Cancelled => line.say("-ERR authentication cancelled"),

        Reply::WrongCredentials => line.say("-ERR [AUTH] login failed"),
        Reply::InUse => line.say("-ERR [IN-USE] maildrop is open in another session"),
        Reply::LoginDelay => line.say("-ERR [LOGIN-DELAY] the last login was too short a while ago"),
        Reply::NeedsUtf8 => line.say("-ERR [UTF8] the message has UTF-8 in its header, say UTF8 first"),
        Reply::Temporary => line.say("-ERR [SYS/TEMP] try again later"),
        Reply::Permanent => line.say("-ERR [SYS/PERM] ask the operator of this service"),
        Reply::Vanished => line.say("-ERR the message is gone from the maildrop"),
        Reply::NotRemoved => line.say("-ERR some deleted messages not removed"),

        Reply::TooManyErrors => line.say("-ERR too many errors, closing"),
        Reply::TooManyCommands => line.say("-ERR too many commands before login, closing"),
        Reply::TooManyAuthFailures => line.say("-ERR [AUTH] login failed too often, closing"),
        Reply::BehindStls => line.say("-ERR octets behind STLS, closing"),
    }
}
