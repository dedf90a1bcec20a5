//! The store of this machine: opened once, shared by all sessions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use mail_queue::{Envelope, Late, Outcome, QueueId, Recovery, Spool, SpoolConfig};
use mailstore::files::{Disk, Files};
use mailstore::{Ledger, Mailbox, Namer, Reserve};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::incoming::Incoming;
use crate::outbound::{Arrivals, Fresh};
use crate::pool::Pool;
use crate::room::Room;
use crate::warning::WarningConfig;

/// Where the store is, and how it works.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The directory of all Maildirs.
    pub maildirs: PathBuf,
    /// The queue directory, best on the same file system.
    pub queue: PathBuf,
    /// This host's name, for file names.
    pub host: String,
    /// Up to so many octets a message stays in memory until its end; also what the two buffers of a larger one hold together.
    pub small_message: usize,
    /// What stays free on the disk: see [`LocalDelivery::room`].
    pub reserve: Reserve,
    /// Who is told that a mailbox is nearly full; nobody by default.
    pub warning: Option<WarningConfig>,
}

impl StoreConfig {
    /// The usual size of a small message: 128 KiB.
    pub const SMALL_MESSAGE: usize = 128 * 1024;

    /// A store at these places.
    pub fn new(
        maildirs: impl Into<PathBuf>,
        queue: impl Into<PathBuf>,
        host: impl Into<String>,
    ) -> StoreConfig {
        StoreConfig {
            maildirs: maildirs.into(),
            queue: queue.into(),
            host: host.into(),
            small_message: StoreConfig::SMALL_MESSAGE,
            reserve: Reserve::default(),
            warning: None,
        }
    }
}

/// Delivery into the Maildirs of this machine. Cheap to clone; the queue directory is given back when the last clone and
/// the last message on its way in are dropped.
#[derive(Debug, Clone)]
pub struct LocalDelivery {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: StoreConfig,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) namer: Namer,
    pub(crate) spool: Spool,
    pub(crate) pool: Pool,
    pub(crate) room: Room,
    pub(crate) ledger: Ledger,
    /// Messages for other hosts.
    pub(crate) arrivals: Arrivals,
    /// Messages that wait for a recipient.
    pending: Mutex<BTreeMap<QueueId, Pending>>,
    /// Messages that nobody gets before they are released: how many are known to be.
    held: Mutex<BTreeSet<QueueId>>,
    /// Whose senders are to be told that a mailbox here has their message.
    late: Mutex<VecDeque<Late>>,
    /// There are some.
    pub(crate) some_late: Notify,
    /// One of them may wait for fewer.
    pub(crate) served: Arc<Notify>,
    retrying: AtomicBool,
}

/// A message that waits, and for whom, as far as anybody has looked yet.
#[derive(Debug)]
struct Pending {
    since: Since,
    mailboxes: Vec<Mailbox>,
}

impl Pending {
    fn before() -> Self {
        Self { since: Since::Before, mailboxes: Vec::new() }
    }
}

/// Since when a message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// This process has accepted it, and whoever did sees to its report of success.
    Now,
    /// It was in the queue: the start found it, or it was held.
    Before,
}

/// Reports of success that may wait to be written: if nobody writes any they are not kept.
const LATE: usize = 10_000;

/// The pause before the first retry of what could not be served; each further one is twice as long, up to the last.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LAST_RETRY: Duration = Duration::from_secs(300);

impl LocalDelivery {
    /// Opens the store, making its directories where they are missing, and finishes what a crash left in the queue.
    ///
    /// Blocks; to be called once, at start. What recovery found is logged.
    pub fn open(config: StoreConfig) -> Result<LocalDelivery, mail_queue::Error> {
        LocalDelivery::open_on(Arc::new(Disk), config)
    }

    /// As [`open`](LocalDelivery::open), by other file operations than the [`Disk`]'s.
    pub fn open_on(files: Arc<dyn Files>, config: StoreConfig) -> Result<LocalDelivery, mail_queue::Error> {
        let (queue, maildirs, host) = (config.queue.clone(), config.maildirs.clone(), config.host.clone());
        let (spool, recovery) = Spool::open_on(files.clone(), SpoolConfig { queue, maildirs, host })?;
        log(&recovery, &spool.corrupt());
        let ledger = Ledger::new();
        let ledger = match &config.warning {
            Some(warning) => ledger.warning_at(warning.percent),
            None => ledger,
        };
        let local = LocalDelivery {
            inner: Arc::new(Inner {
                namer: Namer::new(&config.host),
                config,
                files,
                spool,
                pool: Pool::new(),
                room: Room::default(),
                ledger,
                arrivals: Arrivals::of(recovery.outbound),
                pending: Mutex::new(recovery.pending.into_iter().map(|id| (id, Pending::before())).collect()),
                held: Mutex::new(recovery.held.into_iter().collect()),
                late: Mutex::default(),
                some_late: Notify::new(),
                served: Arc::default(),
                retrying: AtomicBool::new(false),
            }),
        };
        local.inner.collect_late();
        local.keep_retrying();
        Ok(local)
    }

    /// Begins a message. `header` is put first: the caller's trace headers (Return-Path, Received). Touches no file.
    pub fn begin(&self, envelope: Envelope, header: Vec<u8>) -> Incoming {
        self.keep_retrying();
        Incoming::new(self.clone(), envelope, header)
    }

    /// As [`begin`](LocalDelivery::begin), of a message that may be [held](Incoming::commit_held) at its end.
    pub fn begin_holdable(&self, envelope: Envelope, header: Vec<u8>) -> Incoming {
        self.keep_retrying();
        Incoming::by_queue(self.clone(), envelope, header)
    }

    /// A held message was released: what of it waits for a mailbox is seen to, and mailboxes are counted anew.
    pub(crate) fn released(&self, id: QueueId) {
        self.inner.ledger.forget_all();
        // Whoever accepted it knows whom it waits for, and tells its sender.
        self.inner.pending().entry(id).or_insert_with(Pending::before);
        self.inner.collect_late();
        self.keep_retrying();
    }

    /// Tries again to serve what waits in the queue; says how many messages still wait. Done in the background as well.
    pub async fn retry(&self) -> usize {
        let waiting: Vec<QueueId> = self.inner.pending().keys().copied().collect();
        for id in waiting {
            let inner = self.inner.clone();
            let job = move || match inner.spool.retry(id) {
                Ok(outcome) => {
                    // As long as it is known since when it waits.
                    inner.collect_late();
                    inner.note(id, &outcome);
                    if outcome.delivered > 0 {
                        // Whose quota that was, the queue does not know.
                        inner.ledger.forget_all();
                    }
                }
                Err(error) => tracing::warn!(event = "queue_retry_failed", queue_id = %id, %error),
            };
            if let Err(error) = self.inner.pool.run(job).await {
                tracing::warn!(event = "queue_retry_failed", queue_id = %id, %error);
            }
        }
        self.inner.pending().len()
    }

    /// Sees to it that somebody retries as long as something waits. Without a runtime, the next message will see to it.
    pub(crate) fn keep_retrying(&self) {
        if self.inner.pending().is_empty() || self.inner.retrying.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(runtime) = Handle::try_current()
            && !self.inner.retrying.swap(true, Ordering::AcqRel)
        {
            runtime.spawn(retry_until_done(Arc::downgrade(&self.inner)));
        }
    }

    pub(crate) fn small_message(&self) -> usize {
        // A buffer of nothing would never get anywhere.
        self.inner.config.small_message.max(1)
    }
}

impl Inner {
    /// A message for other hosts is to be sent, from memory if it can be: not if an operator has said something of it since it was
    /// accepted. Who says something [takes away](Arrivals::take_fresh) what is in memory after it is on the disk, so one of the two
    /// sees the other.
    pub(crate) fn push_fresh(&self, id: QueueId, fresh: Option<Fresh>) {
        if let Some(fresh) = fresh {
            self.arrivals.keep(id, fresh);
            if self.spool.is_touched(id) {
                self.arrivals.take_fresh(id);
            }
        }
        self.arrivals.push(id);
    }

    /// Remembers and logs whom a message still waits for.
    pub(crate) fn note(&self, id: QueueId, outcome: &Outcome) {
        for (mailbox, error) in &outcome.pending {
            tracing::warn!(event = "delivery_deferred", queue_id = %id, %mailbox, %error);
        }
        let mut pending = self.pending();
        if outcome.pending.is_empty() {
            pending.remove(&id);
        } else {
            let one = pending.entry(id).or_insert(Pending { since: Since::Now, mailboxes: Vec::new() });
            one.mailboxes = outcome.pending.iter().map(|(mailbox, _)| mailbox.clone()).collect();
        }
        self.served.notify_waiters();
    }

    /// Takes what came late from the spool, but for what somebody else reports.
    pub(crate) fn collect_late(&self) {
        let mut late = self.spool.take_late();
        {
            let pending = self.pending();
            let is_told =
                |one: &Late| pending.get(&one.envelope.queue_id).is_some_and(|it| it.since == Since::Now);
            late.retain(|one| !is_told(one));
        }
        late.into_iter().for_each(|one| self.report_late(one));
    }

    /// Somebody is to be told of this.
    pub(crate) fn report_late(&self, late: Late) {
        let mut all = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < LATE {
            all.push_back(late);
            self.some_late.notify_one();
        }
    }

    /// Those that are held, as far as this process knows.
    pub(crate) fn held(&self) -> MutexGuard<'_, BTreeSet<QueueId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What somebody is to be told of.
    pub(crate) fn take_late(&self) -> VecDeque<Late> {
        std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a message that this process has accepted still waits for this mailbox.
    pub(crate) fn waits_for(&self, id: QueueId, mailbox: &Mailbox) -> bool {
        self.pending().get(&id).is_some_and(|one| one.mailboxes.contains(mailbox))
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<QueueId, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the store only while it works, so that dropping the store ends it.
async fn retry_until_done(inner: Weak<Inner>) {
    let mut pause = FIRST_RETRY;
    loop {
        tokio::time::sleep(pause).await;
        let Some(inner) = inner.upgrade() else { return };
        let local = LocalDelivery { inner };
        if local.retry().await == 0 {
            local.inner.retrying.store(false, Ordering::Release);
            // Something may have come between the count and the store.
            local.keep_retrying();
            return;
        }
        pause = LAST_RETRY.min(pause * 2);
    }
}

/// What was found in a queue; `corrupt`: where what was not understood lies now.
pub(crate) fn log(recovery: &Recovery, corrupt: &Path) {
    let place = corrupt.display();
    let Recovery { finished, pending, outbound, held, discarded, corrupt: files, trouble } = recovery;
    for (file, why) in files {
        tracing::error!(
            event = "queue_corrupt",
            file,
            why,
            %place,
            advice = "look at it there; it is tried again when it is moved back into msg, with what has the same queue id, and the daemon started again"
        );
    }
    for error in trouble {
        tracing::error!(event = "queue_trouble", %error);
    }
    if finished.len() + pending.len() + outbound.len() + held.len() + discarded > 0 {
        tracing::info!(
            event = "queue_recovered",
            finished = finished.len(),
            pending = pending.len(),
            outbound = outbound.len(),
            held = held.len(),
            discarded
        );
    }
}
