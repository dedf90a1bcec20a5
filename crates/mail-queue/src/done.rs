//! Messages whose recipients were all elsewhere, and have them: how they leave, and what becomes of their files.
//!
//! Most files are of a size, and a new one costs a file system far more than one that is there: an inode to be found, blocks to be found,
//! and all that again when it goes. So the files of messages that have left become those of the next ones. Their names have left `msg/`
//! for good by then, and they get another there only when their new content is durable, so no crash shows one for the other. What a
//! message said does not lie about meanwhile: who has not become another within two sweeps is emptied.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use mailstore::files::Files;

use crate::error::Error;
use crate::id::QueueId;
use crate::incoming::{make, sync};
use crate::outbound::is_missing;
use crate::spool::Spool;
use crate::together::Change;

/// How many files are kept for the next messages as they are, and up to how many octets: 32 MiB in all, for two
/// [sweeps](Spool::sweep) at most.
const KEPT: usize = 512;
const KEPT_OCTETS: u64 = 64 << 10;

/// How many are kept that have nothing in them.
const EMPTY: usize = 8192;

/// What lies in `done/`.
#[derive(Default)]
pub(crate) struct Done(Mutex<Lying>);

#[derive(Default)]
struct Lying {
    /// Since the last sweep.
    young: Vec<QueueId>,
    /// From before it.
    old: Vec<QueueId>,
    /// With nothing in them.
    empty: Vec<QueueId>,
}

impl Done {
    pub(crate) fn add(&self, id: QueueId) {
        self.lying().young.push(id);
    }

    /// The one that was used last, which is most likely in memory still.
    pub(crate) fn take(&self) -> Option<QueueId> {
        let mut lying = self.lying();
        lying.young.pop().or_else(|| lying.old.pop()).or_else(|| lying.empty.pop())
    }

    pub(crate) fn sweep(&self, files: &dyn Files, dir: &Path) -> usize {
        let (mut go, mut stay, room) = {
            let mut lying = self.lying();
            let room = EMPTY.saturating_sub(lying.empty.len());
            (std::mem::take(&mut lying.old), std::mem::take(&mut lying.young), room)
        };
        go.extend(stay.drain(..stay.len().saturating_sub(KEPT)));
        let is_small =
            |id: &QueueId| files.stat(&place(dir, *id)).is_ok_and(|found| found.octets <= KEPT_OCTETS);
        let (stay, large): (Vec<_>, Vec<_>) = stay.into_iter().partition(is_small);
        go.extend(large);
        let mut emptied = Vec::new();
        for id in go {
            let path = place(dir, id);
            let empty = || files.reopen(&path).and_then(|file| files.cut(&file, 0));
            match emptied.len() < room && empty().is_ok() {
                true => emptied.push(id),
                false => remove(files, &path),
            }
        }
        let mut lying = self.lying();
        lying.old.extend(stay);
        lying.empty.extend(emptied);
        lying.old.len() + lying.young.len()
    }

    pub(crate) fn remove_all(&self, files: &dyn Files, dir: &Path) {
        let Lying { young, old, empty } = std::mem::take(&mut *self.lying());
        [young, old, empty].iter().flatten().for_each(|id| remove(files, &place(dir, *id)));
    }

    fn lying(&self) -> MutexGuard<'_, Lying> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(dir: &Path, id: QueueId) -> PathBuf {
    dir.join(id.to_string())
}

fn remove(files: &dyn Files, path: &Path) {
    // What is left is found by the next start.
    let _ = files.remove(path);
}

/// Messages that are just leaving.
#[derive(Default)]
pub(crate) struct Leaving {
    messages: Mutex<Messages>,
    fewer: Condvar,
}

#[derive(Default)]
struct Messages {
    leaving: HashSet<QueueId>,
    /// Threads that wait for one of them.
    waiting: usize,
}

impl Leaving {
    fn begin(&self, id: QueueId) {
        self.messages().leaving.insert(id);
    }

    fn end(&self, id: QueueId) {
        let mut messages = self.messages();
        messages.leaving.remove(&id);
        // A call of the system, whether or not there is somebody.
        if messages.waiting > 0 {
            self.fewer.notify_all();
        }
    }

    /// Waits until a message is not among them.
    pub(crate) fn wait(&self, id: QueueId) {
        let mut messages = self.messages();
        while messages.leaving.contains(&id) {
            messages.waiting += 1;
            messages = self.fewer.wait(messages).unwrap_or_else(PoisonError::into_inner);
            messages.waiting -= 1;
        }
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes that are wanted, and that somebody has to make: it does when it is dropped, which blocks.
#[must_use = "to be dropped where a thread may wait for the disk"]
#[derive(Debug)]
pub struct Turns(Spool);

impl Turns {
    pub(crate) fn of(spool: &Spool) -> Turns {
        Turns(spool.clone())
    }

    /// In a thread of their own; in this one if there is none to be had.
    pub(crate) fn elsewhere(self) {
        let _ = thread::Builder::new().spawn(move || drop(self));
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        let Spool { shared } = &self.0;
        shared.together.make_all(&*shared.files, &self.0.msg());
    }
}

impl Spool {
    /// Every recipient elsewhere has the message: it leaves the queue, whatever was known of it. `then` hears of it in whichever thread,
    /// and is not to block; `false`: it is not one that leaves so simply, or had left before, and [`record`](Spool::record) knows more.
    ///
    /// For who has the envelope in hand and no thread that may wait. What comes back, if anything does, has to be dropped in one: that
    /// makes this change, and those which come meanwhile.
    pub fn leave(
        &self,
        id: QueueId,
        then: impl FnOnce(Result<bool, Error>) + Send + 'static,
    ) -> Option<Turns> {
        {
            // Somebody changes what is known of it, or of another; that may take as long as a disk.
            let Some(_lock) = self.try_changing(id) else {
                then(Ok(false));
                return None;
            };
            self.shared.leaving.begin(id);
        }
        let spool = self.clone();
        let left = move |moved: Result<(), Error>| {
            let left = spool.left(id, moved);
            spool.shared.leaving.end(id);
            then(left);
        };
        let change = Change::Move(self.one(id), self.done().join(id.to_string()));
        self.shared.together.make_then(change, Box::new(left)).then(|| Turns::of(self))
    }

    /// A message that is one file leaves; `false` if it is not one, or has left.
    pub(crate) fn retire(&self, id: QueueId) -> Result<bool, Error> {
        let one = self.one(id);
        let moved = make(self, Change::Move(one.clone(), self.done().join(id.to_string())));
        // A directory that is full or gone keeps nobody in the queue who would be sent again.
        if moved.is_err() && self.files().remove(&one).is_ok() {
            sync(self)?;
            let _ = self.files().remove(&self.progress(id));
            return Ok(true);
        }
        self.left(id, moved)
    }

    fn left(&self, id: QueueId, moved: Result<(), Error>) -> Result<bool, Error> {
        match moved {
            Err(error) if is_missing(&error) => return Ok(false),
            moved => moved?,
        }
        // After the sync: a power cut that took the progress and left the message would send it again.
        let _ = self.files().remove(&self.progress(id));
        self.shared.done.add(id);
        Ok(true)
    }
}
