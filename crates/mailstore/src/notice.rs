//! Whether the owner of a mailbox may be told of something now: not again within some time, however often it happens.
//!
//! A file in the Maildir says by its time of change when that was. Who has it locked, of all processes and machines, does the telling.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::{During, Error};
use crate::files::Files;
use crate::maildir::Maildir;

/// Of viruses: other things to tell would have marks of their own. It has a line as soon as somebody was told.
const MARK: &str = "yubin-virus-notice";

/// The right to tell the owner now, for as long as this lives. What was not [told](NoticeDue::told) the next one may tell.
#[derive(Debug)]
pub struct NoticeDue {
    files: Arc<dyn Files>,
    path: PathBuf,
    file: File,
}

impl Maildir {
    /// The right to tell the owner of a virus, if nobody has within this time or is about to.
    ///
    /// # Errors
    /// [`Error::NotMaildir`] where there is none yet, and what the file system says.
    pub fn virus_notice_due(&self, every: Duration) -> Result<Option<NoticeDue>, Error> {
        let path = self.path().join(MARK);
        // As it is in a flood of them: nothing is locked for that.
        if self.was_told(&path, every)? {
            return Ok(None);
        }
        let locked = self.files.lock(&path).map_err(|error| self.missing_or(error, "lock", &path))?;
        let Some(file) = locked else { return Ok(None) };
        let due = NoticeDue { files: self.files.clone(), path, file };
        // Whoever had it locked may have told meanwhile.
        Ok(if self.was_told(&due.path, every)? { None } else { Some(due) })
    }

    fn was_told(&self, path: &Path, every: Duration) -> Result<bool, Error> {
        let found = match self.files.stat(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).during("look at", path),
        };
        // A clock that was wrong for a while does not keep anybody in the dark for years.
        let age = match SystemTime::now().duration_since(found.modified) {
            Ok(past) => past,
            Err(ahead) => ahead.duration(),
        };
        Ok(found.octets > 0 && age < every)
    }
}

impl NoticeDue {
    /// The owner was told, and is not told again for a while.
    ///
    /// # Errors
    /// What the file system says: the next one will tell, too.
    pub fn told(mut self) -> Result<(), Error> {
        // Always at the beginning of the file: what counts is when.
        self.files.write(&mut self.file, b"\n").during("write", &self.path)
    }
}

impl Drop for NoticeDue {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread is just starting has a copy of it until it executes.
        let _ = self.file.unlock();
    }
}
