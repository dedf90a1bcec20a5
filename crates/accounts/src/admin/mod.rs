//! What the operator's command asks for. Each change is one transaction; each refusal says what to do instead.

mod account;
mod address;
mod audit;
mod domain;
mod import;
mod language;
mod life;
mod plan;
mod refusal;
mod reserved;
mod sending;

pub(crate) use account::must_find;
pub use account::{AccountDetails, AccountRow, Apop, NewAccount, RemovedAccount};
pub use address::{AddressInfo, AddressKind};
pub use audit::AuditEntry;
pub(crate) use domain::must_be_ours;
pub use domain::{DomainInfo, DomainKind, DomainSetting};
pub use import::{ImportError, ImportedAccounts, IncomingAccount};
pub use language::ReportLanguage;
pub use life::{ServiceInfo, Which};
pub use plan::{IssuedAccount, NewPlan, Order, PlanInfo};
pub(crate) use reserved::DUTIES;
pub(crate) use sending::{plan_id, set_sending};

use crate::error::Unavailable;
use crate::store::Store;
use crate::{Accounts, schema, sql};

/// What is in the database, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Version of the schema.
    pub schema: i64,
    /// Domains that are ours.
    pub domains: i64,
    /// Accounts.
    pub accounts: i64,
    /// Addresses, the issued ones included.
    pub addresses: i64,
    /// Whether a key for APOP secrets is loaded.
    pub apop_key: bool,
}

impl Accounts {
    /// Counts what is there.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn status(&self) -> Result<Status, Unavailable> {
        let (domains, accounts, addresses) = sqlx::query_as(sql::COUNTS)
            .fetch_one(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("counting"))?;
        let apop_key = self.shared.apop.is_some();
        Ok(Status { schema: schema::newest(), domains, accounts, addresses, apop_key })
    }
}

/// How many secrets are sealed with the key file.
pub(crate) async fn count_sealed(store: &Store) -> Result<i64, Unavailable> {
    sqlx::query_scalar(sql::COUNT_CREDENTIALS)
        .bind("apop")
        .fetch_one(store.readers())
        .await
        .map_err(Unavailable::when("counting sealed secrets"))
}
