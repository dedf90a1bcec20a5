//! How the queue stands, for who watches it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::agent::Agent;
use super::limits;
use super::outcome::Kind;
use super::schedule::arrived;

/// What came of tries, by recipients.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    delivered: AtomicU64,
    deferred: AtomicU64,
    failed: AtomicU64,
}

impl Outcomes {
    pub(crate) fn count(&self, kind: Kind) {
        let counter = match kind {
            Kind::Delivered => &self.delivered,
            Kind::Deferred => &self.deferred,
            Kind::Failed => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// What an agent has done since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// When that was: seconds since 1970.
    pub since: u64,
    /// Sessions with other hosts at this moment.
    pub sessions: u64,
    /// Recipients elsewhere whose hosts have their message.
    pub delivered: u64,
    /// Tries of recipients that are to be tried again.
    pub deferred: u64,
    /// Recipients that will not be served.
    pub failed: u64,
}

impl Counts {
    pub(crate) fn line(self) -> String {
        let Self { since, sessions, delivered, deferred, failed } = self;
        format!("{since} {sessions} {delivered} {deferred} {failed}")
    }

    /// From an agent's answer to [`Order::Status`](super::Order::Status).
    pub fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        let [since, sessions, delivered, deferred, failed] = [next()?, next()?, next()?, next()?, next()?];
        Some(Self { since, sessions, delivered, deferred, failed })
    }
}

impl Agent {
    pub(crate) fn counts(&self) -> Counts {
        let Outcomes { delivered, deferred, failed } = &self.outcomes;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            since: self.clock.began(),
            sessions: self.book().sessions() as u64,
            delivered: count(delivered),
            deferred: count(deferred),
            failed: count(failed),
        }
    }

    /// Says how the queue stands, into the log.
    pub(crate) fn tell_status(&self) {
        let depth = self.book().depth(limits::DESTINATIONS_TOLD);
        let Counts { sessions, delivered, deferred, failed, .. } = self.counts();
        let held = self.local.inner.held().len();
        let oldest = depth.oldest.map_or(0, |id| self.clock.now().saturating_sub(arrived(id)));
        let each = depth.destinations.iter().map(|(key, messages)| format!("{key} {messages}"));
        let destinations = each.collect::<Vec<_>>().join(", ");
        let waiting = depth.waiting;
        tracing::info!(
            event = "queue_status",
            waiting,
            held,
            oldest,
            destinations,
            sessions,
            delivered,
            deferred,
            failed
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_they_were_written() {
        let counts = Counts { since: 1_795_320_000, sessions: 1, delivered: 2, deferred: 3, failed: 4 };
        assert_eq!(Counts::parse(&counts.line()), Some(counts));
        assert_eq!(Counts::parse("1 2 3 4"), None);
        assert_eq!(Counts::parse("no daemon runs"), None);
    }
}
