//! `[accounts]`: where accounts are, and what their owners are told.

use std::fmt;
use std::path::{Path, PathBuf};

use super::fault::Wrong;
use super::replies;
use super::section::Section;
use super::value::Count;

/// `[accounts]`
#[derive(Clone, PartialEq, Eq)]
pub struct Accounts {
    /// `sqlite:PATH`, the path made relative to the file's directory, or `postgres://…`, which may hold a password.
    pub database: String,
    /// The key that seals APOP secrets.
    pub apop_key: Option<PathBuf>,
    /// Characters of a password that an operator gives at least; none takes every one, also those that are tried first everywhere.
    pub password_min_length: Option<u32>,
    /// What a client is told that proved who it is, when its account is suspended.
    pub suspended_text: Option<String>,
    /// The same, when its account does not have the service.
    pub unregistered_text: Option<String>,
}

impl fmt::Debug for Accounts {
    /// Without the password that a database address may hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.database.split(':').next().unwrap_or_default();
        f.debug_struct("Accounts")
            .field("database", &format_args!("{kind}:[hidden]"))
            .field("apop_key", &self.apop_key)
            .finish()
    }
}

pub(super) fn accounts(section: Section<'_>, base: &Path) -> Option<Accounts> {
    let example = "\"sqlite:accounts.sqlite\"";
    let database = section.required::<String>("database", example).and_then(|at| {
        let address = database_address(&at.value, base);
        if address.is_none() {
            let what = "the database is neither an SQLite file nor PostgreSQL";
            section.report(&at.span, Wrong::new(what, format!("{example} or \"postgres://user@host/name\"")));
        }
        address
    });
    let apop_key = section.optional::<String>("apop_key").given().map(|at| base.join(at.value));
    let least = section.optional::<Count>("password_min_length").given();
    let password_min_length = least.map_or(Some(crate::limits::PASSWORD_MIN_LENGTH), |at| at.value.0);
    let suspended_text = replies::text(&section, "suspended_text");
    let unregistered_text = replies::text(&section, "unregistered_text");
    section.finish();
    Some(Accounts { database: database?, apop_key, password_min_length, suspended_text, unregistered_text })
}

/// The address with an SQLite path made relative to `base`.
fn database_address(given: &str, base: &Path) -> Option<String> {
    if ["postgres://", "postgresql://"].iter().any(|scheme| given.starts_with(scheme)) {
        return Some(given.to_owned());
    }
    let path = given.strip_prefix("sqlite://").or_else(|| given.strip_prefix("sqlite:"))?;
    // A database in memory would be another one in each process, and gone at the end.
    (!path.is_empty() && !path.starts_with(':')).then(|| format!("sqlite:{}", base.join(path).display()))
}
