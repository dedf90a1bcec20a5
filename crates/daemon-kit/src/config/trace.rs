//! `[trace]`: what is written before a message, and `[listener.trace]` which overrides it for one listener.
//!
//! It can be said per listener because of `client`: a provider hides where its customers are on the ports where they log in, and
//! shows strangers on port 25. The rest follows for two brands in one installation.

use toml::de::DeValue;

use super::fault::Wrong;
use super::listener::words;
use super::section::Section;
use super::value::{Scalar, word};

/// What the fields before a message say and hide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The shape of `Received`.
    pub received: Received,
    /// The comment behind this machine's name in `Received`: what program it is. None: nothing is said.
    pub software: Option<String>,
    /// Whether `Received` shows where a client is.
    pub client: ClientShown,
    /// Whether a message begins with the address for which it was taken. Then each recipient has a file of its own instead of a link.
    pub delivered_to: bool,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            received: Received::Rfc,
            software: Some(String::from("Yubin")),
            client: ClientShown::Shown,
            delivered_to: false,
        }
    }
}

/// `received`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// `"rfc"`: the clauses of RFC 5321 §4.4, RFC 3848 and RFC 8314 §4.3.
    Rfc,
    /// `"sendmail"`: as sendmail writes it, which customers' guides show and old filters read.
    Sendmail,
}

/// `client`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientShown {
    /// `"shown"`: name and address of every client.
    Shown,
    /// `"hidden"`: neither of who has logged in, for a message of a customer tells the whole world where they are. Strangers are shown:
    /// nothing else tells from where their mail came.
    Hidden,
}

words!(Received, "\"rfc\" or \"sendmail\"": "rfc" = Rfc, "sendmail" = Sendmail);
words!(ClientShown, "\"shown\" or \"hidden\"": "shown" = Shown, "hidden" = Hidden);

/// What stands in a comment; none = nothing.
struct Software(Option<String>);

impl Scalar for Software {
    const EXAMPLE: &'static str =
        "a program's name such as \"Yubin\" (ASCII, no parenthesis or backslash), or \"none\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = String::read(value)?;
        let printable = |c: char| matches!(c, ' '..='~') && !matches!(c, '(' | ')' | '\\');
        match given.as_str() {
            "none" => Ok(Self(None)),
            // It stands in one line.
            _ if given.chars().all(printable) && given.len() <= 60 => Ok(Self(Some(given))),
            _ => Err(Wrong::new("this cannot stand in a comment of a header", Self::EXAMPLE)),
        }
    }
}

/// What `section` says, and `outer` for what it leaves out.
pub(super) fn read(section: Section<'_>, outer: &Trace) -> Trace {
    let outer = outer.clone();
    let trace = Trace {
        received: section.optional("received").or(outer.received),
        software: section.optional("software").or(Software(outer.software)).0,
        client: section.optional("client").or(outer.client),
        delivered_to: section.optional("delivered_to").or(outer.delivered_to),
    };
    section.finish();
    trace
}
