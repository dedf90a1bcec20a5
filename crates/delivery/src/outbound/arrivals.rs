//! Messages for other hosts that were accepted, on their way from who accepts to who sends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mail_queue::{Outbound, QueueId};
use tokio::sync::Notify;

use super::limits;

/// A message as it was accepted a moment ago: whoever sends it first need not read it from the disk again.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) waiting: Arc<Outbound>,
    pub(crate) octets: Arc<[u8]>,
}

/// Ids, sixteen octets a message; and of the latest small ones all, as far as there is room.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    ids: Mutex<Vec<QueueId>>,
    fresh: Mutex<Kept>,
    some: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    messages: HashMap<QueueId, Fresh>,
    octets: usize,
}

impl Arrivals {
    pub(crate) fn of(ids: Vec<QueueId>) -> Self {
        Self { ids: Mutex::new(ids), ..Self::default() }
    }

    pub(crate) fn push(&self, id: QueueId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        self.some.notify_one();
    }

    /// What is known of a message that is about to be [pushed](Arrivals::push); kept if there is room.
    pub(crate) fn keep(&self, id: QueueId, fresh: Fresh) {
        let mut kept = self.kept();
        if kept.octets + fresh.octets.len() <= limits::FRESH_OCTETS
            && kept.messages.len() < limits::FRESH_MESSAGES
        {
            kept.octets += fresh.octets.len();
            kept.messages.insert(id, fresh);
        }
    }

    pub(crate) fn take(&self) -> Vec<QueueId> {
        std::mem::take(&mut self.ids.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known of a message that nobody has touched since it was accepted.
    pub(crate) fn fresh(&self, id: QueueId) -> Option<Arc<Outbound>> {
        self.kept().messages.get(&id).map(|fresh| fresh.waiting.clone())
    }

    /// The same, given away: from now on the disk knows more of it.
    pub(crate) fn take_fresh(&self, id: QueueId) -> Option<Fresh> {
        let mut kept = self.kept();
        let fresh = kept.messages.remove(&id)?;
        kept.octets -= fresh.octets.len();
        Some(fresh)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes back when there may be some.
    pub(crate) async fn notified(&self) {
        self.some.notified().await;
    }
}
