//! What the configuration says of a listener, in the words of the protocol.

use std::sync::Arc;

use auth_sasl::{Mechanism, Stamp};
use daemon_kit::SessionId;
use daemon_kit::config::{self, Config, Listener, Protocol, Replies, TlsMode};

use crate::words;

/// Every POP3 listener of a configuration, with what its sessions share.
#[derive(Debug)]
pub(crate) struct Doors(Vec<(Arc<Listener>, Arc<pop3_proto::Config>)>, Replies);

impl Doors {
    pub(crate) fn of(config: &Config) -> Self {
        let listeners = config.listeners(Protocol::Pop3);
        let replies = config.replies.clone();
        let door = |listener: &Arc<Listener>| (listener.clone(), Arc::new(protocol(listener, &replies)));
        Self(listeners.map(door).collect(), replies)
    }

    /// What is offered at the door through which a session came.
    pub(crate) fn find(&self, listener: &Arc<Listener>) -> Arc<pop3_proto::Config> {
        let known = self.0.iter().find(|(of, _)| Arc::ptr_eq(of, listener));
        known.map_or_else(|| Arc::new(protocol(listener, &self.1)), |(_, protocol)| protocol.clone())
    }
}

fn protocol(listener: &Listener, replies: &Replies) -> pop3_proto::Config {
    let mut protocol = pop3_proto::Config::new(listener.hostname.as_str());
    // Where TLS is required, `clear_text` is off and there is no APOP: nobody logs in before it.
    protocol.stls = matches!(listener.tls, TlsMode::Starttls | TlsMode::StarttlsRequired);
    protocol.clear_text = listener.clear_text_auth;
    let mechanisms = listener.mechanisms.iter().map(|mechanism| match mechanism {
        config::Mechanism::Login => Mechanism::Login,
        config::Mechanism::Plain => Mechanism::Plain,
    });
    protocol.mechanisms = mechanisms.collect();
    protocol.implementation = Some("Yubin".into());
    protocol.limits.auth_failures = listener.limits.auth_failures.unwrap_or(u32::MAX);
    protocol.limits.errors = listener.limits.errors.unwrap_or(u32::MAX);
    protocol.limits.patience = listener.limits.patience;
    words::teach(replies, &mut protocol);
    protocol
}

/// A stamp that no session had before (RFC 1939 §7), where the listener offers APOP. A digest over it is of no use in any other.
pub(crate) fn stamp(listener: &Listener, session: SessionId) -> Option<Stamp> {
    let fresh = || {
        let random = mailstore::unique::random();
        Stamp::new(format!("<{session}.{random:x}@{}>", listener.hostname)).ok()
    };
    listener.apop.then(fresh).flatten()
}

#[cfg(test)]
mod tests {
    use daemon_kit::config::Config;

    use super::*;

    const FILE: &str = r#"
        hostname = "mx.example.jp"
        store = { maildirs = "mail", queue = "queue" }
        accounts = { database = "sqlite:accounts.sqlite", apop_key = "apop.key" }
        [[listener]]
        protocol = "pop3"
        address = "127.0.0.1:0"
        apop = true
        clear_text_auth = true
        mechanisms = ["LOGIN"]
        limits = { errors = 0, auth_failures = 2, patience = "11m" }
        [[listener]]
        protocol = "smtp"
        address = "127.0.0.1:0"
        [[listener]]
        protocol = "pop3"
        address = "127.0.0.1:0"
        clear_text_auth = true
        hostname = "pop.example.jp"
    "#;

    #[test]
    fn listeners_in_the_words_of_the_protocol() {
        let config = Config::parse(FILE, "yubin.toml").unwrap();
        let doors = Doors::of(&config);
        assert_eq!(doors.0.len(), 2);
        let first = doors.find(&config.listeners[0]);
        assert_eq!((first.hostname.as_str(), first.stls, first.clear_text), ("mx.example.jp", false, true));
        assert_eq!(first.mechanisms, [Mechanism::Login]);
        assert_eq!((first.limits.errors, first.limits.auth_failures), (u32::MAX, 2));
        assert_eq!(first.limits.patience.as_secs(), 11 * 60);
        assert_eq!(doors.find(&config.listeners[2]).hostname, "pop.example.jp");
    }
}
