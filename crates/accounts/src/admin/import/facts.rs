//! What the database has on the names in a batch, asked for all of them at once.

use std::collections::{HashMap, HashSet};

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use crate::error::{AdminError, Unavailable};
use crate::names::{AccountName, Address, DomainName};
use crate::sql;
use crate::sql::many::{self, Cell, Many};
use crate::store::Change;

use super::super::account::issuing_domain;
use super::super::domain::{self, Home};
use super::super::plan::{self, Plan};
use super::super::reserved::{Objections, Released, login_in};
use super::Parsed;

/// An address as it is stored: its domain's home and its local part.
pub(super) type Key = (i64, String);

/// What was found, or the text of the refusal.
type Found<T> = Result<T, String>;

#[derive(Default)]
pub(super) struct Facts {
    /// By the domain's name as it was written.
    homes: HashMap<String, Found<Home>>,
    plans: HashMap<String, Found<Plan>>,
    /// Of brands, where their accounts without a plan's domain get their addresses.
    defaults: HashMap<String, Found<String>>,
    ids: HashMap<String, i64>,
    owners: HashMap<Key, String>,
    released: HashMap<Key, Released>,
    /// By brand and name: in which domain who chose it.
    chosen: HashMap<(String, String), (String, String)>,
    reserved: HashSet<String>,
}

/// Of an address that somebody had: where it is, and what of it.
struct ReleasedRow(Key, Released);

impl FromRow<'_, AnyRow> for ReleasedRow {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let key = (row.try_get("domain_id")?, row.try_get("local_part")?);
        Ok(Self(key, Released::from_row(row)?))
    }
}

impl Facts {
    pub(super) async fn gather(change: &mut Change, batch: &[Parsed<'_>]) -> Result<Self, Unavailable> {
        let mut facts = Self::default();
        for account in batch {
            facts.gather_places(change, account).await?;
        }
        let (mut logins, mut keys, mut locals) = (Vec::new(), Vec::new(), Vec::new());
        for Parsed { incoming, login, aliases } in batch {
            logins.push(login.as_str().to_owned());
            locals.push(login.login().as_str());
            let issued = facts.issued(login, incoming.plan.as_deref()).ok();
            for address in aliases.iter().chain(issued.as_ref()) {
                if let Ok(home) = facts.home(address.domain()) {
                    logins.push(login_in(&home.brand, address.local_part()));
                    keys.push((home.id, address.local_part().to_owned()));
                }
            }
        }
        logins.sort_unstable();
        logins.dedup();
        facts.gather_names(change, logins, &keys, &locals).await?;
        Ok(facts)
    }

    /// Its plan, and the homes of its addresses; those that are not known yet.
    async fn gather_places(&mut self, change: &mut Change, account: &Parsed<'_>) -> Result<(), Unavailable> {
        let Parsed { incoming, login, aliases } = account;
        if let Some(plan) = incoming.plan.as_ref().filter(|plan| !self.plans.contains_key(*plan)) {
            let found = kept(plan::must_find(change, plan).await)?;
            self.plans.insert(plan.clone(), found);
        }
        if !self.defaults.contains_key(login.brand()) {
            let found = kept(issuing_domain(change, login.brand(), None).await)?;
            self.defaults.insert(login.brand().to_owned(), found);
        }
        let issued = self.issued(login, incoming.plan.as_deref()).ok();
        for address in aliases.iter().chain(issued.as_ref()) {
            if !self.homes.contains_key(address.domain()) {
                let found = kept(domain::home(change, address.domain()).await)?;
                self.homes.insert(address.domain().to_owned(), found);
            }
        }
        Ok(())
    }

    async fn gather_names(
        &mut self,
        change: &mut Change,
        logins: Vec<String>,
        keys: &[Key],
        locals: &[&str],
    ) -> Result<(), Unavailable> {
        let names = |names: &[&str]| names.iter().map(|name| vec![Cell::from(*name)]).collect();
        let in_homes =
            || keys.iter().map(|(home, local)| vec![(*home).into(), local.as_str().into()]).collect();
        let logins: Vec<&str> = logins.iter().map(String::as_str).collect();
        self.ids = fetch(change, &many::ACCOUNTS_NAMED, names(&logins)).await?.into_iter().collect();
        let owners: Vec<(i64, String, String)> = fetch(change, &many::OWNERS, in_homes()).await?;
        self.owners = owners.into_iter().map(|(home, local, login)| ((home, local), login)).collect();
        let released: Vec<ReleasedRow> = fetch(change, &many::RELEASED_MANY, in_homes()).await?;
        self.released = released.into_iter().map(|ReleasedRow(key, released)| (key, released)).collect();
        let chosen: Vec<(String, String, String, String)> =
            fetch(change, &many::CHOSEN_MANY, names(locals)).await?;
        self.chosen =
            chosen.into_iter().map(|(brand, name, domain, owner)| ((brand, name), (domain, owner))).collect();
        let reserved: Vec<String> = sqlx::query_scalar(sql::RESERVED)
            .fetch_all(&mut **change)
            .await
            .map_err(Unavailable::when("listing reserved names"))?;
        self.reserved = reserved.into_iter().collect();
        Ok(())
    }

    pub(super) fn home(&self, domain: &str) -> Result<&Home, AdminError> {
        found(self.homes.get(domain))
    }

    pub(super) fn plan(&self, name: &str) -> Result<&Plan, AdminError> {
        found(self.plans.get(name))
    }

    /// The address that an account has from its first minute.
    pub(super) fn issued(&self, login: &AccountName, plan: Option<&str>) -> Result<Address, AdminError> {
        let of_plan = plan.map(|plan| self.plan(plan)).transpose()?.and_then(|plan| plan.domain.as_ref());
        let domain = match of_plan {
            Some(domain) => domain,
            None => found(self.defaults.get(login.brand()))?,
        };
        Ok(Address::issued(login.login(), DomainName::parse(domain)?))
    }

    pub(super) fn id(&self, account: &str) -> Option<i64> {
        self.ids.get(account).copied()
    }

    /// Who has an address.
    pub(super) fn owner(&self, key: &Key) -> Option<&str> {
        self.owners.get(key).map(String::as_str)
    }

    pub(super) fn was_somebodys(&self, key: &Key) -> bool {
        self.released.contains_key(key)
    }

    pub(super) fn is_reserved(&self, name: &str) -> bool {
        self.reserved.contains(name)
    }

    /// In which domain who of a brand chose a name.
    pub(super) fn chosen(&self, brand: &str, name: &str) -> Option<&(String, String)> {
        self.chosen.get(&(brand.to_owned(), name.to_owned()))
    }

    pub(super) fn objections(&self, brand: &str, key: &Key) -> Objections {
        Objections {
            reserved: self.is_reserved(&key.1),
            released: self.released.get(key).cloned(),
            login_of: self.id(&login_in(brand, &key.1)),
        }
    }
}

async fn fetch<T>(change: &mut Change, statement: &Many, rows: Vec<Vec<Cell>>) -> Result<Vec<T>, Unavailable>
where
    T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
{
    statement.fetch(change, rows).await.map_err(Unavailable::when("looking up many names"))
}

fn kept<T>(outcome: Result<T, AdminError>) -> Result<Found<T>, Unavailable> {
    match outcome {
        Ok(found) => Ok(Ok(found)),
        Err(AdminError::Refused(text)) => Ok(Err(text)),
        Err(AdminError::Unavailable(unavailable)) => Err(unavailable),
    }
}

fn found<T>(kept: Option<&Found<T>>) -> Result<&T, AdminError> {
    match kept {
        Some(Ok(found)) => Ok(found),
        Some(Err(text)) => Err(AdminError::Refused(text.clone())),
        // Whoever asks has gathered it.
        None => {
            Err(AdminError::Unavailable(Unavailable::when("looking up many names")("one was not asked for")))
        }
    }
}
