//! The orderly end: nobody new comes in, those inside finish what they do, and then, if it must be, they are cut.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::log::event;

/// The end of a daemon, in two steps. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    begun: CancellationToken,
    cut: CancellationToken,
}

impl Drain {
    /// One that begins when somebody says so.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that begins at the first SIGTERM or SIGINT, and cuts at the second.
    ///
    /// # Errors
    /// When the process cannot take signals.
    pub fn on_signals() -> io::Result<Self> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let drain = Self::new();
        let watched = drain.clone();
        tokio::spawn(async move {
            for step in [Self::begin, Self::cut] {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                tracing::info!(event = event::SIGNAL, signal = name);
                step(&watched);
            }
        });
        Ok(drain)
    }

    /// No new sessions; those that are open end at the next good moment.
    pub fn begin(&self) {
        self.begun.cancel();
    }

    /// Every session ends now.
    pub fn cut(&self) {
        self.begun.cancel();
        self.cut.cancel();
    }

    /// Waits until it begins.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// A token that a server may cancel for its own sessions, and that is cancelled by [`Drain::cut`].
    pub(crate) fn cut_token(&self) -> CancellationToken {
        self.cut.child_token()
    }
}
