//! What the configuration says of a listener, in the words of the protocol and of the policy.

use std::sync::Arc;

use auth_sasl::Mechanism;
use daemon_kit::config::{self, Config, Listener, Protocol, Relay, TlsMode};
use smtp_proto::{Auth, StartTls};

/// A listener with what its sessions share.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) protocol: Arc<smtp_proto::Config>,
    pub(crate) policy: relay_policy::Listener,
}

impl Door {
    pub(crate) fn of(listener: &Listener) -> Self {
        let relay_authenticated = listener.relay.contains(&Relay::Authenticated);
        Self {
            protocol: Arc::new(protocol(listener)),
            policy: relay_policy::Listener { relay_authenticated },
        }
    }
}

/// Every SMTP listener of a configuration.
#[derive(Debug)]
pub(crate) struct Doors(Vec<(Arc<Listener>, Arc<Door>)>);

impl Doors {
    pub(crate) fn of(config: &Config) -> Self {
        let listeners = config.listeners(Protocol::Smtp);
        Self(listeners.map(|listener| (listener.clone(), Arc::new(Door::of(listener)))).collect())
    }

    /// The door through which a session came.
    pub(crate) fn find(&self, listener: &Arc<Listener>) -> Arc<Door> {
        let known = self.0.iter().find(|(of, _)| Arc::ptr_eq(of, listener));
        known.map_or_else(|| Arc::new(Door::of(listener)), |(_, door)| door.clone())
    }
}

fn protocol(listener: &Listener) -> smtp_proto::Config {
    let mut protocol = smtp_proto::Config::new(listener.hostname.as_str());
    protocol.starttls = match listener.tls {
        TlsMode::None | TlsMode::Implicit => StartTls::Off,
        TlsMode::Starttls => StartTls::Offered,
    };
    let mechanisms = listener.mechanisms.iter().map(|mechanism| match mechanism {
        config::Mechanism::Login => Mechanism::Login,
        config::Mechanism::Plain => Mechanism::Plain,
    });
    protocol.auth = Auth::with(mechanisms.collect::<Vec<_>>());
    protocol.auth.required = listener.auth == config::Auth::Required;
    protocol.auth.clear_text = listener.clear_text_auth;
    protocol.size = listener.limits.message_size.map(u64::from);
    let limits = &mut protocol.limits;
    limits.auth_failures = listener.limits.auth_failures.unwrap_or(u32::MAX);
    limits.errors = listener.limits.errors.unwrap_or(u32::MAX);
    limits.recipients = listener.limits.recipients.unwrap_or(u32::MAX);
    limits.patience.command = listener.limits.patience;
    limits.patience.body = listener.limits.patience;
    protocol
}
