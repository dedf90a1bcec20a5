//! The life of an account.

use std::collections::HashMap;

use auth_sasl::Secret;

use crate::cost;
use crate::error::{AdminError, Unavailable};
use crate::names::{AccountName, Address, DomainName, brand_of};
use crate::password::check_password;
use crate::pop3::Pop3Rules;
use crate::quota::{Allowance, Allowances};
use crate::standing::{Bar, READING, SENDING, Service, State};
use crate::store::{self, Change, now};
use crate::{AccountId, Accounts, Resolution, sql};

use super::address::{self, AddressInfo, AddressKind, Taken};
use super::{ServiceInfo, domain, refusal, reserved};

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its login, for ever; with `brand:` before it where that is not the one of [`Accounts::at_brand`].
    pub login: String,
    /// The addresses that it gets beside LOGIN@(the default domain).
    pub addresses: Vec<String>,
    /// Its password; without one nobody can log in until [`Accounts::account_passwd`].
    pub password: Option<Secret>,
    /// Whether the password is also sealed for APOP.
    pub apop: bool,
}

/// What a new password means for APOP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Apop {
    /// On if it was on.
    #[default]
    Keep,
    /// On from now on.
    On,
    /// Off from now on; the sealed secret is deleted.
    Off,
}

/// One line of the list of accounts. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its number.
    pub id: AccountId,
    /// Its login, with `brand:` before it where that is not the default one.
    pub login: String,
    /// The name of its Maildir's directory, see [`crate::Mailbox::key`].
    pub mailbox: String,
    /// When it was made.
    pub created_at: i64,
    /// When its password was last set; nothing without a password.
    pub password_changed_at: Option<i64>,
    /// Whether APOP is on.
    pub apop: bool,
    /// How much it may hold.
    pub quota: Allowances,
    /// What POP3 does with its mail, where that is not as for others.
    pub pop3: Pop3Rules,
    /// Where it is in its life.
    pub state: State,
    /// The plan as which it was issued.
    pub plan: Option<String>,
    /// The provider's key of the contract that it belongs to; empty for none.
    pub contract: String,
}

/// All about an account, but its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDetails {
    /// Login, mailbox, times.
    pub account: AccountRow,
    /// Its addresses, the issued one first.
    pub addresses: Vec<AddressInfo>,
    /// Every service, on or off.
    pub services: Vec<ServiceInfo>,
}

impl AccountDetails {
    /// Why it may not use a service with a true claim, if it may not: what [`crate::Verdict::Barred`] would say.
    #[must_use]
    pub fn bar(&self, service: Service) -> Option<Bar> {
        let has = self.services.iter().any(|info| info.service == service && info.enabled);
        self.account.state.bars(service).or((!has).then_some(Bar::ServiceOff(service)))
    }
}

/// An account that is gone. Its Maildir is not: this crate touches no mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedAccount {
    /// Its login, free again when the quarantine of its issued address is over.
    pub login: String,
    /// The name of the Maildir's directory that remains. No other account will ever get it.
    pub mailbox: String,
    /// Its addresses, each in the quarantine of its domain: nobody has them, and nobody else gets them before it is over.
    pub addresses: Vec<String>,
}

type Row =
    (i64, String, String, i64, i64, i64, String, String, i64, String, i64, i64, String, Option<String>);

impl AccountRow {
    fn new(row: Row) -> Self {
        let (
            id,
            login,
            mailbox,
            created_at,
            octets,
            messages,
            rules,
            state,
            stops,
            text,
            since,
            until,
            contract,
            plan,
        ) = row;
        Self {
            id: AccountId::new(id),
            login,
            mailbox,
            created_at,
            password_changed_at: None,
            apop: false,
            quota: Allowances::from_columns(octets, messages),
            pop3: Pop3Rules::from_column(&rules),
            state: State::from_columns(&state, stops, text, since, until),
            plan,
            contract,
        }
    }

    /// Its brand; nothing for the default one.
    #[must_use]
    pub fn brand(&self) -> Option<&str> {
        Some(brand_of(&self.login)).filter(|brand| !brand.is_empty())
    }

    fn note_credential(&mut self, kind: &str, changed_at: i64) {
        match kind {
            "password" => self.password_changed_at = Some(changed_at),
            "apop" => self.apop = true,
            _ => {}
        }
    }
}

impl Accounts {
    /// Makes an account with its issued address, in one transaction: all of it or nothing.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when the login or an address is none or taken, no domain is there yet, an address is in
    /// a domain that is not ours, or the password is none.
    pub async fn account_add(&self, new: NewAccount) -> Result<AccountDetails, AdminError> {
        let login = AccountName::parse(&new.login, &self.brand)?;
        let aliases = new.addresses.iter().map(|a| Address::parse(a)).collect::<Result<Vec<_>, _>>()?;
        let hash = self.hash(new.password.as_ref(), new.apop).await?;
        let store = &self.shared.store;
        let mut change = self.begin().await?;
        let id = make(&mut change, &login, None, &aliases, self.insists).await?;
        if let (Some(hash), Some(password)) = (hash, &new.password) {
            set_credential(&mut change, id, "password", &hash).await?;
            if new.apop {
                self.seal(&mut change, id, password).await?;
            }
        }
        change.about(id, 0);
        store.commit(change, "account add", login.as_str()).await?;
        self.account_show(login.as_str()).await
    }

    /// All about one account.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account; for an address, the text names its account.
    pub async fn account_show(&self, login: &str) -> Result<AccountDetails, AdminError> {
        let login = self.login(login).await?;
        let readers = self.shared.store.readers();
        let reading = || Unavailable::when("reading an account");
        let row: Option<Row> = sqlx::query_as(sql::ACCOUNT)
            .bind(login.as_str())
            .fetch_optional(readers)
            .await
            .map_err(reading())?;
        let mut account = AccountRow::new(row.ok_or_else(|| refusal::no_account(&login))?);
        let credentials: Vec<(String, i64)> = sqlx::query_as(sql::CREDENTIALS)
            .bind(account.id.get())
            .fetch_all(readers)
            .await
            .map_err(reading())?;
        for (kind, changed_at) in credentials {
            account.note_credential(&kind, changed_at);
        }
        let addresses = self.address_list(Some(login.as_str())).await?;
        let services = self.services(login.as_str()).await?;
        Ok(AccountDetails { account, addresses, services })
    }

    /// All accounts, by login.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn account_list(&self) -> Result<Vec<AccountRow>, AdminError> {
        let readers = self.shared.store.readers();
        let listing = || Unavailable::when("listing accounts");
        let rows: Vec<Row> = sqlx::query_as(sql::ACCOUNTS).fetch_all(readers).await.map_err(listing())?;
        let mut accounts: Vec<AccountRow> = rows.into_iter().map(AccountRow::new).collect();
        let credentials: Vec<(i64, String, i64)> =
            sqlx::query_as(sql::ALL_CREDENTIALS).fetch_all(readers).await.map_err(listing())?;
        let mut by_id: HashMap<AccountId, &mut AccountRow> =
            accounts.iter_mut().map(|account| (account.id, account)).collect();
        for (id, kind, changed_at) in credentials {
            if let Some(account) = by_id.get_mut(&AccountId::new(id)) {
                account.note_credential(&kind, changed_at);
            }
        }
        Ok(accounts)
    }

    /// Sets a new password; the old one ends with it, for APOP too.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account, the password is none, or APOP is wanted without a key
    /// file.
    pub async fn account_passwd(&self, login: &str, password: &Secret, apop: Apop) -> Result<(), AdminError> {
        let login = self.login(login).await?;
        let hash = self.hash(Some(password), apop == Apop::On).await?.unwrap_or_default();
        let store = &self.shared.store;
        let mut change = self.begin().await?;
        let account = must_find(&mut change, login.as_str()).await?;
        set_credential(&mut change, account.id, "password", &hash).await?;
        let was_on = drop_credential(&mut change, account.id, "apop").await?;
        if apop == Apop::On || (apop == Apop::Keep && was_on) {
            self.seal(&mut change, account.id, password).await?;
        }
        change.about(account.id, SENDING | READING);
        Ok(store.commit(change, "account passwd", login.as_str()).await?)
    }

    /// Sets how much an account may hold; what is `None` stays as it is. The daemons know it with the next message or login.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn account_set_quota(
        &self,
        login: &str,
        octets: Option<Allowance>,
        messages: Option<Allowance>,
    ) -> Result<(), AdminError> {
        let login = self.login(login).await?;
        let store = &self.shared.store;
        let mut change = self.begin().await?;
        let AccountRow { id, quota, .. } = must_find(&mut change, login.as_str()).await?;
        let (octets, messages) = (octets.unwrap_or(quota.octets), messages.unwrap_or(quota.messages));
        sqlx::query(sql::SET_QUOTA)
            .bind(id.get())
            .bind(octets.column())
            .bind(messages.column())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("setting a quota"))?;
        change.about(id, 0);
        let subject = format!("{login} quota={octets} quota_messages={messages}");
        Ok(store.commit(change, "account set", &subject).await?)
    }

    /// Sets the hash of a password that another program made; the old password ends, for APOP too. The next login replaces it by a
    /// hash of ours, unless it is Argon2 already.
    ///
    /// Known are Argon2 in PHC strings, `{SSHA}`, `{SSHA256}`, `{SSHA512}`, and crypt(3)'s MD5, SHA-256, SHA-512 and bcrypt, also behind
    /// `{CRYPT}`.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account, or the hash is none of these, or would cost more at each login than
    /// [`limits`](crate::limits) allow.
    pub async fn account_set_hash(&self, login: &str, hash: &Secret) -> Result<(), AdminError> {
        let login = self.login(login).await?;
        let text = cost::check_octets(hash.expose()).map_err(|fault| refusal::hash(&fault))?;
        let mut change = self.begin().await?;
        let account = must_find(&mut change, login.as_str()).await?;
        set_credential(&mut change, account.id, "password", text).await?;
        drop_credential(&mut change, account.id, "apop").await?;
        change.about(account.id, SENDING | READING);
        Ok(self.shared.store.commit(change, "account passwd", &format!("{login} hash")).await?)
    }

    /// Removes an account, its addresses and its credentials. Its Maildir stays where it is.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn account_remove(&self, login: &str) -> Result<RemovedAccount, AdminError> {
        let login = self.login(login).await?;
        let addresses = self.address_list(Some(login.as_str())).await?;
        let store = &self.shared.store;
        let mut change = self.begin().await?;
        let account = must_find(&mut change, login.as_str()).await?;
        if let Some((domain, option)) = domain::duty(&mut change, account.id).await? {
            return Err(refusal::account_has_a_duty(&login, &domain, option));
        }
        sqlx::query(sql::RELEASE_ALL)
            .bind(account.id.get())
            .bind(login.as_str())
            .bind(now())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("releasing the addresses of an account"))?;
        sqlx::query(sql::REMOVE_ACCOUNT)
            .bind(account.id.get())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("removing an account"))?;
        change.about(account.id, SENDING | READING);
        store.commit(change, "account remove", &format!("{login} {}", account.mailbox)).await?;
        let addresses = addresses.into_iter().map(|info| info.address).collect();
        Ok(RemovedAccount { login: account.login, mailbox: account.mailbox, addresses })
    }

    /// Reads a login. An operator who typed an address is told whose it is.
    pub(crate) async fn login(&self, text: &str) -> Result<AccountName, AdminError> {
        if let Ok(address) = Address::parse(text) {
            let owner = match self.resolve(address.local_part(), address.domain()).await? {
                Resolution::Mailbox(mailbox) => Some(mailbox.login),
                _ => None,
            };
            return Err(refusal::no_account_for_address(&address, owner.as_deref()));
        }
        Ok(AccountName::parse(text, &self.brand)?)
    }

    /// Checks and hashes a password before the change begins, so that no other writer waits for Argon2.
    async fn hash(&self, password: Option<&Secret>, apop: bool) -> Result<Option<String>, AdminError> {
        if apop && self.shared.apop.is_none() {
            return Err(refusal::no_apop_key());
        }
        match password {
            Some(password) => {
                check_password(password)?;
                Ok(Some(self.shared.hasher.hash(password).await?))
            }
            None if apop => Err(refusal::apop_without_password()),
            None => Ok(None),
        }
    }

    async fn seal(&self, change: &mut Change, id: AccountId, password: &Secret) -> Result<(), AdminError> {
        let key = self.shared.apop.as_ref().ok_or_else(refusal::no_apop_key)?;
        Ok(set_credential(change, id, "apop", &key.seal(id, password)?).await?)
    }
}

/// The account of a login that must exist, inside a change.
pub(crate) async fn must_find(change: &mut Change, login: &str) -> Result<AccountRow, AdminError> {
    let login = AccountName::parse(login, &change.brand)?;
    let row: Option<Row> = sqlx::query_as(sql::ACCOUNT)
        .bind(login.as_str())
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up an account"))?;
    row.map(AccountRow::new).ok_or_else(|| refusal::no_account(&login))
}

/// An account with its addresses, in a change. The issued one is in the named domain, or in the default one.
pub(super) async fn make(
    change: &mut Change,
    login: &AccountName,
    domain: Option<&str>,
    aliases: &[Address],
    insists: bool,
) -> Result<AccountId, AdminError> {
    let id = AccountId::new(store::next(change, "account").await?);
    if !insists {
        reserved::login_must_be_free(change, login).await?;
    }
    insert(change, id, login).await?;
    take_addresses(change, id, login, domain, aliases, insists).await?;
    Ok(id)
}

async fn insert(change: &mut Change, id: AccountId, login: &AccountName) -> Result<(), AdminError> {
    let added = sqlx::query(sql::ADD_ACCOUNT)
        .bind(id.get())
        .bind(login.as_str())
        .bind(mailbox_key(login, id.get()))
        .bind(now())
        .execute(&mut **change)
        .await
        .map_err(Unavailable::when("adding an account"))?;
    if added.rows_affected() == 0 { Err(refusal::login_taken(login)) } else { Ok(()) }
}

/// The issued address, then the aliases.
async fn take_addresses(
    change: &mut Change,
    id: AccountId,
    login: &AccountName,
    domain: Option<&str>,
    aliases: &[Address],
    insists: bool,
) -> Result<(), AdminError> {
    let domain = issuing_domain(change, login.brand(), domain).await?;
    let issued = Address::issued(login.login(), DomainName::parse(&domain)?);
    let owner = (id, login.brand());
    if let Taken::By(owner) = address::take(change, &issued, owner, AddressKind::Issued, insists).await? {
        return Err(refusal::issued_address_taken(&issued, &owner));
    }
    for alias in aliases {
        match address::take(change, alias, owner, AddressKind::Alias, insists).await? {
            Taken::By(owner) if owner != login.as_str() => return Err(refusal::address_taken(alias, &owner)),
            // New; or named twice, or the issued one.
            Taken::Now | Taken::By(_) => {}
        }
    }
    Ok(())
}

/// The domain of issued addresses: a plan's, or else the default one of the brand.
pub(super) async fn issuing_domain(
    change: &mut Change,
    brand: &str,
    of_plan: Option<&str>,
) -> Result<String, AdminError> {
    if let Some(domain) = of_plan {
        return Ok(domain.to_owned());
    }
    match domain::default_domain(change, brand).await? {
        Some((_, domain)) => Ok(domain),
        None if brand.is_empty() => Err(refusal::no_domain()),
        None => {
            domain::brand_must_exist(change, brand).await?;
            Err(refusal::no_domain_of(brand))
        }
    }
}

/// The mailbox key says whose mail it is to whoever looks at the disk; the number, which has no dot, makes it unique
/// for ever.
pub(super) fn mailbox_key(login: &AccountName, id: i64) -> String {
    format!("{}.{id}", login.login())
}

pub(super) async fn set_credential(
    change: &mut Change,
    account: AccountId,
    kind: &str,
    value: &str,
) -> Result<(), Unavailable> {
    sqlx::query(sql::SET_CREDENTIAL)
        .bind(account.get())
        .bind(kind)
        .bind(value)
        .bind(now())
        .execute(&mut **change)
        .await
        .map(drop)
        .map_err(Unavailable::when("setting a credential"))
}

/// Whether there was one.
async fn drop_credential(change: &mut Change, account: AccountId, kind: &str) -> Result<bool, Unavailable> {
    sqlx::query(sql::DROP_CREDENTIAL)
        .bind(account.get())
        .bind(kind)
        .execute(&mut **change)
        .await
        .map(|dropped| dropped.rows_affected() > 0)
        .map_err(Unavailable::when("dropping a credential"))
}
