//! Addresses: the issued one of each account, and the others it has beside it.

use crate::error::{AdminError, Unavailable};
use crate::names::{AccountName, Address, brand_of, login_of};
use crate::store::{Change, now};
use crate::{AccountId, Accounts, sql};

use super::{account, domain, refusal, reserved};

/// An address and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressInfo {
    /// `local-part@domain`, lower case; the domain is one of ours, not an equivalent one.
    pub address: String,
    /// The login of the account that it belongs to.
    pub login: String,
    /// How it came to be.
    pub kind: AddressKind,
    /// Whether mail for it is taken and may be written as it. One that is off belongs to its account all the same.
    pub enabled: bool,
    /// Whether it is the one that its account writes as by default.
    pub primary: bool,
}

/// How an address came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// The login at its plan's domain, or at the default one: there from the account's first minute to its last.
    Issued,
    /// Chosen; comes and goes.
    Alias,
    /// Chosen, in a domain that the provider keeps for its customers' names.
    Personal,
    /// In the customer's own domain, where all names are theirs.
    Own,
    /// The login at another domain than the issued address's.
    Id,
}

impl AddressKind {
    const ALL: [Self; 5] = [Self::Issued, Self::Alias, Self::Personal, Self::Own, Self::Id];

    /// The word for it, in the database and in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Alias => "alias",
            Self::Personal => "personal",
            Self::Own => "own",
            Self::Id => "id",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

type Row = (String, String, String, String, i64, i64);

impl AddressInfo {
    fn new((local_part, domain, login, kind, enabled, primary): Row) -> Self {
        Self {
            address: format!("{local_part}@{domain}"),
            login,
            kind: AddressKind::from_word(&kind).unwrap_or(AddressKind::Alias),
            enabled: enabled != 0,
            primary: primary != 0,
        }
    }
}

impl Accounts {
    /// Gives an account one more address that was chosen.
    ///
    /// # Errors
    /// As for [`Accounts::address_add_as`].
    pub async fn address_add(&self, address: &str, login: &str) -> Result<AddressInfo, AdminError> {
        self.address_add_as(address, login, AddressKind::Alias).await
    }

    /// Gives an account one more address.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is no address, its domain is not ours or barred, it belongs or belonged to somebody, the name is
    /// reserved or another account's login, the account does not exist, or the kind does not fit.
    pub async fn address_add_as(
        &self,
        address: &str,
        login: &str,
        kind: AddressKind,
    ) -> Result<AddressInfo, AdminError> {
        let address = Address::parse(address)?;
        let mut change = self.begin().await?;
        let account = account::must_find(&mut change, login).await?;
        let (brand, login) = (brand_of(&account.login), login_of(&account.login));
        match kind {
            AddressKind::Issued => return Err(refusal::issued_is_not_added()),
            AddressKind::Id if address.local_part() != login => {
                return Err(refusal::id_address_is_the_login(&address, login));
            }
            _ => {}
        }
        match take(&mut change, &address, (account.id, brand), kind, self.insists).await? {
            Taken::Now => {}
            Taken::By(owner) => return Err(refusal::address_taken(&address, &owner)),
        }
        change.about(account.id, 0);
        let subject = format!("{address} {} {}", account.login, kind.word());
        self.shared.store.commit(change, "address add", &subject).await?;
        self.address_show(&address.to_string()).await
    }

    /// Whether an address could be had now by an account that has none of its names yet.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with the reason why not.
    pub async fn address_check(&self, address: &str) -> Result<(), AdminError> {
        let address = Address::parse(address)?;
        // A change that is never committed sees what a real one would.
        let mut change = self.begin().await?;
        let home = domain::home(&mut change, address.domain()).await?;
        if let Some((owner, _)) = owner(&mut change, home.id, &address).await? {
            return Err(refusal::address_taken(&address, &owner));
        }
        reserved::must_be_free(&mut change, &home, &address, AccountId::NOBODY, AddressKind::Alias).await
    }

    /// Takes an address away. Mail for it is refused from then on, and nobody else gets it before its quarantine is over.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such address, or it is an issued one.
    pub async fn address_remove(&self, address: &str) -> Result<AddressInfo, AdminError> {
        let (mut change, domain, address, info) = self.begin_with(address).await?;
        if info.kind == AddressKind::Issued {
            return Err(refusal::issued_address_stays(&address, &info.login));
        }
        let account = account::must_find(&mut change, &info.login).await?.id;
        reserved::release(&mut change, domain, &address, account, &info.login).await?;
        statement(&mut change, sql::REMOVE_ADDRESS, domain, &address).await?;
        if info.primary {
            make_issued_primary(&mut change, account).await?;
        }
        change.about(account, 0);
        self.shared.store.commit(change, "address remove", &format!("{address} {}", info.login)).await?;
        Ok(info)
    }

    /// Turns an address on or off. Off, it neither gets mail nor may be written as, and nobody else can have it.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such address, or the primary one would be off.
    pub async fn address_set_enabled(&self, address: &str, enabled: bool) -> Result<AddressInfo, AdminError> {
        let (mut change, domain, address, info) = self.begin_with(address).await?;
        if info.primary && !enabled {
            return Err(refusal::primary_stays_on(&address, &info.login));
        }
        let text = if enabled { sql::ENABLE_ADDRESS } else { sql::DISABLE_ADDRESS };
        statement(&mut change, text, domain, &address).await?;
        let action = if enabled { "address on" } else { "address off" };
        let account = account::must_find(&mut change, &info.login).await?.id;
        change.about(account, 0);
        self.shared.store.commit(change, action, &format!("{address} {}", info.login)).await?;
        Ok(AddressInfo { enabled, ..info })
    }

    /// Makes an address the one that its account writes as by default, instead of the one that was.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such address, or it is off.
    pub async fn address_set_primary(&self, address: &str) -> Result<AddressInfo, AdminError> {
        let (mut change, domain, address, info) = self.begin_with(address).await?;
        if !info.enabled {
            return Err(refusal::primary_must_be_on(&address));
        }
        let account = account::must_find(&mut change, &info.login).await?.id;
        sqlx::query(sql::NO_PRIMARY)
            .bind(account.get())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("changing the primary address"))?;
        statement(&mut change, sql::MAKE_PRIMARY, domain, &address).await?;
        change.about(account, 0);
        self.shared.store.commit(change, "address primary", &format!("{address} {}", info.login)).await?;
        Ok(AddressInfo { primary: true, ..info })
    }

    /// One address.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such address.
    pub async fn address_show(&self, address: &str) -> Result<AddressInfo, AdminError> {
        let address = Address::parse(address)?;
        let row: Option<Row> = sqlx::query_as(sql::ADDRESS_BY_NAME)
            .bind(address.domain())
            .bind(address.local_part())
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up an address"))?;
        row.map(AddressInfo::new).ok_or_else(|| refusal::no_address(&address))
    }

    /// All addresses, or those of one account; by login, the issued one first.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when the login is none. An account that does not exist has no address.
    pub async fn address_list(&self, login: Option<&str>) -> Result<Vec<AddressInfo>, AdminError> {
        let login = login.map(|login| AccountName::parse(login, &self.brand)).transpose()?;
        let query = match &login {
            Some(login) => sqlx::query_as(sql::ADDRESSES_OF).bind(login.as_str()),
            None => sqlx::query_as(sql::ADDRESSES),
        };
        let rows: Vec<Row> = query
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("listing addresses"))?;
        Ok(rows.into_iter().map(AddressInfo::new).collect())
    }

    /// A change of one address that must exist.
    async fn begin_with(&self, address: &str) -> Result<(Change, i64, Address, AddressInfo), AdminError> {
        let address = Address::parse(address)?;
        let mut change = self.begin().await?;
        let home = domain::home(&mut change, address.domain()).await?;
        let (domain, address) = (home.id, address.at(home.name));
        let row: Option<Row> = sqlx::query_as(sql::ADDRESS)
            .bind(domain)
            .bind(address.local_part())
            .fetch_optional(&mut *change)
            .await
            .map_err(Unavailable::when("looking up an address"))?;
        let info = row.map(AddressInfo::new).ok_or_else(|| refusal::no_address(&address))?;
        Ok((change, domain, address, info))
    }
}

/// Whether an address could be had.
pub(super) enum Taken {
    /// It is the account's from this change on.
    Now,
    /// It belonged to this login before.
    By(String),
}

/// Gives a free address to an account. It is put into the domain's home, so that all equivalent domains have it or none.
pub(super) async fn take(
    change: &mut Change,
    address: &Address,
    (account, brand): (AccountId, &str),
    kind: AddressKind,
    insists: bool,
) -> Result<Taken, AdminError> {
    let home = domain::home(change, address.domain()).await?;
    if home.brand != brand {
        return Err(refusal::another_brand(&format!("the domain {}", home.name), &home.brand, brand));
    }
    let (domain, address) = (home.id, &address.clone().at(home.name.clone()));
    if let Some((login, _)) = owner(change, domain, address).await? {
        return Ok(Taken::By(login));
    }
    if !insists {
        reserved::must_be_free(change, &home, address, account, kind).await?;
    }
    statement(change, sql::TAKE_BACK, domain, address).await?;
    sqlx::query(sql::ADD_ADDRESS)
        .bind(domain)
        .bind(address.local_part())
        .bind(account.get())
        .bind(kind.word())
        .bind(now())
        .bind(i64::from(kind == AddressKind::Issued))
        .execute(&mut **change)
        .await
        .map_err(Unavailable::when("adding an address"))?;
    Ok(Taken::Now)
}

/// Login and kind of an address, if anybody has it.
async fn owner(
    change: &mut Change,
    domain: i64,
    address: &Address,
) -> Result<Option<(String, AddressKind)>, Unavailable> {
    let row: Option<Row> = sqlx::query_as(sql::ADDRESS)
        .bind(domain)
        .bind(address.local_part())
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up an address"))?;
    Ok(row.map(AddressInfo::new).map(|info| (info.login, info.kind)))
}

async fn make_issued_primary(change: &mut Change, account: AccountId) -> Result<(), Unavailable> {
    sqlx::query(sql::ISSUED_IS_PRIMARY)
        .bind(account.get())
        .execute(&mut **change)
        .await
        .map(drop)
        .map_err(Unavailable::when("changing the primary address"))
}

async fn statement(
    change: &mut Change,
    text: &'static str,
    domain: i64,
    address: &Address,
) -> Result<(), Unavailable> {
    sqlx::query(text)
        .bind(domain)
        .bind(address.local_part())
        .execute(&mut **change)
        .await
        .map(drop)
        .map_err(Unavailable::when("changing an address"))
}
