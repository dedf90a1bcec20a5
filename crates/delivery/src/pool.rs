//! The bounded pool of blocking threads.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::error::DeliveryError;

/// How many file jobs run at once: from here on, more writers did not make the disk's rate of syncs higher.
const WRITERS: usize = 100;

/// Runs file work beside the async threads, [`WRITERS`] jobs at a time; the others wait in order of arrival.
#[derive(Debug)]
pub(crate) struct Pool {
    permits: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new() -> Pool {
        Pool { permits: Arc::new(Semaphore::new(WRITERS)) }
    }

    /// Runs one job. If the caller stops waiting, a job that runs goes on to its end and its result is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DeliveryError> {
        let stopping = |error: Box<dyn std::error::Error + Send + Sync>| DeliveryError::Io(error);
        let permit = self.permits.clone().acquire_owned().await.map_err(|closed| stopping(closed.into()))?;
        let job = move || {
            let result = job();
            drop(permit);
            result
        };
        spawn_blocking(job).await.map_err(|join| stopping(join.into()))
    }
}
