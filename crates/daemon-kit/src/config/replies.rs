//! `[replies]`: what clients are told in the operator's words. Only texts: no setting changes a code, and so what a client's program does.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::Accounts;
use super::fault::Wrong;
use super::section::{At, Section};
use super::value::Scalar;
use crate::limits;

macro_rules! events {
    ($($event:ident = $name:literal: $meaning:literal)+) => {
        /// At what a text is said: the keys of `[replies]`. Where there is a rule of the policy, it bears the rule's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReplyEvent {
            $(#[doc = $meaning] $event),+
        }

        impl ReplyEvent {
            /// Every one, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$event),+];

            /// The key in the file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$event => $name),+ }
            }

            /// When it is said, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$event => $meaning),+ }
            }
        }
    };
}

events! {
    AccountClosing = "account_closing": "535, -ERR [SYS/PERM]: a login with the right password to an account that is closing."
    AccountStaged = "account_staged": "535, -ERR [SYS/PERM]: the same to an account that is not in use yet."
    AccountSuspended = "account_suspended": "535, -ERR [SYS/PERM]: the same to an account that is suspended without a text of its own."
    ApopNotOffered = "apop_not_offered": "-ERR: APOP where there is none."
    AuthFailed = "auth_failed": "535, `-ERR [AUTH]`: a login that does not hold, whatever is wrong with it."
    AuthMissing = "auth_missing": "530: MAIL before the AUTH that is demanded, which something on the way may hide from a client."
    AuthNotOffered = "auth_not_offered": "502: AUTH where there is none."
    AuthUnavailable = "auth_unavailable": "454, -ERR [SYS/TEMP]: a login that cannot be judged now, or is not after too many that failed."
    ClearTextPassword = "clear_text_password": "538, -ERR: a password in clear text where that is not allowed."
    DomainBarred = "domain_barred": "550: a domain where nobody has mail, and which has no text of its own."
    LoginDelay = "login_delay": "-ERR [LOGIN-DELAY]: a login too soon behind the last."
    MailboxDisabled = "mailbox_disabled": "550: a mailbox that takes no mail."
    MailboxFull = "mailbox_full": "452 or 552: a mailbox without room."
    MailboxUnready = "mailbox_unready": "450: a mailbox that takes no mail yet."
    MaildropInUse = "maildrop_in_use": "-ERR [IN-USE]: another session has the maildrop."
    MechanismNotOffered = "mechanism_not_offered": "504, -ERR: a login by a mechanism that is not offered."
    MessageTooBig = "message_too_big": "552: a message beyond the limit."
    NetworkBarred = "network_barred": "554: a client of a network class that the listener turns away."
    NotSentFromHere = "not_sent_from_here": "550: mail to another domain from who may send it, where none leaves for other hosts."
    RelayDenied = "relay_denied": "550: mail to another domain, and nothing that the client could do would help."
    RelayNeedsAuthentication = "relay_needs_authentication": "550: mail to another domain, from who has not logged in."
    SenderNotOwned = "sender_not_owned": "553: a sender address that is not the account's."
    SendingLimit = "sending_limit": "450: a message or a recipient beyond what may be sent in an hour or a day."
    ServiceUnregistered = "service_unregistered": "535, -ERR [SYS/PERM]: a login with the right password to an account without the service."
    StartTlsNotOffered = "starttls_not_offered": "502, -ERR: STARTTLS or STLS where there is none."
    TlsMissing = "tls_missing": "530: MAIL before the STARTTLS that is demanded."
    TooBigToCheck = "too_big_to_check": "552: a message beyond what the virus check takes, where none is taken without it."
    UnknownUser = "unknown_user": "550: no such address in a domain of ours."
    VirusCheckFailed = "virus_check_failed": "451: a message that cannot be checked for viruses now."
    VirusCheckNeeded = "virus_check_needed": "550: MAIL from an account without the virus check at a host for those who have it."
    VirusFound = "virus_found": "554: a message with a virus."
}

/// The operator's words, by event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies(BTreeMap<ReplyEvent, ReplyText>);

impl Replies {
    /// What is said at an event, if that is not the usual.
    #[must_use]
    pub fn at(&self, event: ReplyEvent) -> Option<&ReplyText> {
        self.0.get(&event)
    }

    /// The events at which something else than the usual is said.
    pub fn iter(&self) -> impl Iterator<Item = (ReplyEvent, &ReplyText)> {
        self.0.iter().map(|(event, text)| (*event, text))
    }
}

/// Other words for one event. Lines of it are parted by `\n`; with its address it has at most [`limits::REPLY_TEXT`] octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyText {
    en: Option<String>,
    ja: Option<String>,
    url: Option<String>,
}

impl ReplyText {
    /// In ASCII, for who has asked for nothing else. `usual` is what would be said.
    #[must_use]
    pub fn english(&self, usual: &str) -> String {
        let text = self.en.as_deref().unwrap_or(usual);
        match &self.url {
            Some(url) => format!("{text}, see {url}"),
            None => text.to_owned(),
        }
    }

    /// In Japanese, for who has asked for it. `usual` is what would be said, if there is something.
    #[must_use]
    pub fn japanese(&self, usual: Option<&str>) -> Option<String> {
        let text = self.ja.as_deref().or(usual)?;
        Some(match &self.url {
            Some(url) => format!("{text} {url}"),
            None => text.to_owned(),
        })
    }
}

/// A text on one line, where a protocol has no more.
#[must_use]
pub fn on_one_line(text: &str) -> String {
    text.replace('\n', " ")
}

pub(super) fn read(section: Section<'_>, accounts: Option<&Accounts>) -> Replies {
    let mut replies = BTreeMap::new();
    for event in ReplyEvent::ALL.iter().copied() {
        let Some(At { value, span }) = section.table(event.name()).given() else { continue };
        let older = match event {
            ReplyEvent::AccountSuspended => {
                accounts.and_then(|it| it.suspended_text.as_ref()).map(|_| "suspended_text")
            }
            ReplyEvent::ServiceUnregistered => {
                accounts.and_then(|it| it.unregistered_text.as_ref()).map(|_| "unregistered_text")
            }
            _ => None,
        };
        if let Some(older) = older {
            let what = format!("`{}` is said by {older} in [accounts], too", event.name());
            section.faults().report_absence(&span, Wrong::new(what, "one of the two (remove the other)"));
        }
        replies.insert(event, read_text(value));
    }
    section.finish();
    Replies(replies)
}

fn read_text(section: Section<'_>) -> ReplyText {
    let before = section.faults().count();
    let en = section.optional::<Ascii>("en").given().map(|at| at.value.0);
    let ja = section.optional::<Lines>("ja").given().map(|at| at.value.0);
    let url = section.optional::<Url>("url").given().map(|at| at.value.0);
    let text = ReplyText { en, ja, url };
    let longest = text.english("").len().max(text.japanese(None).map_or(0, |text| text.len()));
    if longest > limits::REPLY_TEXT {
        let what = format!("with the address behind it, the text has {longest} octets");
        section.report(section.span(), Wrong::new(what, format!("at most {} of them", limits::REPLY_TEXT)));
    }
    if section.faults().count() == before && [&text.en, &text.ja, &text.url].iter().all(|it| it.is_none()) {
        let what = "nothing is said here";
        let remedy = "url = \"https://example.jp/help\", or en = \"…\", or ja = \"…\"";
        section.faults().report_absence(section.span(), Wrong::new(what, remedy));
    }
    section.finish();
    text
}

/// A text that fits into a reply line of either protocol behind its code (RFC 5321 §4.5.3.1.5, RFC 1939 §3).
pub(super) fn text(section: &Section<'_>, key: &'static str) -> Option<String> {
    const LONGEST: usize = limits::REPLY_TEXT;
    let at = section.optional::<String>(key).given()?;
    let fits = at.value.len() <= LONGEST && at.value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if fits && !at.value.is_empty() {
        return Some(at.value);
    }
    let what = format!("a text for clients is one line of 1 to {LONGEST} ASCII characters");
    section.report(&at.span, Wrong::new(what, format!("{key} = \"See https://example.jp/help\"")));
    None
}

/// Lines of any language. A bracket at the beginning would be a response code of POP3 (RFC 2449 §8).
struct Lines(String);

impl Scalar for Lines {
    const EXAMPLE: &'static str =
        "a text in quotes, of 1 to 400 octets, that does not begin with a bracket; \\n parts lines";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let fits = |line: &str| !line.trim().is_empty() && !line.contains(char::is_control);
        match value.as_str() {
            Some(text)
                if text.len() <= limits::REPLY_TEXT
                    && !text.starts_with('[')
                    && text.split('\n').all(fits) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Wrong::new("this is no text for clients", Self::EXAMPLE)),
        }
    }
}

struct Ascii(String);

impl Scalar for Ascii {
    const EXAMPLE: &'static str = Lines::EXAMPLE;

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match Lines::read(value)?.0 {
            text if text.is_ascii() => Ok(Self(text)),
            _ => Err(Wrong::new(
                "this goes to clients that have not asked for UTF-8",
                "ASCII here, and other characters in ja = \"…\"",
            )),
        }
    }
}

/// An address of the World Wide Web.
struct Url(String);

impl Scalar for Url {
    const EXAMPLE: &'static str = "an address such as \"https://example.jp/help\", of at most 250 octets";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        const LONGEST: usize = 250;
        let given = value.as_str().unwrap_or_default();
        let rest = ["https://", "http://"].iter().find_map(|scheme| given.strip_prefix(scheme));
        match rest {
            Some(rest)
                if !rest.is_empty()
                    && given.len() <= LONGEST
                    && given.bytes().all(|b| b.is_ascii_graphic()) =>
            {
                Ok(Self(given.to_owned()))
            }
            _ => Err(Wrong::new("this is no address of a page", Self::EXAMPLE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_order_and_each_name_is_there_once() {
        assert!(ReplyEvent::ALL.is_sorted_by(|one, other| one.name() < other.name()));
    }

    #[test]
    fn a_text_replaces_the_usual_one_and_an_address_stands_behind_either() {
        let text = |en: Option<&str>, ja: Option<&str>, url: Option<&str>| ReplyText {
            en: en.map(str::to_owned),
            ja: ja.map(str::to_owned),
            url: url.map(str::to_owned),
        };
        let url = Some("https://a.jp/");
        for (given, english, japanese) in [
            (text(None, None, url), "Usual, see https://a.jp/", Some("いつも https://a.jp/")),
            (text(Some("Ours"), None, None), "Ours", Some("いつも")),
            (text(Some("Ours"), Some("当社"), url), "Ours, see https://a.jp/", Some("当社 https://a.jp/")),
        ] {
            assert_eq!(given.english("Usual"), english);
            assert_eq!(given.japanese(Some("いつも")).as_deref(), japanese);
        }
        assert_eq!(text(None, None, url).japanese(None), None);
    }
}
