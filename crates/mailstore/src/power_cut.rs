//! What a power cut can leave on a disk, to prove a promise by trying all of it.
//!
//! A killed process leaves everything that it did ([`faults`](crate::faults)); a power cut does not. What was written is sure
//! only behind the file's sync, and a name only behind the sync of its directory: whatever has no such sync behind it may be on
//! the disk or not, each for itself, in any mixture. [`Recorder`] passes operations on and remembers them;
//! [`images`](Recorder::images) are the disks that can be found when the power goes after the first `at` of them.
//!
//! A rename is one step, which every file system with a journal keeps; with [`Renames::OldNameMayStay`] not even that.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mailstore::power_cut::{Recorder, Renames};
//! use mailstore::{Maildir, Namer};
//! use std::sync::Arc;
//!
//! # let scratch = tempfile::tempdir()?;
//! Maildir::create(scratch.path().join("tanaka"))?;
//! let recorder = Arc::new(Recorder::new(scratch.path())?);
//! let maildir = Maildir::open_on(recorder.clone(), scratch.path().join("tanaka"))?;
//! maildir.begin(&Namer::new("mx"))?.commit()?;
//! for image in recorder.images(recorder.len(), Renames::Whole) {
//!     let after = tempfile::tempdir()?;
//!     image.write_to(after.path())?;
//!     assert_eq!(Maildir::open(after.path().join("tanaka"))?.lock()?.len(), 1);
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::files::{Disk, Entry, Files, Stat};
use crate::reserve::Space;

/// File operations that remember what they changed below one directory.
#[derive(Debug)]
pub struct Recorder {
    inner: Arc<dyn Files>,
    root: PathBuf,
    log: Mutex<Log>,
}

/// How a file system keeps a rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renames {
    /// Both names change together, or neither.
    Whole,
    /// The old name may be there still beside the new one, until its directory is synced too.
    OldNameMayStay,
}

/// What can be found on the disk after a power cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    names: BTreeMap<PathBuf, Node>,
    contents: BTreeMap<Inode, Vec<u8>>,
}

type Inode = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Directory,
    File(Inode),
}

#[derive(Debug, Default)]
struct Log {
    /// What there was before: all of it durable.
    names: BTreeMap<PathBuf, Node>,
    /// First those that stand for what there was before.
    steps: Vec<Step>,
    before: usize,
    inodes: HashMap<(u64, u64), Inode>,
    next: Inode,
}

#[derive(Debug, Clone)]
enum Step {
    Name(PathBuf, Node),
    Rename {
        from: PathBuf,
        to: PathBuf,
        node: Node,
    },
    Remove(PathBuf),
    Write(Inode, Vec<u8>),
    /// What is written next goes to its beginning.
    Rewind(Inode),
    Cut(Inode, usize),
    Sync(Inode),
    SyncDir(PathBuf),
}

/// What is in a file.
#[derive(Debug, Clone, Default)]
struct Content {
    octets: Vec<u8>,
    /// Where the next piece goes.
    at: usize,
    /// As it was synced last.
    synced: Vec<u8>,
}

impl Content {
    fn write(&mut self, piece: &[u8]) {
        let over = self.octets.len().min(self.at + piece.len());
        self.octets.splice(self.at..over, piece.iter().copied());
        self.at += piece.len();
    }

    /// What a power cut leaves.
    fn keep(self, tail: Tail) -> Vec<u8> {
        let Self { mut octets, synced, .. } = self;
        // Nothing that was durable was written over.
        let grew = octets.starts_with(&synced);
        match tail {
            Tail::Kept => {}
            Tail::Lost => octets = synced,
            Tail::Halved if grew => octets.truncate(synced.len().midpoint(octets.len())),
            Tail::Halved => {
                octets.truncate(octets.len() / 2);
                octets.extend(synced.iter().skip(octets.len()));
            }
            Tail::Zeros => {
                let from = if grew { synced.len() } else { 0 };
                octets.iter_mut().skip(from).for_each(|octet| *octet = 0);
            }
        }
        octets
    }
}

/// A change of names that is kept or lost as a whole.
struct Change {
    set: Option<(PathBuf, Node)>,
    unset: Option<PathBuf>,
    durable: bool,
    /// It cannot be kept where the change before it is lost.
    needs_last: bool,
}

/// What became of octets that were not synced.
#[derive(Debug, Clone, Copy)]
enum Tail {
    Kept,
    Lost,
    Halved,
    /// The length is on the disk, the octets are not.
    Zeros,
}

/// Of so many changes all subsets are tried; of more, those that differ by one or two from all and from nothing.
const ALL_SUBSETS: usize = 10;

impl Recorder {
    /// Records what happens below `root`; what is there already is on the disk for good.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Recorder> {
        Recorder::over(Arc::new(Disk), root)
    }

    /// The same by other operations than the [`Disk`]'s: what they refuse has not happened.
    pub fn over(inner: Arc<dyn Files>, root: impl Into<PathBuf>) -> io::Result<Recorder> {
        let root = root.into();
        let mut log = Log::default();
        log.take_stock(&root)?;
        log.before = log.steps.len();
        Ok(Recorder { inner, root, log: Mutex::new(log) })
    }

    /// How many operations have changed or synced something.
    pub fn len(&self) -> usize {
        let log = self.log();
        log.steps.len() - log.before
    }

    /// Whether nothing has been done yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The different disks that a power cut behind the first `at` operations can leave.
    pub fn images(&self, at: usize, renames: Renames) -> BTreeSet<Image> {
        let log = self.log();
        let steps = log.steps.get(..log.before + at).unwrap_or(&log.steps);
        let changes = changes(steps, renames);
        let open: Vec<usize> =
            changes.iter().enumerate().filter(|(_, change)| !change.durable).map(|(nth, _)| nth).collect();
        let tails = [Tail::Kept, Tail::Lost, Tail::Halved, Tail::Zeros].map(|tail| contents(steps, tail));
        let mut images = BTreeSet::new();
        for lost in subsets(&open) {
            let Some(names) = log.names_without(&changes, &lost) else { continue };
            for contents in &tails {
                images.insert(Image::new(names.clone(), contents, &self.root));
            }
        }
        images
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which file this is, before its name is changed.
    fn node(&self, path: &Path) -> io::Result<Node> {
        let metadata = fs::symlink_metadata(path)?;
        match metadata.is_dir() {
            true => Ok(Node::Directory),
            false => Ok(Node::File(self.log().inode((metadata.dev(), metadata.ino())))),
        }
    }

    fn inode(&self, file: &File) -> io::Result<Inode> {
        let metadata = file.metadata()?;
        Ok(self.log().inode((metadata.dev(), metadata.ino())))
    }

    fn record(&self, step: Step) {
        self.log().steps.push(step);
    }
}

impl Log {
    fn inode(&mut self, identity: (u64, u64)) -> Inode {
        let (inodes, next) = (&mut self.inodes, &mut self.next);
        *inodes.entry(identity).or_insert_with(|| {
            *next += 1;
            *next
        })
    }

    fn take_stock(&mut self, dir: &Path) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (path, metadata) = (entry.path(), entry.metadata()?);
            if metadata.is_dir() {
                self.names.insert(path.clone(), Node::Directory);
                self.take_stock(&path)?;
            } else if metadata.is_file() {
                let inode = self.inode((metadata.dev(), metadata.ino()));
                if !self.names.values().any(|node| *node == Node::File(inode)) {
                    self.steps.push(Step::Write(inode, fs::read(&path)?));
                    self.steps.push(Step::Sync(inode));
                }
                self.names.insert(path, Node::File(inode));
            }
        }
        Ok(())
    }

    /// All names when these changes are lost; `None` if it cannot be just these.
    fn names_without(&self, changes: &[Change], lost: &BTreeSet<usize>) -> Option<BTreeMap<PathBuf, Node>> {
        let mut names = self.names.clone();
        for (nth, change) in changes.iter().enumerate() {
            if lost.contains(&nth) {
                continue;
            }
            if change.needs_last && lost.contains(&(nth.checked_sub(1)?)) {
                return None;
            }
            if let Some(path) = &change.unset {
                names.remove(path);
            }
            if let Some((path, node)) = &change.set {
                names.insert(path.clone(), *node);
            }
        }
        Some(names)
    }
}

fn changes(steps: &[Step], renames: Renames) -> Vec<Change> {
    let synced = |after: usize, path: &Path| {
        let dir = path.parent();
        steps.iter().skip(after).any(|step| matches!(step, Step::SyncDir(synced) if Some(&**synced) == dir))
    };
    let mut changes = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let mut push = |set: Option<(&PathBuf, Node)>, unset: Option<&PathBuf>, needs_last| {
            let durable =
                set.is_some_and(|(path, _)| synced(at, path)) || unset.is_some_and(|path| synced(at, path));
            let set = set.map(|(path, node)| (path.clone(), node));
            changes.push(Change { set, unset: unset.cloned(), durable, needs_last });
        };
        match step {
            Step::Name(path, node) => push(Some((path, *node)), None, false),
            Step::Remove(path) => push(None, Some(path), false),
            Step::Rename { from, to, node } if renames == Renames::Whole => {
                push(Some((to, *node)), Some(from), false)
            }
            Step::Rename { from, to, node } => {
                push(Some((to, *node)), None, false);
                push(None, Some(from), true);
            }
            Step::Write(..) | Step::Rewind(_) | Step::Cut(..) | Step::Sync(_) | Step::SyncDir(_) => {}
        }
    }
    changes
}

fn contents(steps: &[Step], tail: Tail) -> BTreeMap<Inode, Vec<u8>> {
    let mut contents: BTreeMap<Inode, Content> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Write(inode, piece) => contents.entry(*inode).or_default().write(piece),
            Step::Rewind(inode) => contents.entry(*inode).or_default().at = 0,
            Step::Cut(inode, octets) => contents.entry(*inode).or_default().octets.truncate(*octets),
            Step::Sync(inode) => {
                let content = contents.entry(*inode).or_default();
                content.synced.clone_from(&content.octets);
            }
            _ => {}
        }
    }
    contents.into_iter().map(|(inode, content)| (inode, content.keep(tail))).collect()
}

/// Which changes are lost.
fn subsets(open: &[usize]) -> Vec<BTreeSet<usize>> {
    if open.len() <= ALL_SUBSETS {
        let chosen = |mask: usize| open.iter().enumerate().filter(move |(bit, _)| mask >> bit & 1 == 1);
        return (0..1 << open.len()).map(|mask| chosen(mask).map(|(_, nth)| *nth).collect()).collect();
    }
    let all: BTreeSet<usize> = open.iter().copied().collect();
    let mut subsets = vec![BTreeSet::new(), all.clone()];
    for (at, &one) in open.iter().enumerate() {
        for &other in open.iter().skip(at) {
            let few = BTreeSet::from([one, other]);
            subsets.push(all.difference(&few).copied().collect());
            subsets.push(few);
        }
    }
    // And the history up to each moment, as a file system that keeps the order leaves it.
    subsets.extend((0..open.len()).map(|at| open.iter().skip(at).copied().collect()));
    subsets
}

impl Image {
    /// What hangs below a directory that is lost is lost with it.
    fn new(names: BTreeMap<PathBuf, Node>, contents: &BTreeMap<Inode, Vec<u8>>, root: &Path) -> Image {
        let mut image = Image { names: BTreeMap::new(), contents: BTreeMap::new() };
        for (path, node) in names {
            let Ok(below) = path.strip_prefix(root) else { continue };
            let parent = below.parent().unwrap_or(Path::new(""));
            if !parent.as_os_str().is_empty() && image.names.get(parent) != Some(&Node::Directory) {
                continue;
            }
            if let Node::File(inode) = node {
                image.contents.insert(inode, contents.get(&inode).cloned().unwrap_or_default());
            }
            image.names.insert(below.to_owned(), node);
        }
        image
    }

    /// Makes this the content of the empty directory `root`.
    pub fn write_to(&self, root: &Path) -> io::Result<()> {
        let mut made: HashMap<Inode, &Path> = HashMap::new();
        for (path, node) in &self.names {
            match node {
                Node::Directory => fs::create_dir(root.join(path))?,
                Node::File(inode) => match made.get(inode) {
                    Some(first) => fs::hard_link(root.join(first), root.join(path))?,
                    None => {
                        fs::write(root.join(path), self.contents.get(inode).map_or(&[][..], Vec::as_slice))?;
                        made.insert(*inode, path);
                    }
                },
            }
        }
        Ok(())
    }
}

impl Files for Recorder {
    fn create_new(&self, path: &Path) -> io::Result<File> {
        let file = self.inner.create_new(path)?;
        let metadata = file.metadata()?;
        // The number may have been that of a file which is gone.
        self.log().inodes.remove(&(metadata.dev(), metadata.ino()));
        let node = self.node(path)?;
        self.record(Step::Name(path.to_owned(), node));
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        self.inner.open(path)
    }

    fn reopen(&self, path: &Path) -> io::Result<File> {
        let file = self.inner.reopen(path)?;
        self.record(Step::Rewind(self.inode(&file)?));
        Ok(file)
    }

    fn cut(&self, file: &File, octets: u64) -> io::Result<()> {
        self.inner.cut(file, octets)?;
        self.record(Step::Cut(self.inode(file)?, usize::try_from(octets).unwrap_or(usize::MAX)));
        Ok(())
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.inner.write(file, bytes)?;
        self.record(Step::Write(self.inode(file)?, bytes.to_vec()));
        Ok(())
    }

    fn append(&self, path: &Path, line: &[u8]) -> io::Result<()> {
        self.inner.append(path, line)?;
        if let Node::File(inode) = self.node(path)? {
            self.record(Step::Write(inode, line.to_vec()));
        }
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.inner.sync(file)?;
        self.record(Step::Sync(self.inode(file)?));
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.node(from);
        self.inner.rename_new(from, to)?;
        self.record(Step::Rename { from: from.to_owned(), to: to.to_owned(), node: node? });
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.node(from);
        self.inner.rename(from, to)?;
        self.record(Step::Rename { from: from.to_owned(), to: to.to_owned(), node: node? });
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.node(from);
        self.inner.link(from, to)?;
        self.record(Step::Name(to.to_owned(), node?));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)?;
        self.record(Step::Remove(path.to_owned()));
        Ok(())
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.make_dir(path)?;
        self.record(Step::Name(path.to_owned(), Node::Directory));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)?;
        self.record(Step::SyncDir(path.to_owned()));
        Ok(())
    }

    fn list(&self, dir: &Path, each: &mut dyn FnMut(Entry<'_>)) -> io::Result<()> {
        self.inner.list(dir, each)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.inner.stat(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.inner.space(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<File>> {
        // The lock's file holds nothing, and whether it is there changes nothing.
        self.inner.lock(path)
    }
}

#[cfg(test)]
mod tests;
