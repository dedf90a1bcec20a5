//! Messages for other hosts that were accepted, on their way from who accepts to who sends.

use std::sync::{Mutex, PoisonError};

use mail_queue::QueueId;
use tokio::sync::Notify;

/// Ids only: sixteen octets a message.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    ids: Mutex<Vec<QueueId>>,
    some: Notify,
}

impl Arrivals {
    pub(crate) fn of(ids: Vec<QueueId>) -> Self {
        Self { ids: Mutex::new(ids), some: Notify::new() }
    }

    pub(crate) fn push(&self, id: QueueId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        self.some.notify_one();
    }

    pub(crate) fn take(&self) -> Vec<QueueId> {
        std::mem::take(&mut self.ids.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Comes back when there may be some.
    pub(crate) async fn notified(&self) {
        self.some.notified().await;
    }
}
