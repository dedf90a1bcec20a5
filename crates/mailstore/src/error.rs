//! What can go wrong, sorted by what the caller does about it.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Why a mail store operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another session has this maildrop open: `-ERR [IN-USE]`; or another import into it is under way.
    #[error("the mailbox is in use by another session or import")]
    InUse,
    /// The disk, its inodes or the disk quota of this user are used up: `452 4.3.1`.
    #[error("no space left to {action} {}", path.display())]
    NoSpace {
        /// What was being done, as a verb.
        action: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no directory with `tmp/`, `new/` and `cur/` at this place.
    #[error("{} is not a Maildir", .0.display())]
    NotMaildir(PathBuf),
    /// Another program removed this message after it was listed.
    #[error("message {0} is gone: another program removed it")]
    Vanished(String),
    /// There is no message of this index in the session: the caller counted wrongly.
    #[error("there is no message with index {0}")]
    NoSuchIndex(usize),
    /// Any other fault of the file system.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Error {
    /// Sorts a failed `action` on `path`.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Error {
        let path = path.to_owned();
        match Errno::from_io_error(&source) {
            Some(Errno::NOSPC | Errno::DQUOT) => Error::NoSpace { action, path, source },
            _ => Error::Io { action, path, source },
        }
    }

    /// Whether space is what lacks, so that trying again later can help once somebody made room.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Error::NoSpace { .. })
    }
}

/// `result.during("read", path)`: names the action and the path of a failed file operation.
pub(crate) trait During<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::new(action, path, source))
    }
}
