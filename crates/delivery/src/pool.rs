//! The bounded pool of blocking threads.

use std::error::Error;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};

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
        self.start(job).await?.end().await
    }

    /// Comes back as soon as there is a place for the job, which runs by itself from then on.
    pub(crate) async fn start<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Job<T>, DeliveryError> {
        Ok(Job::new(self.permits.clone().acquire_owned().await.map_err(stopping)?, job))
    }

    /// As [`start`](Pool::start), of a job that nobody needs: none is started while others wait for a place.
    pub(crate) fn start_if_free<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Job<T>> {
        Some(Job::new(self.permits.clone().try_acquire_owned().ok()?, job))
    }
}

/// A job that runs, or has. If nobody waits for it, it runs to its end and its result is dropped.
#[derive(Debug)]
pub(crate) struct Job<T>(JoinHandle<T>);

impl<T: Send + 'static> Job<T> {
    fn new(permit: OwnedSemaphorePermit, job: impl FnOnce() -> T + Send + 'static) -> Job<T> {
        Job(spawn_blocking(move || {
            let result = job();
            drop(permit);
            result
        }))
    }

    /// Whether its result is there.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for its result.
    pub(crate) async fn end(self) -> Result<T, DeliveryError> {
        self.0.await.map_err(stopping)
    }
}

fn stopping(error: impl Error + Send + Sync + 'static) -> DeliveryError {
    DeliveryError::Io(error.into())
}
