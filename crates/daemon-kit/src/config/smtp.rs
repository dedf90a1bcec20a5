//! The settings of a listener that SMTP alone has.

use toml::de::DeValue;

use super::fault::{Collector, Wrong};
use super::listener::words;
use super::section::{At, Section};
use super::value::{Scalar, word};

/// What an SMTP listener offers and puts up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Service extensions that are not offered here, though they could be.
    pub disabled: Vec<Extension>,
    /// What becomes of a CR or LF that stands alone in a message.
    pub bare_line_endings: BareLineEndings,
    /// Whether EHLO also says `AUTH=`, which clients older than RFC 2554 look for.
    pub legacy_auth_line: bool,
    /// As which addresses who has logged in may write.
    pub sender_rights: SenderRights,
    /// What VRFY tells.
    pub vrfy: Vrfy,
    /// Whose mail is looked through for viruses.
    pub virus_check: VirusChecked,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            disabled: Vec::new(),
            bare_line_endings: BareLineEndings::Refuse,
            legacy_auth_line: false,
            sender_rights: SenderRights::Off,
            vrfy: Vrfy::Neutral,
            virus_check: VirusChecked::Off,
        }
    }
}

/// `disable`, by the keywords of EHLO's answer
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// `"PIPELINING"` (RFC 2920)
    Pipelining,
    /// `"SIZE"` (RFC 1870); the limit holds without it.
    Size,
    /// `"8BITMIME"` (RFC 6152)
    EightBitMime,
    /// `"SMTPUTF8"` (RFC 6531)
    SmtpUtf8,
    /// `"CHUNKING"` (RFC 3030)
    Chunking,
    /// `"ENHANCEDSTATUSCODES"` (RFC 2034)
    EnhancedStatusCodes,
    /// `"LIMITS"` (RFC 9422); the limits hold without it.
    Limits,
    /// `"HELP"`
    Help,
    /// `"DSN"` (RFC 3461): offered only where `[outbound]` is enabled, for a report must be able to reach a sender elsewhere.
    Dsn,
    /// `"BINARYMIME"` (RFC 3030): not offered anyway, for POP3 has no way to give such a message back as it came.
    BinaryMime,
}

/// `bare_line_endings`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareLineEndings {
    /// `"refuse"`: the message is refused at its end, and nothing is smuggled.
    Refuse,
    /// `"normalise"`: LF becomes CRLF and CR a blank, for old devices that know no better. Only for who is trusted.
    Normalise,
}

/// `sender_rights`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderRights {
    /// `"off"`: as any.
    Off,
    /// `"warn"`: as any, but one that is not the account's own is logged.
    Warn,
    /// `"rewrite"`: any that is not the account's own becomes its primary address.
    Rewrite,
    /// `"reject"`: as its own only.
    Reject,
}

/// `vrfy`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vrfy {
    /// `"neutral"`: neither yes nor no (RFC 5321 §3.5.3), so that nobody learns who is here.
    Neutral,
    /// `"off"`: the command is refused.
    Off,
    /// `"authenticated"`: the truth to who has logged in, nothing to others.
    Authenticated,
}

/// `virus_check`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VirusChecked {
    /// `"off"`: nobody's.
    Off,
    /// `"received"`: mail to mailboxes whose accounts have the service `virus_check`; the default where there is a `[virus_check]`.
    Received,
    /// `"contract"`: that, and what accounts with the service send.
    Contract,
    /// `"contract-only"`: that, and accounts without it are sent to another host.
    ContractOnly,
    /// `"always"`: everybody's.
    Always,
}

words!(VirusChecked, "\"off\", \"received\", \"contract\", \"contract-only\" or \"always\"":
    "off" = Off, "received" = Received, "contract" = Contract, "contract-only" = ContractOnly, "always" = Always);
words!(BareLineEndings, "\"refuse\" or \"normalise\"": "refuse" = Refuse, "normalise" = Normalise);
words!(SenderRights, "\"off\", \"warn\", \"rewrite\" or \"reject\"":
    "off" = Off, "warn" = Warn, "rewrite" = Rewrite, "reject" = Reject);
words!(Vrfy, "\"neutral\", \"off\" or \"authenticated\"": "neutral" = Neutral, "off" = Off, "authenticated" = Authenticated);

impl Scalar for Extension {
    const EXAMPLE: &'static str = "[\"SMTPUTF8\", \"CHUNKING\"]";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let own = |remedy: &str| Err(Wrong::new("this extension has a setting of its own", remedy));
        match value.as_str() {
            Some("STARTTLS") => own("tls = \"none\", and nothing here"),
            Some("AUTH") => own("auth = \"off\", and nothing here"),
            _ => word(
                value,
                &[
                    ("PIPELINING", Self::Pipelining),
                    ("SIZE", Self::Size),
                    ("8BITMIME", Self::EightBitMime),
                    ("SMTPUTF8", Self::SmtpUtf8),
                    ("CHUNKING", Self::Chunking),
                    ("ENHANCEDSTATUSCODES", Self::EnhancedStatusCodes),
                    ("LIMITS", Self::Limits),
                    ("HELP", Self::Help),
                    ("DSN", Self::Dsn),
                    ("BINARYMIME", Self::BinaryMime),
                ],
            ),
        }
    }
}

/// As the file has them, each with its place.
pub(super) struct Given {
    disable: Option<At<Vec<At<Extension>>>>,
    bare_line_endings: Option<At<BareLineEndings>>,
    legacy_auth_line: Option<At<bool>>,
    sender_rights: Option<At<SenderRights>>,
    vrfy: Option<At<Vrfy>>,
    virus_check: Option<At<VirusChecked>>,
}

impl Given {
    pub(super) fn take(section: &Section<'_>) -> Self {
        Self {
            disable: section.list("disable").given(),
            bare_line_endings: section.optional("bare_line_endings").given(),
            legacy_auth_line: section.optional("legacy_auth_line").given(),
            sender_rights: section.optional("sender_rights").given(),
            vrfy: section.optional("vrfy").given(),
            virus_check: section.optional("virus_check").given(),
        }
    }

    /// Reports each of them: the listener speaks another protocol.
    pub(super) fn check_absent(&self, faults: &Collector<'_>) {
        let spans = [
            (self.disable.as_ref().map(|at| &at.span), "disable"),
            (self.bare_line_endings.as_ref().map(|at| &at.span), "bare_line_endings"),
            (self.legacy_auth_line.as_ref().map(|at| &at.span), "legacy_auth_line"),
            (self.sender_rights.as_ref().map(|at| &at.span), "sender_rights"),
            (self.vrfy.as_ref().map(|at| &at.span), "vrfy"),
            (self.virus_check.as_ref().map(|at| &at.span), "virus_check"),
        ];
        for (span, key) in spans {
            if let Some(span) = span {
                let what = format!("`{key}` belongs to SMTP, this listener is pop3");
                faults.report_absence(span, Wrong::new(what, "nothing (remove the line)"));
            }
        }
    }

    /// Reports what needs logins, where nobody can log in.
    pub(super) fn check_without_auth(&self, faults: &Collector<'_>) {
        let remedy = "auth = \"optional\" or \"required\" beside it, or remove the line";
        if let Some(at) = self.legacy_auth_line.as_ref().filter(|at| at.value) {
            let what = "this speaks of logging in, and `auth` is \"off\"";
            faults.report_absence(&at.span, Wrong::new(what, remedy));
        }
        if let Some(at) = self.sender_rights.as_ref().filter(|at| at.value != SenderRights::Off) {
            let what = "it looks at who has logged in, and `auth` is \"off\"";
            faults.report_absence(&at.span, Wrong::new(what, remedy));
        }
        if let Some(at) = self.vrfy.as_ref().filter(|at| at.value == Vrfy::Authenticated) {
            let what = "nobody would get an answer: `auth` is \"off\"";
            faults.report_absence(&at.span, Wrong::new(what, remedy));
        }
        let by_login =
            |at: &&At<VirusChecked>| matches!(at.value, VirusChecked::Contract | VirusChecked::ContractOnly);
        if let Some(at) = self.virus_check.as_ref().filter(by_login) {
            let what = "it looks at who has logged in, and `auth` is \"off\"";
            faults
                .report_absence(&at.span, Wrong::new(what, "\"received\" or \"always\", or auth beside it"));
        }
    }

    /// Reports a virus check that nobody would do.
    pub(super) fn check_without_scanner(&self, faults: &Collector<'_>) {
        if let Some(at) = self.virus_check.as_ref().filter(|at| at.value != VirusChecked::Off) {
            let what = "nobody looks mail through: there is no section [virus_check]";
            let remedy = "[virus_check] with clamd = \"unix:/run/clamav/clamd.ctl\"";
            faults.report_absence(&at.span, Wrong::new(what, remedy));
        }
    }

    /// `scanner`: there is a `[virus_check]`.
    pub(super) fn resolve(self, scanner: bool) -> Smtp {
        let default = Smtp::default();
        let disabled = self.disable.map(|at| at.value.into_iter().map(|at| at.value).collect());
        Smtp {
            disabled: disabled.unwrap_or(default.disabled),
            bare_line_endings: self.bare_line_endings.map_or(default.bare_line_endings, |at| at.value),
            legacy_auth_line: self.legacy_auth_line.map_or(default.legacy_auth_line, |at| at.value),
            sender_rights: self.sender_rights.map_or(default.sender_rights, |at| at.value),
            vrfy: self.vrfy.map_or(default.vrfy, |at| at.value),
            virus_check: match self.virus_check {
                Some(at) => at.value,
                None if scanner => VirusChecked::Received,
                None => default.virus_check,
            },
        }
    }
}
