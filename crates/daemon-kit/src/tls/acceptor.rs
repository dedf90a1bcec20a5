//! The server side of handshakes: one TLS configuration whose certificates can be exchanged while sessions go on.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::failure::TlsFailure;
use super::identity::Identity;

/// Takes TLS handshakes. Clones share their certificates.
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
    identities: Arc<Identities>,
}

impl Acceptor {
    /// One that shows the first identity that covers the name a client asks for, and else the first of all.
    ///
    /// # Errors
    /// When the crypto library cannot do what TLS 1.2 and 1.3 need.
    pub fn new(identities: Vec<Identity>) -> Result<Self, rustls::Error> {
        let identities = Arc::new(Identities(RwLock::new(identities.into())));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(identities.clone());
        // Clients poll every few minutes: a ticket spares them and us the signature, and costs no memory here.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self { config: Arc::new(config), identities })
    }

    /// From now on shows these; sessions that go on keep what they have.
    pub fn replace(&self, identities: Vec<Identity>) {
        *self.identities.0.write().unwrap_or_else(PoisonError::into_inner) = identities.into();
    }

    /// The handshake. It is boxed because its state is large and soon over, while a session's task lives long.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> Result<Box<TlsStream<TcpStream>>, (TlsFailure, TcpStream)> {
        let handshake = Box::pin(TlsAcceptor::from(self.config.clone()).accept(stream).into_fallible());
        handshake.await.map(Box::new).map_err(|(error, stream)| (TlsFailure::of(&error), stream))
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
