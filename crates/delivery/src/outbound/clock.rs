//! The time of the queue: seconds since 1970, that run as the runtime's clock does. So a test's virtual clock is ours, and a wall clock
//! that is set back delays nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    /// What the wall clock said then.
    wall: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), wall }
    }

    /// When it was started.
    pub(crate) fn began(&self) -> u64 {
        self.wall.as_secs()
    }

    pub(crate) fn now(&self) -> u64 {
        (self.wall + self.started.elapsed()).as_secs()
    }

    /// When it will be `time`.
    pub(crate) fn at(&self, time: u64) -> Instant {
        let ahead = Duration::from_secs(time).saturating_sub(self.wall);
        // A year is for ever here, and far from where an instant overflows.
        self.started + ahead.min(Duration::from_secs(365 * 24 * 3600))
    }
}
