//! A message for other hosts a second time: what a backup keeps of it, and how it comes back.

use std::path::Path;

use mailstore::Draft;
use mailstore::files::{Disk, Files as _};

use crate::envelope::{Malformed, Stored};
use crate::error::Error;
use crate::id::QueueId;
use crate::incoming::{create, sync};
use crate::outbound::is_missing;
use crate::progress::Progress;
use crate::spool::Spool;
use crate::view::{self, View};
use crate::whole::{self, Octets};

/// What a queue knows of a message besides its octets, as it writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Who sent it, and to whom it goes.
    pub envelope: Vec<u8>,
    /// What became of its recipients so far; nothing of one that nobody has tried.
    pub progress: Option<Vec<u8>>,
}

impl View {
    /// A message that waits for somebody elsewhere, and its octets; `None` if nobody does (any more).
    pub fn copied(&self, id: QueueId) -> Result<Option<(Copied, Octets)>, Error> {
        let there = |found: Result<Vec<u8>, Error>| match found {
            Err(error) if is_missing(&error) => Ok(None),
            found => found.map(Some),
        };
        let file = |kind: &str| self.dir().join(format!("{id}.{kind}"));
        if let Some((envelope, octets)) = self.whole(id)? {
            // The octets are open, and will be what they are; the progress goes after its message.
            let progress = there(view::read(&Disk, &file("q")))?;
            let there = Disk.stat(&file("one")).is_ok();
            return Ok(there.then_some((Copied { envelope, progress }, octets)));
        }
        let Some(envelope) = there(view::read(&Disk, &file("env")))? else { return Ok(None) };
        let progress = there(view::read(&Disk, &file("q")))?;
        // The octets last: as long as their name is there somebody waits, and the progress was of that time.
        let path = file("out");
        match Disk.open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            body => {
                let opened = body.and_then(|body| body.metadata().map(|metadata| (body, metadata.len())));
                let (body, octets) = opened.map_err(|error| mailstore::Error::new("open", &path, error))?;
                Ok(Some((Copied { envelope, progress }, Octets::of_file(body, octets))))
            }
        }
    }
}

impl View {
    /// The envelope's text and the octets of a message that is one file.
    fn whole(&self, id: QueueId) -> Result<Option<(Vec<u8>, Octets)>, Error> {
        let Some((path, file)) = view::open_one(&Disk, self.dir(), id)? else { return Ok(None) };
        match whole::envelope(&file).map_err(|error| mailstore::Error::new("read", &path, error))? {
            Ok((text, octets)) => Ok(Some((text, Octets::of_file(file, octets)))),
            Err(malformed) => Err(Error::Malformed { path, malformed }),
        }
    }
}

impl Spool {
    /// Puts a message back as it was, but held: since the copy was made it may have been sent, which nobody here can know. `pour`
    /// writes its octets. Its mailboxes are not served again.
    ///
    /// `false`: it is in this queue, and stays as it is there.
    ///
    /// # Errors
    /// What `pour` says; or the copy is not one, or of other octets, or the disk would not.
    pub fn put_back<E: From<Error>>(
        &self,
        copied: &Copied,
        hold: &str,
        pour: impl FnOnce(&mut Draft) -> Result<(), E>,
    ) -> Result<bool, E> {
        let malformed = |malformed| Error::Malformed { path: "a copy".into(), malformed };
        let mut stored = Stored::decode(&copied.envelope).map_err(malformed)?;
        stored.envelope.recipients.clear();
        let (id, remotes) = (stored.envelope.queue_id, stored.envelope.remotes.len());
        if remotes == 0 {
            return Err(malformed(Malformed("nobody elsewhere")).into());
        }
        if [self.envelope(id), self.one(id)].iter().any(|path| self.files().stat(path).is_ok()) {
            return Ok(false);
        }
        let mut progress = match &copied.progress {
            Some(text) => Progress::decode(text, id, remotes).map_err(malformed)?,
            None => Progress::new(remotes),
        };
        (progress.hold, progress.here) = (Some(hold.to_owned()), false);
        let mut body = create(self, self.tmp().join(id.to_string()))?;
        pour(&mut body)?;
        if body.sizes() != stored.sizes {
            return Err(malformed(Malformed("its octets are not those of its envelope")).into());
        }
        // Of an earlier try that was cut.
        let _ = self.files().remove(&self.out(id));
        let publish = |draft: Draft, path: &Path| -> Result<(), Error> {
            draft.sync()?;
            draft.replace(path)?;
            Ok(())
        };
        let text = |name: String, text: &[u8]| -> Result<Draft, Error> {
            let mut draft = create(self, self.tmp().join(name))?;
            draft.write(text)?;
            Ok(draft)
        };
        publish(body, &self.out(id))?;
        publish(text(format!("{id}.q"), progress.encode(id).as_bytes())?, &self.progress(id))?;
        // As in accepting: all that the envelope speaks of is durable before it; without its hold it would be sent.
        sync(self)?;
        publish(text(format!("{id}.env"), stored.encode().as_bytes())?, &self.envelope(id))?;
        sync(self)?;
        Ok(true)
    }
}
