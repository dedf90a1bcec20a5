//! Names that are free and yet not to be had: reserved ones, those that somebody had a short while ago, and other accounts' logins.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use crate::error::{AdminError, Unavailable};
use crate::names::{AccountName, Address, LocalPart};
use crate::store::{Change, now};
use crate::{AccountId, Accounts, sql};

use super::domain::Home;
use super::{AddressKind, refusal};

/// RFC 5321 §4.5.1 and RFC 2142 §2: they are answered in every domain, also in a customer's own.
pub(crate) const DUTIES: [&str; 2] = ["postmaster", "abuse"];

impl Accounts {
    /// The names that nobody can choose, as logins or before the `@`.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn reserved_list(&self) -> Result<Vec<String>, AdminError> {
        let names = sqlx::query_scalar(sql::RESERVED).fetch_all(self.shared.store.readers()).await;
        Ok(names.map_err(Unavailable::when("listing reserved names"))?)
    }

    /// Reserves a name from now on. Who has it keeps it.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it can be no name.
    pub async fn reserved_add(&self, name: &str) -> Result<(), AdminError> {
        self.change_reserved(sql::RESERVE, "address reserve", name).await
    }

    /// Lets a name be chosen again.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it can be no name.
    pub async fn reserved_remove(&self, name: &str) -> Result<(), AdminError> {
        self.change_reserved(sql::UNRESERVE, "address unreserve", name).await
    }

    async fn change_reserved(&self, text: &'static str, action: &str, name: &str) -> Result<(), AdminError> {
        let name = LocalPart::parse(name)?;
        let mut change = self.begin().await?;
        sqlx::query(text)
            .bind(name.as_str())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("reserving a name"))?;
        Ok(self.shared.store.commit(change, action, name.as_str()).await?)
    }
}

/// What stands against a name that nobody has now.
#[derive(Debug, Default)]
pub(super) struct Objections {
    /// Nobody chooses it.
    pub(super) reserved: bool,
    /// Whose it was, and for how long it still is.
    pub(super) released: Option<Released>,
    /// The account that has it as its login.
    pub(super) login_of: Option<i64>,
}

/// An address that somebody had.
#[derive(Debug, Clone)]
pub(super) struct Released {
    pub(super) account_id: i64,
    pub(super) login: String,
    pub(super) free_at: i64,
}

impl FromRow<'_, AnyRow> for Released {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            account_id: row.try_get("account_id")?,
            login: row.try_get("login")?,
            free_at: row.try_get("free_at")?,
        })
    }
}

impl Objections {
    /// Whether an account may have the address all the same.
    pub(super) fn judge(
        self,
        address: &Address,
        account: AccountId,
        kind: AddressKind,
    ) -> Result<(), AdminError> {
        // In a customer's own domain all names are theirs.
        let own = kind == AddressKind::Own;
        let reserved = if own { DUTIES.contains(&address.local_part()) } else { self.reserved };
        if reserved {
            return Err(refusal::name_reserved(address.local_part()));
        }
        if let Some(Released { account_id, login, free_at }) = self.released
            && account_id != account.get()
            && free_at > now()
        {
            return Err(refusal::address_released(address, &login, free_at - now()));
        }
        match self.login_of {
            Some(other) if !own && other != account.get() => Err(refusal::name_is_a_login(address)),
            _ => Ok(()),
        }
    }
}

/// Whether an account may have an address that nobody has.
pub(super) async fn must_be_free(
    change: &mut Change,
    home: &Home,
    address: &Address,
    account: AccountId,
    kind: AddressKind,
) -> Result<(), AdminError> {
    let reserved = is_reserved(change, address.local_part()).await?;
    let released = sqlx::query_as(sql::RELEASED)
        .bind(home.id)
        .bind(address.local_part())
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a released address"))?;
    let login_of = sqlx::query_scalar(sql::ACCOUNT_ID)
        .bind(login_in(&home.brand, address.local_part()))
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a login"))?;
    Objections { reserved, released, login_of }.judge(address, account, kind)
}

/// The name of the account that has a local part as its login at a brand, if there is one.
pub(super) fn login_in(brand: &str, local_part: &str) -> String {
    match brand {
        "" => local_part.to_owned(),
        brand => format!("{brand}:{local_part}"),
    }
}

/// Whether a login may be given out: it is not reserved, and nobody has chosen it as a name.
pub(super) async fn login_must_be_free(change: &mut Change, name: &AccountName) -> Result<(), AdminError> {
    let login = name.login().as_str();
    let reserved = is_reserved(change, login).await?;
    let chosen: Option<(String, String)> = sqlx::query_as(sql::CHOSEN)
        .bind(login)
        .bind(name.brand())
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a name"))?;
    judge_login(name, reserved, chosen.as_ref())
}

/// The same by whether it is reserved, and in which domain who has chosen it.
pub(super) fn judge_login(
    name: &AccountName,
    reserved: bool,
    chosen: Option<&(String, String)>,
) -> Result<(), AdminError> {
    let login = name.login().as_str();
    match chosen {
        _ if reserved => Err(refusal::name_reserved(login)),
        Some((domain, owner)) => Err(refusal::login_is_a_name(login, domain, owner)),
        None => Ok(()),
    }
}

/// Notes that an address was somebody's, for the time of its domain's quarantine.
pub(super) async fn release(
    change: &mut Change,
    domain: i64,
    address: &Address,
    account: AccountId,
    login: &str,
) -> Result<(), Unavailable> {
    sqlx::query(sql::RELEASE)
        .bind(domain)
        .bind(address.local_part())
        .bind(account.get())
        .bind(login)
        .bind(now())
        .execute(&mut **change)
        .await
        .map(drop)
        .map_err(Unavailable::when("releasing an address"))
}

/// Whether a name was somebody's a short while ago, in whichever domain.
pub(super) async fn is_released(change: &mut Change, name: &str) -> Result<bool, Unavailable> {
    let found: i64 = sqlx::query_scalar(sql::COUNT_RELEASED)
        .bind(name)
        .bind(now())
        .fetch_one(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a released name"))?;
    Ok(found > 0)
}

async fn is_reserved(change: &mut Change, name: &str) -> Result<bool, Unavailable> {
    let found: i64 = sqlx::query_scalar(sql::IS_RESERVED)
        .bind(name)
        .fetch_one(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a reserved name"))?;
    Ok(found > 0)
}
