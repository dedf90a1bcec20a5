//! A server: bind every address, then serve sessions until the drain.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::bind::{self, Door};
use crate::config::{Config, Faults, Limits, Listener, Protocol, TlsMode};
use crate::drain::Drain;
use crate::gate::{Gate, Place, Refusal};
use crate::log::event;
use crate::tls::Acceptor;
use crate::wire::{Wire, WireError};

/// A protocol: what happens on a connection.
pub trait Service: Send + Sync + 'static {
    /// Serves one session from greeting to goodbye; TLS stands already where the listener says `implicit`. Gives one stable word
    /// for the log, such as `quit`. What is left in [`Wire::out`] is sent, and the connection closed, afterwards.
    fn serve(
        &self,
        wire: &mut Wire,
        session: &Session,
    ) -> impl Future<Output = Result<&'static str, WireError>> + Send;

    /// What somebody is told who is not let in, as a whole line.
    fn refusal(&self, refusal: Refusal, listener: &Listener) -> Vec<u8>;
}

/// What a service knows of its session besides the wire.
#[derive(Debug)]
pub struct Session {
    /// Names the session in the log.
    pub id: SessionId,
    /// The door it came through.
    pub listener: Arc<Listener>,
    tls: Option<Acceptor>,
    drain: Drain,
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
                tracing::info!(event = event::TLS_FAILED, reason = failure.reason, detail = failure.detail);
            }
            Err(_) => {}
        }
        started
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
    fn next() -> Self {
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

/// Bound, not yet serving: connections wait in the kernel until [`Server::run`].
#[derive(Debug)]
pub struct Server {
    doors: Vec<Door>,
    tls: Option<Acceptor>,
    limits: Limits,
}

impl Server {
    /// Binds every address of one protocol's listeners, or none.
    ///
    /// # Errors
    /// Every address that cannot be had, with its place in the file.
    pub fn bind(config: &Config, protocol: Protocol) -> Result<Self, Faults> {
        let doors = bind::all(config, protocol)?;
        let identities: Vec<_> =
            config.certificates.iter().map(|certificate| certificate.identity.clone()).collect();
        let tls = if identities.is_empty() { None } else { Some(acceptor(config, identities)?) };
        Ok(Self { doors, tls, limits: config.limits.clone() })
    }

    /// Where it listens; port 0 has become a real one. Connections are taken from now on, so this is also "ready".
    pub fn bound(&self) -> impl Iterator<Item = (&Listener, SocketAddr)> {
        self.doors.iter().map(|door| (door.listener.as_ref(), door.address))
    }

    /// Its certificates, to be exchanged while it runs.
    pub fn tls(&self) -> Option<Acceptor> {
        self.tls.clone()
    }

    /// Serves until the drain is over.
    ///
    /// # Errors
    /// When a bound socket cannot be served.
    pub async fn run<S: Service>(self, service: S, drain: Drain) -> io::Result<()> {
        let house = Arc::new(House {
            service,
            tls: self.tls,
            gate: Gate::new(self.limits.connections),
            sessions: TaskTracker::new(),
            cut: drain.cut_token(),
            drain,
        });
        let doormen = TaskTracker::new();
        for door in self.doors {
            let socket = tokio::net::TcpListener::from_std(door.socket)?;
            let Listener { protocol, tls, .. } = *door.listener;
            tracing::info!(event = event::LISTENER_READY, address = %door.address, %protocol, %tls);
            doormen.spawn(bind::accept(socket, door.listener, house.clone()));
        }
        doormen.close();
        doormen.wait().await;
        house.finish(&self.limits).await;
        Ok(())
    }
}

fn acceptor(config: &Config, identities: Vec<crate::tls::Identity>) -> Result<Acceptor, Faults> {
    Acceptor::new(identities).map_err(|error| {
        Faults::whole_file(
            &config.file,
            format!("TLS cannot be used: {error}"),
            "a report to the makers, this is a fault in the program",
        )
    })
}

/// What all sessions of a server share.
pub(crate) struct House<S> {
    service: S,
    tls: Option<Acceptor>,
    gate: Arc<Gate>,
    sessions: TaskTracker,
    cut: CancellationToken,
    pub(crate) drain: Drain,
}

impl<S: Service> House<S> {
    /// Lets somebody in, or says why not.
    pub(crate) fn welcome(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, listener: &Arc<Listener>) {
        match self.gate.enter(peer.ip(), listener.limits.connections_per_address) {
            Ok(place) => {
                let id = SessionId::next();
                // At the highest level, so that every event of the session carries it whatever is filtered.
                let span =
                    tracing::error_span!("session", session = %id, %peer, protocol = %listener.protocol);
                let tls = self.tls.clone().filter(|_| listener.tls != TlsMode::None);
                let session = Session { id, listener: listener.clone(), tls, drain: self.drain.clone() };
                self.sessions.spawn(self.clone().host(stream, session, place).instrument(span));
            }
            Err(refusal) => {
                if let Some(count) = self.gate.count_refusal() {
                    tracing::warn!(event = event::CONNECTION_REFUSED, reason = refusal.word(), %peer, count);
                }
                // Nobody who expects TLS can read it. A fresh socket takes a line at once or not at all; nobody waits for it.
                if listener.tls != TlsMode::Implicit {
                    let _ = socket2::SockRef::from(&stream).send(&self.service.refusal(refusal, listener));
                }
            }
        }
    }

    async fn host(self: Arc<Self>, stream: TcpStream, session: Session, _place: Place) {
        let Ok(mut wire) = Wire::new(stream) else { return };
        let mut record = Record::open();
        let outcome = tokio::select! {
            biased;
            () = self.cut.cancelled() => "cut",
            outcome = self.converse(&mut wire, &session) => outcome.unwrap_or_else(|error| error.word()),
        };
        record.outcome = outcome;
        wire.close().await;
        record.wire = wire.traffic();
    }

    async fn converse(&self, wire: &mut Wire, session: &Session) -> Result<&'static str, WireError> {
        if session.listener.tls == TlsMode::Implicit {
            session.start_tls(wire).await?;
        }
        self.service.serve(wire, session).await
    }

    /// Waits for the sessions, and cuts those that take too long.
    async fn finish(&self, limits: &Limits) {
        self.sessions.close();
        tracing::info!(event = event::DRAIN_STARTED, sessions = self.sessions.len());
        if timeout(limits.drain, self.sessions.wait()).await.is_err() {
            tracing::warn!(event = event::DRAIN_CUT, sessions = self.sessions.len());
            self.cut.cancel();
            self.sessions.wait().await;
        }
        tracing::info!(event = event::DRAIN_FINISHED);
    }
}

/// Writes a session's beginning and, whatever happens to it, its end.
struct Record {
    since: Instant,
    outcome: &'static str,
    wire: crate::wire::Traffic,
}

impl Record {
    fn open() -> Self {
        tracing::debug!(event = event::SESSION_OPEN);
        Self { since: Instant::now(), outcome: "aborted", wire: crate::wire::Traffic::default() }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Self { outcome, wire, since } = self;
        let outcome = if std::thread::panicking() { "panic" } else { outcome };
        // JSON has no place for 128 bits: it would become a text.
        let ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(event = event::SESSION_CLOSE, outcome, received = wire.received, sent = wire.sent, ms);
    }
}
