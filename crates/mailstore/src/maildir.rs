//! A Maildir: three directories, and what one can ask of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use crate::delivery::Delivery;
use crate::error::{During, Error};
use crate::files::{Disk, Entry, Files, Stat, make_dir, make_dir_durable};
use crate::listings::Listings;
use crate::mailbox::Mailbox;
use crate::maildrop::Maildrop;
use crate::name::{FileName, Namer, UniqueName};
use crate::path_of;
use crate::publish::{Draft, Sizes, publish};

/// A directory with `tmp/`, `new/` and `cur/`. Cheap to clone; holds nothing open.
#[derive(Debug, Clone)]
pub struct Maildir {
    pub(crate) path: PathBuf,
    pub(crate) files: Arc<dyn Files>,
}

/// How [`Maildir::adopt`] got the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// By its bytes' own file: nothing was written.
    Moved,
    /// By a copy, since the source lies on another file system.
    Copied,
    /// It was there already.
    Already,
}

/// How often another name is tried when one is taken, which does not happen.
const NAME_TRIES: usize = 3;

impl Maildir {
    /// Makes a Maildir, and the directories above it, where they do not exist, mode 0700 and durable.
    pub fn create(path: impl Into<PathBuf>) -> Result<Maildir, Error> {
        Maildir::create_on(Arc::new(Disk), path)
    }

    /// As [`create`](Maildir::create), by other file operations than the [`Disk`]'s.
    pub fn create_on(files: Arc<dyn Files>, path: impl Into<PathBuf>) -> Result<Maildir, Error> {
        let path = path.into();
        make_dir_durable(&*files, &path)?;
        // tmp/ comes last, so that a Maildir that has it is complete, whenever the power goes.
        for parts in [&["new", "cur"][..], &["tmp"]] {
            for part in parts {
                make_dir(&*files, &path.join(part))?;
            }
            files.sync_dir(&path).during("sync", &path)?;
        }
        Ok(Maildir { path, files })
    }

    /// As [`create_on`](Maildir::create_on), for a mailbox below a root that must be there: one that is not, because its file system
    /// went away, must not be made anew in its place, for the mail in it would be hidden when it comes back.
    pub fn create_below(files: Arc<dyn Files>, root: &Path, mailbox: &Mailbox) -> Result<Maildir, Error> {
        match files.stat(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error).during("look at", root)?,
            _ => {}
        }
        Maildir::create_on(files, mailbox.below(root))
    }

    /// A Maildir that exists; [`Error::NotMaildir`] otherwise.
    pub fn open(path: impl Into<PathBuf>) -> Result<Maildir, Error> {
        Maildir::open_on(Arc::new(Disk), path)
    }

    /// As [`open`](Maildir::open), by other file operations than the [`Disk`]'s.
    pub fn open_on(files: Arc<dyn Files>, path: impl Into<PathBuf>) -> Result<Maildir, Error> {
        let maildir = Maildir::at(files, path);
        for part in ["tmp", "new", "cur"] {
            let part = maildir.path.join(part);
            match files_stat(&maildir, &part)? {
                Some(stat) if stat.is_dir => {}
                _ => return Err(Error::NotMaildir(maildir.path)),
            }
        }
        Ok(maildir)
    }

    /// A Maildir that is taken to exist: costs nothing, and the first operation tells if it does not.
    pub fn at(files: Arc<dyn Files>, path: impl Into<PathBuf>) -> Maildir {
        Maildir { path: path.into(), files }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a delivery: no lock is taken, no session is disturbed.
    pub fn begin(&self, namer: &Namer) -> Result<Delivery, Error> {
        let (tmp, new) = (self.path.join("tmp"), self.path.join("new"));
        let mut tries = NAME_TRIES;
        loop {
            let unique = namer.next();
            let path = tmp.join(unique.as_str());
            tries = tries.saturating_sub(1);
            match Draft::create(self.files.clone(), path.clone()) {
                Ok(draft) => return Ok(Delivery { files: self.files.clone(), draft, unique, new }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries > 0 => {}
                Err(error) => return Err(self.missing_or(error, "create", &path)),
            }
        }
    }

    /// As [`begin`](Maildir::begin), under a name that is not new: whoever does something twice [looks](Maildir::holds) first, and has
    /// one place at a time where it is done.
    pub fn begin_as(&self, unique: &UniqueName) -> Result<Delivery, Error> {
        let path = self.path.join("tmp").join(unique.as_str());
        // What a crash left half-written under this name is nobody else's.
        let _ = self.files.remove(&path);
        match Draft::create(self.files.clone(), path.clone()) {
            Ok(draft) => {
                let (files, unique, new) = (self.files.clone(), unique.clone(), self.path.join("new"));
                Ok(Delivery { files, draft, unique, new })
            }
            Err(error) => Err(self.missing_or(error, "create", &path)),
        }
    }

    /// Whether a message of this name is here, and durable; not where there is no Maildir yet.
    pub fn holds(&self, unique: &UniqueName) -> Result<bool, Error> {
        if files_stat(self, &self.path.join("tmp"))?.is_none() || !self.has(unique)? {
            return Ok(false);
        }
        for part in ["new", "cur"] {
            let dir = self.path.join(part);
            self.files.sync_dir(&dir).during("sync", &dir)?;
        }
        Ok(true)
    }

    /// Takes in a complete, durable file by moving it; doing it again does nothing twice. Durable when `Ok`.
    ///
    /// A rename within one file system is one step, so `source` exists exactly as long as the message is not here: whoever
    /// owns `source` can tell after a crash what is left to do, whatever others did with the message since. Onto another
    /// file system the message is copied, and found again by its name.
    ///
    /// `NotFound` for a `source` that does not exist is [`Adopted::Already`].
    pub fn adopt(&self, source: &Path, unique: &UniqueName, sizes: Sizes) -> Result<Adopted, Error> {
        let (tmp, new) = (self.path.join("tmp"), self.path.join("new"));
        if files_stat(self, &tmp)?.is_none() {
            return Err(Error::NotMaildir(self.path.clone()));
        }
        let place = new.join(unique.with_sizes(sizes));
        let adopted = match publish(&*self.files, source, &place) {
            Ok(()) => Adopted::Moved,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Adopted::Already,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if files_stat(self, source)?.is_some() {
                    return Err(self.missing_or(error, "adopt", &place));
                }
                Adopted::Already
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::XDEV) => {
                self.copy(source, unique, &place)?
            }
            Err(error) => return Err(error).during("adopt", &place),
        };
        self.files.sync_dir(&new).during("sync", &new)?;
        // Not before the new name is durable: on two file systems nothing else orders the one before the other.
        if adopted != Adopted::Moved {
            self.forget(source)?;
        }
        Ok(adopted)
    }

    fn copy(&self, source: &Path, unique: &UniqueName, place: &Path) -> Result<Adopted, Error> {
        if self.has(unique)? {
            // It may have been read meanwhile, and lie in cur/.
            let cur = self.path.join("cur");
            self.files.sync_dir(&cur).during("sync", &cur)?;
            return Ok(Adopted::Already);
        }
        let path = self.path.join("tmp").join(unique.as_str());
        // What a crash left half-written under this name is nobody else's.
        let _ = self.files.remove(&path);
        let mut from = self.files.open(source).during("read", source)?;
        let mut draft = Draft::create(self.files.clone(), path.clone()).during("create", &path)?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match io::Read::read(&mut from, &mut buffer) {
                Ok(0) => break,
                Ok(n) => draft.write(buffer.get(..n).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).during("read", source),
            }
        }
        draft.sync()?;
        draft.publish(place)?;
        Ok(Adopted::Copied)
    }

    /// Whether a message of this name is here, whatever flags it has got.
    fn has(&self, unique: &UniqueName) -> Result<bool, Error> {
        let mut found = false;
        for part in ["new", "cur"] {
            let dir = self.path.join(part);
            let mut look =
                |entry: Entry<'_>| found |= FileName::parse(entry.name).unique == unique.as_str().as_bytes();
            self.files.list(&dir, &mut look).during("list", &dir)?;
        }
        Ok(found)
    }

    fn forget(&self, source: &Path) -> Result<Adopted, Error> {
        match self.files.remove(source) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).during("remove", source),
            _ => Ok(Adopted::Already),
        }
    }

    /// Opens the exclusive POP3 session and lists the messages; [`Error::InUse`] if there is a session.
    pub fn lock(&self) -> Result<Maildrop, Error> {
        Maildrop::open_session(self, None)
    }

    /// As [`lock`](Maildir::lock), without a look into directories that are what they were when they were last listed.
    pub fn lock_keeping(&self, listings: &Listings) -> Result<Maildrop, Error> {
        Maildrop::open_session(self, Some(listings))
    }

    /// The same, if the listing is known and has at most so many messages: what is left to do then is no work, and what it looks at the
    /// kernel had in its hands a short while ago. For a thread that serves others too. `None` says only that
    /// [`lock_keeping`](Maildir::lock_keeping) has to be asked.
    pub fn lock_known(&self, listings: &Listings, most: usize) -> Option<Result<Maildrop, Error>> {
        Maildrop::open_known(self, listings, most).transpose()
    }

    /// Removes files in `tmp/` that nobody has written to for `max_age`; says how many.
    ///
    /// A session does it with 36 hours, the time that Maildir programs have agreed on.
    pub fn sweep(&self, max_age: Duration) -> Result<usize, Error> {
        let tmp = self.path.join("tmp");
        let mut paths = Vec::new();
        let mut collect = |entry: Entry<'_>| {
            if !entry.other_kind {
                paths.push(path_of(&tmp, entry.name));
            }
        };
        self.files.list(&tmp, &mut collect).during("list", &tmp)?;
        let now = SystemTime::now();
        let mut swept = 0;
        for path in paths {
            let Some(stat) = files_stat(self, &path)? else { continue };
            if now.duration_since(stat.modified).is_ok_and(|age| age >= max_age) {
                self.forget(&path)?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// `NotFound` means that the whole Maildir is missing; anything else is what it is.
    pub(crate) fn missing_or(&self, error: io::Error, action: &'static str, path: &Path) -> Error {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::NotMaildir(self.path.clone()),
            _ => Error::new(action, path, error),
        }
    }
}

/// `None` for a name that does not exist.
fn files_stat(maildir: &Maildir, path: &Path) -> Result<Option<Stat>, Error> {
    match maildir.files.stat(path) {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error).during("look at", path),
    }
}
