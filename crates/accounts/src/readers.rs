//! The connections that questions go to, with an end to every wait: a server that hangs is one that cannot be reached.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{
    Any, AnyConnection, AnyPool, Connection as _, Either, Error, Execute, Executor, SqlStr, Transaction,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::file::{DatabaseFile, Standing};
use crate::limits;

/// Connections that wait for no answer for ever. Questions are given to a reference of it as they would be to a pool.
///
/// The pool makes them, and they are kept beside it: a pool tests a connection that comes back, which is another trip to the database
/// or to SQLite's thread for each question, as dear as the question itself.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    pool: AnyPool,
    /// A place for each connection that a question may have.
    places: Arc<Semaphore>,
    /// The last used are on top, so that few are in use where few are needed.
    rested: Arc<Mutex<Vec<Rested>>>,
    origin: Origin,
}

/// Where answers come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A file, which does not go away but for another in its place, and at which readers wait for nobody: no clock is wound for it, for that would wake the
    /// thread that waits for the network, at each question.
    File(Arc<DatabaseFile>),
    /// A server, which can hang and be stopped.
    Server,
}

/// A connection that nobody uses.
#[derive(Debug)]
struct Rested {
    connection: AnyConnection,
    since: Instant,
    /// See [`Readers::current`].
    file: u64,
}

/// A connection that nobody shall have after this question, unless the question came to its end: what the server still says would be
/// taken for the answer to another, and to wait for that would hold its place for as long as the server hangs.
struct Asking {
    readers: Readers,
    /// None once it was given back.
    connection: Option<AnyConnection>,
    file: u64,
    place: OwnedSemaphorePermit,
}

type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;
type Rows<'e, T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send + 'e>>;

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

/// Whether an error says that the server is, for the other connections too.
fn is_gone(error: &Error) -> bool {
    match error {
        Error::Io(_) => true,
        // PostgreSQL, appendix A: class 57, operator intervention; of it what ends connections.
        Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

impl Readers {
    /// As many at once as [`limits::READERS`], which the pool must allow.
    pub(crate) fn new(pool: AnyPool, origin: Origin) -> Self {
        let places = Arc::new(Semaphore::new(limits::READERS as usize));
        Self { pool, places, rested: Arc::default(), origin }
    }

    /// Begins to read what the database holds at one moment.
    pub(crate) async fn begin_with(
        &self,
        statement: &'static str,
    ) -> Result<Transaction<'static, Any>, Error> {
        self.current().await?;
        self.pool.begin_with(statement).await
    }

    /// Which file answers, see [`Standing::number`]; a server is always the same.
    ///
    /// # Errors
    /// Another stands in its place that cannot be used.
    pub(crate) async fn current(&self) -> Result<u64, Error> {
        match &self.origin {
            Origin::File(file) => file.current().await,
            Origin::Server => Ok(0),
        }
    }

    /// Sees what is beside the file, see [`DatabaseFile::look_beside`].
    pub(crate) fn look_beside(&self) {
        if let Origin::File(file) = &self.origin {
            file.look_beside();
        }
    }

    /// What becomes of the file; nothing of a server.
    pub(crate) fn standing(&self) -> Option<watch::Receiver<Standing>> {
        match &self.origin {
            Origin::File(file) => Some(file.standing()),
            Origin::Server => None,
        }
    }

    pub(crate) async fn close(&self) {
        self.places.close();
        let rested = std::mem::take(&mut *self.rested());
        for Rested { connection, .. } in rested {
            // Nothing is lost with it.
            let _ = connection.close().await;
        }
        self.pool.close().await;
    }

    async fn ask(&self) -> Result<Asking, Error> {
        let place = match self.places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => timeout(limits::READ_PATIENCE, self.places.clone().acquire_owned())
                .await
                .map_err(|_| Error::PoolTimedOut)?
                .map_err(|_| Error::PoolClosed)?,
        };
        let file = self.current().await?;
        let connection = match self.last_used(file).await {
            Some(connection) => connection,
            None => self.pool.acquire().await?.detach(),
        };
        Ok(Asking { readers: self.clone(), connection: Some(connection), file, place })
    }

    /// The connection that was used last, if it still is one: after a rest the server may have gone, and with it all the others.
    async fn last_used(&self, now: u64) -> Option<AnyConnection> {
        let Rested { mut connection, since, file } = self.rested().pop()?;
        if file != now {
            // The others are no later.
            self.rested().clear();
            return None;
        }
        if matches!(self.origin, Origin::File(_)) || since.elapsed() < limits::READER_RESTS {
            return Some(connection);
        }
        self.in_time(limits::ANSWER_PATIENCE, connection.ping()).await.is_ok().then_some(connection)
    }

    async fn in_time<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if matches!(self.origin, Origin::File(_)) {
            return work.await;
        }
        let outcome = in_time(patience, work).await;
        if outcome.as_ref().is_err_and(is_gone) {
            // So no other question meets what this one met.
            self.rested().clear();
        }
        outcome
    }

    fn rested(&self) -> MutexGuard<'_, Vec<Rested>> {
        self.rested.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking {
    fn connection(&mut self) -> Result<&mut AnyConnection, Error> {
        self.connection.as_mut().ok_or(Error::PoolClosed)
    }

    /// The question came to its end.
    fn answered(mut self) {
        if let Some(connection) = self.connection.take()
            && !self.readers.places.is_closed()
        {
            self.readers.rested().push(Rested { connection, since: Instant::now(), file: self.file });
        }
        // Only now: whoever takes the place is to find the connection.
        drop(self.place);
    }
}

impl<'c> Executor<'c> for &'c Readers {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Rows<'e, Either<AnyQueryResult, AnyRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let all = async move {
            let mut asking = self.ask().await?;
            let mut all = Vec::new();
            let mut rows = asking.connection()?.fetch_many(query);
            while let Some(row) = self.in_time(limits::ROW_PATIENCE, rows.try_next()).await? {
                all.push(row);
            }
            drop(rows);
            asking.answered();
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
            let row =
                self.in_time(limits::ANSWER_PATIENCE, asking.connection()?.fetch_optional(query)).await?;
            asking.answered();
            Ok(row)
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [AnyTypeInfo]) -> Answer<'e, AnyStatement>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let mut asking = self.ask().await?;
            let statement = self
                .in_time(limits::ANSWER_PATIENCE, asking.connection()?.prepare_with(sql, parameters))
                .await?;
            asking.answered();
            Ok(statement)
        })
    }
}
