//! What a client can say, as values. [`crate::grammar`] reads them; [`Command::encode`] writes them.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use auth_sasl::ApopDigest;

use crate::decimal::decimal;

/// The keywords that this crate knows, with the RFC of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Log in by digest, RFC 1939 §7.
    Apop,
    /// Log in by a SASL mechanism, RFC 5034 §4.
    Auth,
    /// List the capabilities, RFC 2449 §5.
    Capa,
    /// Mark a message as deleted, RFC 1939 §5.
    Dele,
    /// The language of the replies, RFC 6856 §3.
    Lang,
    /// Sizes, RFC 1939 §5.
    List,
    /// Nothing, RFC 1939 §5.
    Noop,
    /// The password behind USER, RFC 1939 §7.
    Pass,
    /// The end, RFC 1939 §4 and §6.
    Quit,
    /// A message, RFC 1939 §5.
    Retr,
    /// Take the deletion marks off, RFC 1939 §5.
    Rset,
    /// Count and size of the maildrop, RFC 1939 §5.
    Stat,
    /// Go over to TLS, RFC 2595 §4.
    Stls,
    /// The header and the first lines of a message, RFC 1939 §7.
    Top,
    /// Unique-ids, RFC 1939 §7.
    Uidl,
    /// The name of the maildrop, RFC 1939 §7.
    User,
    /// Messages may come with UTF-8 in their headers, RFC 6856 §2.
    Utf8,
}

impl Verb {
    /// All of them, in alphabetical order.
    pub const ALL: [Self; 17] = [
        Self::Apop,
        Self::Auth,
        Self::Capa,
        Self::Dele,
        Self::Lang,
        Self::List,
        Self::Noop,
        Self::Pass,
        Self::Quit,
        Self::Retr,
        Self::Rset,
        Self::Stat,
        Self::Stls,
        Self::Top,
        Self::Uidl,
        Self::User,
        Self::Utf8,
    ];

    /// The keyword of these letters, in any case (RFC 1939 §3): one integer is compared, no string.
    pub fn parse(word: &[u8]) -> Option<Self> {
        Some(match code(word)? {
            APOP => Self::Apop,
            AUTH => Self::Auth,
            CAPA => Self::Capa,
            DELE => Self::Dele,
            LANG => Self::Lang,
            LIST => Self::List,
            NOOP => Self::Noop,
            PASS => Self::Pass,
            QUIT => Self::Quit,
            RETR => Self::Retr,
            RSET => Self::Rset,
            STAT => Self::Stat,
            STLS => Self::Stls,
            TOP => Self::Top,
            UIDL => Self::Uidl,
            USER => Self::User,
            UTF8 => Self::Utf8,
            _ => return None,
        })
    }

    /// As it stands on the wire.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Apop => "APOP",
            Self::Auth => "AUTH",
            Self::Capa => "CAPA",
            Self::Dele => "DELE",
            Self::Lang => "LANG",
            Self::List => "LIST",
            Self::Noop => "NOOP",
            Self::Pass => "PASS",
            Self::Quit => "QUIT",
            Self::Retr => "RETR",
            Self::Rset => "RSET",
            Self::Stat => "STAT",
            Self::Stls => "STLS",
            Self::Top => "TOP",
            Self::Uidl => "UIDL",
            Self::User => "USER",
            Self::Utf8 => "UTF8",
        }
    }

    /// The whole command, for the human who typed it wrong.
    pub const fn usage(self) -> &'static str {
        match self {
            Self::Apop => "APOP name digest",
            Self::Auth => "AUTH [mechanism [initial-response]]",
            Self::Capa => "CAPA",
            Self::Dele => "DELE msg",
            Self::Lang => "LANG [tag]",
            Self::List => "LIST [msg]",
            Self::Noop => "NOOP",
            Self::Pass => "PASS string",
            Self::Quit => "QUIT",
            Self::Retr => "RETR msg",
            Self::Rset => "RSET",
            Self::Stat => "STAT",
            Self::Stls => "STLS",
            Self::Top => "TOP msg n",
            Self::Uidl => "UIDL [msg]",
            Self::User => "USER name",
            Self::Utf8 => "UTF8",
        }
    }
}

/// Three or four octets, upper-cased, as one integer. What fills the fourth place is no upper-cased octet, so that no word of four
/// is taken for one of three.
const fn code(word: &[u8]) -> Option<u32> {
    Some(match *word {
        [a, b, c] => u32::from_be_bytes([upper(a), upper(b), upper(c), b'x']),
        [a, b, c, d] => u32::from_be_bytes([upper(a), upper(b), upper(c), upper(d)]),
        _ => return None,
    })
}

const fn upper(octet: u8) -> u8 {
    octet.to_ascii_uppercase()
}

const fn known(verb: Verb) -> u32 {
    match code(verb.keyword().as_bytes()) {
        Some(code) => code,
        None => 0,
    }
}

const APOP: u32 = known(Verb::Apop);
const AUTH: u32 = known(Verb::Auth);
const CAPA: u32 = known(Verb::Capa);
const DELE: u32 = known(Verb::Dele);
const LANG: u32 = known(Verb::Lang);
const LIST: u32 = known(Verb::List);
const NOOP: u32 = known(Verb::Noop);
const PASS: u32 = known(Verb::Pass);
const QUIT: u32 = known(Verb::Quit);
const RETR: u32 = known(Verb::Retr);
const RSET: u32 = known(Verb::Rset);
const STAT: u32 = known(Verb::Stat);
const STLS: u32 = known(Verb::Stls);
const TOP: u32 = known(Verb::Top);
const UIDL: u32 = known(Verb::Uidl);
const USER: u32 = known(Verb::User);
const UTF8: u32 = known(Verb::Utf8);

/// A command, borrowed from its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'i> {
    /// `APOP name digest`
    Apop {
        /// The name of the maildrop.
        name: &'i str,
        /// MD5 over stamp and secret.
        digest: ApopDigest,
    },
    /// `AUTH mechanism [initial-response]`; alone, it asks which mechanisms there are, as clients from before CAPA do.
    Auth(Option<Sasl<'i>>),
    /// `CAPA`
    Capa,
    /// `DELE msg`
    Dele(MessageNumber),
    /// `LANG [tag]`; alone, it asks which languages there are.
    Lang(Option<&'i str>),
    /// `LIST [msg]`
    List(Option<MessageNumber>),
    /// `NOOP`
    Noop,
    /// `PASS string`
    Pass(Hidden<'i>),
    /// `QUIT`
    Quit,
    /// `RETR msg`
    Retr(MessageNumber),
    /// `RSET`
    Rset,
    /// `STAT`
    Stat,
    /// `STLS`
    Stls,
    /// `TOP msg n`
    Top {
        /// Which message.
        message: MessageNumber,
        /// How many lines of its body.
        lines: u32,
    },
    /// `UIDL [msg]`
    Uidl(Option<MessageNumber>),
    /// `USER name`
    User(&'i str),
    /// `UTF8`
    Utf8,
}

impl Command<'_> {
    /// The keyword that it starts with.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Apop { .. } => Verb::Apop,
            Self::Auth(_) => Verb::Auth,
            Self::Capa => Verb::Capa,
            Self::Dele(_) => Verb::Dele,
            Self::Lang(_) => Verb::Lang,
            Self::List(_) => Verb::List,
            Self::Noop => Verb::Noop,
            Self::Pass(_) => Verb::Pass,
            Self::Quit => Verb::Quit,
            Self::Retr(_) => Verb::Retr,
            Self::Rset => Verb::Rset,
            Self::Stat => Verb::Stat,
            Self::Stls => Verb::Stls,
            Self::Top { .. } => Verb::Top,
            Self::Uidl(_) => Verb::Uidl,
            Self::User(_) => Verb::User,
            Self::Utf8 => Verb::Utf8,
        }
    }

    /// Appends the command line, CRLF included: what [`Command::parse`](crate::Command::parse) reads back.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.verb().keyword().as_bytes());
        match self {
            Self::Apop { name, digest } => {
                word(out, name.as_bytes());
                word(out, alloc::format!("{digest}").as_bytes());
            }
            Self::Auth(Some(Sasl { mechanism, initial })) => {
                word(out, mechanism.as_bytes());
                if let Some(Hidden(initial)) = initial {
                    word(out, initial);
                }
            }
            Self::Dele(message) | Self::Retr(message) => number(out, message.get()),
            Self::Lang(Some(tag)) => word(out, tag.as_bytes()),
            Self::List(Some(message)) | Self::Uidl(Some(message)) => number(out, message.get()),
            Self::Pass(Hidden(password)) => word(out, password),
            Self::Top { message, lines } => {
                number(out, message.get());
                number(out, *lines);
            }
            Self::User(name) => word(out, name.as_bytes()),
            Self::Auth(None) | Self::Lang(None) | Self::List(None) | Self::Uidl(None) => {}
            Self::Capa | Self::Noop | Self::Quit | Self::Rset | Self::Stat | Self::Stls | Self::Utf8 => {}
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn word(out: &mut Vec<u8>, word: &[u8]) {
    out.push(b' ');
    out.extend_from_slice(word);
}

fn number(out: &mut Vec<u8>, number: u32) {
    out.push(b' ');
    decimal(out, number.into());
}

/// The arguments of AUTH, not decoded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sasl<'i> {
    /// The mechanism's name as it was sent, which may be none that we know.
    pub mechanism: &'i str,
    /// The initial response in base64; `=` is an empty one (RFC 5034 §4).
    pub initial: Option<Hidden<'i>>,
}

/// Octets of the input that are, or hold, a password: `Debug` does not show them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hidden<'i>(pub &'i [u8]);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// A message number: messages are counted from 1 (RFC 1939 §5), in the order in which the maildrop had them at login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(NonZeroU32);

impl MessageNumber {
    /// `None` for zero.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// From 1 on, as on the wire.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// From 0 on, as in a slice of the messages.
    pub const fn index(self) -> usize {
        (self.0.get() - 1) as usize
    }

    /// The inverse of [`index`](Self::index); `None` behind the largest number.
    pub(crate) fn at(index: usize) -> Option<Self> {
        u32::try_from(index).ok()?.checked_add(1).and_then(Self::new)
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
