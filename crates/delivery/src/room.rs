//! Whether there is room for more mail, asked early and answered from memory.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailstore::{Low, Space};
use tokio::time::Instant;

use crate::error::DeliveryError;
use crate::local::{Inner, LocalDelivery};

/// For so long an answer of the file system holds, less what comes meanwhile.
const HOLDS: Duration = Duration::from_secs(1);

/// What the file systems last said.
#[derive(Debug, Default)]
pub(crate) struct Room {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: Option<Instant>,
    /// Of the Maildirs, then of the queue.
    spaces: Vec<Space>,
    /// Octets of messages that came since: a fast sender fills a disk before it is asked again.
    came: u64,
    low: bool,
}

impl LocalDelivery {
    /// Whether a message of so many octets, as far as its sender says, can be taken and the [reserve](crate::StoreConfig::reserve)
    /// stays free: to be asked at MAIL, at RCPT and at DATA, for it costs next to nothing.
    ///
    /// That the file system cannot be asked is no refusal. The first refusal, and the end of the shortage, are logged.
    pub async fn room(&self, octets: Option<u64>) -> Result<(), DeliveryError> {
        let inner = self.inner.clone();
        if inner.room.is_stale() {
            let job = move || inner.ask_for_room();
            self.inner.pool.run(job).await?;
        }
        self.inner.judge(octets.unwrap_or(0)).map_err(|low| DeliveryError::NoSpace(low.into()))
    }
}

impl Inner {
    fn ask_for_room(&self) {
        let paths = [&self.config.maildirs, &self.config.queue];
        let spaces = paths.map(|path| {
            self.files.space(path).unwrap_or_else(|error| {
                tracing::warn!(event = "store_space_unknown", path = %path.display(), %error);
                Space { octets: u64::MAX, files: None }
            })
        });
        let mut state = self.room.state();
        (state.asked, state.spaces, state.came) = (Some(Instant::now()), spaces.to_vec(), 0);
    }

    fn judge(&self, coming: u64) -> Result<(), Low> {
        let reserve = self.config.reserve;
        let paths = [&self.config.maildirs, &self.config.queue];
        let mut state = self.room.state();
        let low = |coming: u64| {
            let left = |space: &Space| Space { octets: space.octets.saturating_sub(state.came), ..*space };
            let mut all = paths.iter().zip(state.spaces.iter().map(left));
            let full = all.find(|(_, space)| !reserve.allows(*space, coming));
            full.map(|(path, space)| Low { path: path.to_path_buf(), space, reserve })
        };
        let (now, then) = (low(0), low(coming));
        match (&now, state.low) {
            (Some(low), false) => tracing::error!(event = "store_low", reason = %low, "no mail is taken"),
            (None, true) => tracing::info!(event = "store_room", "there is room again, mail is taken"),
            _ => {}
        }
        state.low = now.is_some();
        // A message that is too large for what is left does not make the store full for others.
        then.map_or(Ok(()), Err)
    }
}

impl Room {
    /// So many octets more of a message are here: on the disk, or soon.
    pub(crate) fn came(&self, octets: usize) {
        let mut state = self.state();
        state.came = state.came.saturating_add(octets as u64);
    }

    fn is_stale(&self) -> bool {
        self.state().asked.is_none_or(|asked| asked.elapsed() >= HOLDS)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
