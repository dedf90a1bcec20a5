//! Where the account database is, as the configuration says it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// The `[accounts]` table of the configuration, with paths already made absolute.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// `sqlite:PATH`, or `postgres://user:password@host/database`.
    pub url: String,
    /// The file with the key that seals APOP secrets. It must not lie in the database or in its backups.
    pub apop_key: Option<PathBuf>,
}

impl DatabaseConfig {
    /// A SQLite database at a path, without APOP.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        Self { url: format!("sqlite:{}", path.display()), apop_key: None }
    }

    /// Where the database is, in words that may be shown: a path, or the URL without user and password.
    #[must_use]
    pub fn place(&self) -> String {
        if let Some(path) = sqlite_path(&self.url) {
            return path.to_owned();
        }
        let Some((scheme, rest)) = self.url.split_once("://") else {
            // No URL at all; a mistyped one may hold a password, so nothing of it is repeated.
            return "(not a database URL)".to_owned();
        };
        let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
        let host = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
        format!("{scheme}://{host}")
    }

    /// The file that SQLite keeps; nothing of a database server.
    #[must_use]
    pub fn file(&self) -> Option<std::path::PathBuf> {
        match self.backend() {
            Ok(Backend::Sqlite(path)) => Some(path),
            Ok(Backend::Postgres(_)) | Err(_) => None,
        }
    }

    pub(crate) fn backend(&self) -> Result<Backend, OpenError> {
        if let Some(path) = sqlite_path(&self.url) {
            if path.is_empty() || path.starts_with(':') {
                return Err(OpenError::Url);
            }
            return Ok(Backend::Sqlite(std::path::absolute(path).map_err(|_| OpenError::Url)?));
        }
        if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            return Ok(Backend::Postgres(self.url.clone()));
        }
        Err(OpenError::Url)
    }
}

/// The password in a URL stays out of logs.
impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("url", &self.place())
            .field("apop_key", &self.apop_key)
            .finish()
    }
}

/// Which database a URL names.
pub(crate) enum Backend {
    /// An absolute path.
    Sqlite(PathBuf),
    /// The URL.
    Postgres(String),
}

fn sqlite_path(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite:")?;
    Some(rest.strip_prefix("//").unwrap_or(rest))
}
