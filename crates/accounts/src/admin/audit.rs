//! Who changed what, and when.

use crate::error::{AdminError, Unavailable};
use crate::names::AccountName;
use crate::{Accounts, sql};

/// One change, or its part of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: changes are numbered in the order in which they took effect.
    pub id: i64,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// Who made it; empty for a daemon.
    pub who: String,
    /// The command.
    pub action: String,
    /// On what, and to what. No secret is in it.
    pub subject: String,
}

impl Accounts {
    /// The last changes, the newest first; all, or those of one account, also of one that is gone if nobody has its login again.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when the login is none.
    pub async fn audit(&self, login: Option<&str>, most: u32) -> Result<Vec<AuditEntry>, AdminError> {
        let login = login.map(|login| AccountName::parse(login, &self.brand)).transpose()?;
        let query = match &login {
            None => sqlx::query_as(sql::AUDIT).bind(i64::from(most)),
            Some(login) => sqlx::query_as(sql::AUDIT_OF).bind(i64::from(most)).bind(login.as_str()),
        };
        let rows: Vec<(i64, i64, String, String, String)> = query
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("reading the audit log"))?;
        let entry = |(id, at, who, action, subject)| AuditEntry { id, at, who, action, subject };
        Ok(rows.into_iter().map(entry).collect())
    }
}
