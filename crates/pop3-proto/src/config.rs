use alloc::string::String;
use alloc::vec::Vec;

use auth_sasl::Mechanism;

use crate::language::Language;
use crate::limits::Limits;
use crate::words::{InvalidText, Topic, Words};

/// What one listener offers; shared by all of its sessions. Its operator decides, the session holds to it, and CAPA says so.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The name in the greeting. It must be a host's name: it goes into the greeting as it is.
    pub hostname: String,
    /// Whether STLS (RFC 2595 §4) is offered to clients on a clear channel.
    pub stls: bool,
    /// Whether passwords may cross a clear channel: USER, PASS and AUTH. Default: no, RFC 8314 §3.3.
    pub clear_text: bool,
    /// The SASL mechanisms, in the order in which they are announced. All of them send the password. Default: PLAIN and LOGIN.
    pub mechanisms: Vec<Mechanism>,
    /// Whether a command line may end in a bare LF. Harmless here, where no message comes in, and some old scripts do it.
    /// Default: yes.
    pub bare_lf: bool,
    /// Whether UTF8 (RFC 6856 §2) is offered: the caller then looks at [`Session::utf8`](crate::Session::utf8) before it sends a
    /// message with UTF-8 in its header. Default: yes.
    pub utf8: bool,
    /// The languages that LANG (RFC 6856 §3) offers beside English, which every session starts with; the first is what `LANG *`
    /// gives. Empty: LANG is not offered. Default: all that there are, English first.
    pub languages: Vec<Language>,
    /// How long mail stays, for EXPIRE (RFC 2449 §6.7). Default: nothing is said.
    pub expire: Option<Expire>,
    /// How long a client is to wait between two logins, for LOGIN-DELAY (RFC 2449 §6.5). Default: nothing is said.
    pub login_delay: Option<LoginDelay>,
    /// What CAPA says behind IMPLEMENTATION, after login (RFC 2449 §6.9). Printable ASCII. Default: nothing.
    pub implementation: Option<String>,
    /// How much of a client's time and mistakes a session takes.
    pub limits: Limits,
    pub(crate) words: Words,
}

impl Config {
    /// No STLS, no passwords in clear.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            stls: false,
            clear_text: false,
            mechanisms: Mechanism::ALL.to_vec(),
            bare_lf: true,
            utf8: true,
            languages: Language::ALL.to_vec(),
            expire: None,
            login_delay: None,
            implementation: None,
            limits: Limits::default(),
            words: Words::default(),
        }
    }

    /// Says a refusal in other words, in one language; its response code stays.
    ///
    /// # Errors
    /// [`InvalidText`]: it would not be one line, or the line would be too long.
    pub fn say(
        &mut self,
        topic: Topic,
        language: Language,
        text: impl Into<String>,
    ) -> Result<(), InvalidText> {
        self.words.set(topic, language, text.into())
    }
}

/// What EXPIRE announces (RFC 2449 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expire {
    /// The fewest days that a message stays, or none for ever. Zero: a message may be gone after the session that retrieved it.
    pub days: Option<u32>,
    /// Whether it may differ between accounts.
    pub differs: bool,
}

/// What LOGIN-DELAY announces (RFC 2449 §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginDelay {
    /// The longest that any account waits.
    pub seconds: u32,
    /// Whether it may differ between accounts.
    pub differs: bool,
}

/// What carries the session when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A connection that anyone on the way can read.
    Clear,
    /// Implicit TLS (RFC 8314 §3).
    Encrypted,
}
