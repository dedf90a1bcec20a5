//! A message on its way in.

use std::mem;

use mail_queue::{Envelope, QueueId};
use mailstore::{Mailbox, UniqueName};
use tokio::runtime::Handle;

use crate::error::DeliveryError;
use crate::local::LocalDelivery;
use crate::store::Store;
use crate::warning::Reserved;

/// A message on its way into its mailboxes. Dropped before [`commit`](Incoming::commit), it leaves nothing.
#[derive(Debug)]
pub struct Incoming {
    local: LocalDelivery,
    envelope: Envelope,
    /// What is not written yet; its capacity is what a message costs in memory.
    buffer: Vec<u8>,
    stage: Stage,
    reservations: Vec<Reserved>,
    hold: Option<String>,
    /// Even a message for a single mailbox goes through the queue.
    queued: bool,
    /// Its name in the one mailbox, if that is not a new one.
    unique: Option<UniqueName>,
}

/// What the message is so far.
#[derive(Debug)]
enum Stage {
    /// All of it is in the buffer.
    InMemory,
    /// Its beginning is in a file.
    InFile(Store),
    /// An error, or a call that was not awaited to its end, has undone it.
    Undone,
}

/// The message is durable for every recipient: 250.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Its name inside this system.
    pub queue_id: QueueId,
    /// Octets as POP3 will announce them, trace headers included.
    pub octets: u64,
    /// Mailboxes that could not be served yet: the message waits for them in the queue.
    pub deferred: usize,
    /// Which ones.
    pub waiting: Vec<Mailbox>,
    /// Nobody gets it before an operator releases it.
    pub held: bool,
}

impl Incoming {
    pub(crate) fn new(local: LocalDelivery, envelope: Envelope, header: Vec<u8>) -> Incoming {
        let envelope = envelope.without_duplicates();
        let mut buffer = header;
        // The queue, which several go through, puts each one's head before it.
        if let [recipient] = &*envelope.recipients
            && envelope.remotes.is_empty()
        {
            buffer.splice(..0, envelope.head(recipient).into_bytes());
        }
        Incoming {
            local,
            envelope,
            buffer,
            stage: Stage::InMemory,
            reservations: Vec::new(),
            hold: None,
            queued: false,
            unique: None,
        }
    }

    pub(crate) fn by_queue(local: LocalDelivery, envelope: Envelope, header: Vec<u8>) -> Incoming {
        let envelope = envelope.without_duplicates();
        let (stage, reservations) = (Stage::InMemory, Vec::new());
        Incoming {
            local,
            envelope,
            buffer: header,
            stage,
            reservations,
            hold: None,
            queued: true,
            unique: None,
        }
    }

    /// Holds what was [reserved](LocalDelivery::reserve) for the recipients until the message is in their mailboxes, and counts it
    /// there.
    pub fn settling(mut self, reservations: Vec<Reserved>) -> Incoming {
        self.reservations = reservations;
        self
    }

    /// What is [held](Incoming::settling) so: the owners of the mailboxes that the message is for. The message goes on without.
    pub fn take_reserved(&mut self) -> Vec<Reserved> {
        mem::take(&mut self.reservations)
    }

    /// By this name in its one mailbox.
    pub(crate) fn named(mut self, unique: UniqueName) -> Incoming {
        self.unique = Some(unique);
        self
    }

    /// Once accepted it waits in the queue until an operator releases it, for who is elsewhere; why. To be said before
    /// [`commit`](Incoming::commit).
    pub fn hold(&mut self, why: String) {
        self.hold = Some(why);
    }

    /// Takes the next piece of the message, as on the wire without dot stuffing; pieces may have any size.
    ///
    /// After an error the message is undone, and later calls fail too. A call that is not awaited to its end undoes it.
    pub async fn write(&mut self, mut piece: &[u8]) -> Result<(), DeliveryError> {
        if matches!(self.stage, Stage::Undone) {
            return Err(undone());
        }
        self.local.inner.room.came(piece.len());
        let limit = self.local.small_message();
        while self.buffer.len() + piece.len() > limit {
            let (now, later) = piece.split_at(limit.saturating_sub(self.buffer.len()));
            self.buffer.extend_from_slice(now);
            piece = later;
            self.flush().await?;
        }
        self.buffer.extend_from_slice(piece);
        Ok(())
    }

    /// Makes the message durable, and visible to its recipients. The answer to the sender depends on this result alone.
    ///
    /// If this is not awaited to its end, the message may be delivered all the same.
    pub async fn commit(self) -> Result<Accepted, DeliveryError> {
        self.commit_as(None).await
    }

    /// As [`commit`](Incoming::commit), but nobody gets it before an operator releases it; `why` is for operators.
    ///
    /// # Errors
    /// Also where it was not begun [as one that may be held](LocalDelivery::begin_holdable).
    pub async fn commit_held(self, why: String) -> Result<Accepted, DeliveryError> {
        self.commit_as(Some(why)).await
    }

    /// Undoes the message, and comes back when nothing of it is left; dropping it does the same, a moment later.
    pub async fn discard(mut self) {
        if let Stage::InFile(store) = mem::replace(&mut self.stage, Stage::Undone) {
            // Of a runtime that ends nobody is told anything any more.
            let _ = self.local.inner.pool.run(move || drop(store)).await;
        }
    }

    async fn commit_as(mut self, from_all: Option<String>) -> Result<Accepted, DeliveryError> {
        let (stage, buffer) = (mem::replace(&mut self.stage, Stage::Undone), mem::take(&mut self.buffer));
        let (inner, envelope) = (self.local.inner.clone(), self.envelope.clone());
        let (reservations, queued) = (mem::take(&mut self.reservations), self.queued);
        let (hold, unique) = (self.hold.take(), self.unique.take());
        let job = move || {
            let (mut store, whole) = match stage {
                Stage::InMemory => (Store::begin(&inner, &envelope, queued, unique.as_ref())?, true),
                Stage::InFile(store) => (store, false),
                Stage::Undone => return Err(undone()),
            };
            if !buffer.is_empty() {
                store.write(&buffer)?;
            }
            if let Some(why) = from_all {
                return store.hold_from_all(&inner, envelope, &why);
            }
            let octets = (whole && hold.is_none() && envelope.recipients.is_empty()).then_some(buffer);
            if let Some(why) = hold {
                store.hold(why);
            }
            store.commit(&inner, envelope, reservations, octets)
        };
        let accepted = self.local.inner.pool.run(job).await??;
        self.local.keep_retrying();
        Ok(accepted)
    }

    /// Writes the buffer to the file, which begins here if it has not.
    async fn flush(&mut self) -> Result<(), DeliveryError> {
        let (stage, mut buffer) = (mem::replace(&mut self.stage, Stage::Undone), mem::take(&mut self.buffer));
        let (inner, begun) = (self.local.inner.clone(), matches!(stage, Stage::InFile(_)));
        let (queued, unique) = (self.queued, self.unique.clone());
        let envelope = if begun { None } else { Some(self.envelope.clone()) };
        let job = move || {
            let mut store = match (stage, envelope) {
                (Stage::InFile(store), _) => store,
                (Stage::InMemory, Some(envelope)) => {
                    Store::begin(&inner, &envelope, queued, unique.as_ref())?
                }
                _ => return Err(undone()),
            };
            store.write(&buffer)?;
            buffer.clear();
            Ok((store, buffer))
        };
        let (store, buffer) = self.local.inner.pool.run(job).await??;
        (self.stage, self.buffer) = (Stage::InFile(store), buffer);
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Removing the file is file work too: not on an async thread if there is another.
        if let Stage::InFile(store) = mem::replace(&mut self.stage, Stage::Undone)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(store));
        }
    }
}

fn undone() -> DeliveryError {
    DeliveryError::Io("an earlier error has undone this message".into())
}
