//! The domains that are ours. The first one is the default: every account has its issued address there.

use crate::error::{AdminError, Unavailable};
use crate::names::DomainName;
use crate::pop3::Pop3Rules;
use crate::store::{self, Change, now};
use crate::{Accounts, sql};

use super::refusal;

/// A domain that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainInfo {
    /// Lower case.
    pub name: String,
    /// Whether issued addresses are in it: the domain that was added first.
    pub default: bool,
    /// How many addresses are in it.
    pub addresses: i64,
    /// What POP3 does with the mail of its accounts.
    pub pop3: Pop3Rules,
}

impl Accounts {
    /// Makes a domain ours.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is no domain name or ours already.
    pub async fn domain_add(&self, name: &str) -> Result<DomainInfo, AdminError> {
        let name = DomainName::parse(name)?;
        let store = &self.shared.store;
        let mut change = store.begin().await?;
        let id = store::next(&mut change, "domain").await?;
        let added = sqlx::query(sql::ADD_DOMAIN)
            .bind(id)
            .bind(name.as_str())
            .bind(now())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("adding a domain"))?;
        if added.rows_affected() == 0 {
            return Err(refusal::domain_exists(&name));
        }
        let default = default_domain(&mut change).await?.is_some_and(|(first, _)| first == id);
        store.commit(change, "domain add", name.as_str()).await?;
        Ok(DomainInfo { name: name.to_string(), default, addresses: 0, pop3: Pop3Rules::default() })
    }

    /// All domains that are ours, the default one first.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn domain_list(&self) -> Result<Vec<DomainInfo>, AdminError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(sql::DOMAINS)
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("listing domains"))?;
        let info = |(place, (name, rules, addresses)): (usize, (String, String, i64))| {
            let pop3 = Pop3Rules::from_column(&rules);
            DomainInfo { name, default: place == 0, addresses, pop3 }
        };
        Ok(rows.into_iter().enumerate().map(info).collect())
    }
}

/// Number and name of the default domain.
pub(super) async fn default_domain(change: &mut Change) -> Result<Option<(i64, String)>, Unavailable> {
    sqlx::query_as(sql::DEFAULT_DOMAIN)
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up the default domain"))
}

/// The number of a domain that must be ours.
pub(super) async fn domain_id(change: &mut Change, name: &str) -> Result<i64, AdminError> {
    sqlx::query_scalar(sql::DOMAIN_ID)
        .bind(name)
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a domain"))?
        .ok_or_else(|| refusal::domain_not_ours(name))
}
