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
    identity: (u64, u64),
    file: File,
}

impl Lock {
    /// Does not wait: `InUse` if there is a session.
    pub(crate) fn acquire(maildir: &Maildir) -> Result<Lock, Error> {
        let cur = maildir.path().join("cur");
        let identity = maildir.files.stat(&cur).map_err(|e| maildir.missing_or(e, "look at", &cur))?.identity;
        let path = maildir.path().join(LOCK_FILE);
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains(&identity) {
            return Err(Error::InUse);
        }
        let file = maildir.files.lock(&path).during("lock", &path)?.ok_or(Error::InUse)?;
        held.insert(identity);
        Ok(Lock { identity, file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread is just starting has a copy of it until it executes.
        let _ = self.file.unlock();
        HELD.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.identity);
    }
}
