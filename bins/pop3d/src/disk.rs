//! File work, away from the threads that serve connections, and by a bounded number of sessions at once.

use std::io;
use std::sync::Arc;

use daemon_kit::WireError;
use tokio::sync::Semaphore;
use tokio::task;

use crate::limits;

/// The way to the disk. Whoever waits comes in in order, so that a session with a big message cannot keep the others away: it
/// queues again for each piece.
#[derive(Debug)]
pub(crate) struct Disk {
    places: Arc<Semaphore>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(limits::AT_DISK)) }
    }
}

impl Disk {
    /// Does `work` where it may block. A panic in it costs the session, and nobody else. Work whose session is gone keeps its place to
    /// its end: it is at the disk all the same.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WireError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        let work = move || {
            let _place = place;
            work()
        };
        Ok(task::spawn_blocking(work).await.map_err(io::Error::other)?)
    }
}
