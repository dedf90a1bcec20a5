//! Looking at a queue directory, whoever owns it: nothing here can change anything.

use std::io::Read;
use std::path::{Path, PathBuf};

use mailstore::files::{Disk, Files};

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

    /// The messages that wait for somebody elsewhere, the oldest first.
    pub fn ids(&self) -> Result<Vec<QueueId>, Error> {
        let mut ids = Vec::new();
        let listed = Disk.list(&self.msg, &mut |entry| {
            let name = str::from_utf8(entry.name).ok();
            let id = name.and_then(|name| name.strip_suffix(".one").or_else(|| name.strip_suffix(".out")));
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

    /// What is known of a message; `None` if nobody elsewhere waits for it (any more).
    pub fn outbound(&self, id: QueueId) -> Result<Option<Outbound>, Error> {
        outbound(&Disk, &self.msg, id)
    }
}

pub(crate) fn outbound(files: &dyn Files, msg: &Path, id: QueueId) -> Result<Option<Outbound>, Error> {
    let Some((path, Stored { envelope, sizes, .. })) = stored(files, msg, id)? else { return Ok(None) };
    if envelope.queue_id != id {
        let malformed = crate::envelope::Malformed("the envelope of another message");
        return Err(Error::Malformed { path, malformed });
    }
    let path = msg.join(format!("{id}.q"));
    let progress = match read(files, &path) {
        Err(error) if is_missing(&error) => Progress::new(envelope.remotes.len()),
        text => decoded(&path, Progress::decode(&text?, id, envelope.remotes.len()))?,
    };
    Ok(Some(Outbound { envelope, sizes, progress }))
}

/// The envelope of a message for which somebody elsewhere waits, and where it stands.
fn stored(files: &dyn Files, msg: &Path, id: QueueId) -> Result<Option<(PathBuf, Stored)>, Error> {
    let path = msg.join(format!("{id}.one"));
    match files.open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        file => {
            let read = file.and_then(|file| whole::stored(&file));
            let read = read.map_err(|error| mailstore::Error::new("read", &path, error))?;
            let stored = decoded(&path, read)?;
            return Ok(Some((path, stored)));
        }
    }
    let out = msg.join(format!("{id}.out"));
    match files.stat(&out) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        found => drop(found.map_err(|error| mailstore::Error::new("look at", &out, error))?),
    }
    let path = msg.join(format!("{id}.env"));
    match read(files, &path) {
        // Settled a moment ago, or not accepted yet.
        Err(error) if is_missing(&error) => Ok(None),
        text => {
            let stored = decoded(&path, Stored::decode(&text?))?;
            Ok(Some((path, stored)))
        }
    }
}

/// The octets of a message for which somebody elsewhere waits.
pub(crate) fn octets(files: &dyn Files, msg: &Path, id: QueueId) -> Result<Octets, Error> {
    let path = msg.join(format!("{id}.one"));
    let opening = |path: &Path, error| mailstore::Error::new("open", path, error);
    match files.open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        file => {
            let file = file.map_err(|error| opening(&path, error))?;
            let found =
                whole::envelope(&file).map_err(|error| mailstore::Error::new("read", &path, error))?;
            let (_, octets) = decoded(&path, found)?;
            return Ok(Octets::of_file(file, octets));
        }
    }
    let path = msg.join(format!("{id}.out"));
    let opened = files.open(&path).and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
    let (file, octets) = opened.map_err(|error| opening(&path, error))?;
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
