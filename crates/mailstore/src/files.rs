//! Every file operation of the mail store and of the queue, behind one small seam.
//!
//! The rest of the crate says *what* must happen in which order; this file says *how*. [`Disk`] is the real thing. A test puts
//! [`Faults`](crate::faults::Faults) in its place and stops at each operation in turn, which is the proof of the promise.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, IoSliceMut, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::error::{During, Error};
use crate::reserve::Space;
use rustix::fs::{
    CWD, FileType, Mode, OFlags, RawDir, RenameFlags, ResolveFlags, openat2, renameat_with, statvfs,
};
use rustix::io::{ReadWriteFlags, preadv2};

/// One name in a directory, as the directory itself tells it: no file is opened or asked.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The name, without its directory.
    pub name: &'a [u8],
    /// Known to be something else than a file (directory, symbolic link, …).
    pub other_kind: bool,
}

/// What [`Files::stat`] tells of a name; symbolic links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Device and inode: equal for two names of the same file.
    pub identity: (u64, u64),
    /// Last change of the content (of a directory: of its entries).
    pub modified: SystemTime,
    /// Last change of anything: a file's name, its owner, its content.
    pub changed: SystemTime,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Octets of a file.
    pub octets: u64,
}

/// The file operations that delivery, reading and the queue are made of.
///
/// Each is one system call, or as good as one: what happens between two of them can be the moment of a crash.
pub trait Files: fmt::Debug + Send + Sync {
    /// Creates a file for writing, mode 0600; fails with `AlreadyExists` if the name is taken (`O_EXCL`).
    fn create_new(&self, path: &Path) -> io::Result<File>;
    /// Opens a file for reading; symbolic links are not followed, a pipe does not block.
    fn open(&self, path: &Path) -> io::Result<File>;
    /// As [`open`](Files::open), if what the kernel has in memory is enough for it; any error says no more than that `open` may know
    /// better. So a thread that must not wait for a disk can try.
    fn open_cached(&self, _path: &Path) -> io::Result<File> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    /// Opens a file whose content nobody wants any more, to be written anew from its beginning and [cut](Files::cut) behind that; any
    /// error says no more than that a new file may do better. As long as it is open nobody else has it so, and nobody
    /// [reads](is_read) it.
    fn reopen(&self, _path: &Path) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Makes a file that is open for writing end behind so many octets.
    fn cut(&self, file: &File, octets: u64) -> io::Result<()> {
        file.set_len(octets)
    }
    /// Writes all of `bytes` at the end of `file`, or where the last piece ended that was written to it.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    /// Writes `line` at the end of a file that exists, whole or not at all as far as others writing to it can tell.
    fn append(&self, path: &Path, line: &[u8]) -> io::Result<()>;
    /// Makes the content of `file` durable.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Renames, failing with `AlreadyExists` if `to` is taken; `Unsupported` or `InvalidInput` where the file system cannot.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames, replacing `to`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives the file a second name; fails with `AlreadyExists` if `to` is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory, mode 0700.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the entries of a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Calls `each` for every entry but `.` and `..`, in no order.
    fn list(&self, dir: &Path, each: &mut dyn FnMut(Entry<'_>)) -> io::Result<()>;
    /// Asks about a name without following it.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// What is free on the file system of `path`.
    fn space(&self, path: &Path) -> io::Result<Space>;
    /// Locks a file (created if missing) for as long as the returned handle lives; `None` if somebody else has it.
    fn lock(&self, path: &Path) -> io::Result<Option<File>>;
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

/// Large enough that a directory of 100 000 entries takes about a hundred system calls.
const LIST_BUFFER: usize = 64 * 1024;

impl Files for Disk {
    fn create_new(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)
    }

    fn open_cached(&self, path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        Ok(openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED)?.into())
    }

    fn reopen(&self, path: &Path) -> io::Result<File> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let file = OpenOptions::new().write(true).custom_flags(flags.cast_signed()).open(path)?;
        file.try_lock()?;
        let found = file.metadata()?;
        // By another name it is something else, which is wanted.
        if found.nlink() == 1 && found.is_file() { Ok(file) } else { Err(io::ErrorKind::ResourceBusy.into()) }
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn append(&self, path: &Path, line: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).open(path)?.write_all(line)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        // fdatasync would leave out only time stamps: it writes the size, which is all a reader needs.
        file.sync_data()
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn list(&self, dir: &Path, each: &mut dyn FnMut(Entry<'_>)) -> io::Result<()> {
        let directory = OFlags::DIRECTORY.bits().cast_signed();
        let handle = OpenOptions::new().read(true).custom_flags(directory).open(dir)?;
        let mut buffer = Vec::with_capacity(LIST_BUFFER);
        let mut entries = RawDir::new(handle, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let other_kind = match entry.file_type() {
                    FileType::RegularFile => false,
                    // A few file systems do not keep the kind in the directory.
                    FileType::Unknown => fs::symlink_metadata(dir.join(OsStr::from_bytes(name)))
                        .is_ok_and(|found| !found.is_file()),
                    _ => true,
                };
                each(Entry { name, other_kind });
            }
        }
        Ok(())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Stat {
            identity: (metadata.dev(), metadata.ino()),
            modified: metadata.modified()?,
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
            is_dir: metadata.is_dir(),
            octets: metadata.len(),
        })
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let found = statvfs(path)?;
        // Some file systems make files as long as there is space; they count none.
        let files = (found.f_files > 0).then_some(found.f_favail);
        Ok(Space { octets: found.f_bavail.saturating_mul(found.f_frsize), files })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<File>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

fn time(seconds: i64, nanoseconds: i64) -> SystemTime {
    let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
}

/// Fills `room` with octets of `file` from `offset` on, if the kernel has them in memory, and says how many: fewer than there is room
/// for where only the first of them are. `WouldBlock` where none is, `Unsupported` where the file system cannot tell.
pub fn read_cached(file: &File, offset: u64, room: &mut [u8]) -> io::Result<usize> {
    Ok(preadv2(file, &mut [IoSliceMut::new(room)], offset, ReadWriteFlags::NOWAIT)?)
}

/// Says of a file that was just opened that somebody reads it: as long as it is open nobody can [write it anew](Files::reopen).
/// `false`: somebody does already. Where the file system has no locks nobody does either.
pub fn is_read(file: &File) -> bool {
    !matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}

pub use crate::publish::is_missing_feature;

/// The same error for one more who waits for the same step: an `io::Error` cannot be cloned, but its code can.
pub fn same_error(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Makes a directory where it does not exist.
pub(crate) fn make_dir(files: &dyn Files, path: &Path) -> Result<(), Error> {
    match files.make_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error).during("make", path),
        _ => Ok(()),
    }
}

/// Makes a directory and what is missing above it; from `Ok` on, a power cut does not take it away.
pub fn make_dir_durable(files: &dyn Files, path: &Path) -> Result<(), Error> {
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    match files.make_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_dir_durable(files, parent)?;
            make_dir(files, path)?;
        }
        // Durable by whoever made it, or by the sync below if that was an instant ago.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        outcome => outcome.during("make", path)?,
    }
    files.sync_dir(parent).during("sync", parent)
}
