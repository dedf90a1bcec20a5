//! A fresh database for each test, of each kind.

use std::sync::atomic::{AtomicU32, Ordering};

use accounts::{Account, Accounts, AdminError, DatabaseConfig, NewAccount, Resolution, Verdict, Why};
use auth_sasl::{ApopDigest, Claim, Secret, Stamp};
use tempfile::TempDir;

/// `postgres://user@host:port` of a server where this user may create databases.
const POSTGRES: &str = "YUBIN_TEST_POSTGRES";

pub(crate) struct Database {
    pub(crate) accounts: Accounts,
    pub(crate) config: DatabaseConfig,
    pub(crate) dir: TempDir,
}

/// What every statement must run on.
pub(crate) async fn databases() -> Vec<Database> {
    let mut databases = Vec::new();
    for place in [Some(sqlite()), postgres()].into_iter().flatten() {
        databases.push(create(place).await);
    }
    databases
}

/// A place for a SQLite database that does not exist yet.
pub(crate) fn sqlite() -> (TempDir, DatabaseConfig) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = DatabaseConfig::sqlite(&dir.path().join("accounts #1 100%.sqlite"));
    config.apop_key = Some(dir.path().join("apop.key"));
    (dir, config)
}

/// The same on PostgreSQL, if there is a server.
pub(crate) fn postgres() -> Option<(TempDir, DatabaseConfig)> {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var(POSTGRES).ok()?;
    let dir = tempfile::tempdir().unwrap();
    // Process numbers come again; the databases of earlier runs may still be there.
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let name = format!("yubin_{}_{serial}_{now}", std::process::id());
    let url = format!("{}/{name}", server.trim_end_matches('/'));
    let key = dir.path().join("apop.key");
    Some((dir, DatabaseConfig { url, apop_key: Some(key) }))
}

async fn create((dir, config): (TempDir, DatabaseConfig)) -> Database {
    let accounts = Accounts::create(&config).await.unwrap();
    Database { accounts, config, dir }
}

impl Database {
    /// With `mx.edit.ne.jp` as default domain, `edit.ne.jp`, and the account `ab4t-ash` with the alias `taro`.
    pub(crate) async fn furnished(self) -> Self {
        self.accounts.domain_add("mx.edit.ne.jp").await.unwrap();
        self.accounts.domain_add("edit.ne.jp").await.unwrap();
        self.accounts.account_add(new("ab4t-ash", &["taro@mx.edit.ne.jp"], "sakura")).await.unwrap();
        self
    }
}

pub(crate) fn new(login: &str, addresses: &[&str], password: &str) -> NewAccount {
    NewAccount {
        login: login.to_owned(),
        addresses: addresses.iter().map(|&a| a.to_owned()).collect(),
        password: Some(Secret::new(password)),
        apop: false,
    }
}

pub(crate) fn with_apop(new: NewAccount) -> NewAccount {
    NewAccount { apop: true, ..new }
}

pub(crate) fn password(login: &str, password: &str) -> Claim {
    Claim::password(login, Secret::new(password))
}

pub(crate) fn apop(login: &str, password: &str) -> Claim {
    let stamp = Stamp::new("<1896.697170952@dbc.mtview.ca.us>").unwrap();
    let digest = ApopDigest::compute(&stamp, &Secret::new(password));
    Claim::Apop { login: login.to_owned(), stamp, digest }
}

/// The account that logs in.
pub(crate) async fn account(accounts: &Accounts, login: &str, with: &str) -> Account {
    match accounts.authenticate(&password(login, with)).await.unwrap() {
        Verdict::Accepted(account) => account,
        other => panic!("{other:?}"),
    }
}

/// The login that a claim ends in, or why it does not.
pub(crate) async fn verdict(accounts: &Accounts, claim: &Claim) -> Result<String, Why> {
    match accounts.authenticate(claim).await.unwrap() {
        Verdict::Accepted(account) => Ok(account.login),
        Verdict::Rejected(why) => Err(why),
        other => panic!("{other:?}"),
    }
}

/// The login that an address leads to; `""` for an unknown user, `"-"` for a domain that is not ours.
pub(crate) async fn owner(accounts: &Accounts, local_part: &str, domain: &str) -> String {
    match accounts.resolve(local_part, domain).await.unwrap() {
        Resolution::Mailbox(mailbox) => mailbox.login,
        Resolution::UnknownUser => String::new(),
        Resolution::NotOurs => "-".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The text of a refusal; anything else is a failed test.
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, AdminError>) -> String {
    match outcome {
        Err(AdminError::Refused(text)) => text,
        other => panic!("should have been refused: {other:?}"),
    }
}
