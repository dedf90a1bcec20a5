//! File work, away from the threads that serve connections, and by a bounded number of sessions at once.

use std::io;

use daemon_kit::WireError;
use tokio::sync::Semaphore;
use tokio::task;

use crate::limits;

/// The way to the disk. Whoever waits comes in in order, so that a session with a big message cannot keep the others away: it
/// queues again for each piece.
#[derive(Debug)]
pub(crate) struct Disk {
    places: Semaphore,
}

impl Default for Disk {
    fn default() -> Self {
        Self { places: Semaphore::new(limits::AT_DISK) }
    }
}

impl Disk {
    /// Does `work` where it may block. A panic in it costs the session, and nobody else.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WireError> {
        let _place = self.places.acquire().await.map_err(io::Error::other)?;
        Ok(task::spawn_blocking(work).await.map_err(io::Error::other)?)
    }
}
