//! Whether an account of an import can be made, by what the database has and by what else is in the file.

use std::collections::HashMap;

use crate::AccountId;
use crate::error::AdminError;
use crate::names::AccountName;

use super::super::address::AddressKind;
use super::super::domain::Home;
use super::super::{refusal, reserved};
use super::Parsed;
use super::facts::{Facts, Key};

/// Names in the file, and the lines where they stand.
pub(super) struct Seen {
    /// Accounts of all lines.
    pub(super) logins: HashMap<String, u64>,
    /// Addresses of the lines that were judged.
    pub(super) addresses: HashMap<Key, u64>,
}

/// An account that is not there and can be made.
pub(super) struct Fresh<'p> {
    pub(super) account: &'p Parsed<'p>,
    pub(super) plan: Option<i64>,
    /// The issued one first.
    pub(super) addresses: Vec<(Key, AddressKind)>,
    /// Of these, what somebody had.
    pub(super) taken_back: Vec<Key>,
}

impl Facts {
    /// What has to be made; nothing, where the account is there with all that it should have.
    pub(super) fn judge<'p>(
        &self,
        account: &'p Parsed<'p>,
        seen: &mut Seen,
        insists: bool,
    ) -> Result<Option<Fresh<'p>>, AdminError> {
        let Parsed { incoming, login, aliases } = account;
        let line = incoming.line;
        for alias in aliases {
            let key = (self.home(alias.domain())?.id, alias.local_part().to_owned());
            stands_once(seen, key, line, &alias.to_string())?;
        }
        if self.id(login.as_str()).is_some() {
            self.must_have_all(account)?;
            return Ok(None);
        }
        let plan = incoming.plan.as_deref().map(|plan| self.plan(plan)).transpose()?;
        if let (Some(plan), Some(name)) = (plan, &incoming.plan)
            && plan.brand != login.brand()
        {
            return Err(refusal::another_brand(&format!("the plan {name}"), &plan.brand, login.brand()));
        }
        if !insists {
            let name = login.login().as_str();
            reserved::judge_login(login, self.is_reserved(name), self.chosen(login.brand(), name))?;
        }
        let issued = self.issued(login, incoming.plan.as_deref())?;
        let mut fresh =
            Fresh { account, plan: plan.map(|plan| plan.id), addresses: Vec::new(), taken_back: Vec::new() };
        for (nth, address) in [&issued].into_iter().chain(aliases).enumerate() {
            let home = must_be_of(self.home(address.domain())?, login)?;
            let key = (home.id, address.local_part().to_owned());
            if nth == 0 {
                stands_once(seen, key.clone(), line, &address.to_string())?;
            }
            match self.owner(&key) {
                Some(owner) if nth == 0 => return Err(refusal::issued_address_taken(address, owner)),
                Some(owner) => return Err(refusal::address_taken(address, owner)),
                // Named twice, or the issued one.
                None if fresh.addresses.iter().any(|(before, _)| *before == key) => continue,
                None => {}
            }
            let kind = if nth == 0 { AddressKind::Issued } else { AddressKind::Alias };
            if !insists {
                let at_home = address.clone().at(home.name.clone());
                self.objections(&home.brand, &key).judge(&at_home, AccountId::NOBODY, kind)?;
                let login = reserved::login_in(&home.brand, &key.1);
                if let Some(other) = seen.logins.get(&login).filter(|other| **other != line) {
                    return Err(refusal::on_another_line(&format!("the login {login}"), *other));
                }
            }
            if self.was_somebodys(&key) {
                fresh.taken_back.push(key.clone());
            }
            fresh.addresses.push((key, kind));
        }
        Ok(Some(fresh))
    }

    /// One that is there must be the one that was meant.
    fn must_have_all(&self, account: &Parsed<'_>) -> Result<(), AdminError> {
        let Parsed { login, aliases, .. } = account;
        for alias in aliases {
            let home = must_be_of(self.home(alias.domain())?, login)?;
            match self.owner(&(home.id, alias.local_part().to_owned())) {
                Some(owner) if owner == login.as_str() => {}
                Some(owner) => return Err(refusal::address_taken(alias, owner)),
                None => return Err(refusal::there_without(login, alias)),
            }
        }
        Ok(())
    }
}

fn must_be_of<'h>(home: &'h Home, login: &AccountName) -> Result<&'h Home, AdminError> {
    if home.brand == login.brand() {
        return Ok(home);
    }
    Err(refusal::another_brand(&format!("the domain {}", home.name), &home.brand, login.brand()))
}

/// Not on another line, too.
fn stands_once(seen: &mut Seen, key: Key, line: u64, address: &str) -> Result<(), AdminError> {
    match *seen.addresses.entry(key).or_insert(line) {
        first if first == line => Ok(()),
        earlier => Err(refusal::on_another_line(address, earlier)),
    }
}
