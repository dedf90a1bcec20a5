//! The connections that questions go to, with an end to every wait: a server that hangs is one that cannot be reached.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Either, Error, Execute, Executor, SqlStr, Transaction};
use tokio::time::timeout;

use crate::limits;

/// A pool that waits for no answer for ever. Questions are given to a reference of it as they would be to the pool.
#[derive(Debug, Clone)]
pub(crate) struct Readers(AnyPool);

/// A connection that nobody shall have after this question, unless the question came to its end: what the server still says would be
/// taken for the answer to another, and to wait for that would hold its place in the pool for as long as the server hangs.
struct Asking {
    connection: PoolConnection<Any>,
    answered: bool,
}

type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;
type Answers<'e, T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send + 'e>>;

/// The outcome, or that it took too long.
pub(crate) async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout(patience, work).await.unwrap_or_else(|_| {
        let seconds = patience.as_secs();
        Err(Error::Io(io::Error::new(io::ErrorKind::TimedOut, format!("no answer for {seconds} seconds"))))
    })
}

impl Readers {
    pub(crate) fn new(pool: AnyPool) -> Self {
        Self(pool)
    }

    /// Begins to read what the database holds at one moment.
    pub(crate) async fn begin_with(
        &self,
        statement: &'static str,
    ) -> Result<Transaction<'static, Any>, Error> {
        self.0.begin_with(statement).await
    }

    pub(crate) async fn close(&self) {
        self.0.close().await;
    }

    async fn ask(&self) -> Result<Asking, Error> {
        Ok(Asking { connection: self.0.acquire().await?, answered: false })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.answered {
            self.connection.close_on_drop();
        }
    }
}

impl<'c> Executor<'c> for &'c Readers {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Answers<'e, Either<AnyQueryResult, AnyRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let all = async move {
            let mut asking = self.ask().await?;
            let mut all = Vec::new();
            let mut rows = asking.connection.fetch_many(query);
            while let Some(row) = in_time(limits::ROW_PATIENCE, rows.try_next()).await? {
                all.push(row);
            }
            drop(rows);
            asking.answered = true;
            Ok::<_, Error>(stream::iter(all).map(Ok::<_, Error>))
        };
        Box::pin(stream::once(all).try_flatten())
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<AnyRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move {
            let mut asking = self.ask().await?;
            let row = in_time(limits::ANSWER_PATIENCE, asking.connection.fetch_optional(query)).await?;
            asking.answered = true;
            Ok(row)
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [AnyTypeInfo]) -> Answer<'e, AnyStatement>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let mut asking = self.ask().await?;
            let statement =
                in_time(limits::ANSWER_PATIENCE, asking.connection.prepare_with(sql, parameters)).await?;
            asking.answered = true;
            Ok(statement)
        })
    }
}
