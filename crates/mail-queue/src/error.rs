//! What can go wrong.

use std::path::PathBuf;

use crate::envelope::Malformed;

/// Why an operation of the queue failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process works on this queue directory.
    #[error("{} belongs to another process that is running: stop that one first, or give this one a queue of its own", .0.display())]
    InUse(PathBuf),
    /// What is to be adopted is something else, or is not there.
    #[error("{} is not a queue directory: it lacks tmp, msg or corrupt", .0.display())]
    NotAQueue(PathBuf),
    /// The caller wants to accept a message for nobody.
    #[error("a message without recipients cannot be accepted")]
    NoRecipients,
    /// A queue directory that is to be adopted is on another file system.
    #[error("{} is on another file system, and what waits there cannot be taken over in one step: copy the directory beside the queue first", .0.display())]
    Apart(PathBuf),
    /// An envelope that cannot be understood.
    #[error("{}: {malformed}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        malformed: Malformed,
    },
    /// The file system.
    #[error(transparent)]
    Files(#[from] mailstore::Error),
}

impl Error {
    /// Whether space is what lacks: `452 4.3.1`.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Error::Files(error) if error.is_no_space())
    }
}
