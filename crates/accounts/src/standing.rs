//! What an account may do: its state and its services.

use crate::store::now;

/// A service that an account has or has not. Each is set by itself, with its time and by whom; unset, the plan decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Logging in by APOP; it needs the password sealed, too.
    Apop,
    /// Sending mail on elsewhere.
    Forward,
    /// Reading by POP3.
    Pop,
    /// Sending without AUTH from the address of a POP3 session a short while ago.
    PopBeforeSmtp,
    /// Sending with SMTP AUTH.
    SmtpAuth,
    /// Looking through mail for viruses.
    VirusCheck,
}

impl Service {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Pop, Self::SmtpAuth, Self::Apop, Self::PopBeforeSmtp, Self::VirusCheck, Self::Forward];

    /// The word for it, in the database, in commands and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Apop => "apop",
            Self::Forward => "forward",
            Self::Pop => "pop",
            Self::PopBeforeSmtp => "pop_before_smtp",
            Self::SmtpAuth => "smtp_auth",
            Self::VirusCheck => "virus_check",
        }
    }

    /// The service of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.word() == word)
    }

    /// Where neither account nor plan says anything: what a mailbox is for is on, as far as the installation offers it; what is extra is
    /// off.
    #[must_use]
    pub fn by_default(self) -> bool {
        matches!(self, Self::Apop | Self::Pop | Self::PopBeforeSmtp | Self::SmtpAuth)
    }

    /// Which live sessions end when it is turned off.
    pub(crate) fn ends(self) -> i64 {
        match self {
            Self::Pop => READING,
            Self::SmtpAuth => SENDING,
            _ => 0,
        }
    }
}

/// The bit of sessions that send, in the database.
pub(crate) const SENDING: i64 = 1;
/// The bit of sessions that read.
pub(crate) const READING: i64 = 2;
/// The bit of mail that comes.
pub(crate) const RECEIVING: i64 = 4;

/// The bit of a change that ends no session: one that lets somebody in again who was held back for guessing.
pub(crate) const LIFTING: i64 = 8;

/// What a suspension stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stops {
    /// Logging in to send.
    pub sending: bool,
    /// Logging in to read.
    pub reading: bool,
    /// Getting mail.
    pub receiving: bool,
}

/// An account that was taken over: it sends nothing more; its owner goes on reading and gets mail.
impl Default for Stops {
    fn default() -> Self {
        Self { sending: true, reading: false, receiving: false }
    }
}

impl Stops {
    /// Everything.
    pub const ALL: Self = Self { sending: true, reading: true, receiving: true };

    pub(crate) fn bits(self) -> i64 {
        i64::from(self.sending) * SENDING
            + i64::from(self.reading) * READING
            + i64::from(self.receiving) * RECEIVING
    }

    pub(crate) fn from_bits(bits: i64) -> Self {
        let has = |bit| bits & bit != 0;
        Self { sending: has(SENDING), reading: has(READING), receiving: has(RECEIVING) }
    }
}

/// Where an account is in its life. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does all that its services allow.
    Active,
    /// It is on its way here: mail is put into it by import only, mail from outside waits outside, nobody logs in.
    Staged,
    /// Stopped by the operator, in parts.
    Suspended {
        /// What it cannot do.
        stops: Stops,
        /// What its owner is told; empty for the configured words.
        text: String,
        /// Since when.
        since: i64,
    },
    /// On its way out: it gets and sends nothing, and its owner fetches what is there.
    Closing {
        /// Since when.
        since: i64,
        /// When reading ends.
        until: i64,
    },
}

impl State {
    /// The word for it, in the database and in output.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Staged => "staged",
            Self::Suspended { .. } => "suspended",
            Self::Closing { .. } => "closing",
        }
    }

    /// What no program of ours wrote stops everything.
    pub(crate) fn from_columns(word: &str, stops: i64, text: String, since: i64, until: i64) -> Self {
        match word {
            "active" => Self::Active,
            "staged" => Self::Staged,
            "closing" => Self::Closing { since, until },
            "suspended" => Self::Suspended { stops: Stops::from_bits(stops), text, since },
            _ => Self::Suspended { stops: Stops::ALL, text, since },
        }
    }

    /// Whether it keeps an account from a service, and how.
    pub(crate) fn bars(&self, service: Service) -> Option<Bar> {
        let sends = matches!(service, Service::SmtpAuth | Service::PopBeforeSmtp | Service::Forward);
        match self {
            Self::Active => None,
            Self::Staged => Some(Bar::Staged),
            Self::Suspended { stops, text, .. } => {
                let stopped = if sends { stops.sending } else { stops.reading };
                stopped.then(|| Bar::Suspended(text.clone()))
            }
            Self::Closing { until, .. } => (sends || *until <= now()).then_some(Bar::Closing),
        }
    }
}

/// Why an account whose claim is true may not do what it came for. Its owner may know: the password was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bar {
    /// The account is closing.
    Closing,
    /// The service is not registered for it.
    ServiceOff(Service),
    /// The account is not in use yet.
    Staged,
    /// The account is suspended; the text is for its owner, an empty one leaves the words to the server.
    Suspended(String),
}

impl Bar {
    /// A stable word for the log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Closing => "closing",
            Self::ServiceOff(_) => "service-off",
            Self::Staged => "staged",
            Self::Suspended(_) => "suspended",
        }
    }
}
