//! Errors, sorted by whose fault they are: the machine room's ([`Unavailable`], [`OpenError`]) or the person's who
//! asked for a change ([`AdminError::Refused`]). A client's fault is no error here but a [`crate::Verdict`].

use std::path::PathBuf;

/// The database cannot answer now. For a client this is `4xx` or `[SYS/TEMP]`, never "wrong password" or "no such user".
#[derive(Debug, thiserror::Error)]
#[error("the account database cannot be used: {doing}: {cause}")]
pub struct Unavailable {
    doing: &'static str,
    // Not named `source`: its text is part of ours, and a chain would print it twice.
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Unavailable {
    /// For `map_err`: what was being done, in a few words.
    pub(crate) fn when<E>(doing: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |cause| Self { doing, cause: cause.into() }
    }
}

impl Unavailable {
    /// The same, for the log, with whom it concerned.
    pub(crate) fn concerning(self, login: &str) -> Self {
        Self { doing: self.doing, cause: format!("{}, for {login}", self.cause).into() }
    }

    /// Whether SQLite says that the file is damaged, or was never a database of its.
    fn is_damage(&self) -> bool {
        const CORRUPT: u32 = 11;
        const NOT_A_DATABASE: u32 = 26;
        let causes =
            std::iter::successors(Some(&*self.cause as &(dyn std::error::Error + 'static)), |error| {
                error.source()
            });
        causes.filter_map(|error| error.downcast_ref::<sqlx::Error>()).any(|error| {
            let code = error.as_database_error().and_then(|error| error.code());
            // PostgreSQL's have five characters, and no such numbers.
            let code = code.filter(|code| code.len() < 5).and_then(|code| code.parse::<u32>().ok());
            code.is_some_and(|code| matches!(code & 0xff, CORRUPT | NOT_A_DATABASE))
        })
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The change is not possible as asked; the text says why and what to do instead.
    #[error("{0}")]
    Refused(String),
    /// The database cannot be used; nothing was changed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<crate::NameFault> for AdminError {
    fn from(fault: crate::NameFault) -> Self {
        Self::Refused(fault.to_string())
    }
}

/// Why the database was not opened or created. Each text names the next step.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of no known kind. It is not repeated: it may hold a password.
    #[error("the account database must be named as sqlite:PATH or postgres://USER@HOST/DATABASE")]
    Url,
    /// There is no database yet.
    #[error("there is no account database at {place}; make it with: yubin check --create")]
    Missing {
        /// Path, or URL without user and password.
        place: String,
    },
    /// The database was made by an older program.
    #[error(
        "the account database at {place} is of version {found}, this program needs version {needed}; after a backup, bring it up to date with: yubin check --create"
    )]
    Outdated {
        /// Path, or URL without user and password.
        place: String,
        /// Newest migration in the database; 0 when there is none.
        found: i64,
        /// Newest migration that this program has.
        needed: i64,
    },
    /// The database was made by a newer program; this one would misread it.
    #[error(
        "the account database at {place} is of version {found}, newer than this program's {known}; use the newer program"
    )]
    Newer {
        /// Path, or URL without user and password.
        place: String,
        /// Newest migration in the database.
        found: i64,
        /// Newest migration that this program has.
        known: i64,
    },
    /// A brand that the configuration names is not there; the text says what to do.
    #[error("{0}")]
    NoBrand(String),
    /// A key file (`apop_key`, `srs_key`) cannot be used.
    #[error("the key file {} {fault}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        fault: String,
    },
    /// What is there is no database, or one whose octets are no longer those that were written.
    #[error(
        "the account database at {place} is damaged, or is none: {cause}; put a copy in its place, see: yubin restore --help"
    )]
    Damaged {
        /// Path, or URL without user and password.
        place: String,
        /// What happened.
        cause: Unavailable,
    },
    /// The database does not answer.
    #[error("{place}: {cause}")]
    Unreachable {
        /// Path, or URL without user and password.
        place: String,
        /// What happened.
        cause: Unavailable,
    },
}

impl OpenError {
    /// Of what the database itself answers, or does not.
    pub(crate) fn because(place: String, cause: Unavailable) -> Self {
        if cause.is_damage() { Self::Damaged { place, cause } } else { Self::Unreachable { place, cause } }
    }

    /// Whether the configuration, or what it names, must be repaired first (exit 78, `EX_CONFIG`). If not, it may be over in a minute,
    /// and nothing needs to be written differently (exit 1).
    #[must_use]
    pub const fn needs_repair(&self) -> bool {
        !matches!(self, Self::Unreachable { .. })
    }
}
