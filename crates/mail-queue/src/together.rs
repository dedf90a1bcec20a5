//! Changes of `msg/` that are wanted at once are made together: whoever comes first makes them, one after the other, and syncs the
//! directory once for all; who comes meanwhile is in the next turn. So the threads do not fight for the directory, and a sync pays for
//! as many messages as there are. Only who is done, or has to make the next turn, is woken.
//!
//! Who has its own change durable makes no more than [a few](MORE) turns for those who do not wait: they may come without end, and
//! somebody waits for an answer to what is durable.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use mailstore::Draft;
use mailstore::files::{Files, same_error};

use crate::error::Error;

/// Turns that a thread makes behind its own.
const MORE: usize = 2;

/// What somebody wants.
pub(crate) enum Change {
    /// A file that is synced gets its name, which must be free; taken back if it cannot be made durable.
    Publish(Draft, PathBuf),
    /// A name goes elsewhere.
    Move(PathBuf, PathBuf),
    /// What was done before is to be durable.
    Nothing,
}

/// What is called with what came of a change.
pub(crate) type Then = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Who wants what.
#[derive(Default)]
pub(crate) struct Together {
    turn: Mutex<Turn>,
}

#[derive(Default)]
struct Turn {
    wanted: Vec<(Change, Who)>,
    /// Somebody is at it, or is just about to be.
    busy: bool,
}

/// Who is told of it.
enum Who {
    Waits(Arc<Seat>),
    Goes(Then),
}

/// A thread that waits.
struct Seat {
    news: Mutex<Option<News>>,
    thread: Thread,
}

enum News {
    Done(Result<(), Error>),
    /// Make the next turn, which is yours too.
    YourTurn,
}

impl Together {
    /// Makes a change durable, with those of others. `true`: the caller has to see to it that somebody else
    /// [makes the turns](Together::make_all).
    pub(crate) fn make(&self, files: &dyn Files, dir: &Path, change: Change) -> (Result<(), Error>, bool) {
        let seat = Arc::new(Seat { news: Mutex::new(None), thread: thread::current() });
        let mut more = self.want(change, Who::Waits(seat.clone())) && self.take_turns(files, dir, MORE);
        loop {
            match seat.wait() {
                News::Done(result) => return (result, more),
                News::YourTurn => more = self.take_turns(files, dir, MORE),
            }
        }
    }

    /// The same for who does not wait: `then` hears of it, in whichever thread. `true`: nobody is at it, and the caller has to see to
    /// it that somebody [makes the turns](Together::make_all).
    pub(crate) fn make_then(&self, change: Change, then: Then) -> bool {
        self.want(change, Who::Goes(then))
    }

    /// Makes turns as long as there are some that no waiting thread can make.
    pub(crate) fn make_all(&self, files: &dyn Files, dir: &Path) {
        while self.take_turns(files, dir, MORE) {}
    }

    /// `true`: the caller makes the next turn.
    fn want(&self, change: Change, who: Who) -> bool {
        let mut turn = self.turn();
        turn.wanted.push((change, who));
        !std::mem::replace(&mut turn.busy, true)
    }

    /// Makes what is wanted now, and hands the next turn to a thread in it; or makes that too where nobody in it waits, and so many
    /// more. `true`: there is another one then.
    fn take_turns(&self, files: &dyn Files, dir: &Path, more: usize) -> bool {
        for _ in 0..=more {
            let wanted = std::mem::take(&mut self.turn().wanted);
            let (changes, all): (Vec<Change>, Vec<Who>) = wanted.into_iter().unzip();
            let results = make_at_once(files, dir, changes);
            let (next, mine) = self.turn().next();
            // The disk is kept busy first.
            if let Some(seat) = next {
                seat.tell(News::YourTurn);
            }
            for (who, result) in all.into_iter().zip(results) {
                match who {
                    Who::Waits(seat) => seat.tell(News::Done(result)),
                    Who::Goes(then) => then(result),
                }
            }
            if !mine {
                return false;
            }
        }
        true
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// A turn is over: whose the next one is, or whether it is for who made this one.
    fn next(&mut self) -> (Option<Arc<Seat>>, bool) {
        self.busy = !self.wanted.is_empty();
        let thread = self.wanted.iter().find_map(|(_, who)| match who {
            Who::Waits(seat) => Some(seat.clone()),
            Who::Goes(_) => None,
        });
        let mine = self.busy && thread.is_none();
        (thread, mine)
    }
}

impl Seat {
    fn tell(&self, news: News) {
        *self.news() = Some(news);
        self.thread.unpark();
    }

    fn wait(&self) -> News {
        loop {
            if let Some(news) = self.news().take() {
                return news;
            }
            thread::park();
        }
    }

    fn news(&self) -> MutexGuard<'_, Option<News>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_at_once(files: &dyn Files, dir: &Path, changes: Vec<Change>) -> Vec<Result<(), Error>> {
    let make = |change| match change {
        Change::Publish(draft, name) => draft.publish(&name).map(|()| Some(name)),
        Change::Move(from, to) => {
            let moved = files.rename(&from, &to);
            moved.map(|()| None).map_err(|error| mailstore::Error::new("move", &from, error))
        }
        Change::Nothing => Ok(None),
    };
    let made: Vec<Result<Option<PathBuf>, mailstore::Error>> = changes.into_iter().map(make).collect();
    // As each would have had it alone, were nothing to sync.
    let synced = match made.iter().any(Result::is_ok) {
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
    made.into_iter().map(result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use mailstore::files::Disk;

    use super::*;

    #[test]
    fn who_is_done_goes_however_many_come_who_do_not_wait() {
        let (scratch, together) = (tempfile::tempdir().unwrap(), Together::default());
        let (dir, over) = (scratch.path(), AtomicBool::new(false));
        let patience = Instant::now() + Duration::from_secs(10);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) && Instant::now() < patience {
                    if together.make_then(Change::Nothing, Box::new(|made| made.unwrap())) {
                        scope.spawn(|| together.make_all(&Disk, dir));
                    }
                    thread::sleep(Duration::from_micros(10));
                }
            });
            let mut handed_on = false;
            while !handed_on && Instant::now() < patience {
                let (made, more) = together.make(&Disk, dir, Change::Nothing);
                made.unwrap();
                if more {
                    scope.spawn(|| together.make_all(&Disk, dir));
                }
                handed_on |= more;
            }
            assert!(Instant::now() < patience, "it made the turns of all others");
            over.store(true, Ordering::Release);
        });
        let turn = together.turn();
        assert!(turn.wanted.is_empty() && !turn.busy);
    }
}
