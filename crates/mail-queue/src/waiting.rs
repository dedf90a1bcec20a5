//! What waits in a queue directory, for whoever only looks: nothing is locked, changed or removed, and its owner may go on.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailstore::files::{Disk, Entry, Files};
use mailstore::{Filed, Mailbox, Namer};

use crate::envelope::Stored;
use crate::error::Error;
use crate::view;

/// An accepted message on its way into one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Whose it is.
    pub mailbox: Mailbox,
    /// The file in which it will lie there.
    pub filed: Filed,
    /// Where it lies as long as it waits.
    pub path: PathBuf,
}

/// Every message that waits at this moment, once for each mailbox; none that is held. A directory that is not there holds none; an envelope that cannot be
/// understood is left to its owner, who sets it aside.
///
/// # Errors
/// The disk does not show what is there: whoever keeps a copy must not take that for nothing.
pub fn waiting(queue: &Path) -> Result<Vec<Waiting>, Error> {
    let files: Arc<dyn Files> = Arc::new(Disk);
    let dir = queue.join("msg");
    let mut names = Vec::new();
    let mut take = |entry: Entry<'_>| {
        names
            .extend(str::from_utf8(entry.name).ok().filter(|name| name.ends_with(".env")).map(str::to_owned));
    };
    match files.list(&dir, &mut take) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        outcome => outcome.map_err(|error| mailstore::Error::new("list", &dir, error))?,
    }
    let mut waiting = Vec::new();
    for name in names {
        let mut text = Vec::new();
        let path = dir.join(&name);
        let read = files.open(&path).and_then(|file| file.take(64 << 20).read_to_end(&mut text));
        match read {
            // Served since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read.map_err(|error| mailstore::Error::new("read", &path, error))?,
        };
        let Ok(stored) = Stored::decode(&text) else { continue };
        let (envelope, host) = (&stored.envelope, &stored.host);
        let id = envelope.queue_id;
        // Nobody has said yet that its mailboxes shall have it.
        if matches!(view::outbound(&*files, &dir, id), Ok(Some(found)) if found.progress.here) {
            continue;
        }
        let unique = Namer::new(host).for_queued(id.micros(), &id.to_string());
        for (nth, recipient) in envelope.recipients.iter().enumerate() {
            let path = dir.join(format!("{id}.{nth}"));
            // The name is there exactly as long as this recipient is to be served.
            let is_there = match files.stat(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                found => {
                    found.map(|_| true).map_err(|error| mailstore::Error::new("look at", &path, error))?
                }
            };
            if is_there
                && let Some(filed) =
                    Filed::new(unique.with_sizes(stored.sizes_for(recipient)).into_bytes(), false)
            {
                waiting.push(Waiting { mailbox: recipient.mailbox.clone(), filed, path });
            }
        }
    }
    Ok(waiting)
}
