//! Messages for other hosts: what is known of one, how that changes, and how a message ends.

use std::io;
use std::sync::{MutexGuard, PoisonError};

use mailstore::Sizes;

use crate::envelope::Envelope;
use crate::error::Error;
use crate::id::QueueId;
use crate::incoming::{create, make, sync};
use crate::progress::Progress;
use crate::recover::Recovery;
use crate::spool::Spool;
use crate::together::Change;
use crate::view;
use crate::whole::Octets;

/// A message with recipients elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Who sent it, and to whom it goes.
    pub envelope: Envelope,
    /// Its octets.
    pub sizes: Sizes,
    /// What became of the recipients so far.
    pub progress: Progress,
}

impl Spool {
    /// What is known of a message; `None` if nobody elsewhere waits for it (any more).
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
        if outbound.progress.is_done() {
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

    /// Every recipient elsewhere has the message: it leaves the queue, whatever was known of it. `false`: it had left before.
    ///
    /// For who has the envelope in hand, and need not read it again to [`record`](Spool::record) so much.
    pub fn delivered(&self, id: QueueId) -> Result<bool, Error> {
        let _lock = self.changing(id);
        if self.retire(id)? {
            return Ok(true);
        }
        match self.outbound(id)? {
            None => Ok(false),
            Some(outbound) => self.settle(&outbound.envelope).map(|()| true),
        }
    }

    fn changing(&self, id: QueueId) -> Option<MutexGuard<'_, ()>> {
        let stripe = usize::try_from(id.micros() % self.shared.changing.len() as u64).unwrap_or_default();
        self.shared.changing.get(stripe).map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A message that is one file leaves; `false` if it is not one, or has left.
    fn retire(&self, id: QueueId) -> Result<bool, Error> {
        match make(self, Change::Move(self.one(id), self.done().join(id.to_string()))) {
            Err(error) if is_missing(&error) => return Ok(false),
            moved => moved?,
        }
        // After the sync: a power cut that took the progress and left the message would send it again.
        let _ = self.files().remove(&self.progress(id));
        self.shared.done.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        Ok(true)
    }

    /// Nobody elsewhere waits any more.
    fn settle(&self, envelope: &Envelope) -> Result<(), Error> {
        if self.retire(envelope.queue_id)? {
            return Ok(());
        }
        let path = self.out(envelope.queue_id);
        self.files().remove(&path).map_err(|error| mailstore::Error::new("remove", &path, error))?;
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
