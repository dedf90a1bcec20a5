//! Addresses: the issued one of each account, and the others it has beside it.

use crate::error::{AdminError, Unavailable};
use crate::names::{Address, Login};
use crate::store::{Change, now};
use crate::{AccountId, Accounts, sql};

use super::{account, domain, refusal};

/// An address and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressInfo {
    /// `local-part@domain`, lower case.
    pub address: String,
    /// The login of the account that it belongs to.
    pub login: String,
    /// How it came to be.
    pub kind: AddressKind,
}

/// How an address came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// The login at the default domain: there from the account's first minute to its last.
    Issued,
    /// Chosen; comes and goes.
    Alias,
}

impl AddressKind {
    /// The word for it, in the database and in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Alias => "alias",
        }
    }

    fn from_word(word: &str) -> Self {
        if word == Self::Issued.word() { Self::Issued } else { Self::Alias }
    }
}

impl Accounts {
    /// Gives an account one more address.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is no address, its domain is not ours, it belongs to somebody, or the account
    /// does not exist.
    pub async fn address_add(&self, address: &str, login: &str) -> Result<AddressInfo, AdminError> {
        let address = Address::parse(address)?;
        let store = &self.shared.store;
        let mut change = store.begin().await?;
        let account = account::must_find(&mut change, login).await?;
        match take(&mut change, &address, account.id, AddressKind::Alias).await? {
            Taken::Now => {}
            Taken::By(owner) => return Err(refusal::address_taken(&address, &owner)),
        }
        store.commit(change, "address add", &format!("{address} {}", account.login)).await?;
        Ok(AddressInfo { address: address.to_string(), login: account.login, kind: AddressKind::Alias })
    }

    /// Takes an address away. Mail for it is refused from then on.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such address, or it is an issued one.
    pub async fn address_remove(&self, address: &str) -> Result<AddressInfo, AdminError> {
        let address = Address::parse(address)?;
        let store = &self.shared.store;
        let mut change = store.begin().await?;
        let domain = domain::domain_id(&mut change, address.domain()).await?;
        let Some((login, kind)) = owner(&mut change, domain, &address).await? else {
            return Err(refusal::no_address(&address));
        };
        if kind == AddressKind::Issued {
            return Err(refusal::issued_address_stays(&address, &login));
        }
        sqlx::query(sql::REMOVE_ADDRESS)
            .bind(domain)
            .bind(address.local_part())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("removing an address"))?;
        store.commit(change, "address remove", &format!("{address} {login}")).await?;
        Ok(AddressInfo { address: address.to_string(), login, kind })
    }

    /// All addresses, or those of one account; by login, the issued one first.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when the login is none. An account that does not exist has no address.
    pub async fn address_list(&self, login: Option<&str>) -> Result<Vec<AddressInfo>, AdminError> {
        let login = login.map(Login::parse).transpose()?;
        let query = match &login {
            Some(login) => sqlx::query_as(sql::ADDRESSES_OF).bind(login.as_str()),
            None => sqlx::query_as(sql::ADDRESSES),
        };
        let rows: Vec<(String, String, String, String)> = query
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("listing addresses"))?;
        let info = |(local_part, domain, login, kind): (String, String, String, String)| AddressInfo {
            address: format!("{local_part}@{domain}"),
            login,
            kind: AddressKind::from_word(&kind),
        };
        Ok(rows.into_iter().map(info).collect())
    }
}

/// Whether an address could be had.
pub(super) enum Taken {
    /// It is the account's from this change on.
    Now,
    /// It belonged to this login before.
    By(String),
}

/// Gives a free address to an account. Two who want the same one at the same instant are kept apart by the table's
/// key, not by looking first.
pub(super) async fn take(
    change: &mut Change,
    address: &Address,
    account: AccountId,
    kind: AddressKind,
) -> Result<Taken, AdminError> {
    let domain = domain::domain_id(change, address.domain()).await?;
    let added = sqlx::query(sql::ADD_ADDRESS)
        .bind(domain)
        .bind(address.local_part())
        .bind(account.get())
        .bind(kind.word())
        .bind(now())
        .execute(&mut **change)
        .await;
    match added {
        Ok(added) if added.rows_affected() > 0 => Ok(Taken::Now),
        Ok(_) => match owner(change, domain, address).await? {
            Some((login, _)) => Ok(Taken::By(login)),
            None => Err(refusal::taken_at_the_same_instant()),
        },
        // The account went away between our look and now, which only PostgreSQL lets happen.
        Err(error) if error.as_database_error().is_some_and(|e| e.is_foreign_key_violation()) => {
            Err(refusal::taken_at_the_same_instant())
        }
        Err(error) => Err(Unavailable::when("adding an address")(error).into()),
    }
}

/// Login and kind of an address, if anybody has it.
async fn owner(
    change: &mut Change,
    domain: i64,
    address: &Address,
) -> Result<Option<(String, AddressKind)>, Unavailable> {
    let row: Option<(String, String)> = sqlx::query_as(sql::ADDRESS)
        .bind(domain)
        .bind(address.local_part())
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up an address"))?;
    Ok(row.map(|(login, kind)| (login, AddressKind::from_word(&kind))))
}
