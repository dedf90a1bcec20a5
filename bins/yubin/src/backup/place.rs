//! The directory that backups are in.
//!
//! ```text
//! objects/ab/abcdef…   a message, the list of a mailbox, or the accounts, named by the SHA-256 of its octets
//! known/<mailbox>      the newest list of a mailbox, so that what is in it need not be read again
//! runs/<time>.json     one backup: put there last, when all that it names is durable
//! damaged/             what `verify` found to be other than its name, so that the next backup makes it anew
//! tmp/, lock
//! ```
//!
//! So a backup that was cut leaves those before it as they were, and what it had copied already is not copied again. Files are of
//! mode 0600 and directories 0700: mail and the hashes of passwords are in them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use mailstore::files::{Disk, Files as _, make_dir_durable};
use mailstore::{Draft, Namer};

use super::list::{Entry, List};
use super::run::Run;
use crate::failure::Failure;

/// As much is read at once.
const PIECE: usize = 256 * 1024;

/// The name of an object: 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Hash(String);

impl Hash {
    /// `None` for what is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 64 && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn of(context: Context) -> Self {
        let digest = context.finish();
        Self(digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect())
    }
}

/// An object that is being written.
pub(super) struct Writing {
    draft: Draft,
    context: Context,
}

impl Writing {
    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.context.update(piece);
        Ok(self.draft.write(piece)?)
    }
}

/// A backup directory.
#[derive(Debug)]
pub(super) struct Place {
    root: PathBuf,
}

impl Place {
    /// One that has backups.
    pub(super) fn open(root: &Path) -> Result<Self, Failure> {
        let place = Self { root: root.to_owned() };
        match place.root.join("runs").is_dir() {
            true => Ok(place),
            false => Err(Failure::Refused(format!("there is no backup in {}", root.display()))),
        }
    }

    /// Makes what is missing, and takes it for this process alone.
    pub(super) fn take(root: &Path) -> Result<(Self, File), Failure> {
        for part in ["objects", "known", "runs", "tmp"] {
            make_dir_durable(&Disk, &root.join(part))?;
        }
        let lock = root.join("lock");
        let taken = Disk.lock(&lock).map_err(|error| failed("lock", &lock, &error))?;
        let Some(lock) = taken else {
            return Err(Failure::Refused(format!("another backup into {} is under way", root.display())));
        };
        let place = Self { root: root.to_owned() };
        // Of a backup that was cut.
        let tmp = root.join("tmp");
        for left in fs::read_dir(&tmp).map_err(|error| failed("list", &tmp, &error))?.flatten() {
            let _ = fs::remove_file(left.path());
        }
        Ok((place, lock))
    }

    pub(super) fn object(&self, hash: &Hash) -> PathBuf {
        let (shard, _) = hash.0.split_at(2);
        self.root.join("objects").join(shard).join(&hash.0)
    }

    /// Whether a message is there, as large as it was: one that was lost or cut is read again, not inherited.
    pub(super) fn holds(&self, entry: &Entry) -> bool {
        fs::metadata(self.object(&entry.hash)).is_ok_and(|it| it.is_file() && it.len() == entry.octets)
    }

    /// Moves what is other than its name out of the way, so that no later backup relies on it; whether that was done.
    ///
    /// Not while a backup is under way: it may write the same object anew at this moment.
    pub(super) fn set_aside(&self, hash: &Hash) -> bool {
        let Ok(Some(_lock)) = Disk.lock(&self.root.join("lock")) else { return false };
        let (path, aside) = (self.object(hash), self.root.join("damaged"));
        if !path.exists() || self.pour(hash, |_| Ok(())).is_ok() {
            return false;
        }
        make_dir_durable(&Disk, &aside).is_ok() && fs::rename(&path, aside.join(&hash.0)).is_ok()
    }

    pub(super) fn begin(&self) -> Result<Writing, Failure> {
        let path = self.root.join("tmp").join(Namer::of_this_machine().next().as_str());
        let draft =
            Draft::create(Arc::new(Disk), path.clone()).map_err(|error| failed("create", &path, &error))?;
        Ok(Writing { draft, context: Context::new(&SHA256) })
    }

    /// Names an object; it is durable with the next [`settle`](Place::settle).
    pub(super) fn keep(&self, writing: Writing) -> Result<Hash, Failure> {
        let hash = Hash::of(writing.context);
        let path = self.object(&hash);
        if let Some(shard) = path.parent() {
            match Disk.make_dir(shard) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed("make", shard, &error));
                }
                _ => {}
            }
        }
        // One that is there may be of a backup that a power cut ended, and hold nothing.
        writing.draft.replace(&path)?;
        Ok(hash)
    }

    /// Copies all that `source` has; its octets.
    pub(super) fn copy(&self, mut source: impl Read) -> io::Result<Result<(Hash, u64), Failure>> {
        let mut writing = match self.begin() {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure)),
        };
        let (mut buffer, mut octets) = (vec![0; PIECE], 0);
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return Ok(self.keep(writing).map(|hash| (hash, octets))),
                Ok(n) => {
                    octets += n as u64;
                    if let Err(failure) = writing.write(buffer.get(..n).unwrap_or_default()) {
                        return Ok(Err(failure));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn keep_text(&self, text: &[u8]) -> Result<Hash, Failure> {
        let mut writing = self.begin()?;
        writing.write(text)?;
        self.keep(writing)
    }

    /// From here on, all that was kept stays, whenever the power goes. One call for many files: the file system writes them together.
    pub(super) fn settle(&self) -> Result<(), Failure> {
        let root = File::open(&self.root).map_err(|error| failed("open", &self.root, &error))?;
        rustix::fs::syncfs(root).map_err(|error| failed("sync", &self.root, &error.into()))
    }

    /// The list of a mailbox that a backup, even a cut one, made last.
    pub(super) fn known(&self, mailbox: &str) -> Option<List> {
        let hash = fs::read_to_string(self.known_path(mailbox)).ok()?;
        self.list(&Hash::parse(hash.trim())?).ok()
    }

    pub(super) fn set_known(&self, mailbox: &str, hash: &Hash) -> Result<(), Failure> {
        self.replace(&self.known_path(mailbox), format!("{}\n", hash.0).as_bytes())
    }

    /// A mailbox's key may have `/` in it.
    fn known_path(&self, mailbox: &str) -> PathBuf {
        self.root.join("known").join(mailbox.replace('%', "%25").replace('/', "%2F"))
    }

    pub(super) fn list(&self, hash: &Hash) -> Result<List, Failure> {
        let text = self.read(hash)?;
        List::decode(&text)
            .ok_or_else(|| Failure::Refused(format!("the list {} cannot be understood", hash.0)))
    }

    /// A small object, which must be what its name says.
    pub(super) fn read(&self, hash: &Hash) -> Result<Vec<u8>, Failure> {
        let mut octets = Vec::new();
        self.pour(hash, |piece| {
            octets.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(octets)
    }

    /// Hands out an object's octets; at their end they must have been what its name says.
    pub(super) fn pour(
        &self,
        hash: &Hash,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let path = self.object(hash);
        let file = File::open(&path).map_err(|error| failed("open", &path, &error))?;
        let (mut reader, mut context) = (BufReader::with_capacity(0, file), Context::new(&SHA256));
        let mut buffer = vec![0; PIECE];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    let piece = buffer.get(..n).unwrap_or_default();
                    context.update(piece);
                    take(piece)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("read", &path, &error)),
            }
        }
        if Hash::of(context) == *hash {
            return Ok(());
        }
        Err(Failure::Refused(format!("{} is damaged: its octets are not those of its name", path.display())))
    }

    /// The names of all backups, the oldest first.
    pub(super) fn runs(&self) -> Result<Vec<String>, Failure> {
        let path = self.root.join("runs");
        let entries = fs::read_dir(&path).map_err(|error| failed("list", &path, &error))?;
        let mut runs: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
            .collect();
        runs.sort();
        Ok(runs)
    }

    /// A backup by its name, or the newest.
    pub(super) fn run(&self, name: Option<&str>) -> Result<Run, Failure> {
        let runs = self.runs()?;
        let name = match name {
            Some(name) => runs.iter().find(|run| *run == name),
            None => runs.last(),
        };
        let name = name.ok_or_else(|| {
            Failure::Refused(format!("there is no such backup; there are: {}", runs.join(" ")))
        })?;
        let path = self.run_path(name);
        let text = fs::read(&path).map_err(|error| failed("read", &path, &error))?;
        serde_json::from_slice(&text)
            .map_err(|error| Failure::Refused(format!("{} cannot be understood: {error}", path.display())))
    }

    pub(super) fn publish(&self, run: &Run) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(run).map_err(|error| Failure::Refused(error.to_string()))?;
        self.replace(&self.run_path(&run.name), &text)
    }

    pub(super) fn forget_run(&self, name: &str) -> Result<(), Failure> {
        let path = self.run_path(name);
        fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))
    }

    fn run_path(&self, name: &str) -> PathBuf {
        self.root.join("runs").join(format!("{name}.json"))
    }

    /// Whole or not at all, and durable.
    fn replace(&self, path: &Path, text: &[u8]) -> Result<(), Failure> {
        let mut writing = self.begin()?;
        writing.write(text)?;
        writing.draft.sync()?;
        writing.draft.replace(path)?;
        let directory = path.parent().unwrap_or(&self.root);
        Disk.sync_dir(directory).map_err(|error| failed("sync", directory, &error))
    }

    /// Forgets the newest lists of mailboxes but those of these.
    pub(super) fn keep_known<'m>(&self, mailboxes: impl Iterator<Item = &'m str>) -> Result<(), Failure> {
        let wanted: HashSet<PathBuf> = mailboxes.map(|mailbox| self.known_path(mailbox)).collect();
        let path = self.root.join("known");
        for file in fs::read_dir(&path).map_err(|error| failed("list", &path, &error))?.flatten() {
            if !wanted.contains(&file.path()) {
                fs::remove_file(file.path()).map_err(|error| failed("remove", &file.path(), &error))?;
            }
        }
        Ok(())
    }

    /// Removes every object of which `wanted` says no; how many.
    pub(super) fn sweep(&self, wanted: impl Fn(&Hash) -> bool) -> Result<u64, Failure> {
        let objects = self.root.join("objects");
        let mut removed = 0;
        for shard in fs::read_dir(&objects).map_err(|error| failed("list", &objects, &error))?.flatten() {
            for object in fs::read_dir(shard.path()).into_iter().flatten().flatten() {
                let hash = str::from_utf8(object.file_name().as_bytes()).ok().and_then(Hash::parse);
                if hash.is_some_and(|hash| !wanted(&hash)) {
                    fs::remove_file(object.path())
                        .map_err(|error| failed("remove", &object.path(), &error))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

pub(super) fn failed(action: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Refused(format!("cannot {action} {}: {error}", path.display()))
}
