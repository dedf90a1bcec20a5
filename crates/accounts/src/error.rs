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
    /// The key file for APOP secrets cannot be used.
    #[error("the APOP key file {} {fault}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        fault: String,
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
