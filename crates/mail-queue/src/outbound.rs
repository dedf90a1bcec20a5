//! Messages for other hosts, and held ones: what is known of one, how that changes, and how a message ends.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

use mailstore::Sizes;

use crate::envelope::{Envelope, Recipient, Stored};
use crate::error::Error;
use crate::id::QueueId;
use crate::incoming::{create, name_again, sync};
use crate::progress::Progress;
use crate::recover::Recovery;
use crate::spool::{Outcome, SUBDIRECTORIES, Spool, SpoolConfig};
use crate::view;

/// A message with recipients elsewhere, or one that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Who sent it, and to whom it goes.
    pub envelope: Envelope,
    /// Its octets.
    pub sizes: Sizes,
    /// What became of the recipients elsewhere so far.
    pub progress: Progress,
    /// If it is held: whom of ours it has not been given to.
    pub held_here: Vec<Recipient>,
}

impl Spool {
    /// What is known of a message; `None` if nobody elsewhere waits for it (any more) and nobody holds it.
    pub fn outbound(&self, id: QueueId) -> Result<Option<Outbound>, Error> {
        view::outbound(self.files(), &self.msg(), id)
    }

    /// The message, to be read from its beginning.
    pub fn open_body(&self, id: QueueId) -> Result<File, Error> {
        let path = self.out(id);
        Ok(self.files().open(&path).map_err(|error| mailstore::Error::new("open", &path, error))?)
    }

    /// Changes what is known of a message, durably: from `Ok` on it is remembered, whatever happens. `None`: nobody waits for it.
    ///
    /// When nobody waits any more after the change, the message is taken out of the queue.
    pub fn record(
        &self,
        id: QueueId,
        change: impl FnOnce(&Envelope, &mut Progress),
    ) -> Result<Option<Outbound>, Error> {
        let lock = self.change(id);
        let Some(mut outbound) = self.outbound(id)? else { return Ok(None) };
        let before = outbound.progress.clone();
        change(&outbound.envelope, &mut outbound.progress);
        if outbound.envelope.remotes.is_empty() && outbound.progress.hold.is_none() {
            // There was nothing to know of it but that.
            self.remove(&self.progress(id))?;
            sync(self)?;
        } else if !outbound.envelope.remotes.is_empty() && outbound.progress.is_done() {
            self.settle(&outbound.envelope)?;
        } else if outbound.progress != before {
            let mut text = create(self, self.tmp().join(format!("{id}.q")))?;
            text.write(outbound.progress.encode(id).as_bytes())?;
            text.sync()?;
            text.replace(&self.progress(id))?;
            sync(self)?;
        } else {
            // Who says the same again had no success with it: it is there perhaps, and a power cut would forget it.
            sync(self)?;
        }
        drop(lock);
        Ok(Some(outbound))
    }

    /// A held message goes on: from `Ok` on that is remembered, and its mailboxes were served, if they could be. `None`: no such message
    /// waits.
    pub fn release(&self, id: QueueId) -> Result<Option<Outcome>, Error> {
        let change = |_: &Envelope, progress: &mut Progress| (progress.hold, progress.here) = (None, false);
        let Some(outbound) = self.record(id, change)? else { return Ok(None) };
        if outbound.held_here.is_empty() { Ok(Some(Outcome::default())) } else { self.retry(id).map(Some) }
    }

    /// Nobody of ours gets a message that is held; says for whom it was.
    pub fn drop_held(&self, id: QueueId) -> Result<Vec<Recipient>, Error> {
        let lock = self.change(id);
        let Some(outbound) = self.outbound(id)?.filter(|found| !found.held_here.is_empty()) else {
            return Ok(Vec::new());
        };
        for (nth, recipient) in outbound.envelope.recipients.iter().enumerate() {
            if outbound.held_here.contains(recipient) {
                self.remove(&self.body(id, nth))?;
            }
        }
        // Before anything else goes, as where the last elsewhere is settled.
        sync(self)?;
        if outbound.envelope.remotes.is_empty() {
            self.forget_if_done(&outbound.envelope);
            let _ = self.files().remove(&self.progress(id));
        }
        drop(lock);
        Ok(outbound.held_here)
    }

    /// Whether a message's `.q` says that its mailboxes do not get it.
    pub(crate) fn is_held(&self, envelope: &Envelope) -> Result<bool, Error> {
        let (id, path) = (envelope.queue_id, self.progress(envelope.queue_id));
        match view::read(self.files(), &path) {
            Err(error) if is_missing(&error) => Ok(false),
            text => Progress::decode(&text?, id, envelope.remotes.len())
                .map(|progress| progress.here)
                .map_err(|malformed| Error::Malformed { path, malformed }),
        }
    }

    /// One at a time changes what is known of a message.
    fn change(&self, id: QueueId) -> Option<MutexGuard<'_, ()>> {
        let stripe = usize::try_from(id.micros() % self.shared.changing.len() as u64).unwrap_or_default();
        let lock = self.shared.changing.get(stripe)?;
        Some(lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        Ok(self.files().remove(path).map_err(|error| mailstore::Error::new("remove", path, error))?)
    }

    /// Nobody elsewhere waits any more.
    fn settle(&self, envelope: &Envelope) -> Result<(), Error> {
        self.remove(&self.out(envelope.queue_id))?;
        // Before anything else goes: a power cut that took the progress and left the rest would send the message again.
        sync(self)?;
        self.forget_if_done(envelope);
        Ok(())
    }

    /// Puts a message that cannot be understood into `corrupt/`; says what was moved, and what could not be.
    pub fn set_aside(&self, id: QueueId, why: &str) -> Recovery {
        let mut recovery = Recovery::default();
        recovery.set_message_aside(self, id, why);
        recovery
    }

    /// Takes over what waits in the queue directory of a machine that is dead; says which messages are ours now.
    ///
    /// Its mailboxes, which must be ours, are served at once. [`Error::InUse`] while its owner lives, [`Error::NotAQueue`]
    /// if it is none. To be done again after a crash:
    /// a message is in one of the two directories at every moment, and in both only if the crash came between.
    pub fn adopt(&self, queue: &Path) -> Result<(Vec<QueueId>, Recovery), Error> {
        // Nothing is made there: a slip of the pen would leave directories wherever it points.
        if SUBDIRECTORIES.iter().any(|part| self.files().stat(&queue.join(part)).is_err()) {
            return Err(Error::NotAQueue(queue.to_owned()));
        }
        let config = SpoolConfig { queue: queue.to_owned(), ..self.shared.config.clone() };
        let (other, mut recovery) = Spool::open_on(self.shared.files.clone(), config)?;
        let mut adopted = Vec::new();
        let mut ids = std::mem::take(&mut recovery.outbound);
        ids.append(&mut recovery.held);
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            match self.adopt_one(&other, id) {
                Ok(true) => adopted.push(id),
                Ok(false) => {}
                Err(Error::Malformed { malformed, .. }) => {
                    recovery.set_message_aside(&other, id, &malformed.to_string());
                }
                Err(error) => recovery.trouble.push(error),
            }
        }
        Ok((adopted, recovery))
    }

    fn adopt_one(&self, other: &Spool, id: QueueId) -> Result<bool, Error> {
        let Some(Outbound { mut envelope, sizes, progress, held_here }) = other.outbound(id)? else {
            return Ok(false);
        };
        let elsewhere = !envelope.remotes.is_empty();
        // Mailboxes that could not be served wait where they are: their turn comes when the directory is adopted again.
        if held_here.is_empty() {
            envelope.recipients.clear();
        }
        let stored = Stored { envelope, host: self.shared.config.host.clone(), sizes };
        if self.files().stat(&self.envelope(id)).is_err() {
            let mut names = Vec::new();
            if elsewhere {
                names.push((other.out(id), self.out(id), sizes));
            }
            for (nth, recipient) in stored.envelope.recipients.iter().enumerate() {
                if held_here.contains(recipient) {
                    names.push((other.body(id, nth), self.body(id, nth), stored.sizes_for(recipient)));
                }
            }
            for (theirs, ours, sizes) in names {
                let _ = self.files().remove(&ours);
                name_again(self, &theirs, &ours, sizes)?;
            }
            let mut text = create(self, self.tmp().join(format!("{id}.q")))?;
            text.write(progress.encode(id).as_bytes())?;
            text.sync()?;
            text.replace(&self.progress(id))?;
            sync(self)?;
            let mut text = create(self, self.tmp().join(format!("{id}.env")))?;
            text.write(stored.encode().as_bytes())?;
            text.sync()?;
            text.publish(&self.envelope(id))?;
            sync(self)?;
        }
        other.drop_held(id)?;
        if elsewhere {
            other.settle(&other.read(&other.envelope(id))?.envelope)?;
        }
        Ok(true)
    }
}

pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Files(mailstore::Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound)
}
