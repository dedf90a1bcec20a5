//! Whether a SQLite database is still what it was, for the price of one small read: a question to SQLite itself is a trip to the thread
//! of a connection and back, which costs more than all else of a poll.
//!
//! With write-ahead logging, every process that has the database open shares the file `-shm`. Its first octets are the header of the
//! index, twice (<https://sqlite.org/walformat.html> §2.1): how many transactions were committed, how far the log goes, a checksum of its
//! last page. A commit has written both before it returns, whoever makes it, and every reader of SQLite's begins with them: if they are
//! what it saw last, what it holds in memory is still true. Here they are looked at for the same end.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Both copies of the header.
const OCTETS: usize = 96;
const COPY: usize = OCTETS / 2;
/// The version of the format, which is the first number of the header, in the order of octets of the machine.
const VERSION: u32 = 3_007_000;

/// What the database is: two that are equal have nothing between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    header: [u8; OCTETS],
    /// Which file: a new one begins as the one before it did, whatever was committed in between.
    file: u64,
}

/// Looks at the header.
#[derive(Debug)]
pub(crate) struct Witness {
    database: PathBuf,
    seen: Mutex<Seen>,
}

/// The file of the header, and how many there were.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    file: Option<&'static File>,
    number: u64,
}

impl Witness {
    /// Of the database at a path.
    pub(crate) fn of(database: &Path) -> Self {
        Self { database: database.to_owned(), seen: Mutex::default() }
    }

    /// What the database is now; `None` where that cannot be told: a commit is under way, nobody has the database open yet, or it is kept
    /// in another way than this knows.
    pub(crate) fn now(&self) -> Option<Moment> {
        let (file, number) = self.file()?;
        let mut header = [0; OCTETS];
        file.read_exact_at(&mut header, 0).ok()?;
        let (first, second) = header.split_at(COPY);
        let known = first == second && first.starts_with(&VERSION.to_ne_bytes());
        known.then_some(Moment { header, file: number })
    }

    fn file(&self) -> Option<(&'static File, u64)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Who closes the database last takes the file away; the next makes another.
        let is_there = |file: &&File| file.metadata().is_ok_and(|found| found.nlink() > 0);
        if let Some(file) = seen.file.filter(is_there) {
            return Some((file, seen.number));
        }
        // SQLite has it beside the database itself, not beside a link to it.
        let mut path = self.database.canonicalize().ok()?.into_os_string();
        path.push("-shm");
        // Never closed: to close any descriptor of it would let go of all locks that SQLite holds on it in this process (fcntl(2)).
        let file: &'static File = Box::leak(Box::new(File::open(path).ok()?));
        *seen = Seen { file: Some(file), number: seen.number + 1 };
        Some((file, seen.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Accounts, DatabaseConfig};

    #[tokio::test]
    async fn every_commit_of_anybody_is_another_moment_and_a_question_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("accounts.sqlite");
        let witness = Witness::of(&path);
        assert_eq!(witness.now(), None, "there is no database");
        let config = DatabaseConfig::sqlite(&path);
        let accounts = Accounts::create(&config).await.unwrap();
        accounts.domain_add("example.jp").await.unwrap();
        let before = witness.now();
        assert!(before.is_some());
        accounts.domain_list().await.unwrap();
        assert_eq!(witness.now(), before);

        let elsewhere = Accounts::open(&config).await.unwrap();
        elsewhere.domain_add("example.com").await.unwrap();
        let after = witness.now();
        assert!(after.is_some() && after != before);

        // With the last connection the file goes, and what is in the next one is not taken for this.
        accounts.close().await;
        elsewhere.close().await;
        assert_eq!(witness.now(), None);
        let again = Accounts::open(&config).await.unwrap();
        again.domain_add("example.net").await.unwrap();
        assert!(witness.now().is_some_and(|now| Some(now) != after));
    }
}
