//! Changes of `msg/` that are wanted at once are made together: whoever comes first makes them, one after the other, and syncs the
//! directory once for all; who comes meanwhile is in the next turn. So the threads do not fight for the directory, and a sync pays for
//! as many messages as there are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use mailstore::Draft;
use mailstore::files::{Files, same_error};

use crate::error::Error;

/// What somebody wants.
pub(crate) enum Change {
    /// A file that is synced gets its name, which must be free; taken back if it cannot be made durable.
    Publish(Draft, PathBuf),
    /// A name goes elsewhere.
    Move(PathBuf, PathBuf),
    /// What was done before is to be durable.
    Nothing,
}

/// Who wants what.
#[derive(Default)]
pub(crate) struct Together {
    turn: Mutex<Turn>,
    done: Condvar,
}

#[derive(Default)]
struct Turn {
    wanted: Vec<(u64, Change)>,
    results: HashMap<u64, Result<(), Error>>,
    tickets: u64,
    /// Somebody is at it.
    busy: bool,
}

impl Together {
    /// Makes a change durable, with those of others.
    pub(crate) fn make(&self, files: &dyn Files, dir: &Path, change: Change) -> Result<(), Error> {
        let mut turn = self.turn();
        turn.tickets += 1;
        let ticket = turn.tickets;
        turn.wanted.push((ticket, change));
        loop {
            if let Some(result) = turn.results.remove(&ticket) {
                return result;
            }
            if turn.busy {
                turn = self.done.wait(turn).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            turn.busy = true;
            let wanted = std::mem::take(&mut turn.wanted);
            drop(turn);
            let results = all(files, dir, wanted);
            turn = self.turn();
            turn.busy = false;
            turn.results.extend(results);
            self.done.notify_all();
        }
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn all(files: &dyn Files, dir: &Path, wanted: Vec<(u64, Change)>) -> Vec<(u64, Result<(), Error>)> {
    let mut made = Vec::with_capacity(wanted.len());
    for (ticket, change) in wanted {
        let done = match change {
            Change::Publish(draft, name) => draft.publish(&name).map(|()| Some(name)),
            Change::Move(from, to) => {
                let moved = files.rename(&from, &to);
                moved.map(|()| None).map_err(|error| mailstore::Error::new("move", &from, error))
            }
            Change::Nothing => Ok(None),
        };
        made.push((ticket, done));
    }
    // As each would have had it alone, were nothing to sync.
    let synced = match made.iter().any(|(_, done)| done.is_ok()) {
        true => files.sync_dir(dir),
        false => Ok(()),
    };
    let result = |done: Result<Option<PathBuf>, mailstore::Error>| {
        let published = done?;
        let Err(error) = &synced else { return Ok(()) };
        if let Some(name) = published {
            let _ = files.remove(&name);
        }
        Err(mailstore::Error::new("sync", dir, same_error(error)).into())
    };
    made.into_iter().map(|(ticket, done)| (ticket, result(done))).collect()
}
