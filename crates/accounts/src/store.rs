//! The open database: questions go to the readers, a change is one transaction with its audit entry.

use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{Any, AnyPool, Transaction};

use crate::backend::Pools;
use crate::config::{Backend, DatabaseConfig};
use crate::error::{OpenError, Unavailable};
use crate::{schema, sql};

/// A change under way. Dropped before [`Store::commit`], it never was.
pub(crate) type Change = Transaction<'static, Any>;

pub(crate) struct Store {
    backend: Backend,
    pools: Pools,
}

impl Store {
    /// Connects to a database that exists and has this program's schema.
    pub(crate) async fn open(config: &DatabaseConfig) -> Result<Self, OpenError> {
        let store = Self::connect(config).await?;
        schema::check(&store, config).await?;
        Ok(store)
    }

    /// Makes the database where there is none, and brings an older one up to date.
    pub(crate) async fn create(config: &DatabaseConfig) -> Result<Self, OpenError> {
        Self::create_of(config, schema::newest()).await
    }

    /// The same, up to a version; a newer database stays what it is.
    pub(crate) async fn create_of(config: &DatabaseConfig, version: i64) -> Result<Self, OpenError> {
        let store = match Self::connect(config).await {
            Err(OpenError::Missing { place }) => {
                let unreachable = |cause| OpenError::Unreachable { place, cause };
                let made = config.backend()?.create().await;
                made.map_err(Unavailable::when("making it")).map_err(unreachable)?;
                Self::connect(config).await?
            }
            store => store?,
        };
        schema::migrate(&store, config, version).await?;
        Ok(store)
    }

    async fn connect(config: &DatabaseConfig) -> Result<Self, OpenError> {
        let backend = config.backend()?;
        match backend.connect().await {
            Ok(pools) => Ok(Self { backend, pools }),
            Err(error) if backend.is_missing(&error) => Err(OpenError::Missing { place: config.place() }),
            Err(error) => Err(OpenError::Unreachable {
                place: config.place(),
                cause: Unavailable::when("connecting")(error),
            }),
        }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    pub(crate) fn readers(&self) -> &AnyPool {
        &self.pools.readers
    }

    /// Begins a change. Nothing slow may happen until it is committed: hash passwords before.
    pub(crate) async fn begin(&self) -> Result<Change, Unavailable> {
        self.pools
            .writer
            .begin_with(self.backend.begin())
            .await
            .map_err(Unavailable::when("beginning a change"))
    }

    /// Writes the audit entry and commits.
    ///
    /// A commit can fail after it took effect (a lost connection, a busy checkpoint); whoever is told "failed" would
    /// do it twice. So the entry is looked for before the failure is passed on.
    pub(crate) async fn commit(
        &self,
        mut change: Change,
        action: &str,
        subject: &str,
    ) -> Result<(), Unavailable> {
        let id = next(&mut change, "audit").await?;
        sqlx::query(sql::ADD_AUDIT)
            .bind(id)
            .bind(now())
            .bind(action)
            .bind(subject)
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("writing the audit entry"))?;
        let Err(failure) = change.commit().await else { return Ok(()) };
        let found: Result<i64, _> =
            sqlx::query_scalar(sql::COUNT_AUDIT).bind(id).fetch_one(self.readers()).await;
        match found {
            Ok(1) => Ok(()),
            _ => Err(Unavailable::when("committing a change")(failure)),
        }
    }

    pub(crate) async fn close(&self) {
        self.pools.readers.close().await;
        self.pools.writer.close().await;
    }
}

/// The next value of a counter, in the same change as what it is for.
pub(crate) async fn next(change: &mut Change, counter: &str) -> Result<i64, Unavailable> {
    sqlx::query_scalar(sql::NEXT)
        .bind(counter)
        .fetch_one(&mut **change)
        .await
        .map_err(Unavailable::when("numbering a change"))
}

/// Seconds since 1970-01-01T00:00:00Z; 0 on a machine whose clock stands before.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
