//! Many accounts at once, from another system.
//!
//! Everything is looked at before anything is done: each account is made in changes that are dropped, so that all that could refuse it
//! has spoken. Then the accounts are made in changes of a few hundred, so that nobody waits long for their turn; each account is there
//! whole or not at all, and one that is there is passed over, so that a run that was ended goes on where it was.

use std::collections::HashMap;

use auth_sasl::Secret;

use crate::error::{AdminError, Unavailable};
use crate::hash::is_known;
use crate::names::{AccountName, Address};
use crate::password::check_password;
use crate::quota::Allowance;
use crate::store::Change;
use crate::{AccountId, Accounts, limits, sql};

use super::account::{make, set_credential};
use super::address::{self, AddressKind, Taken};
use super::{domain, plan, refusal};

/// An account as another system had it.
#[derive(Debug, Clone, Default)]
pub struct IncomingAccount {
    /// Where it stands in its file.
    pub line: u64,
    /// Its login, for ever.
    pub login: String,
    /// The addresses that it gets beside LOGIN@(its plan's domain, or the default one).
    pub addresses: Vec<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Or the hash of it, as for [`Accounts::account_set_hash`].
    pub hash: Option<Secret>,
    /// The plan that it has.
    pub plan: Option<String>,
    /// The provider's key of the contract that it belongs to; may be empty.
    pub contract: String,
    /// How many octets it may hold, if not what others may.
    pub quota: Option<Allowance>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportedAccounts {
    /// Accounts that were made.
    pub taken: usize,
    /// Accounts that were there before.
    pub before: usize,
}

/// Why accounts were not imported, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What is wrong with each of these lines; nothing was done.
    #[error("{}", in_lines(.0))]
    Lines(Vec<(u64, String)>),
    /// Somebody took a name while accounts were made: what is wrong now, and what was done before. Accounts that were made are whole;
    /// another run makes the others.
    #[error("{}", in_lines(.0))]
    Overtaken(Vec<(u64, String)>, ImportedAccounts),
    /// The database cannot be used. Accounts that were made are whole; another run makes the others.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn in_lines(faults: &[(u64, String)]) -> String {
    faults.iter().map(|(line, fault)| format!("line {line}: {fault}")).collect::<Vec<_>>().join("\n")
}

/// How far it is: accounts looked at, and accounts made or passed over.
type Show<'s> = &'s mut (dyn FnMut(usize, usize) + Send);

/// An account whose words were understood.
struct Parsed<'i> {
    incoming: &'i IncomingAccount,
    login: AccountName,
    aliases: Vec<Address>,
}

enum Was {
    Missing,
    There,
}

impl Accounts {
    /// Makes those of these accounts that are not there, after all of them have been looked at.
    ///
    /// # Errors
    /// [`ImportError::Lines`] with every line that cannot be taken: then nothing was done.
    pub async fn account_import(
        &self,
        incoming: &[IncomingAccount],
        show: Show<'_>,
    ) -> Result<ImportedAccounts, ImportError> {
        let parsed = self.look_at_all(incoming, show).await?;
        let mut done = ImportedAccounts::default();
        for batch in parsed.chunks(limits::IMPORT_BATCH) {
            self.import_batch(batch, &mut done).await?;
            show(parsed.len(), done.taken + done.before);
        }
        Ok(done)
    }

    /// Looks at them, and makes none.
    ///
    /// # Errors
    /// [`ImportError::Lines`] with every line that could not be taken.
    pub async fn account_import_check(
        &self,
        incoming: &[IncomingAccount],
        show: Show<'_>,
    ) -> Result<(), ImportError> {
        self.look_at_all(incoming, show).await.map(drop)
    }

    async fn look_at_all<'i>(
        &self,
        incoming: &'i [IncomingAccount],
        show: Show<'_>,
    ) -> Result<Vec<Parsed<'i>>, ImportError> {
        let mut faults = Vec::new();
        let parsed = parse_all(incoming, &self.brand, &mut faults);
        let mut seen = HashMap::new();
        let mut looked_at = 0;
        for batch in parsed.chunks(limits::IMPORT_BATCH) {
            let mut change = self.begin().await?;
            for account in batch {
                let outcome = self.look(&mut change, account, &mut seen).await;
                note(&mut faults, account, outcome)?;
            }
            looked_at += batch.len();
            show(looked_at, 0);
        }
        if faults.is_empty() {
            return Ok(parsed);
        }
        faults.sort();
        Err(ImportError::Lines(faults))
    }

    /// Whether an account could be made: it is, in a change that will be dropped.
    async fn look(
        &self,
        change: &mut Change,
        account: &Parsed<'_>,
        seen: &mut HashMap<String, u64>,
    ) -> Result<(), AdminError> {
        let line = account.incoming.line;
        for alias in &account.aliases {
            let home = domain::home(change, alias.domain()).await?;
            let address = alias.clone().at(home.name).to_string();
            if let Some(earlier) = seen.insert(address, line).filter(|earlier| *earlier != line) {
                return Err(refusal::on_another_line(&alias.to_string(), earlier));
            }
        }
        self.import_one(change, account, None).await.map(drop)
    }

    async fn import_batch(
        &self,
        batch: &[Parsed<'_>],
        done: &mut ImportedAccounts,
    ) -> Result<(), ImportError> {
        let mut hashes = Vec::with_capacity(batch.len());
        for account in batch {
            hashes.push(self.hash_of(account).await?);
        }
        let mut change = self.begin().await?;
        let mut taken = 0;
        for (account, hash) in batch.iter().zip(hashes) {
            let mut faults = Vec::new();
            match self.import_one(&mut change, account, hash.as_deref()).await {
                Ok(Was::Missing) => taken += 1,
                Ok(Was::There) => {}
                Err(error) => {
                    note(&mut faults, account, Err(error))?;
                    return Err(ImportError::Overtaken(faults, *done));
                }
            }
        }
        if taken > 0 {
            self.shared.store.commit(change, "account import", &format!("{taken} accounts")).await?;
        }
        done.taken += taken;
        done.before += batch.len() - taken;
        Ok(())
    }

    /// What will be stored of the password of an account that is not there. Hashed before the change begins, for nobody may wait for it.
    async fn hash_of(&self, account: &Parsed<'_>) -> Result<Option<String>, Unavailable> {
        let IncomingAccount { password, hash, .. } = account.incoming;
        if let Some(hash) = hash {
            return Ok(Some(String::from_utf8_lossy(hash.expose()).into_owned()));
        }
        let Some(password) = password else { return Ok(None) };
        let there: Option<i64> = sqlx::query_scalar(sql::ACCOUNT_ID)
            .bind(account.login.as_str())
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up an account"))?;
        match there {
            Some(_) => Ok(None),
            None => self.shared.hasher.hash(password).await.map(Some),
        }
    }

    async fn import_one(
        &self,
        change: &mut Change,
        account: &Parsed<'_>,
        hash: Option<&str>,
    ) -> Result<Was, AdminError> {
        let Parsed { incoming, login, aliases } = account;
        let there: Option<i64> = sqlx::query_scalar(sql::ACCOUNT_ID)
            .bind(login.as_str())
            .fetch_optional(&mut **change)
            .await
            .map_err(Unavailable::when("looking up an account"))?;
        if let Some(id) = there {
            has_all(change, AccountId::new(id), login, aliases).await?;
            return Ok(Was::There);
        }
        let plan = match &incoming.plan {
            Some(name) => Some(plan::must_find(change, name).await?),
            None => None,
        };
        if let (Some(plan), Some(name)) = (&plan, &incoming.plan)
            && plan.brand != login.brand()
        {
            return Err(refusal::another_brand(&format!("the plan {name}"), &plan.brand, login.brand()));
        }
        let domain = plan.as_ref().and_then(|plan| plan.domain.as_deref());
        let id = make(change, login, domain, aliases, self.insists).await?;
        if let Some(hash) = hash {
            set_credential(change, id, "password", hash).await?;
        }
        if let Some(plan) = &plan {
            plan::assign(change, id, plan, &incoming.contract).await?;
        }
        if let Some(quota) = incoming.quota {
            sqlx::query(sql::SET_QUOTA)
                .bind(id.get())
                .bind(quota.column())
                .bind(Allowance::Configured.column())
                .execute(&mut **change)
                .await
                .map_err(Unavailable::when("setting a quota"))?;
        }
        change.note("account import", login.as_str(), id, 0).await?;
        Ok(Was::Missing)
    }
}

/// One that is there must be the one that was meant.
async fn has_all(
    change: &mut Change,
    id: AccountId,
    login: &AccountName,
    aliases: &[Address],
) -> Result<(), AdminError> {
    for alias in aliases {
        match address::take(change, alias, (id, login.brand()), AddressKind::Alias, true).await? {
            Taken::By(owner) if owner == login.as_str() => {}
            Taken::By(owner) => return Err(refusal::address_taken(alias, &owner)),
            Taken::Now => return Err(refusal::there_without(login, alias)),
        }
    }
    Ok(())
}

fn parse_all<'i>(
    incoming: &'i [IncomingAccount],
    brand: &str,
    faults: &mut Vec<(u64, String)>,
) -> Vec<Parsed<'i>> {
    let mut logins = HashMap::new();
    let mut parsed = Vec::with_capacity(incoming.len());
    for incoming in incoming {
        let line = incoming.line;
        let outcome = parse(incoming, brand).and_then(|account| {
            let earlier = logins.insert(account.login.as_str().to_owned(), line);
            earlier.map_or(Ok(account), |earlier| Err(refusal::on_another_line(&incoming.login, earlier)))
        });
        match outcome {
            Ok(account) => parsed.push(account),
            Err(fault) => faults.push((line, fault.to_string())),
        }
    }
    parsed
}

fn parse<'i>(incoming: &'i IncomingAccount, brand: &str) -> Result<Parsed<'i>, AdminError> {
    let login = AccountName::parse(&incoming.login, brand)?;
    let aliases = incoming.addresses.iter().map(|a| Address::parse(a)).collect::<Result<Vec<_>, _>>()?;
    match (&incoming.password, &incoming.hash) {
        (Some(_), Some(_)) => return Err(refusal::password_and_hash()),
        (Some(password), None) => check_password(password)?,
        (None, Some(hash)) => {
            let known = std::str::from_utf8(hash.expose()).is_ok_and(is_known);
            known.then_some(()).ok_or_else(refusal::unknown_hash)?;
        }
        (None, None) => {}
    }
    if incoming.plan.is_none() && !incoming.contract.is_empty() {
        return Err(refusal::contract_without_plan());
    }
    Ok(Parsed { incoming, login, aliases })
}

/// What is wrong with a line, for the list; that the database is away ends everything.
fn note(
    faults: &mut Vec<(u64, String)>,
    account: &Parsed<'_>,
    outcome: Result<(), AdminError>,
) -> Result<(), Unavailable> {
    match outcome {
        Ok(()) => Ok(()),
        Err(AdminError::Refused(fault)) => {
            faults.push((account.incoming.line, fault));
            Ok(())
        }
        Err(AdminError::Unavailable(unavailable)) => Err(unavailable),
    }
}
