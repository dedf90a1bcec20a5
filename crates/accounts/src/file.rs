//! Whether the file of a SQLite database is still the one that is open.
//!
//! Who removes it and puts another in its place, a restoration for example, takes it from nobody who has it open: they would go on with
//! what nobody can change any more, and let in who is suspended since. So its name is looked at before each question, which is one call
//! of the system's; a file that is new there is taken once it is a database of ours that has a domain, and until then nobody gets
//! an answer, for "no such user" would be a wrong one while the accounts are still being restored.
//!
//! Nor is it opened as long as the log of the one before lies beside it: SQLite would take that for the log of the new file, and write
//! the old pages into it.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Error};
use tokio::sync::watch;

use crate::{Accounts, limits, schema, sql};

/// The file of a database, as it was when it was opened.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    options: AnyConnectOptions,
    open: Mutex<Open>,
    /// One at a time looks at a new file.
    taking: tokio::sync::Mutex<()>,
    standing: watch::Sender<Standing>,
}

/// What SQLite has beside a file: the log, and the log's index.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

#[derive(Debug)]
struct Open {
    identity: Identity,
    /// Of its `-wal` and its `-shm`, as far as they were seen.
    beside: [Option<Identity>; 2],
    /// When it was taken in another's place.
    since: Option<Instant>,
}

/// What became of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many files were taken in place of the first one.
    pub(crate) number: u64,
    /// Why what is there now cannot be taken.
    pub(crate) trouble: Option<String>,
}

/// A number of a file is given again when the file is gone, so it takes the time of its birth as well, where the file system knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    born: Option<SystemTime>,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let found = path.metadata()?;
        Ok(Self { device: found.dev(), inode: found.ino(), born: found.created().ok() })
    }
}

impl DatabaseFile {
    /// The one that is at a path now.
    pub(crate) fn open(path: &Path, options: AnyConnectOptions) -> io::Result<Self> {
        let open = Mutex::new(Open { identity: Identity::of(path)?, beside: [None; 2], since: None });
        let standing = watch::Sender::new(Standing::default());
        Ok(Self { path: path.to_owned(), options, open, taking: tokio::sync::Mutex::default(), standing })
    }

    /// What becomes of it.
    pub(crate) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Which file it is that is at the path now, see [`Standing::number`].
    ///
    /// # Errors
    /// There is none, or another one that cannot be taken (yet).
    pub(crate) async fn current(&self) -> Result<u64, Error> {
        match self.look().await {
            Ok(number) => Ok(number),
            Err(error) => {
                let trouble = Some(error.to_string());
                self.standing.send_if_modified(|standing| {
                    let is_news = standing.trouble != trouble;
                    standing.trouble = trouble;
                    is_news
                });
                Err(Error::Io(io::Error::other(format!(
                    "the file {} was replaced, and what is there now is not used: {error}",
                    self.path.display()
                ))))
            }
        }
    }

    async fn look(&self) -> Result<u64, Error> {
        let found = Identity::of(&self.path)?;
        let (is_open, is_alone) = {
            let open = self.lock();
            (found == open.identity, open.beside == [None; 2])
        };
        if is_open {
            // Whoever asked first has made it.
            if is_alone {
                self.look_beside();
            }
            return Ok(self.is_right(0));
        }
        let _one = self.taking.lock().await;
        let found = Identity::of(&self.path)?;
        if found == self.lock().identity {
            return Ok(self.is_right(0));
        }
        self.must_stand_alone()?;
        let mut connection = self.options.connect().await?;
        let usable = is_usable(&mut connection).await;
        connection.close().await?;
        usable?;
        if Identity::of(&self.path)? != found {
            return Err(Error::Io(io::Error::other("it is being replaced once more")));
        }
        *self.lock() = Open { identity: found, beside: [None; 2], since: Some(Instant::now()) };
        Ok(self.is_right(1))
    }

    /// Sees what SQLite has beside the file: it may make that anew when nobody has the file open.
    pub(crate) fn look_beside(&self) {
        let beside = self.beside();
        let mut open = self.lock();
        // Of another file it is no business of this one's.
        if Identity::of(&self.path).is_ok_and(|found| found == open.identity) {
            open.beside = beside;
        }
    }

    fn beside(&self) -> [Option<Identity>; 2] {
        BESIDE.map(|suffix| {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            Identity::of(Path::new(&path)).ok()
        })
    }

    /// Whether nothing of the file before lies beside the new one.
    fn must_stand_alone(&self) -> Result<(), Error> {
        let (before, now) = (self.lock().beside, self.beside());
        let left =
            BESIDE.iter().zip(before.iter().zip(&now)).find(|(_, (old, new))| old.is_some() && old == new);
        match left {
            Some((suffix, _)) => Err(Error::Io(io::Error::other(format!(
                "the file {}{suffix} beside it is of the one before; remove it",
                self.path.display()
            )))),
            None => Ok(()),
        }
    }

    /// Whether a connection of a pool is so old that it may be one to the file before.
    pub(crate) fn is_before(&self, age: Duration) -> bool {
        let since = self.lock().since;
        // One that was being made at that moment has a later birthday than its file.
        since.is_some_and(|since| age + limits::CONNECTED_IN > since.elapsed())
    }

    fn is_right(&self, more: u64) -> u64 {
        self.standing.send_if_modified(|standing| {
            let is_news = more > 0 || standing.trouble.is_some();
            *standing = Standing { number: standing.number + more, trouble: None };
            is_news
        });
        self.standing.borrow().number
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another file stands in place of the database's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// It is used from now on, and sessions of accounts end.
    Used,
    /// It cannot be used, for this reason: nobody gets an answer.
    Unusable(String),
}

impl Accounts {
    /// Tells of every replacement of the database's file, within a second or so, as long as the accounts are open. Must be called within
    /// a tokio runtime.
    pub fn on_replacement(&self, tell: impl Fn(Replacement) + Send + 'static) {
        let Some(mut standing) = self.shared.store.readers().standing() else { return };
        self.shared.follow_changes(None);
        tokio::spawn(async move {
            let mut number = standing.borrow().number;
            while standing.changed().await.is_ok() {
                let now = standing.borrow_and_update().clone();
                match now.trouble {
                    Some(trouble) => tell(Replacement::Unusable(trouble)),
                    None if now.number != number => tell(Replacement::Used),
                    // The one that was there before is there again.
                    None => {}
                }
                number = now.number;
            }
        });
    }
}

/// Whether a database has this program's schema, and a domain.
async fn is_usable(connection: &mut AnyConnection) -> Result<(), Error> {
    let versions: Vec<i64> = sqlx::query_scalar(sql::MIGRATIONS).fetch_all(&mut *connection).await?;
    let (found, needed) = (versions.into_iter().max().unwrap_or(0), schema::newest());
    if found != needed {
        let fault = format!("it is a database of version {found}, this program needs version {needed}");
        return Err(Error::Io(io::Error::other(fault)));
    }
    match sqlx::query(sql::ANY_DOMAIN).fetch_optional(connection).await? {
        None => Err(Error::Io(io::Error::other("it has no domain yet"))),
        Some(_) => Ok(()),
    }
}
