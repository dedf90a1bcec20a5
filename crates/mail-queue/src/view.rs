//! Looking at a queue directory, whoever owns it: nothing here can change anything.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use mailstore::files::{Disk, Files, is_read};

use crate::envelope::Stored;
use crate::error::Error;
use crate::id::QueueId;
use crate::outbound::{Outbound, is_missing};
use crate::progress::Progress;
use crate::whole::{self, Octets};

/// Longer than any text of ours; what is longer is cut, and so malformed.
const LONGEST: u64 = 64 << 20;

/// A queue directory, to be looked at.
#[derive(Debug, Clone)]
pub struct View {
    msg: PathBuf,
}

impl View {
    /// Of this queue directory, which need not exist.
    pub fn new(queue: &Path) -> View {
        View { msg: queue.join("msg") }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.msg
    }

    /// The messages that wait for somebody elsewhere, and those that are held from the start, the oldest first. One that was settled a
    /// moment ago may be among them.
    pub fn ids(&self) -> Result<Vec<QueueId>, Error> {
        let mut ids = Vec::new();
        let listed = Disk.list(&self.msg, &mut |entry| {
            // What is held for mailboxes alone has neither `.one` nor `.out`.
            let id = str::from_utf8(entry.name)
                .ok()
                .and_then(|name| [".one", ".out", ".q"].iter().find_map(|kind| name.strip_suffix(kind)));
            ids.extend(id.and_then(QueueId::parse));
        });
        match listed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(mailstore::Error::new("list", &self.msg, error).into());
            }
            _ => ids.sort_unstable(),
        }
        ids.dedup();
        Ok(ids)
    }

    /// How many files lie in `corrupt/`: those that could not be understood, and wait for an operator.
    pub fn corrupt(&self) -> Result<u64, Error> {
        let (mut count, corrupt) = (0, self.msg.with_file_name("corrupt"));
        match Disk.list(&corrupt, &mut |_| count += 1) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(mailstore::Error::new("list", &corrupt, error).into())
            }
            _ => Ok(count),
        }
    }

    /// What is known of a message; `None` if nobody elsewhere waits for it (any more) and nobody holds it.
    pub fn outbound(&self, id: QueueId) -> Result<Option<Outbound>, Error> {
        outbound(&Disk, &self.msg, id)
    }
}

pub(crate) fn outbound(files: &dyn Files, msg: &Path, id: QueueId) -> Result<Option<Outbound>, Error> {
    let Some((path, Stored { envelope, sizes, .. }, elsewhere)) = stored(files, msg, id)? else {
        return Ok(None);
    };
    if envelope.queue_id != id {
        let malformed = crate::envelope::Malformed("the envelope of another message");
        return Err(Error::Malformed { path, malformed });
    }
    let path = msg.join(format!("{id}.q"));
    let progress = match read(files, &path) {
        Err(error) if is_missing(&error) => Progress::new(envelope.remotes.len()),
        text => decoded(&path, Progress::decode(&text?, id, envelope.remotes.len()))?,
    };
    let mut held_here = Vec::new();
    if progress.here {
        for (nth, recipient) in envelope.recipients.iter().enumerate() {
            if is_there(files, &msg.join(format!("{id}.{nth}")))? {
                held_here.push(recipient.clone());
            }
        }
    }
    let waits = elsewhere || !held_here.is_empty();
    Ok(waits.then_some(Outbound { envelope, sizes, progress, held_here }))
}

fn is_there(files: &dyn Files, path: &Path) -> Result<bool, Error> {
    match files.stat(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(mailstore::Error::new("look at", path, error).into()),
    }
}

/// The file of a message that is one file.
///
/// When such a message has left, its file becomes that of another: not as long as somebody has it open, and who opened it too late, or
/// while it was just leaving, finds that its name is gone.
pub(crate) fn open_one(files: &dyn Files, msg: &Path, id: QueueId) -> Result<Option<(PathBuf, File)>, Error> {
    let path = msg.join(format!("{id}.one"));
    match files.open(&path) {
        Ok(file) if is_read(&file) && is_there(files, &path)? => Ok(Some((path, file))),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(mailstore::Error::new("open", &path, error).into()),
    }
}

/// The envelope of a message that waits, where it stands, and whether somebody elsewhere waits for it.
fn stored(files: &dyn Files, msg: &Path, id: QueueId) -> Result<Option<(PathBuf, Stored, bool)>, Error> {
    if let Some((path, file)) = open_one(files, msg, id)? {
        let read = whole::stored(&file).map_err(|error| mailstore::Error::new("read", &path, error))?;
        let stored = decoded(&path, read)?;
        return Ok(Some((path, stored, true)));
    }
    let elsewhere = is_there(files, &msg.join(format!("{id}.out")))?;
    if !elsewhere && !is_there(files, &msg.join(format!("{id}.q")))? {
        return Ok(None);
    }
    let path = msg.join(format!("{id}.env"));
    match read(files, &path) {
        // Settled a moment ago, or not accepted yet.
        Err(error) if is_missing(&error) => Ok(None),
        text => {
            let stored = decoded(&path, Stored::decode(&text?))?;
            Ok(Some((path, stored, elsewhere)))
        }
    }
}

/// The octets of a message for which somebody elsewhere waits.
pub(crate) fn octets(files: &dyn Files, msg: &Path, id: QueueId) -> Result<Octets, Error> {
    if let Some((path, file)) = open_one(files, msg, id)? {
        let found = whole::envelope(&file).map_err(|error| mailstore::Error::new("read", &path, error))?;
        let (_, octets) = decoded(&path, found)?;
        return Ok(Octets::of_file(file, octets));
    }
    let path = msg.join(format!("{id}.out"));
    let file = files.open(&path).map_err(|error| mailstore::Error::new("open", &path, error))?;
    let envelope = msg.join(format!("{id}.env"));
    let text = read(files, &envelope)?;
    // The envelope knows how many there are; a file that is shorter is damaged.
    let octets = decoded(&envelope, Stored::decode(&text))?.sizes.stored;
    Ok(Octets::of_file(file, octets))
}

fn decoded<T>(path: &Path, decoded: Result<T, crate::envelope::Malformed>) -> Result<T, Error> {
    decoded.map_err(|malformed| Error::Malformed { path: path.to_owned(), malformed })
}

pub(crate) fn read(files: &dyn Files, path: &Path) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let read = files.open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    read.map_err(|error| mailstore::Error::new("read", path, error))?;
    Ok(text)
}
