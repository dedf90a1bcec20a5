//! The server side of handshakes: one TLS configuration whose certificates can be exchanged while sessions go on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

use super::client::{ClientAuthority, ClientCertificate};
use super::failure::TlsFailure;
use super::hello::{self, Head};
use super::identity::Identity;

/// Takes TLS handshakes. Clones share their certificates and their counts.
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
    identities: Arc<Identities>,
    authority: Option<ClientAuthority>,
    failures: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

impl Acceptor {
    /// One that shows the first identity that covers the name a client asks for, and else the first of all.
    ///
    /// # Errors
    /// When the crypto library cannot do what TLS 1.2 and 1.3 need.
    pub fn new(identities: Vec<Identity>) -> Result<Self, rustls::Error> {
        Self::asking(identities, None)
    }

    /// The same, which asks clients for a certificate where there is an authority that signs them, and demands none.
    ///
    /// # Errors
    /// As [`Acceptor::new`].
    pub fn asking(
        identities: Vec<Identity>,
        authority: Option<ClientAuthority>,
    ) -> Result<Self, rustls::Error> {
        let identities = Arc::new(Identities(RwLock::new(identities.into())));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?;
        let config = match &authority {
            Some(authority) => config.with_client_cert_verifier(authority.asking()),
            None => config.with_no_client_auth(),
        };
        let mut config = config.with_cert_resolver(identities.clone());
        // Clients poll every few minutes: a ticket spares them and us the signature, and costs no memory here. One is enough, for
        // each session brings a new one.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.send_tls13_tickets = 1;
        Ok(Self { config: Arc::new(config), identities, authority, failures: Arc::default() })
    }

    /// From now on shows these; sessions that go on keep what they have, and so do tickets.
    pub fn replace(&self, identities: Vec<Identity>) {
        *self.identities.0.write().unwrap_or_else(PoisonError::into_inner) = identities.into();
    }

    /// How many handshakes failed so far, by the reason's word.
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a failure; how many there were for the same reason.
    pub(crate) fn count(&self, failure: &TlsFailure) -> u64 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(failure.reason).or_insert(0);
        *count += 1;
        *count
    }

    /// What the certificate of a client is worth.
    pub(crate) fn judge(&self, connection: &ServerConnection) -> ClientCertificate {
        self.authority.as_ref().map_or(ClientCertificate::None, |authority| authority.judge(connection))
    }

    /// The handshake. After one that failed for another reason than time, the stream is left for the goodbye: the alert was written.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        patience: Duration,
    ) -> Result<Box<TlsStream<TcpStream>>, (TlsFailure, Option<TcpStream>)> {
        // Boxed because its state is large and soon over, while a session's task lives long.
        Box::pin(self.shake_hands(stream, patience)).await
    }

    async fn shake_hands(
        &self,
        mut stream: TcpStream,
        patience: Duration,
    ) -> Result<Box<TlsStream<TcpStream>>, (TlsFailure, Option<TcpStream>)> {
        let deadline = Instant::now() + patience;
        let mut head = Head::default();
        let (accepted, facts) = match timeout_at(deadline, hello::read(&mut stream, &mut head)).await {
            Ok(Ok(hello)) => hello,
            Ok(Err(failure)) => return Err((failure, Some(stream))),
            Err(_) => return Err((TlsFailure::timed_out(head.kind(), None), None)),
        };
        let handshake =
            StartHandshake::from_parts(accepted, stream).into_stream(self.config.clone()).into_fallible();
        match timeout_at(deadline, handshake).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err((error, stream))) => Err((TlsFailure::of(&error, head.kind(), Some(facts)), Some(stream))),
            Err(_) => Err((TlsFailure::timed_out(head.kind(), Some(facts)), None)),
        }
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("identities", &self.identities.0).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Identities(RwLock<Arc<[Identity]>>);

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let identities = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named =
            hello.server_name().and_then(|name| identities.iter().find(|identity| identity.covers(name)));
        named.or(identities.first()).map(|identity| identity.certified().clone())
    }
}
