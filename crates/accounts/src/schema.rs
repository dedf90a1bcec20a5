//! The schema's versions. Forward only; a database newer than the program is refused, an older one is not touched
//! until somebody says so.

use std::borrow::Cow;
use std::path::PathBuf;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Any, SqlSafeStr, Transaction};

use crate::config::DatabaseConfig;
use crate::error::{OpenError, Unavailable};
use crate::sql;
use crate::store::Store;

/// Version, name, text. Never edit a text that was released: its checksum is in every database.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "accounts", include_str!("../migrations/0001_accounts.sql")),
    (2, "quota", include_str!("../migrations/0002_quota.sql")),
    (3, "pop3", include_str!("../migrations/0003_pop3.sql")),
    (10, "names", include_str!("../migrations/0010_names.sql")),
    (11, "life", include_str!("../migrations/0011_life.sql")),
    (20, "tickets", include_str!("../migrations/0020_tickets.sql")),
    (21, "guesses", include_str!("../migrations/0021_guesses.sql")),
    (22, "brands", include_str!("../migrations/0022_brands.sql")),
    (30, "sending", include_str!("../migrations/0030_sending.sql")),
    (31, "forward", include_str!("../migrations/0031_forward.sql")),
    (32, "report language", include_str!("../migrations/0032_report_language.sql")),
    (40, "logins", include_str!("../migrations/0040_logins.sql")),
];

/// The version that this program needs.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

/// Refuses a database that is not exactly of this program's version.
pub(crate) async fn check(store: &Store, config: &DatabaseConfig) -> Result<(), OpenError> {
    let found = version(store).await.map_err(|cause| OpenError::because(config.place(), cause))?;
    let (place, needed) = (config.place(), newest());
    match found {
        0 => Err(OpenError::Missing { place }),
        found if found < needed => Err(OpenError::Outdated { place, found, needed }),
        found if found > needed => Err(OpenError::Newer { place, found, known: needed }),
        _ => Ok(()),
    }
}

/// What bringing a database up to date will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The version that is there; 0 when there is no database yet.
    pub found: i64,
    /// The version that will be there.
    pub needed: i64,
    /// The steps between them, by number and name.
    pub steps: Vec<(i64, &'static str)>,
    /// Whether a copy is made beside the database before.
    pub snapshot: bool,
}

impl Upgrade {
    pub(crate) fn new(found: i64, keeps_snapshots: bool) -> Self {
        let missing = MIGRATIONS.iter().filter(|(version, ..)| *version > found);
        let steps: Vec<_> = missing.map(|(version, name, _)| (*version, *name)).collect();
        let snapshot = keeps_snapshots && found > 0 && !steps.is_empty();
        Self { found, needed: newest(), steps, snapshot }
    }
}

/// What would be done, after it was done in a change that was dropped.
pub(crate) async fn rehearse(store: &Store, config: &DatabaseConfig) -> Result<Upgrade, OpenError> {
    let unreachable = |cause| OpenError::because(config.place(), cause);
    let found = version(store).await.map_err(unreachable)?;
    drop(apply(store, config, newest()).await?);
    Ok(Upgrade::new(found, store.backend().keeps_snapshots()))
}

/// Copies an older database before it is brought up to date, where copies are files beside it.
pub(crate) async fn snapshot(store: &Store, config: &DatabaseConfig) -> Result<Option<PathBuf>, OpenError> {
    let unreachable = |cause| OpenError::because(config.place(), cause);
    let found = version(store).await.map_err(unreachable)?;
    if !Upgrade::new(found, store.backend().keeps_snapshots()).snapshot {
        return Ok(None);
    }
    store.snapshot(found).await.map_err(unreachable)
}

/// Applies what is missing up to a version, all of it or nothing, with other processes held off by the change's own lock.
pub(crate) async fn migrate(store: &Store, config: &DatabaseConfig, to: i64) -> Result<(), OpenError> {
    let unreachable = |cause| OpenError::because(config.place(), cause);
    let change = apply(store, config, to).await?;
    change.commit().await.map_err(Unavailable::when("committing the schema")).map_err(unreachable)
}

async fn apply(
    store: &Store,
    config: &DatabaseConfig,
    to: i64,
) -> Result<Transaction<'static, Any>, OpenError> {
    let unreachable = |cause| OpenError::because(config.place(), cause);
    let mut change = store.begin_plain().await.map_err(unreachable)?;
    if let Some(lock) = store.backend().lock_schema() {
        let locked = sqlx::query(lock).execute(&mut *change).await;
        locked
            .map_err(Unavailable::when("waiting for another that changes the schema"))
            .map_err(unreachable)?;
    }
    // Steps become savepoints inside this change.
    migrator(to)
        .run_direct(None, &mut *change, false)
        .await
        .map_err(|error| migration_error(config, error))?;
    Ok(change)
}

/// The newest version in the database; 0 when it has no schema.
async fn version(store: &Store) -> Result<i64, Unavailable> {
    let reading = "reading the schema's version";
    let tables: i64 = sqlx::query_scalar(store.backend().has_migrations())
        .fetch_one(store.readers())
        .await
        .map_err(Unavailable::when(reading))?;
    if tables == 0 {
        return Ok(0);
    }
    let versions: Vec<i64> = sqlx::query_scalar(sql::MIGRATIONS)
        .fetch_all(store.readers())
        .await
        .map_err(Unavailable::when(reading))?;
    Ok(versions.into_iter().max().unwrap_or(0))
}

fn migrator(to: i64) -> Migrator {
    let migration = |&(version, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
    };
    let wanted = MIGRATIONS.iter().filter(|(version, ..)| *version <= to);
    let mut migrator = Migrator::with_migrations(wanted.map(migration).collect());
    migrator.set_ignore_missing(to < newest());
    // Its own lock would be given back before our change is committed.
    migrator.set_locking(false);
    migrator
}

fn migration_error(config: &DatabaseConfig, error: sqlx::migrate::MigrateError) -> OpenError {
    match error {
        sqlx::migrate::MigrateError::VersionMissing(found) => {
            OpenError::Newer { place: config.place(), found, known: newest() }
        }
        other => {
            OpenError::because(config.place(), Unavailable::when("bringing the schema up to date")(other))
        }
    }
}
