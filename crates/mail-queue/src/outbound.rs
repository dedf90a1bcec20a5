//! Messages for other hosts, and held ones: what is known of one, how that changes, and how a message ends.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use mailstore::Sizes;

use crate::envelope::{Envelope, Recipient};
use crate::error::Error;
use crate::id::QueueId;
use crate::incoming::{create, sync};
use crate::progress::Progress;
use crate::recover::Recovery;
use crate::spool::{Outcome, Spool};
use crate::view;
use crate::whole::Octets;

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
    pub fn open_body(&self, id: QueueId) -> Result<Octets, Error> {
        view::octets(self.files(), &self.msg(), id)
    }

    /// Changes what is known of a message, durably: from `Ok` on it is remembered, whatever happens. `None`: nobody waits for it.
    ///
    /// When nobody waits any more after the change, the message is taken out of the queue.
    pub fn record(
        &self,
        id: QueueId,
        change: impl FnOnce(&Envelope, &mut Progress),
    ) -> Result<Option<Outbound>, Error> {
        let lock = self.changing(id);
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

    /// Whether anything was ever written down of a message.
    pub fn is_touched(&self, id: QueueId) -> bool {
        self.files().stat(&self.progress(id)).is_ok()
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
        let lock = self.changing(id);
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
    fn changing(&self, id: QueueId) -> Option<MutexGuard<'_, ()>> {
        let lock = self.stripe(id).map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.leaving.wait(id);
        lock
    }

    /// The same for who cannot wait.
    pub(crate) fn try_changing(&self, id: QueueId) -> Option<MutexGuard<'_, ()>> {
        match self.stripe(id)?.try_lock() {
            Ok(lock) => Some(lock),
            Err(TryLockError::Poisoned(lock)) => Some(lock.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn stripe(&self, id: QueueId) -> Option<&Mutex<()>> {
        let stripe = usize::try_from(id.micros() % self.shared.changing.len() as u64).unwrap_or_default();
        self.shared.changing.get(stripe)
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        Ok(self.files().remove(path).map_err(|error| mailstore::Error::new("remove", path, error))?)
    }

    /// Nobody elsewhere waits any more.
    fn settle(&self, envelope: &Envelope) -> Result<(), Error> {
        if self.retire(envelope.queue_id)? {
            return Ok(());
        }
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
}

pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Files(mailstore::Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound)
}
