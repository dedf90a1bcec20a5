//! One POP3 session a maildrop (RFC 1939 §4: "an exclusive-access lock").

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::{Mutex, PoisonError};

use crate::error::{During, Error};
use crate::maildir::Maildir;

/// The file that a session locks. It stays, empty: removing it would race with the next session.
const LOCK_FILE: &str = "yubin-pop3.lock";

/// Maildrops open in this process. A network file system may turn `flock` into a lock that belongs to the process: then the
/// file alone would not keep two of its own sessions apart.
static HELD: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

/// An exclusive session. It ends when this is dropped, or when its process dies in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    // In this order: whoever has the place finds the file unlocked.
    _file: Locked,
    _place: Place,
}

/// This process's own place in a maildrop.
#[derive(Debug)]
struct Place((u64, u64));

/// A locked file, until this is dropped.
#[derive(Debug)]
struct Locked(File);

impl Lock {
    /// Does not wait: `InUse` if there is a session.
    pub(crate) fn acquire(maildir: &Maildir) -> Result<Lock, Error> {
        let cur = maildir.path().join("cur");
        let identity = maildir.files.stat(&cur).map_err(|e| maildir.missing_or(e, "look at", &cur))?.identity;
        let path = maildir.path().join(LOCK_FILE);
        // Taken before the file is, and not while it is: one maildrop whose file server is slow must not hold up all others.
        let place = Place::take(identity).ok_or(Error::InUse)?;
        let file = maildir.files.lock(&path).during("lock", &path)?.ok_or(Error::InUse)?;
        Ok(Lock { _file: Locked(file), _place: place })
    }
}

impl Place {
    fn take(identity: (u64, u64)) -> Option<Place> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(identity).then(|| Place(identity))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        HELD.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread is just starting has a copy of it until it executes.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::thread;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_maildrop_that_hangs_holds_up_no_other() {
        let scratch = tempfile::tempdir().unwrap();
        let [slow, other] = ["slow", "other"].map(|name| Maildir::create(scratch.path().join(name)).unwrap());
        // To open a pipe for writing is to wait until somebody reads.
        let pipe = slow.path().join(LOCK_FILE);
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let hanging = thread::spawn(move || Lock::acquire(&slow).map(drop));
        for _ in 0..1000 {
            drop(Lock::acquire(&other).unwrap());
            thread::yield_now();
        }
        let reader = fs::File::open(&pipe).unwrap();
        hanging.join().unwrap().unwrap();
        drop(reader);
    }

    #[test]
    fn a_lock_that_cannot_be_had_leaves_the_place_to_others() {
        let scratch = tempfile::tempdir().unwrap();
        let maildir = Maildir::create(scratch.path().join("tanaka")).unwrap();
        let file = maildir.path().join(LOCK_FILE);
        fs::create_dir(&file).unwrap();
        assert!(matches!(Lock::acquire(&maildir), Err(Error::Io { .. })));
        fs::remove_dir(&file).unwrap();
        let held = Lock::acquire(&maildir).unwrap();
        assert!(matches!(Lock::acquire(&maildir), Err(Error::InUse)));
        drop(held);
        Lock::acquire(&maildir).unwrap();
    }
}
