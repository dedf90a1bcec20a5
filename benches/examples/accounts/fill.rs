//! Databases of any size, by the import that operators use.

use std::time::Instant;

use accounts::{Accounts, DatabaseConfig, IncomingAccount, NewAccount};
use auth_sasl::Secret;

pub(crate) const DOMAIN: &str = "example.jp";
pub(crate) const PASSWORD: &str = "natsu no umi 7";

/// Other names of the domain. With them even the small database has more addresses than a daemon keeps answers for.
pub(crate) const NAMES: usize = 200;

/// One of these names.
pub(crate) fn name(nth: usize) -> String {
    format!("name{nth}.example.jp")
}

pub(crate) fn login(nth: usize) -> String {
    format!("m{nth:07}ab")
}

/// Makes the database, the domain and so many accounts with three addresses each. In how many seconds the accounts were imported.
pub(crate) async fn fill(database: &DatabaseConfig, size: usize) -> f64 {
    let accounts = Accounts::create(database).await.unwrap();
    accounts.domain_add(DOMAIN).await.unwrap();
    for nth in 0..NAMES {
        accounts.domain_equivalent(&name(nth), DOMAIN).await.unwrap();
    }
    let hash = Secret::new(hash(&accounts).await);
    let incoming = |nth: usize| IncomingAccount {
        line: nth as u64 + 2,
        login: login(nth),
        addresses: [2 * nth, 2 * nth + 1].map(|alias| format!("alias{alias}@{DOMAIN}")).to_vec(),
        hash: Some(hash.clone()),
        ..IncomingAccount::default()
    };
    let incoming: Vec<_> = (0..size).map(incoming).collect();
    let since = Instant::now();
    accounts.account_import(&incoming, &mut |_, _| {}).await.unwrap();
    let took = since.elapsed().as_secs_f64();
    accounts.close().await;
    took
}

/// One hash of the password for all: another for each would be measured, too.
async fn hash(accounts: &Accounts) -> String {
    let password = Some(Secret::new(PASSWORD));
    let one = NewAccount { login: "first".into(), addresses: Vec::new(), password, apop: false };
    accounts.account_add(one).await.unwrap();
    let mut dump = Vec::new();
    accounts.dump(&mut dump).await.unwrap();
    let dump = String::from_utf8(dump).unwrap();
    let (_, from) = dump.split_once("\"$argon2id$").unwrap();
    format!("$argon2id${}", from.split('"').next().unwrap())
}

/// Numbers without a pattern that a cache could use, the same in each run.
#[derive(Default)]
pub(crate) struct Walk {
    state: u64,
}

impl Walk {
    pub(crate) fn next(&mut self, below: usize) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % below
    }

    /// Of another run of numbers each time, so that nobody logs in twice.
    pub(crate) fn fresh(&mut self, below: usize) -> usize {
        use std::sync::atomic::{AtomicU64, Ordering};
        static SEED: AtomicU64 = AtomicU64::new(1);
        self.state ^= SEED.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        self.next(below)
    }
}
