//! Refused connections, told in time and in bounded number.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits;
use crate::log::event;

/// Counts refusals until they are told.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// How many by reason, and who was the last.
    untold: BTreeMap<&'static str, (u64, SocketAddr)>,
    /// Somebody is at it to tell them.
    watched: bool,
}

impl Refusals {
    /// Tells of the first at once, and of those that follow every second while there are some, one line a reason.
    pub(crate) fn count(self: &Arc<Self>, reason: &'static str, peer: SocketAddr) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.watched {
            let (count, last) = counts.untold.entry(reason).or_insert((0, peer));
            (*count, *last) = (*count + 1, peer);
            return;
        }
        counts.watched = true;
        drop(counts);
        tell(reason, 1, peer);
        let refusals = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(limits::REFUSALS_TOLD).await;
                if !refusals.tell(true) {
                    return;
                }
            }
        });
    }

    /// Tells what was not told yet, as at the end of the daemon.
    pub(crate) fn tell_the_rest(&self) {
        self.tell(false);
    }

    /// Whether there was anything to tell. Where there was not, and `leaving`, the next one is told at once again.
    fn tell(&self, leaving: bool) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let untold = std::mem::take(&mut counts.untold);
        if leaving && untold.is_empty() {
            counts.watched = false;
        }
        drop(counts);
        for (reason, (count, peer)) in &untold {
            tell(reason, *count, *peer);
        }
        !untold.is_empty()
    }
}

fn tell(reason: &str, count: u64, peer: SocketAddr) {
    tracing::warn!(event = event::CONNECTION_REFUSED, reason, %peer, count);
}
