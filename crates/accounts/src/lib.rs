//! The account database: whose mail goes where, and who is who.
//!
//! The daemons ask **questions** ([`Accounts::resolve`], [`Accounts::authenticate`]); everything else is
//! **administration**, for the operator's command. Nothing outside this crate knows a table or a statement.
//!
//! ```
//! # use accounts::*; use auth_sasl::{Claim, Secret};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let accounts = Accounts::create(&DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"))).await?;
//! accounts.domain_add("mx.example.jp").await?;
//! accounts
//!     .account_add(NewAccount {
//!         login: "ab4t-ash".into(),
//!         addresses: vec!["taro@mx.example.jp".into()],
//!         password: Some(Secret::new("sakura")),
//!         apop: false,
//!     })
//!     .await?;
//!
//! let to_taro = accounts.resolve("Taro", "MX.example.jp").await?;
//! assert!(matches!(to_taro, Resolution::Mailbox(mailbox) if mailbox.login == "ab4t-ash"));
//! let verdict = accounts.authenticate(&Claim::password("ab4t-ash", Secret::new("sakura"))).await?;
//! assert!(matches!(verdict, Verdict::Accepted(_)));
//! # Ok(()) })}
//! ```
//!
//! # Invariants
//!
//! - A database that cannot answer is [`Unavailable`]; it is never "no such user" and never "wrong password".
//! - A login is not an address, and no address logs in.
//! - The name of a mailbox (its Maildir's directory) is fixed when the account is made and never given out again,
//!   even after the account is gone: nobody inherits another's mail.
//! - An unknown login costs what a wrong password costs, and is answered alike.
//! - A login that was good a short while ago costs no hash, while the stored credential is the same.
//! - Who guesses is slowed by budgets; the owner comes in from where he was before.
//! - Passwords are stored as Argon2id hashes; where APOP needs the password itself, sealed under a key that is not in
//!   the database. No secret is in an error, a log or a `Debug` text.
//! - Every change is one transaction with an entry in the audit table.
//!
//! # One SQL text, two databases
//!
//! Everything goes through sqlx's `Any` driver: each statement exists once, in `sql.rs`, in the SQL that SQLite and
//! PostgreSQL share, and `backend.rs` holds the handful of differences. The price is that only the types which `Any`
//! knows can be used (TEXT and BIGINT do), and one more copy of each row.

mod admin;
mod answers;
mod backend;
mod clock;
mod config;
mod cost;
mod dump;
mod error;
mod file;
mod foreign;
mod forward;
mod guesses;
mod hash;
mod hint;
mod key_file;
pub mod limits;
mod logins;
mod names;
mod password;
mod pop3;
mod questions;
mod quota;
mod readers;
mod recent;
mod remembered;
mod resolving;
mod schema;
mod seal;
mod sending;
mod sent;
mod sessions;
mod sql;
mod srs;
mod standing;
mod store;
mod tickets;
mod weakness;
mod witness;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use admin::{
    AccountDetails, AccountRow, AddressInfo, AddressKind, Apop, AuditEntry, DomainInfo, DomainKind,
    DomainSetting, ImportError, ImportedAccounts, IncomingAccount, IssuedAccount, NewAccount, NewPlan, Order,
    PlanInfo, RemovedAccount, ReportLanguage, ServiceInfo, Status, Which,
};
pub use config::DatabaseConfig;
pub use dump::{DumpedAccount, RestoreError};
pub use error::{AdminError, OpenError, Unavailable};
pub use file::Replacement;
pub use forward::Forwarding;
pub use guesses::{Ban, Budget};
pub use hint::Hint;
pub use logins::{Attempt, LoginAttempt, Noted};
pub use names::{Address, DomainName, Login, NameFault};
pub use password::generate_password;
pub use pop3::{Pop3Changes, Pop3Rules};
pub use questions::{Account, Mailbox, Resolution, Verdict, Why};
pub use quota::{Allowance, Allowances};
pub use schema::Upgrade;
pub use sending::{Sender, Sending, SendingLimit};
pub use sent::{Counted, SendingStanding};
pub use sessions::Attendance;
pub use srs::{Srs, SrsFault};
pub use standing::{Bar, Service, State, Stops};
pub use weakness::password_weakness;

use answers::Answers;
use guesses::{Common, Guesses};
use hash::Hasher;
use logins::Journal;
use remembered::Remembered;
use seal::ApopKey;
use sessions::Sessions;
use store::Store;

/// The account database, open. Cheap to clone; all clones share connections and the password pool.
#[derive(Clone)]
pub struct Accounts {
    shared: Arc<Shared>,
    who: Arc<str>,
    /// Of logins that name no other; empty for the default one.
    brand: Arc<str>,
    insists: bool,
}

struct Shared {
    store: Store,
    answers: Answers,
    hasher: Hasher,
    remembered: Remembered,
    guesses: Guesses,
    common: Common,
    sessions: Sessions,
    journal: Journal,
    swept: sent::Swept,
    clock_apart: sent::ClockApart,
    clock: clock::Clock,
    apop: Option<ApopKey>,
}

impl Accounts {
    /// Opens a database that exists.
    ///
    /// # Errors
    /// [`OpenError`]: missing, of another version, unreachable, or without its key file. Each names the next step.
    pub async fn open(config: &DatabaseConfig) -> Result<Self, OpenError> {
        let store = Store::open(config).await?;
        let apop = apop_key(&store, config).await?;
        Self::assemble(store, config, apop)
    }

    /// Opens a database that exists and has these brands: nobody could log in where the customers of one are meant that is not there.
    ///
    /// # Errors
    /// [`OpenError`], as for [`Accounts::open`], and [`OpenError::NoBrand`].
    pub async fn open_for(config: &DatabaseConfig, brands: &[Option<&str>]) -> Result<Self, OpenError> {
        let accounts = Self::open(config).await?;
        for brand in brands {
            if let Err(error) = accounts.at_brand(*brand).brand_must_exist().await {
                accounts.close().await;
                return Err(match error {
                    AdminError::Refused(why) => OpenError::NoBrand(why),
                    AdminError::Unavailable(cause) => OpenError::because(config.place(), cause),
                });
            }
        }
        Ok(accounts)
    }

    /// Makes the database and the key file where there are none, brings an older database up to date, and opens it.
    ///
    /// # Errors
    /// [`OpenError`], as for [`Accounts::open`]. A lost key file is not replaced while secrets are sealed with it.
    pub async fn create(config: &DatabaseConfig) -> Result<Self, OpenError> {
        Ok(Self::create_with_copy(config).await?.0)
    }

    /// What [`Accounts::create`] would do to the database. The steps are really taken, in a change that is dropped.
    ///
    /// # Errors
    /// [`OpenError`], as for [`Accounts::create`].
    pub async fn rehearse(config: &DatabaseConfig) -> Result<Upgrade, OpenError> {
        Store::rehearse(config).await
    }

    /// The same as [`Accounts::create`], with the copy that was made beside an older SQLite database before it was brought up to date.
    ///
    /// # Errors
    /// [`OpenError`]; without a copy, nothing is changed.
    pub async fn create_with_copy(config: &DatabaseConfig) -> Result<(Self, Option<PathBuf>), OpenError> {
        let (store, copy) = Store::create(config).await?;
        if let Some(path) = &config.apop_key
            && sealed_with_key(&store, config).await? == 0
        {
            key_file::generate(path)?;
        }
        let apop = apop_key(&store, config).await?;
        Ok((Self::assemble(store, config, apop)?, copy))
    }

    fn assemble(store: Store, config: &DatabaseConfig, apop: Option<ApopKey>) -> Result<Self, OpenError> {
        let unreachable = |cause| OpenError::because(config.place(), cause);
        let no_random = |_| unreachable(Unavailable::when("making a key")("the system has no random octets"));
        let remembered = Remembered::new().map_err(no_random)?;
        let shared = Arc::new(Shared {
            answers: Answers::new(store.backend().witness()),
            store,
            hasher: Hasher::new(),
            remembered,
            guesses: Guesses::new(),
            common: Common::default(),
            sessions: Sessions::default(),
            journal: Journal::default(),
            swept: sent::Swept::default(),
            clock_apart: sent::ClockApart::default(),
            clock: clock::Clock::default(),
            apop,
        });
        Ok(Self { shared, who: Arc::from(""), brand: Arc::from(""), insists: false })
    }

    /// The same database, with this name in the audit entry of every change that is made through it.
    #[must_use]
    pub fn acting_as(&self, who: &str) -> Self {
        Self { who: who.into(), ..self.clone() }
    }

    /// The same database as the customers of a brand meet it: logins without another one before them are of this brand. Without one, of
    /// the default brand, which everybody is who has only one. [`Accounts::brand_must_exist`] tells whether it does.
    #[must_use]
    pub fn at_brand(&self, brand: Option<&str>) -> Self {
        Self { brand: brand.unwrap_or_default().to_ascii_lowercase().into(), ..self.clone() }
    }

    /// The same database, giving out names that are reserved or that somebody released a short while ago: for an operator who knows
    /// what they do.
    #[must_use]
    pub fn insisting(&self) -> Self {
        Self { insists: true, ..self.clone() }
    }

    async fn begin(&self) -> Result<store::Change, Unavailable> {
        self.shared.store.begin(&self.who, Arc::clone(&self.brand)).await
    }

    /// Closes the connections once they are idle. Questions from then on are [`Unavailable`].
    pub async fn close(&self) {
        self.shared.store.close().await;
    }

    /// How many password hashes were computed since the start: one for each password claim that was not remembered as
    /// good, whoever it was for, and one for each password that was set.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.shared.hasher.computed()
    }
}

/// How many secrets nobody can read without the key of `apop_key`.
async fn sealed_with_key(store: &Store, config: &DatabaseConfig) -> Result<i64, OpenError> {
    admin::count_sealed(store).await.map_err(|cause| OpenError::because(config.place(), cause))
}

/// The key of `apop_key`. One that is lost for good is not made anew behind the operator's back: the secrets go first.
async fn apop_key(store: &Store, config: &DatabaseConfig) -> Result<Option<ApopKey>, OpenError> {
    let Some(path) = config.apop_key.as_deref() else { return Ok(None) };
    let is_missing = matches!(path.try_exists(), Ok(false));
    match if is_missing { sealed_with_key(store, config).await? } else { 0 } {
        0 => ApopKey::load(path).map(Some),
        sealed => Err(OpenError::Key {
            path: path.to_owned(),
            fault: format!(
                "is missing, and the APOP passwords of {sealed} account(s) are sealed with it: put it back. If it is lost for good: \
                 take apop_key and apop = true out of the configuration, run yubin account passwd LOGIN --no-apop for each account \
                 that yubin account list --json shows with APOP, put both back, and make a new key with: yubin check --create"
            ),
        }),
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

/// The number of an account. Given out once, never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(i64);

impl AccountId {
    /// The number of no account.
    pub(crate) const NOBODY: Self = Self(0);

    pub(crate) fn new(id: i64) -> Self {
        Self(id)
    }

    /// The number, for output.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
