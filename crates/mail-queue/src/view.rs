//! Looking at a queue directory, whoever owns it: nothing here can change anything.

use std::io::Read;
use std::path::{Path, PathBuf};

use mailstore::files::{Disk, Files};

use crate::envelope::Stored;
use crate::error::Error;
use crate::id::QueueId;
use crate::outbound::{Outbound, is_missing};
use crate::progress::Progress;

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
            // What is held for mailboxes alone has no `.out`.
            let id = str::from_utf8(entry.name)
                .ok()
                .and_then(|name| name.strip_suffix(".out").or_else(|| name.strip_suffix(".q")));
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

    /// What is known of a message; `None` if nobody elsewhere waits for it (any more) and nobody holds it.
    pub fn outbound(&self, id: QueueId) -> Result<Option<Outbound>, Error> {
        outbound(&Disk, &self.msg, id)
    }
}

pub(crate) fn outbound(files: &dyn Files, msg: &Path, id: QueueId) -> Result<Option<Outbound>, Error> {
    let elsewhere = is_there(files, &msg.join(format!("{id}.out")))?;
    let progress_path = msg.join(format!("{id}.q"));
    if !elsewhere && !is_there(files, &progress_path)? {
        return Ok(None);
    }
    let path = msg.join(format!("{id}.env"));
    let Stored { envelope, sizes, .. } = match read(files, &path) {
        // Settled a moment ago, or not accepted yet.
        Err(error) if is_missing(&error) => return Ok(None),
        text => decoded(&path, Stored::decode(&text?))?,
    };
    if envelope.queue_id != id {
        let malformed = crate::envelope::Malformed("the envelope of another message");
        return Err(Error::Malformed { path, malformed });
    }
    let path = progress_path;
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

fn decoded<T>(path: &Path, decoded: Result<T, crate::envelope::Malformed>) -> Result<T, Error> {
    decoded.map_err(|malformed| Error::Malformed { path: path.to_owned(), malformed })
}

pub(crate) fn read(files: &dyn Files, path: &Path) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let read = files.open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    read.map_err(|error| mailstore::Error::new("read", path, error))?;
    Ok(text)
}
