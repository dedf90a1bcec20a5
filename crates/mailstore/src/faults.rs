//! File operations that fail or stop on purpose, to prove a promise by trying every place where it could break.
//!
//! [`Faults`] passes everything on to the disk and counts what changes something there. A plan says where to stop, as a
//! killed process stops: that operation happens not at all, half or wholly, and no later one does, not even the tidying up in
//! a destructor. Or one operation fails and all goes on; and a file system may lack a kind of operation altogether, keep time
//! in whole seconds, or show a directory without what is being renamed in it.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mailstore::faults::{Faults, Plan, Stop};
//! use mailstore::{Maildir, Namer};
//! use std::sync::Arc;
//!
//! # let scratch = tempfile::tempdir()?;
//! # let path = scratch.path().join("tanaka");
//! Maildir::create(&path)?;
//! for at in 0.. {
//!     let faults = Arc::new(Faults::new(Plan::StopAt(at, Stop::Before)));
//!     let maildir = Maildir::open_on(faults.clone(), &path)?;
//!     let accepted = maildir.begin(&Namer::new("mx")).and_then(|mut d| d.write(b"Hello.\r\n").and_then(|()| d.commit()));
//!     // … restart on the real disk, look what is there …
//!     if !faults.stopped() {
//!         assert!(accepted.is_ok());
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use crate::files::{Disk, Entry, Files, Stat};
use crate::reserve::Space;

/// The kinds of operation, as [`Files`] names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the method of `Files` with its name")]
pub enum Op {
    CreateNew,
    Cut,
    Open,
    Reopen,
    Write,
    Append,
    Sync,
    RenameNew,
    Rename,
    Link,
    Remove,
    MakeDir,
    SyncDir,
    List,
    Stat,
    Space,
    Lock,
}

impl Op {
    /// Whether it changes what is on the disk: only these can be the last before a crash.
    pub fn changes(self) -> bool {
        !matches!(self, Op::Open | Op::Reopen | Op::List | Op::Stat | Op::Space | Op::Lock)
    }
}

/// How much of the last operation happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Nothing.
    Before,
    /// Of what is written the first half; of anything else, nothing.
    Halfway,
    /// All, but the process does not learn it.
    After,
}

impl Stop {
    /// All three.
    pub const ALL: [Stop; 3] = [Stop::Before, Stop::Halfway, Stop::After];
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Nothing,
    /// The process stops at this operation, counted from 0 over those that [change](Op::changes) something.
    StopAt(usize, Stop),
    /// This operation, counted from 0 over all, fails once with this error.
    FailAt(usize, Errno),
}

/// The disk, with faults.
#[derive(Debug)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    always: Vec<(Op, Errno)>,
    next: Vec<(Op, Errno)>,
    mount: Option<PathBuf>,
    grain: Option<Duration>,
    timeless: bool,
    blind: Option<(PathBuf, usize)>,
    space: Option<Space>,
    log: Vec<Op>,
    stopped: bool,
    failed: bool,
}

/// What an operation is to do.
enum Verdict {
    Do,
    DoThenStop,
    HalfThenStop,
    Fail(io::Error),
}

impl Faults {
    /// A disk on which this goes wrong.
    pub fn new(plan: Plan) -> Faults {
        let (always, log) = (Vec::new(), Vec::new());
        let state = State {
            plan,
            always,
            next: Vec::new(),
            mount: None,
            grain: None,
            timeless: false,
            blind: None,
            space: None,
            log,
            stopped: false,
            failed: false,
        };
        Faults { state: Mutex::new(state) }
    }

    /// The same, and every operation of this kind fails: a file system without it, or a full disk.
    pub fn without(self, op: Op, errno: Errno) -> Faults {
        self.state().always.push((op, errno));
        self
    }

    /// The same, and what lies below `path` is on a file system of its own: no rename and no link leads in or out.
    pub fn with_mount(self, path: &Path) -> Faults {
        self.state().mount = Some(path.to_owned());
        self
    }

    /// The same, and time stamps are cut to a multiple of this, as network file systems do.
    pub fn with_time_stamps_of(self, grain: Duration) -> Faults {
        self.state().grain = Some(grain);
        self
    }

    /// The same, and what changed last changed when its content did: a test can set that time, and never the other.
    pub fn with_changed_as_modified(self) -> Faults {
        self.state().timeless = true;
        self
    }

    /// The same, and this file escapes `listings` that should show it: what readdir(3) may do to a name that is changed
    /// meanwhile. Its directory is not marked as changed either, as when time stamps are coarse.
    pub fn with_unseen(self, path: &Path, listings: usize) -> Faults {
        self.state().blind = Some((path.to_owned(), listings));
        self
    }

    /// The next operation of this kind fails, once; said again, the one behind it too.
    pub fn fail_next(&self, op: Op, errno: Errno) {
        self.state().next.push((op, errno));
    }

    /// From now on so much is free.
    pub fn set_space(&self, space: Space) {
        self.state().space = Some(space);
    }

    /// Whether the process has "stopped": all operations since were refused.
    pub fn stopped(&self) -> bool {
        self.state().stopped
    }

    /// Whether an operation failed by [`Plan::FailAt`] or [`fail_next`](Faults::fail_next).
    pub fn failed(&self) -> bool {
        self.state().failed
    }

    /// The operations so far, those that failed included.
    pub fn log(&self) -> Vec<Op> {
        self.state().log.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, op: Op) -> Verdict {
        let mut state = self.state();
        if state.stopped {
            return Verdict::Fail(io::Error::other("the process has stopped"));
        }
        let nth = state.log.len();
        let nth_change = state.log.iter().filter(|op| op.changes()).count();
        state.log.push(op);
        if let Some(at) = state.next.iter().position(|(kind, _)| *kind == op) {
            state.failed = true;
            return Verdict::Fail(state.next.remove(at).1.into());
        }
        match state.plan.clone() {
            Plan::StopAt(at, stop) if op.changes() && at == nth_change => {
                state.stopped = true;
                match stop {
                    Stop::After => Verdict::DoThenStop,
                    Stop::Halfway if matches!(op, Op::Write | Op::Append) => Verdict::HalfThenStop,
                    Stop::Before | Stop::Halfway => Verdict::Fail(io::Error::other("the process stops here")),
                }
            }
            Plan::FailAt(at, errno) if at == nth => {
                state.failed = true;
                Verdict::Fail(errno.into())
            }
            _ => match state.always.iter().find(|(kind, _)| *kind == op) {
                Some((_, errno)) => Verdict::Fail((*errno).into()),
                None => Verdict::Do,
            },
        }
    }

    /// The name that this listing leaves out.
    fn unseen_in(&self, dir: &Path) -> Option<OsString> {
        let state = self.state();
        let (path, listings) = state.blind.as_ref()?;
        (path.parent() == Some(dir) && *listings > 0).then(|| path.file_name().map(OsStr::to_owned))?
    }

    fn same_file_system(&self, from: &Path, to: &Path) -> io::Result<()> {
        match &self.state().mount {
            Some(mount) if from.starts_with(mount) != to.starts_with(mount) => Err(Errno::XDEV.into()),
            _ => Ok(()),
        }
    }

    fn run<T>(&self, op: Op, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.judge(op) {
            Verdict::Do => act(),
            Verdict::DoThenStop => {
                act()?;
                Err(io::Error::other("the process stops behind this"))
            }
            Verdict::HalfThenStop => Err(io::Error::other("the process stops here")),
            Verdict::Fail(error) => Err(error),
        }
    }
}

impl Files for Faults {
    fn create_new(&self, path: &Path) -> io::Result<File> {
        self.run(Op::CreateNew, || Disk.create_new(path))
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        self.run(Op::Open, || Disk.open(path))
    }

    fn reopen(&self, path: &Path) -> io::Result<File> {
        self.run(Op::Reopen, || Disk.reopen(path))
    }

    fn cut(&self, file: &File, octets: u64) -> io::Result<()> {
        self.run(Op::Cut, || Disk.cut(file, octets))
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let (verdict, half) = (self.judge(Op::Write), bytes.get(..bytes.len() / 2).unwrap_or_default());
        match verdict {
            Verdict::Do => Disk.write(file, bytes),
            Verdict::DoThenStop => {
                Disk.write(file, bytes).and(Err(io::Error::other("the process stops behind this")))
            }
            Verdict::HalfThenStop => {
                Disk.write(file, half).and(Err(io::Error::other("the process stops here")))
            }
            Verdict::Fail(error) => Err(error),
        }
    }

    fn append(&self, path: &Path, line: &[u8]) -> io::Result<()> {
        let (verdict, half) = (self.judge(Op::Append), line.get(..line.len() / 2).unwrap_or_default());
        match verdict {
            Verdict::Do => Disk.append(path, line),
            Verdict::DoThenStop => {
                Disk.append(path, line).and(Err(io::Error::other("the process stops behind this")))
            }
            Verdict::HalfThenStop => {
                Disk.append(path, half).and(Err(io::Error::other("the process stops here")))
            }
            Verdict::Fail(error) => Err(error),
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.run(Op::Sync, || Disk.sync(file))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(Op::RenameNew, || self.same_file_system(from, to).and_then(|()| Disk.rename_new(from, to)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(Op::Rename, || self.same_file_system(from, to).and_then(|()| Disk.rename(from, to)))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(Op::Link, || self.same_file_system(from, to).and_then(|()| Disk.link(from, to)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run(Op::Remove, || Disk.remove(path))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.run(Op::MakeDir, || Disk.make_dir(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.run(Op::SyncDir, || Disk.sync_dir(path))
    }

    fn list(&self, dir: &Path, each: &mut dyn FnMut(Entry<'_>)) -> io::Result<()> {
        let unseen = self.unseen_in(dir);
        let mut missed = false;
        let mut seen = |entry: Entry<'_>| match unseen.as_deref() {
            Some(name) if name.as_bytes() == entry.name => missed = true,
            _ => each(entry),
        };
        let listed = self.run(Op::List, || Disk.list(dir, &mut seen));
        if missed && let Some((_, listings)) = &mut self.state().blind {
            *listings -= 1;
        }
        listed
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let (grain, timeless) = {
            let state = self.state();
            (state.grain, state.timeless)
        };
        self.run(Op::Stat, || {
            let mut stat = Disk.stat(path)?;
            if timeless {
                stat.changed = stat.modified;
            }
            for time in [&mut stat.modified, &mut stat.changed] {
                if let (Some(grain), Ok(since)) = (grain, time.duration_since(SystemTime::UNIX_EPOCH)) {
                    let behind = since.as_nanos() % grain.as_nanos().max(1);
                    *time -= Duration::from_nanos(u64::try_from(behind).unwrap_or(0));
                }
            }
            Ok(stat)
        })
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let space = self.state().space;
        self.run(Op::Space, || space.map_or_else(|| Disk.space(path), Ok))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<File>> {
        self.run(Op::Lock, || Disk.lock(path))
    }
}
