//! A server: bind every address, then serve sessions until the drain.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::bind::{self, Door};
use crate::config::{Config, Faults, Limits, Listener, Protocol};
use crate::drain::Drain;
use crate::gate::Refusal;
use crate::house::House;
use crate::log::event;
use crate::networks::LiveNetworks;
use crate::session::Session;
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

    /// Ends what the service does beside its sessions, when those are over.
    fn close(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// The file was read again and has no faults: takes over, for all to come, what can change while it runs. Certificates and networks
    /// are seen to; what the file says of listeners waits for a restart.
    fn reload(&self, _config: &Config) {}

    /// What somebody is told who is not let in, as a whole line.
    fn refusal(&self, refusal: Refusal, listener: &Listener) -> Vec<u8>;
}

/// Bound, not yet serving: connections wait in the kernel until [`Server::run`].
#[derive(Debug)]
pub struct Server {
    doors: Vec<Door>,
    tls: Option<Acceptor>,
    limits: Limits,
    networks: LiveNetworks,
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
        let networks = LiveNetworks::new(config.networks.clone());
        Ok(Self { doors, tls, limits: config.limits.clone(), networks })
    }

    /// Where it listens; port 0 has become a real one. Connections are taken from now on, so this is also "ready".
    pub fn bound(&self) -> impl Iterator<Item = (&Listener, SocketAddr)> {
        self.doors.iter().map(|door| (door.listener.as_ref(), door.address))
    }

    /// Its certificates, to be exchanged while it runs.
    pub fn tls(&self) -> Option<Acceptor> {
        self.tls.clone()
    }

    /// Its network classes, to be exchanged while it runs.
    pub fn networks(&self) -> LiveNetworks {
        self.networks.clone()
    }

    /// Serves until the drain is over.
    ///
    /// # Errors
    /// When a bound socket cannot be served.
    pub async fn run<S: Service>(self, service: Arc<S>, drain: Drain) -> io::Result<()> {
        let house = Arc::new(House::new(service, self.tls, &self.limits, self.networks, drain));
        let doormen = TaskTracker::new();
        for door in self.doors {
            let socket = tokio::net::TcpListener::from_std(door.socket)?;
            let Listener { protocol, tls, ref proxy_protocol, .. } = *door.listener;
            let proxied = !proxy_protocol.is_empty();
            tracing::info!(event = event::LISTENER_READY, address = %door.address, %protocol, %tls, proxied);
            doormen.spawn(bind::accept(socket, door.listener, house.clone()));
        }
        doormen.close();
        doormen.wait().await;
        house.finish(&self.limits).await;
        house.service().close().await;
        Ok(())
    }
}

fn acceptor(config: &Config, identities: Vec<crate::tls::Identity>) -> Result<Acceptor, Faults> {
    Acceptor::asking(identities, config.client_authority.clone()).map_err(|error| {
        Faults::whole_file(
            &config.file,
            format!("TLS cannot be used: {error}"),
            "a report to the makers, this is a fault in the program",
        )
    })
}
