//! The agent: everything that waits, in one book; sessions as far as its limits allow; asleep when nothing is due.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mail_queue::{Error, Fate, Outbound as Waiting, QueueId, Spool};
use mailstore::{Mailbox, Quota};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::book::{Book, Key, Limiter};
use super::clock::Clock;
use super::config::{Language, OutboundConfig};
use super::limits;
use super::resolve::Resolver;
use super::route::{Nexthop, nexthop};
use super::status::Outcomes;
use super::tls::Tls;
use crate::local::LocalDelivery;

/// Where a report to an address goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// Into a mailbox of ours, which may hold so much; a report comes into a full one, too, and counts there.
    Mailbox(Mailbox, Quota),
    /// To another host.
    Elsewhere,
    /// The domain is ours, and has no such user.
    Nobody,
}

/// An answer that is still coming.
pub type Finding<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Home, String>> + Send + 'a>>;

/// The same of an account: why it may send nothing.
pub type Barring<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Option<String>, String>> + Send + 'a>>;

/// The same of a language.
pub type Speaking<'a> = std::pin::Pin<Box<dyn Future<Output = Option<Language>> + Send + 'a>>;

/// Who knows our addresses.
pub trait Homes: Send + Sync {
    /// Where mail for an address goes; an error is a reason to ask again later.
    fn find<'a>(&'a self, address: &'a str) -> Finding<'a>;

    /// Who gets what nobody else can be told; [`Home::Nobody`] if no such person is appointed.
    fn postmaster(&self) -> Finding<'_>;

    /// Why what an account submitted may not leave now, if it may not; an error is a reason to ask again later.
    fn barred<'a>(&'a self, account: &'a str) -> Barring<'a>;

    /// In which language somebody at an address is written to; `None`: in the usual one.
    fn language<'a>(&'a self, _address: &'a str) -> Speaking<'a> {
        Box::pin(std::future::ready(None))
    }
}

/// The agent that brings mail to other hosts. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    pub(crate) agent: Arc<Agent>,
}

pub(crate) struct Agent {
    pub(crate) config: OutboundConfig,
    pub(crate) local: LocalDelivery,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) homes: Arc<dyn Homes>,
    pub(crate) tls: Tls,
    pub(crate) clock: Clock,
    pub(crate) outcomes: Outcomes,
    book: Mutex<Book>,
    /// Something may be due that was not.
    pub(crate) changed: Notify,
    /// One at a time tells of failures, or two sessions would tell of the same.
    pub(crate) telling: tokio::sync::Mutex<()>,
    stopping: AtomicBool,
    /// Somebody will [sweep](Spool::sweep) in a moment.
    sweeping: AtomicBool,
    /// Threads that make changes of the queue, perhaps for others still.
    pub(crate) turns: TaskTracker,
    stop: Notify,
    stopped: Notify,
}

/// Before messages are looked at again that the disk would not show.
const DISK_PAUSE: Duration = Duration::from_secs(60);
/// Messages that are read in one trip to the blocking pool.
const LOADED_AT_ONCE: usize = 64;
/// How long deliveries that have begun may go on when the agent is to stop.
const LAST_DELIVERIES: Duration = Duration::from_secs(30);

impl Outbound {
    /// Over a store that is open. Nothing happens before [`run`](Outbound::run); needs a runtime.
    ///
    /// # Errors
    /// The authorities' file cannot be used.
    pub fn new(
        config: OutboundConfig,
        local: LocalDelivery,
        resolver: Arc<dyn Resolver>,
        homes: Arc<dyn Homes>,
    ) -> Result<Self, String> {
        let tls = Tls::new(config.ca_file.as_deref())?;
        let book = Mutex::new(Book::new(config.concurrency));
        Ok(Self {
            agent: Arc::new(Agent {
                config,
                local,
                resolver,
                homes,
                tls,
                clock: Clock::start(),
                outcomes: Outcomes::default(),
                book,
                changed: Notify::new(),
                telling: tokio::sync::Mutex::new(()),
                stopping: AtomicBool::new(false),
                sweeping: AtomicBool::new(false),
                turns: TaskTracker::new(),
                stop: Notify::new(),
                stopped: Notify::new(),
            }),
        })
    }

    /// Sends what waits and what comes, until [`stop`](Outbound::stop).
    pub fn run(self) -> impl Future<Output = ()> + Send {
        // Before the first step, which one that is aborted at once never takes.
        let stopped = Stopped(self.agent);
        async move { stopped.0.clone().run().await }
    }

    /// Begins nothing new, and waits for what has begun, as long as that is reasonable. To be called once, while it runs.
    pub async fn stop(&self) {
        self.agent.stopping.store(true, Ordering::Release);
        self.agent.stop.notify_one();
        self.agent.stopped.notified().await;
    }

    /// Whether it begins nothing new.
    pub fn is_stopping(&self) -> bool {
        self.agent.is_stopping()
    }

    /// How many messages wait; one for two destinations is two.
    pub fn waiting(&self) -> usize {
        self.agent.book().len()
    }
}

/// Says that the agent runs no more, however that came; or who waits for it would wait for ever.
struct Stopped(Arc<Agent>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.stopped.notify_one();
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("config", &self.agent.config).finish_non_exhaustive()
    }
}

impl Agent {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.local.inner.spool
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    async fn run(self: Arc<Self>) {
        let mut sessions = JoinSet::new();
        let arrivals = &self.local.inner.arrivals;
        let mut loading = JoinSet::new();
        let mut status_at: Option<Instant> = None;
        loop {
            let arrived = arrivals.take();
            let arrived: Vec<QueueId> = arrived.into_iter().filter(|id| !self.take_up(*id)).collect();
            if !arrived.is_empty() {
                loading.spawn(self.clone().load(arrived));
            }
            // First when what an earlier run left is in the book.
            if status_at.map_or(loading.is_empty(), |at| at <= Instant::now()) {
                self.tell_status();
                status_at = Some(Instant::now() + limits::STATUS);
            }
            let tell = async {
                match status_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            self.tell_late(&mut sessions);
            let wake = loop {
                match self.book().open(self.clock.now()) {
                    Ok((key, first)) => drop(sessions.spawn(self.clone().serve(key, first))),
                    Err(wake) => break wake,
                }
            };
            let due = async {
                match wake {
                    Some(time) => tokio::time::sleep_until(self.clock.at(time)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Before all else: nothing new begins.
                biased;
                () = self.stop.notified() => break,
                () = due => {}
                () = tell => {}
                () = self.changed.notified() => {}
                () = arrivals.notified() => {}
                () = self.local.inner.some_late.notified() => {}
                Some(_) = sessions.join_next() => {}
                Some(_) = loading.join_next() => {}
            }
        }
        self.book().end();
        tracing::info!(event = "outbound_stopping", sessions = sessions.len());
        self.tell_late(&mut sessions);
        let finished = async {
            while sessions.join_next().await.is_some() {}
            self.turns.close();
            self.turns.wait().await;
        };
        if tokio::time::timeout(LAST_DELIVERIES, finished).await.is_err() {
            tracing::warn!(event = "outbound_cut", sessions = sessions.len());
        }
    }

    /// Senders who asked for it are told which mailboxes have their message now.
    fn tell_late(self: &Arc<Self>, sessions: &mut JoinSet<()>) {
        let late = self.local.inner.take_late();
        if !late.is_empty() {
            sessions.spawn(self.clone().report_late(late.into()));
        }
    }

    /// Takes a message into the book that nobody need read from the disk.
    fn take_up(&self, id: QueueId) -> bool {
        let fresh = self.local.inner.arrivals.fresh(id);
        fresh.inspect(|waiting| self.schedule(waiting)).is_some()
    }

    /// Files of messages that have left go away, many at a time.
    pub(crate) fn sweep_soon(self: &Arc<Self>) {
        if self.sweeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let agent = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(limits::SWEEP_PAUSE).await;
            let Some(agent) = agent.upgrade() else { return };
            agent.sweeping.store(false, Ordering::Release);
            let spool = agent.spool().clone();
            if let Ok(1..) = agent.local.inner.pool.run(move || spool.sweep()).await {
                agent.sweep_soon();
            }
        });
    }

    /// Takes messages from the disk into the book.
    async fn load(self: Arc<Self>, ids: Vec<QueueId>) {
        for batch in ids.chunks(LOADED_AT_ONCE) {
            let (spool, ids) = (self.spool().clone(), batch.to_vec());
            let read = move || ids.into_iter().map(|id| (id, spool.outbound(id))).collect::<Vec<_>>();
            match self.local.inner.pool.run(read).await {
                Ok(read) => {
                    for (id, found) in read {
                        self.enter(id, found).await;
                    }
                }
                Err(_) => return,
            }
            self.changed.notify_one();
        }
    }

    /// Puts a message into the book, or aside.
    pub(crate) async fn enter(self: &Arc<Self>, id: QueueId, found: Result<Option<Waiting>, Error>) {
        match found {
            Ok(None) => drop(self.local.inner.held().remove(&id)),
            Ok(Some(waiting)) => {
                self.schedule(&waiting);
                // A crash may have come between a failure and its report. Of what is held nobody is told before it is released.
                let failed =
                    waiting.progress.recipients.iter().any(|recipient| recipient.fate == Fate::Failed);
                if failed && waiting.progress.hold.is_none() {
                    self.report_failures(id).await;
                }
            }
            Err(Error::Malformed { malformed, .. }) => {
                let spool = self.spool().clone();
                let aside = move || spool.set_aside(id, &malformed.to_string());
                if let Ok(recovery) = self.local.inner.pool.run(aside).await {
                    crate::local::log(&recovery, &self.spool().corrupt());
                }
            }
            Err(error) => {
                tracing::error!(event = "queue_retry_failed", queue_id = %id, %error);
                self.look_again(id);
            }
        }
    }

    /// Whether what an account submitted may leave; if not it is held, until an operator releases it.
    pub(crate) async fn may_leave(&self, waiting: &Waiting) -> bool {
        let (id, Some(account)) = (waiting.envelope.queue_id, &waiting.envelope.account) else { return true };
        let reason = match self.homes.barred(account).await {
            Ok(None) => return true,
            Ok(Some(reason)) => reason,
            Err(reason) => {
                tracing::error!(event = "queue_retry_failed", queue_id = %id, error = reason);
                return false;
            }
        };
        let (spool, why) = (self.spool().clone(), reason.clone());
        let hold = move || spool.record(id, |_, progress| progress.hold = Some(why));
        match self.local.inner.pool.run(hold).await {
            Ok(Ok(_)) => tracing::warn!(event = "queue_held", queue_id = %id, account, reason),
            Ok(Err(error)) => tracing::error!(event = "queue_retry_failed", queue_id = %id, %error),
            Err(_) => {}
        }
        false
    }

    /// Reads a message again, after a while.
    pub(crate) fn look_again(self: &Arc<Self>, id: QueueId) {
        let agent = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(DISK_PAUSE).await;
            if let Some(agent) = agent.upgrade() {
                agent.local.inner.arrivals.push(id);
            }
        });
    }

    /// The times of a message's recipients, into the book.
    pub(crate) fn schedule(&self, waiting: &Waiting) {
        let Waiting { envelope, progress, .. } = waiting;
        if progress.hold.is_some() {
            self.local.inner.held().insert(envelope.queue_id);
            return;
        }
        let mut times: Vec<(Key, u64)> = Vec::new();
        for (remote, recipient) in envelope.remotes.iter().zip(&progress.recipients) {
            if recipient.fate == Fate::Waiting {
                let Nexthop { key, .. } = nexthop(&self.config, &remote.address);
                match times.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, time)) => *time = recipient.next.min(*time),
                    None => times.push((key, recipient.next)),
                }
            }
        }
        let mut book = self.book();
        for (key, time) in times {
            book.put(&key, envelope.queue_id, time, progress.warned);
        }
    }

    /// What holds a message back, in words.
    pub(crate) fn limiter(&self, waiting: &Waiting) -> Vec<(String, String)> {
        let now = self.clock.now();
        let book = self.book();
        let each = waiting.envelope.remotes.iter().zip(&waiting.progress.recipients);
        each.filter(|(_, recipient)| recipient.fate == Fate::Waiting)
            .map(|(remote, recipient)| {
                let key = nexthop(&self.config, &remote.address).key;
                (remote.address.clone(), words(&book.limiter(&key, recipient.next, now), &key))
            })
            .collect()
    }

    pub(crate) fn queue(&self) -> PathBuf {
        self.local.inner.config.queue.clone()
    }

    /// Addresses of a host, for the log.
    pub(crate) fn listed(addresses: &[IpAddr]) -> String {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

fn words(limiter: &Limiter, key: &str) -> String {
    match limiter {
        Limiter::Schedule(_) => String::from("its own time has not come"),
        Limiter::DestinationDead(until) => format!("no host of {key} answered; asked again at {until}"),
        Limiter::DestinationFull => format!("as many sessions with {key} as are allowed are busy"),
        Limiter::HostFull => format!("a host of {key} has as many sessions as are allowed"),
        Limiter::Sessions => String::from("as many sessions as are allowed in all are busy"),
        Limiter::None => String::from("nothing: it is being tried now"),
    }
}
