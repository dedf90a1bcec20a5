//! What the sessions of a server share, and one session from the door to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::config::{Limits, Listener, TlsMode};
use crate::drain::Drain;
use crate::gate::{Gate, Place, Refusal};
use crate::log::event;
use crate::memory::Share;
use crate::networks::LiveNetworks;
use crate::proxy::{self, ProxyFault};
use crate::refusals::Refusals;
use crate::serve::Service;
use crate::session::{Session, SessionId};
use crate::tls::Acceptor;
use crate::wire::{Traffic, Wire, WireError};

/// What all sessions of a server share.
pub(crate) struct House<S> {
    service: Arc<S>,
    tls: Option<Acceptor>,
    gate: Arc<Gate>,
    networks: LiveNetworks,
    refusals: Arc<Refusals>,
    sessions: TaskTracker,
    cut: CancellationToken,
    pub(crate) drain: Drain,
}

impl<S: Service> House<S> {
    pub(crate) fn new(
        service: Arc<S>,
        tls: Option<Acceptor>,
        limits: &Limits,
        networks: LiveNetworks,
        drain: Drain,
    ) -> Self {
        Self {
            service,
            tls,
            gate: Gate::new(limits),
            networks,
            refusals: Arc::default(),
            sessions: TaskTracker::new(),
            cut: drain.cut_token(),
            drain,
        }
    }

    pub(crate) fn service(&self) -> &S {
        &self.service
    }

    /// Lets somebody in, or says why not.
    pub(crate) fn welcome(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, listener: &Arc<Listener>) {
        let balancers = &listener.proxy_protocol;
        if !balancers.is_empty() && !balancers.iter().any(|network| network.contains(&peer.ip())) {
            // What such a one says of its client would be a lie at best.
            return self.refusals.count(ProxyFault::NotListed.word(), peer);
        }
        match self.gate.enter() {
            Ok((place, share)) if balancers.is_empty() => {
                self.admit(stream, (peer, true), listener, place, share);
            }
            Ok((place, share)) => {
                self.sessions.spawn(self.clone().introduce(stream, peer, listener.clone(), place, share));
            }
            Err(refusal) => self.refuse(refusal, &stream, peer, listener),
        }
    }

    /// Hears from a balancer who its client is.
    async fn introduce(
        self: Arc<Self>,
        mut stream: TcpStream,
        balancer: SocketAddr,
        listener: Arc<Listener>,
        place: Place,
        share: Share,
    ) {
        let client = tokio::select! {
            biased;
            () = self.drain.begun() => return,
            client = proxy::client(&mut stream) => client,
        };
        match client {
            Ok(Some(client)) => self.admit(stream, (client, true), &listener, place, share),
            Ok(None) => self.admit(stream, (balancer, false), &listener, place, share),
            // A balancer that looks whether the port is open.
            Err(ProxyFault::HungUp) => {}
            Err(fault) => {
                let reason = fault.word();
                tracing::warn!(event = event::PROXY_REFUSED, %balancer, reason, detail = %fault);
            }
        }
    }

    fn admit(
        self: &Arc<Self>,
        stream: TcpStream,
        (peer, peer_is_client): (SocketAddr, bool),
        listener: &Arc<Listener>,
        mut place: Place,
        share: Share,
    ) {
        if listener.barred.iter().any(|class| self.networks.contains(class, peer.ip())) {
            return self.refuse(Refusal::Barred, &stream, peer, listener);
        }
        if let Err(refusal) = place.give_to(peer.ip(), &listener.limits) {
            return self.refuse(refusal, &stream, peer, listener);
        }
        let id = SessionId::next();
        // At the highest level, so that every event of the session carries it whatever is filtered.
        let span = tracing::error_span!("session", session = %id, %peer, protocol = %listener.protocol);
        let tls = self.tls.clone().filter(|_| listener.tls != TlsMode::None);
        let session = Session {
            id,
            listener: listener.clone(),
            peer_is_client,
            tls,
            drain: self.drain.clone(),
            memory: self.gate.memory(),
            networks: self.networks.clone(),
        };
        let Ok(wire) = Wire::new(stream, peer, &listener.limits, share) else { return };
        self.sessions.spawn(self.clone().host(wire, session, place).instrument(span));
    }

    fn refuse(&self, refusal: Refusal, stream: &TcpStream, peer: SocketAddr, listener: &Listener) {
        self.refusals.count(refusal.word(), peer);
        // Nobody who expects TLS can read it. A fresh socket takes a line at once or not at all; nobody waits for it.
        if listener.tls != TlsMode::Implicit {
            let _ = socket2::SockRef::from(stream).send(&self.service.refusal(refusal, listener));
        }
    }

    async fn host(self: Arc<Self>, mut wire: Wire, session: Session, _place: Place) {
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
    pub(crate) async fn finish(&self, limits: &Limits) {
        self.sessions.close();
        tracing::info!(event = event::DRAIN_STARTED, sessions = self.sessions.len());
        if timeout(limits.drain, self.sessions.wait()).await.is_err() {
            tracing::warn!(event = event::DRAIN_CUT, sessions = self.sessions.len());
            self.cut.cancel();
            self.sessions.wait().await;
        }
        self.refusals.tell_the_rest();
        tracing::info!(event = event::DRAIN_FINISHED);
    }
}

/// Writes a session's beginning and, whatever happens to it, its end.
struct Record {
    since: Instant,
    outcome: &'static str,
    wire: Traffic,
}

impl Record {
    fn open() -> Self {
        tracing::debug!(event = event::SESSION_OPEN);
        Self { since: Instant::now(), outcome: "aborted", wire: Traffic::default() }
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
