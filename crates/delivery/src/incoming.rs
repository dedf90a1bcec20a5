//! A message on its way in.

use std::mem;

use mail_queue::{Envelope, QueueId};
use mailstore::{Mailbox, UniqueName};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::error::DeliveryError;
use crate::local::LocalDelivery;
use crate::pool::Job;
use crate::store::Store;
use crate::warning::Reserved;

/// From so many octets on that lie in the file alone, the disk is given them before the message is complete.
const EARLY: usize = 2 << 20;

/// A message on its way into its mailboxes. Dropped before [`commit`](Incoming::commit), it leaves nothing.
#[derive(Debug)]
pub struct Incoming {
    local: LocalDelivery,
    envelope: Envelope,
    /// What is not written yet; its capacity is what a message costs in memory.
    buffer: Vec<u8>,
    stage: Stage,
    /// Octets in the file for which nobody has asked the disk.
    unasked: usize,
    head_start: Option<Job<Result<(), mailstore::Error>>>,
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
    /// Its beginning is in a file, or on its way there.
    Writing(Job<Written>),
    /// An error, or a call that was not awaited to its end, has undone it.
    Undone,
}

/// The file, and the buffer that was written to it, empty.
type Written = Result<(Store, Vec<u8>), DeliveryError>;

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
        Incoming::with(local, envelope, buffer, false)
    }

    pub(crate) fn by_queue(local: LocalDelivery, envelope: Envelope, header: Vec<u8>) -> Incoming {
        Incoming::with(local, envelope.without_duplicates(), header, true)
    }

    fn with(local: LocalDelivery, envelope: Envelope, buffer: Vec<u8>, queued: bool) -> Incoming {
        Incoming {
            local,
            envelope,
            buffer,
            stage: Stage::InMemory,
            unasked: 0,
            head_start: None,
            reservations: Vec::new(),
            hold: None,
            queued,
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
    /// A large message is written while it comes in, so that an error is known one piece later than it happens, at
    /// [`commit`](Incoming::commit) at the latest. After an error the message is undone, and later calls fail too. A call that is not
    /// awaited to its end undoes it.
    pub async fn write(&mut self, mut piece: &[u8]) -> Result<(), DeliveryError> {
        if matches!(self.stage, Stage::Undone) {
            return Err(undone());
        }
        self.local.inner.room.came(piece.len());
        while self.buffer.len() + piece.len() > self.limit() {
            let (now, later) = piece.split_at(self.limit().saturating_sub(self.buffer.len()));
            self.fill(now);
            piece = later;
            self.flush().await?;
        }
        self.fill(piece);
        Ok(())
    }

    /// Octets that may be in the buffer. Those of a large message are two, one that is filled and one that is written: together they
    /// hold what a small message does.
    fn limit(&self) -> usize {
        let most = self.local.small_message();
        if matches!(self.stage, Stage::InMemory) { most } else { (most / 2).max(1) }
    }

    fn fill(&mut self, octets: &[u8]) {
        // That of a small message grows with it.
        if !matches!(self.stage, Stage::InMemory) && self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(self.limit());
        }
        self.buffer.extend_from_slice(octets);
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
        if let Ok((Some(store), _)) = self.settled().await {
            // Of a runtime that ends nobody is told anything any more.
            let _ = self.local.inner.pool.run(move || drop(store)).await;
        }
    }

    async fn commit_as(mut self, from_all: Option<String>) -> Result<Accepted, DeliveryError> {
        let early = self.started().await;
        let (begun, _) = self.settled().await?;
        let buffer = mem::take(&mut self.buffer);
        let (inner, envelope) = (self.local.inner.clone(), self.envelope.clone());
        let (reservations, queued) = (mem::take(&mut self.reservations), self.queued);
        let (hold, unique) = (self.hold.take(), self.unique.take());
        let job = move || {
            let (mut store, whole) = match begun {
                None => (Store::begin(&inner, &envelope, queued, unique.as_ref())?, true),
                Some(store) => (store, false),
            };
            early?;
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

    /// Has the buffer written to the file, which begins here if it has not. While that goes on the next one can be filled.
    async fn flush(&mut self) -> Result<(), DeliveryError> {
        let (begun, spare) = self.settled().await?;
        let first = begun.is_none();
        let early = self.start_early(begun.as_ref()).await;
        self.unasked += self.buffer.len();
        let mut piece = mem::replace(&mut self.buffer, spare);
        let (inner, queued, unique) = (self.local.inner.clone(), self.queued, self.unique.clone());
        let envelope = first.then(|| self.envelope.clone());
        let job = move || {
            let mut store = match (begun, envelope) {
                (Some(store), _) => store,
                (None, Some(envelope)) => Store::begin(&inner, &envelope, queued, unique.as_ref())?,
                (None, None) => return Err(undone()),
            };
            early?;
            store.write(&piece)?;
            piece.clear();
            Ok((store, piece))
        };
        self.stage = Stage::Writing(self.local.inner.pool.start(job).await?);
        if first {
            // It holds as much as a message may.
            self.stage = self.settled().await?.0.map_or(Stage::Undone, Stage::InFile);
        }
        Ok(())
    }

    /// Has the disk take what lies in the file, while more comes in; says what came of the last time.
    async fn start_early(&mut self, begun: Option<&Store>) -> Result<(), DeliveryError> {
        let due = self.unasked >= EARLY && self.head_start.as_ref().is_none_or(Job::is_over);
        let Some(store) = begun.filter(|_| due) else { return Ok(()) };
        self.started().await?;
        if let Some(head_start) = store.head_start() {
            self.head_start = self.local.inner.pool.start_if_free(move || head_start.run());
            self.unasked = 0;
        }
        Ok(())
    }

    /// Waits for what the disk was given early.
    async fn started(&mut self) -> Result<(), DeliveryError> {
        match self.head_start.take() {
            Some(job) => Ok(job.end().await??),
            None => Ok(()),
        }
    }

    /// Waits for the piece that is being written. The file, if there is one, is the caller's then, with an empty buffer; the message is
    /// undone if it is not put back.
    async fn settled(&mut self) -> Result<(Option<Store>, Vec<u8>), DeliveryError> {
        match mem::replace(&mut self.stage, Stage::Undone) {
            Stage::InMemory => Ok((None, Vec::new())),
            Stage::InFile(store) => Ok((Some(store), Vec::new())),
            Stage::Writing(job) => job.end().await?.map(|(store, buffer)| (Some(store), buffer)),
            Stage::Undone => Err(undone()),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let stage = mem::replace(&mut self.stage, Stage::Undone);
        // Removing the file is file work too: not on an async thread if there is another.
        match (stage, Handle::try_current()) {
            (Stage::InFile(store), Ok(runtime)) => drop(runtime.spawn_blocking(move || drop(store))),
            (Stage::Writing(job), Ok(runtime)) => drop(runtime.spawn(async move {
                if let Ok(written) = job.end().await {
                    spawn_blocking(move || drop(written));
                }
            })),
            _ => {}
        }
    }
}

fn undone() -> DeliveryError {
    DeliveryError::Io("an earlier error has undone this message".into())
}
