//! All that SQLite and PostgreSQL do not share: how to connect, how a change begins, how to see whether there is a
//! schema. Everything above speaks to sqlx's `Any` driver with one SQL text.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::migrate::MigrateDatabase;
use sqlx::{Any, AnyPool, ConnectOptions, Connection, Executor};

use crate::config::Backend;
use crate::file::DatabaseFile;
use crate::limits;
use crate::readers::{Origin, Readers, in_time};
use crate::witness::Witness;

/// Pools on one database. With SQLite the writer is a single connection, so that a process never contends with
/// itself for the one write lock of the file.
pub(crate) struct Pools {
    pub(crate) readers: Readers,
    pub(crate) writer: AnyPool,
    /// For statements that stand alone and may be forgotten by a power cut, not by anything less.
    pub(crate) counters: AnyPool,
}

/// On every connection: wait for another process's write lock rather than fail; refuse what breaks a reference;
/// readers and the writer do not block each other; a commit is on the disk when it returns.
const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL";

/// As [`SQLITE_WRITER`], but a commit is on the disk some time after it returns: no message waits for the disk once more.
const SQLITE_COUNTER: &str =
    "PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL";

/// A question that would write is a mistake of ours. SQLite's own 2 MiB of pages are enough: with a million accounts, 8 or 64 MiB make no
/// question faster.
const SQLITE_READER: &str = "PRAGMA busy_timeout = 20000; PRAGMA query_only = ON";

/// A change waits for those before it, but not for one that hangs; and one whose machine went away in the middle of it gives back what
/// it holds.
const POSTGRES: &str = "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'";

/// Rows of a table that are over: `$1` until when, `$2` how many at most. On PostgreSQL those that somebody else has in hand are left
/// for the next time: two machines that drop the same rows in two orders would wait for each other.
macro_rules! expired {
    ($backend:expr, $table:literal, $key:literal, $end:literal) => {
        match $backend {
            Self::Sqlite(_) => expired!(of $table, $key, $end, " LIMIT $2)"),
            Self::Postgres(_) => {
                expired!(of $table, $key, $end, " ORDER BY ", $key, " LIMIT $2 FOR UPDATE SKIP LOCKED)")
            }
        }
    };
    (of $table:literal, $key:literal, $end:literal, $($which:literal),+) => {
        concat!(
            "DELETE FROM ", $table, " WHERE (", $key, ") IN (SELECT ", $key, " FROM ", $table, " WHERE ", $end, " <= $1",
            $($which),+
        )
    };
}

impl Backend {
    /// Asks which time it is at a server: seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn clock(&self) -> Option<&'static str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_) => Some("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)"),
        }
    }

    /// Drops expired tickets, see `expired`.
    pub(crate) fn drop_tickets(&self) -> &'static str {
        expired!(self, "ticket", "address, account_id", "expires_at")
    }

    /// Drops counts of wrong claims that have leaked away, see `expired`.
    pub(crate) fn drop_guesses(&self) -> &'static str {
        expired!(self, "guess", "subject", "empty_at")
    }

    /// Drops places where nobody was for long, see `expired`.
    pub(crate) fn drop_known(&self) -> &'static str {
        expired!(self, "known", "account_id, place", "seen_at")
    }

    /// Connects to a database that exists.
    ///
    /// One connection is made and set up by hand: a pool would try again until its patience ends and then say
    /// "timed out" instead of what is wrong.
    pub(crate) async fn connect(&self) -> Result<Pools, sqlx::Error> {
        install_default_drivers();
        match self {
            Self::Sqlite(path) => {
                let options: AnyConnectOptions = sqlite_url(path).parse()?;
                let mut first = options.connect().await?;
                first.execute(SQLITE_WRITER).await?;
                first.close().await?;
                let file = Arc::new(DatabaseFile::open(path, options.clone())?);
                let with_setup = |pragmas| with_setup(&file, pragmas);
                let writer =
                    with_setup(SQLITE_WRITER).max_connections(1).acquire_timeout(limits::WRITE_PATIENCE);
                let readers = with_setup(SQLITE_READER)
                    .max_connections(limits::READERS)
                    .acquire_timeout(limits::READ_PATIENCE);
                let counters =
                    with_setup(SQLITE_COUNTER).max_connections(1).acquire_timeout(limits::READ_PATIENCE);
                Ok(Pools {
                    readers: Readers::new(readers.connect_lazy_with(options.clone()), Origin::File(file)),
                    counters: counters.connect_lazy_with(options.clone()),
                    writer: writer.connect_lazy_with(options),
                })
            }
            Self::Postgres(url) => {
                let options: AnyConnectOptions = url.parse()?;
                in_time(limits::READ_PATIENCE, async { options.connect().await?.close().await }).await?;
                let pool = AnyPoolOptions::new()
                    .max_connections(limits::READERS)
                    .acquire_timeout(limits::READ_PATIENCE)
                    .after_connect(|connection, _| {
                        Box::pin(async move {
                            connection.execute(POSTGRES).await?;
                            Ok(())
                        })
                    })
                    .connect_lazy_with(options);
                Ok(Pools {
                    readers: Readers::new(pool.clone(), Origin::Server),
                    counters: pool.clone(),
                    writer: pool,
                })
            }
        }
    }

    /// Makes an empty database where there is none. That somebody else just made it is as good.
    pub(crate) async fn create(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        install_default_drivers();
        match self {
            Self::Sqlite(path) => create_sqlite(path).await,
            Self::Postgres(url) => match Any::create_database(url).await {
                Err(error) if made_by_another(&error) => Ok(()),
                other => Ok(other?),
            },
        }
    }

    /// Whether there is no file where SQLite's should be.
    pub(crate) fn has_no_file(&self) -> bool {
        matches!(self, Self::Sqlite(path) if !path.exists())
    }

    /// Whether what [`Backend::connect`] met means that nobody made this database yet.
    pub(crate) fn is_missing(&self, error: &sqlx::Error) -> bool {
        match self {
            Self::Sqlite(_) => self.has_no_file(),
            // PostgreSQL, appendix A: invalid_catalog_name.
            Self::Postgres(_) => {
                error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == "3D000")
            }
        }
    }

    /// Whether a copy before the schema changes is a file beside the database. PostgreSQL has its own tools for copies.
    pub(crate) fn keeps_snapshots(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// An empty file for a copy: the database's name, its version and the time behind it.
    pub(crate) fn make_snapshot_file(&self, version: i64, now: i64) -> Option<std::io::Result<PathBuf>> {
        let Self::Sqlite(path) = self else { return None };
        let mut name = path.clone().into_os_string();
        name.push(format!(".version-{version}.{now}"));
        let copy = PathBuf::from(name);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy);
        Some(made.map(|_| copy))
    }

    /// Begins a change. `IMMEDIATE` takes SQLite's write lock at once: a transaction that read first and wants to
    /// write later may be told "database is locked" however long it would wait.
    pub(crate) fn begin(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        }
    }

    /// Begins to read what the database holds at one moment.
    pub(crate) fn snapshot(&self) -> &'static str {
        match self {
            // Its first read decides which moment that is.
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// A statement that holds off everybody else who brings the schema up to date, until the change ends. With SQLite
    /// its beginning does.
    pub(crate) fn lock_schema(&self) -> Option<&'static str> {
        match self {
            Self::Sqlite(_) => None,
            // The number is any one that nobody else uses in this database: "yubin" in ASCII.
            Self::Postgres(_) => Some("SELECT pg_advisory_xact_lock(521660426606)"),
        }
    }

    /// A statement that waits for a change that drops the tickets of an account, `$1`, and has others wait: it sees no ticket that is
    /// not committed yet, and would leave it. With SQLite there is one writer at a time.
    pub(crate) fn lock_account(&self) -> Option<&'static str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_) => Some("SELECT id FROM account WHERE id = $1 FOR SHARE"),
        }
    }

    /// A statement after many accounts were made: other connections keep to the plans that were best for small tables until it is run.
    pub(crate) fn count_rows(&self) -> Option<&'static str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_) => Some("ANALYZE account, address, credential, audit"),
        }
    }

    /// Who tells whether anything was committed, without a question. PostgreSQL is asked.
    pub(crate) fn witness(&self) -> Option<Witness> {
        match self {
            Self::Sqlite(path) => Some(Witness::of(path)),
            Self::Postgres(_) => None,
        }
    }

    /// A statement that counts the table of migrations: 0 or 1.
    pub(crate) fn has_migrations(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => {
                "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'"
            }
            Self::Postgres(_) => {
                "SELECT COUNT(*) FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'"
            }
        }
    }
}

/// PostgreSQL, appendix A: duplicate_database; and unique_violation, when the two were really at once.
fn made_by_another(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "42P04" || code == "23505")
}

fn with_setup(file: &Arc<DatabaseFile>, pragmas: &'static str) -> AnyPoolOptions {
    let file = Arc::clone(file);
    AnyPoolOptions::new()
        // A connection to a file does not go stale, unless another one takes its place.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        // SQLite itself takes back a change for which there is no space, or no memory, or that the disk does not take, whichever
        // statement meets that (<https://sqlite.org/lang_transaction.html> §3). sqlx then has nothing to roll back, counts it as begun
        // for ever, and begins no other on that connection.
        .before_acquire(move |connection, meta| {
            let is_before = file.is_before(meta.age);
            Box::pin(async move { Ok(!connection.is_in_transaction() && !is_before) })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(pragmas).await?;
                Ok(())
            })
        })
}

/// `%`-encoded, so that no character of a path reads as part of the URL.
fn sqlite_url(path: &Path) -> String {
    let mut url = String::from("sqlite://");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

/// Puts an empty database at a path where there is none.
///
/// The switch to write-ahead logging is the one step at which SQLite does not wait for others ("database is locked").
/// So it is taken on a draft that nobody else knows, and the draft is linked to its name: whoever sees the database
/// sees it with write-ahead logging on.
async fn create_sqlite(path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    must_be_no_log_of_another(path)?;
    let draft = draft_beside(path)?;
    // The mode passes to the `-wal` and `-shm` files that SQLite makes beside the database.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.0)?;
    let options: AnyConnectOptions = sqlite_url(&draft.0).parse()?;
    let mut connection = options.connect().await?;
    connection.execute("PRAGMA journal_mode = WAL").await?;
    connection.close().await?;
    match std::fs::hard_link(&draft.0, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other?),
    }
}

/// SQLite would take it for the log of the new database, and write the old pages into it.
fn must_be_no_log_of_another(path: &Path) -> Result<(), String> {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    // In this order: whoever makes the database at this moment makes its log behind it.
    let is_left = Path::new(&log).exists() && !path.exists();
    match is_left {
        true => Err(format!(
            "{} is left of a database that was there; to do without that one, remove the file",
            log.display()
        )),
        false => Ok(()),
    }
}

/// A file that goes away with its name; what was linked to it stays.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // Nothing is lost if this fails: a file of one page remains.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn draft_beside(path: &Path) -> Result<Draft, aws_lc_rs::error::Unspecified> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random)?;
    Ok(Draft(path.with_extension(format!("draft-{:016x}", u64::from_ne_bytes(random)))))
}
