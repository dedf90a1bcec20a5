//! Many accounts at once, from another system.
//!
//! Everything is looked at before anything is done: what the database has on each name is asked for (`facts.rs`), and all that could
//! refuse an account has spoken (`judge.rs`). Then the accounts are made (`write.rs`) in changes of a few hundred, each of which looks
//! once more, so that nobody waits long for their turn; each account is there whole or not at all, and one that is there is passed over,
//! so that a run that was ended goes on where it was.

mod facts;
mod judge;
mod write;

use std::collections::HashMap;

use auth_sasl::Secret;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::cost;
use crate::error::{AdminError, Unavailable};
use crate::names::{AccountName, Address};
use crate::password::check_password;
use crate::quota::Allowance;
use crate::{Accounts, limits, sql};

use super::refusal;
use facts::Facts;
use judge::Seen;

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
        let (parsed, mut seen) = self.look_at_all(incoming, show).await?;
        let mut done = ImportedAccounts::default();
        for batch in parsed.chunks(limits::IMPORT_BATCH) {
            // Of another change the database tells.
            seen.addresses = HashMap::new();
            self.import_batch(batch, &mut seen, &mut done).await?;
            show(parsed.len(), done.taken + done.before);
        }
        if let Some(statement) = self.shared.store.backend().count_rows().filter(|_| done.taken > 0) {
            // The server does it by itself a while later, and somebody else's may be the right to do it now.
            if let Ok(counters) = self.shared.store.counters().await {
                let _ = sqlx::query(statement).execute(counters).await;
            }
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
    ) -> Result<(Vec<Parsed<'i>>, Seen), ImportError> {
        let mut faults = Vec::new();
        let (parsed, logins) = parse_all(incoming, &self.brand, &mut faults);
        let mut seen = Seen { logins, addresses: HashMap::new() };
        let mut looked_at = 0;
        for batch in parsed.chunks(limits::IMPORT_BATCH) {
            // A change that is dropped: it sees one moment.
            let mut change = self.begin().await?;
            let facts = Facts::gather(&mut change, batch).await?;
            drop(change);
            for account in batch {
                let outcome = facts.judge(account, &mut seen, self.insists);
                note(&mut faults, account, outcome.map(drop))?;
            }
            looked_at += batch.len();
            show(looked_at, 0);
        }
        if faults.is_empty() {
            return Ok((parsed, seen));
        }
        faults.sort();
        Err(ImportError::Lines(faults))
    }

    async fn import_batch(
        &self,
        batch: &[Parsed<'_>],
        seen: &mut Seen,
        done: &mut ImportedAccounts,
    ) -> Result<(), ImportError> {
        // As many at once as the pool may have threads, and one that waits for each.
        let hashing =
            stream::iter(batch).map(|account| self.hash_of(account)).buffered(limits::HASHED_AT_ONCE);
        let hashes: Vec<Option<String>> = hashing.try_collect().await?;
        let mut change = self.begin().await?;
        let facts = Facts::gather(&mut change, batch).await?;
        let (mut fresh, mut faults) = (Vec::new(), Vec::new());
        for (account, hash) in batch.iter().zip(&hashes) {
            match facts.judge(account, seen, self.insists) {
                Ok(Some(one)) => fresh.push((one, hash.as_deref())),
                Ok(None) => {}
                Err(error) => note(&mut faults, account, Err(error))?,
            }
        }
        if !faults.is_empty() {
            return Err(ImportError::Overtaken(faults, *done));
        }
        let taken = fresh.len();
        if taken > 0 {
            write::make_all(&mut change, &fresh).await?;
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
}

/// Those whose words can be understood, and the line of each login.
fn parse_all<'i>(
    incoming: &'i [IncomingAccount],
    brand: &str,
    faults: &mut Vec<(u64, String)>,
) -> (Vec<Parsed<'i>>, HashMap<String, u64>) {
    let mut logins = HashMap::new();
    let mut parsed = Vec::with_capacity(incoming.len());
    for incoming in incoming {
        let line = incoming.line;
        let outcome = parse(incoming, brand).and_then(|account| {
            match *logins.entry(account.login.as_str().to_owned()).or_insert(line) {
                first if first == line => Ok(account),
                earlier => Err(refusal::on_another_line(&incoming.login, earlier)),
            }
        });
        match outcome {
            Ok(account) => parsed.push(account),
            Err(fault) => faults.push((line, fault.to_string())),
        }
    }
    (parsed, logins)
}

fn parse<'i>(incoming: &'i IncomingAccount, brand: &str) -> Result<Parsed<'i>, AdminError> {
    let login = AccountName::parse(&incoming.login, brand)?;
    let aliases = incoming.addresses.iter().map(|a| Address::parse(a)).collect::<Result<Vec<_>, _>>()?;
    match (&incoming.password, &incoming.hash) {
        (Some(_), Some(_)) => return Err(refusal::password_and_hash()),
        (Some(password), None) => check_password(password)?,
        (None, Some(hash)) => {
            cost::check_octets(hash.expose()).map_err(|fault| refusal::hash(&fault))?;
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
