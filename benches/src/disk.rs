//! The disk's own limit: a bare loop of (create, write 4 KiB, fsync, rename, fsync directory) with as many writers.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use tempfile::TempDir;

/// How long each round is.
pub const ROUND: Duration = Duration::from_millis(1000);

/// A directory that ends with the run, where every way of working has places of its own. They stay until the end, for whoever writes
/// next would pay for their removal: ext4 without a journal looks at each inode that was freed in the last minutes before it makes a file.
#[derive(Debug)]
pub struct Ground {
    dir: TempDir,
    places: AtomicUsize,
}

impl Ground {
    /// Below `parent`.
    pub fn new(parent: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("yubin-bench-").tempdir_in(parent).unwrap();
        set_apart(dir.path());
        Self { dir, places: AtomicUsize::new(0) }
    }

    /// An empty place.
    pub fn place(&self) -> PathBuf {
        let place = self.dir.path().join(self.places.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir(&place).unwrap();
        place
    }
}

/// Tells the file system, if it wants to know, that the directories in this one have nothing to do with each other: ext4 puts them and
/// their files into different groups of inodes and blocks (`chattr +T`).
pub fn set_apart(dir: &Path) {
    let dir = File::open(dir).unwrap();
    let _ = ioctl_getflags(&dir).and_then(|flags| ioctl_setflags(&dir, flags | IFlags::TOPDIR));
}

/// 4 KiB in lines.
pub fn message() -> Vec<u8> {
    b"01234567890123456789012345678901234567890123456789012345678901\r\n".repeat(64)
}

/// Median, least and most.
pub fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

/// Where a writer writes.
pub fn directory(root: &Path, writer: usize, apart: bool) -> PathBuf {
    root.join(if apart { format!("box{writer}") } else { "box".to_owned() })
}

/// Runs `work` in so many threads until the time is over; how often a second it came back.
pub fn race(writers: usize, work: impl Fn(usize) + Sync) -> f64 {
    let done = AtomicUsize::new(0);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (work, done) = (&work, &done);
            scope.spawn(move || {
                while begin.elapsed() < ROUND {
                    work(writer);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
}

/// The bare loop.
pub fn bare(root: &Path, writers: usize, apart: bool) -> f64 {
    bare_with(root, writers, apart, |_, new| File::open(new).unwrap().sync_all().unwrap())
}

/// The same, with the syncs of a directory that are wanted at once merged.
pub fn bare_merged(root: &Path, writers: usize, apart: bool) -> f64 {
    let mergers: Vec<_> = (0..writers).map(|_| Merger::default()).collect();
    bare_with(root, writers, apart, |writer, new| mergers[if apart { writer } else { 0 }].sync(new))
}

fn bare_with(root: &Path, writers: usize, apart: bool, sync_dir: impl Fn(usize, &Path) + Sync) -> f64 {
    for writer in 0..writers {
        for part in ["tmp", "new"] {
            fs::create_dir_all(directory(root, writer, apart).join(part)).unwrap();
        }
    }
    let (message, count) = (message(), AtomicUsize::new(0));
    race(writers, |writer| {
        let dir = directory(root, writer, apart);
        let name = count.fetch_add(1, Ordering::Relaxed).to_string();
        let (tmp, new) = (dir.join("tmp").join(&name), dir.join("new"));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&tmp).unwrap();
        file.write_all(&message).unwrap();
        file.sync_all().unwrap();
        fs::rename(&tmp, new.join(&name)).unwrap();
        sync_dir(writer, &new);
    })
}

/// Whoever wants a sync while one runs waits for the next, which one of them does for all.
#[derive(Default)]
struct Merger {
    state: Mutex<MergerState>,
    done: Condvar,
}

#[derive(Default)]
struct MergerState {
    begun: u64,
    done: u64,
}

impl Merger {
    fn sync(&self, dir: &Path) {
        let mut state = self.state.lock().unwrap();
        let wanted = state.begun + 1;
        while state.done < wanted {
            if state.begun > state.done {
                state = self.done.wait(state).unwrap();
                continue;
            }
            state.begun += 1;
            let this = state.begun;
            drop(state);
            File::open(dir).unwrap().sync_all().unwrap();
            state = self.state.lock().unwrap();
            state.done = this;
            self.done.notify_all();
        }
    }
}
