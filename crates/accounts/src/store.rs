//! The open database: questions go to the readers, a change is one transaction with its audit entry.
//!
//! Changes come one after the other, on PostgreSQL as on SQLite: each begins by taking its number in the audit table, and nobody else
//! can take one until it ends. So a change sees what is true until it commits, two who want the same name meet in no gap between a
//! look and a write, and the numbers are in the order of the commits, which is what whoever follows the changes relies on.

use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{Any, AnyConnection, AnyPool, Transaction};

use crate::backend::Pools;
use crate::config::{Backend, DatabaseConfig};
use crate::error::{OpenError, Unavailable};
use crate::readers::{Readers, in_time};
use crate::schema::Upgrade;
use crate::standing::SENDING;
use crate::{AccountId, limits, schema, sql};

/// A change under way. Dropped before [`Store::commit`], it never was.
pub(crate) struct Change {
    transaction: Transaction<'static, Any>,
    /// Its number in the audit table.
    id: i64,
    who: String,
    /// Of what names no other.
    pub(crate) brand: Arc<str>,
    account: i64,
    ends: i64,
}

impl Change {
    /// Whose change it is, and which of their sessions end with it.
    pub(crate) fn about(&mut self, account: AccountId, ends: i64) {
        (self.account, self.ends) = (account.get(), ends);
    }

    /// One more audit entry in this change, for one of many accounts.
    pub(crate) async fn note(
        &mut self,
        action: &str,
        subject: &str,
        account: AccountId,
        ends: i64,
    ) -> Result<(), Unavailable> {
        let id = next(self, "audit").await?;
        self.write(id, action, subject, account.get(), ends).await
    }

    /// An audit entry each, for new accounts: none of them has anything that would end with it.
    pub(crate) async fn note_new(
        &mut self,
        action: &str,
        accounts: &[(i64, &str)],
    ) -> Result<(), Unavailable> {
        let Some(first) = next_many(self, "audit", accounts.len()).await? else { return Ok(()) };
        let at = now();
        let row = |(id, (account, subject)): (i64, &(i64, &str))| {
            let who = self.who.as_str();
            vec![
                id.into(),
                at.into(),
                action.into(),
                (*subject).into(),
                who.into(),
                (*account).into(),
                0.into(),
            ]
        };
        let rows = (first..).zip(accounts).map(row).collect();
        let writing = sql::many::ADD_AUDITS.execute(&mut self.transaction, rows).await;
        writing.map_err(Unavailable::when("writing the audit entries"))
    }

    async fn write(
        &mut self,
        id: i64,
        action: &str,
        subject: &str,
        account: i64,
        ends: i64,
    ) -> Result<(), Unavailable> {
        if ends & SENDING != 0 {
            for statement in [sql::HOLD_TICKETS, sql::DROP_TICKETS_OF] {
                sqlx::query(statement)
                    .bind(account)
                    .execute(&mut *self.transaction)
                    .await
                    .map_err(Unavailable::when("dropping tickets"))?;
            }
        }
        sqlx::query(sql::ADD_AUDIT)
            .bind(id)
            .bind(now())
            .bind(action)
            .bind(subject)
            .bind(self.who.clone())
            .bind(account)
            .bind(ends)
            .execute(&mut *self.transaction)
            .await
            .map(drop)
            .map_err(Unavailable::when("writing the audit entry"))
    }
}

impl Deref for Change {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.transaction
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }
}

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

    /// Makes the database where there is none, and brings an older one up to date: of that one there is a copy then.
    pub(crate) async fn create(config: &DatabaseConfig) -> Result<(Self, Option<PathBuf>), OpenError> {
        let copy = match Self::connect(config).await {
            Err(OpenError::Missing { .. }) => None,
            store => schema::snapshot(&store?, config).await?,
        };
        Ok((Self::create_of(config, schema::newest()).await?, copy))
    }

    /// What [`Store::create`] would do.
    pub(crate) async fn rehearse(config: &DatabaseConfig) -> Result<Upgrade, OpenError> {
        match Self::connect(config).await {
            Err(OpenError::Missing { .. }) => Ok(Upgrade::new(0, false)),
            store => schema::rehearse(&store?, config).await,
        }
    }

    /// The same, up to a version; a newer database stays what it is.
    pub(crate) async fn create_of(config: &DatabaseConfig, version: i64) -> Result<Self, OpenError> {
        let store = match Self::connect(config).await {
            Err(OpenError::Missing { place }) => {
                let unreachable = |cause| OpenError::because(place, cause);
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
        // Somebody else may make it while this finds none.
        let was_missing = backend.has_no_file();
        match backend.connect().await {
            Ok(pools) => Ok(Self { backend, pools }),
            Err(error) if was_missing || backend.is_missing(&error) => {
                Err(OpenError::Missing { place: config.place() })
            }
            Err(error) => Err(OpenError::because(config.place(), Unavailable::when("connecting")(error))),
        }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.pools.readers
    }

    /// For statements that stand alone.
    ///
    /// # Errors
    /// As of [`Readers::current`].
    pub(crate) async fn counters(&self) -> Result<&AnyPool, sqlx::Error> {
        self.pools.readers.current().await?;
        Ok(&self.pools.counters)
    }

    /// Begins a change by somebody, when those before it are done. Nothing slow may happen until it is committed: hash passwords before.
    pub(crate) async fn begin(&self, who: &str, brand: Arc<str>) -> Result<Change, Unavailable> {
        let transaction = self.begin_plain().await?;
        let mut change = Change { transaction, id: 0, who: who.to_owned(), brand, account: 0, ends: 0 };
        change.id = next(&mut change, "audit").await?;
        Ok(change)
    }

    /// A transaction that is no change of anybody's: the schema's.
    pub(crate) async fn begin_plain(&self) -> Result<Transaction<'static, Any>, Unavailable> {
        let beginning = "beginning a change";
        self.pools.readers.current().await.map_err(Unavailable::when(beginning))?;
        let (writer, statement) = (self.pools.writer.clone(), self.backend.begin());
        // Whoever waits for it may go away at any time. A beginning that is forgotten between the statement and its answer would be open
        // on a connection that the pool takes for free; here it comes to its end, and is rolled back if nobody has it.
        let begun = tokio::spawn(async move { writer.begin_with(statement).await });
        begun.await.map_err(Unavailable::when(beginning))?.map_err(Unavailable::when(beginning))
    }

    /// Drops rows that are over by a statement of the backend's, a bounded number at a time, in changes of their own: what waits for
    /// somebody must not hold others.
    pub(crate) async fn drop_expired(
        &self,
        statement: &'static str,
        until: i64,
        times: usize,
    ) -> Result<(), Unavailable> {
        for _ in 0..times {
            let mut change = self.begin_plain().await?;
            let dropped = in_time(limits::ANSWER_PATIENCE, async {
                let dropping = sqlx::query(statement).bind(until).bind(limits::CLEAN_AT_ONCE);
                let dropped = dropping.execute(&mut *change).await?.rows_affected();
                change.commit().await?;
                Ok(dropped)
            });
            let dropped = dropped.await.map_err(Unavailable::when("dropping what is over"))?;
            if i64::try_from(dropped).is_ok_and(|dropped| dropped < limits::CLEAN_AT_ONCE) {
                break;
            }
        }
        Ok(())
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
        let (id, account, ends) = (change.id, change.account, change.ends);
        change.write(id, action, subject, account, ends).await?;
        let Err(failure) = change.transaction.commit().await else { return Ok(()) };
        let found: Result<i64, _> =
            sqlx::query_scalar(sql::COUNT_AUDIT).bind(id).fetch_one(self.readers()).await;
        match found {
            Ok(1) => Ok(()),
            _ => Err(Unavailable::when("committing a change")(failure)),
        }
    }

    /// A copy beside the database, of one moment. Only its owner can read it; it is on the disk when this is back.
    pub(crate) async fn snapshot(&self, version: i64) -> Result<Option<PathBuf>, Unavailable> {
        let Some(path) = self.backend.make_snapshot_file(version, now()) else { return Ok(None) };
        let failed = "copying the database before it is brought up to date";
        let path = path.map_err(Unavailable::when(failed))?;
        let name = path.to_str().ok_or("its path is not UTF-8").map_err(Unavailable::when(failed))?;
        // VACUUM takes an empty file that is there, with the permissions that it has.
        sqlx::query(sql::SNAPSHOT)
            .bind(name)
            .execute(&self.pools.writer)
            .await
            .map_err(Unavailable::when(failed))?;
        File::open(&path).and_then(|file| file.sync_all()).map_err(Unavailable::when(failed))?;
        Ok(Some(path))
    }

    pub(crate) async fn close(&self) {
        self.pools.readers.close().await;
        self.pools.counters.close().await;
        self.pools.writer.close().await;
    }
}

/// The next value of a counter, in the same change as what it is for.
pub(crate) async fn next(change: &mut Change, counter: &str) -> Result<i64, Unavailable> {
    advance(change, counter, 1).await
}

/// The first of so many next values, if any are wanted.
pub(crate) async fn next_many(
    change: &mut Change,
    counter: &str,
    many: usize,
) -> Result<Option<i64>, Unavailable> {
    let many = i64::try_from(many).map_err(Unavailable::when("numbering"))?;
    Ok(if many == 0 { None } else { Some(advance(change, counter, many).await? - many + 1) })
}

async fn advance(change: &mut Change, counter: &str, by: i64) -> Result<i64, Unavailable> {
    sqlx::query_scalar(sql::NEXT)
        .bind(counter)
        .bind(by)
        .fetch_one(&mut **change)
        .await
        .map_err(Unavailable::when("numbering a change"))
}

/// Seconds since 1970-01-01T00:00:00Z; 0 on a machine whose clock stands before.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
