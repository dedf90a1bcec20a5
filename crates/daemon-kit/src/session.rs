//! What a service knows of its session besides the wire.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Listener;
use crate::drain::Drain;
use crate::log::event;
use crate::memory::{Memory, MemoryFull, Share};
use crate::networks::LiveNetworks;
use crate::tls::Acceptor;
use crate::wire::{Wire, WireError};

/// What a service knows of its session besides the wire.
#[derive(Debug)]
pub struct Session {
    /// Names the session in the log.
    pub id: SessionId,
    /// The door it came through.
    pub listener: Arc<Listener>,
    /// Whether the peer's address is the client's: not where a balancer named none, and only its own is known. Nothing is allowed for
    /// such an address's sake.
    pub peer_is_client: bool,
    pub(crate) tls: Option<Acceptor>,
    pub(crate) drain: Drain,
    pub(crate) memory: Arc<Memory>,
    /// Classes of clients, as the file has them now.
    pub networks: LiveNetworks,
}

impl Session {
    /// Turns the session into an encrypted one, once the answer that allows it is in [`Wire::out`].
    ///
    /// # Errors
    /// See [`Wire::start_tls`]; the session is over then.
    pub async fn start_tls(&self, wire: &mut Wire) -> Result<(), WireError> {
        let acceptor = self.tls.as_ref().ok_or_else(|| io::Error::other("this listener has no TLS"))?;
        let started = wire.start_tls(acceptor, self.listener.limits.handshake).await;
        match &started {
            Ok(()) => {
                if let Some(tls) = wire.tls() {
                    let sni = tls.sni.unwrap_or_default();
                    tracing::debug!(
                        event = event::TLS_ESTABLISHED,
                        version = tls.version,
                        cipher = tls.cipher,
                        sni
                    );
                }
            }
            Err(WireError::Tls(failure)) => {
                let hello = failure.hello.as_deref();
                tracing::info!(
                    event = event::TLS_FAILED,
                    reason = failure.reason,
                    detail = failure.detail,
                    count = acceptor.count(failure),
                    version = hello.map(|hello| hello.version),
                    ciphers = hello.map(|hello| hello.ciphers),
                    sni = hello.and_then(|hello| hello.sni.as_deref()),
                    alpn = hello.and_then(|hello| hello.alpn.as_deref())
                );
            }
            Err(_) => {}
        }
        started
    }

    /// A share of the memory that all sessions have, for what this one will hold besides the wire's buffers.
    ///
    /// # Errors
    /// [`MemoryFull`] when there is not so much: the client should try again later.
    pub fn memory(&self, octets: u64) -> Result<Share, MemoryFull> {
        self.memory.share(octets)
    }

    /// Waits until the session should end; to stand beside [`Wire::fill`] in a `select!`.
    pub async fn draining(&self) {
        self.drain.begun().await;
    }
}

/// Names a session in the log; later sessions have greater ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(u64);

impl SessionId {
    /// Microseconds since 1970, but never one twice.
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let next = |last: u64| Some(now.max(last.wrapping_add(1)));
        let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(now);
        Self(now.max(last.wrapping_add(1)))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}
