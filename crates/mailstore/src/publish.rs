//! A file that grows unseen, and the one step that makes it somebody's message.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use crate::error::{During, Error};
use crate::files::Files;
use crate::wire::WireSize;

/// Octets of a message: in its file, and when it is sent with CRLF line endings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Octets of the file.
    pub stored: u64,
    /// Octets on the wire: RETR without dot stuffing. The same unless the file has bare LF or no last line ending.
    pub wire: u64,
}

/// Sends what a growing file holds so far to the disk, from another thread than the one that writes: the [sync](Draft::sync) at its end,
/// which nothing else replaces, then has little left to do.
#[derive(Debug)]
pub struct HeadStart {
    files: Arc<dyn Files>,
    path: PathBuf,
    file: File,
}

impl HeadStart {
    /// Comes back when it is there.
    ///
    /// # Errors
    /// The file is worth nothing then: the system tells of a write that failed once, and a later sync may know nothing of it.
    pub fn run(self) -> Result<(), Error> {
        self.files.sync(&self.file).during("sync", &self.path)
    }
}

/// A growing file with a name that nobody looks at (state S1). Dropped before it is published or kept, it is removed.
#[derive(Debug)]
pub struct Draft {
    files: Arc<dyn Files>,
    path: PathBuf,
    file: File,
    size: WireSize,
    /// It was another file before, of so many octets.
    before: u64,
    removed_on_drop: bool,
}

impl Draft {
    /// Creates the file, mode 0600. That the name was free is certain (`O_EXCL`): `AlreadyExists` otherwise.
    pub fn create(files: Arc<dyn Files>, path: PathBuf) -> io::Result<Draft> {
        let file = files.create_new(&path)?;
        Ok(Draft { files, path, file, size: WireSize::default(), before: 0, removed_on_drop: true })
    }

    /// Takes a file whose content nobody wants any more, where that name is: cheaper than a new one. Any error says no more than that a
    /// new one may do better; the file is as it was then.
    pub fn reuse(files: Arc<dyn Files>, path: PathBuf) -> io::Result<Draft> {
        let file = files.reopen(&path)?;
        let before = file.metadata()?.len();
        Ok(Draft { files, path, file, size: WireSize::default(), before, removed_on_drop: true })
    }

    /// Writes the next piece: one system call, so pieces should be large.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.files.write(&mut self.file, piece).during("write", &self.path)?;
        self.size.update(piece);
        Ok(())
    }

    /// For a file that grows on: see [`HeadStart`]. None where there is no descriptor to be had; nobody has to have one.
    pub fn head_start(&self) -> Option<HeadStart> {
        let file = self.file.try_clone().ok()?;
        Some(HeadStart { files: self.files.clone(), path: self.path.clone(), file })
    }

    /// Makes the content durable (state S2).
    pub fn sync(&self) -> Result<(), Error> {
        if self.before > self.size.stored() {
            self.files.cut(&self.file, self.size.stored()).during("cut", &self.path)?;
        }
        self.files.sync(&self.file).during("sync", &self.path)
    }

    /// Moves the file to `to`, where nothing may be (`AlreadyExists`). The directory's sync is left to the caller.
    pub fn publish(mut self, to: &Path) -> Result<(), Error> {
        publish(&*self.files, &self.path, to).during("publish a message as", to)?;
        self.removed_on_drop = false;
        Ok(())
    }

    /// Moves the file to `to` in place of what is there. The directory's sync is left to the caller.
    pub fn replace(mut self, to: &Path) -> Result<(), Error> {
        self.files.rename(&self.path, to).during("replace", to)?;
        self.removed_on_drop = false;
        Ok(())
    }

    /// Leaves the file where it is, for good.
    pub(crate) fn keep(mut self) {
        self.removed_on_drop = false;
    }

    /// Where the file grows.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What has been written so far.
    pub fn sizes(&self) -> Sizes {
        Sizes { stored: self.size.stored(), wire: self.size.wire() }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.removed_on_drop {
            // If even this fails, the file is swept when it is old.
            let _ = self.files.remove(&self.path);
        }
    }
}

/// Moves `from` to `to` in one step that replaces nothing (`AlreadyExists` if `to` is taken).
///
/// Some network and older file systems cannot rename without replacing: there `to` is looked at first. Names are unique, so
/// the look is a belt beside the braces; a link and a removal instead would be two steps, with a crash between them.
pub(crate) fn publish(files: &dyn Files, from: &Path, to: &Path) -> io::Result<()> {
    match files.rename_new(from, to) {
        Err(error) if is_missing_feature(&error) => {}
        outcome => return outcome,
    }
    match files.stat(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => files.rename(from, to),
        Err(error) => Err(error),
        Ok(_) => Err(Errno::EXIST.into()),
    }
}

/// Whether the file system has no such operation (or not so many links to a file), as its various drivers say it.
pub fn is_missing_feature(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM | Errno::MLINK)
    )
}
