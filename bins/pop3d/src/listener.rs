//! What the configuration says of a listener, in the words of the protocol.

use std::sync::Arc;

use auth_sasl::{Mechanism, Stamp};
use daemon_kit::config::{self, Config, Listener, Protocol, Replies, TlsMode};
use daemon_kit::{Live, SessionId};

use crate::words;

/// Every POP3 listener of a configuration, with what its sessions share.
#[derive(Debug)]
pub(crate) struct Doors {
    listeners: Vec<Arc<Listener>>,
    /// In the order of the listeners, with the texts that are in use.
    live: Live<(Vec<Arc<pop3_proto::Config>>, Replies)>,
}

impl Doors {
    pub(crate) fn of(config: &Config) -> Self {
        let listeners: Vec<_> = config.listeners(Protocol::Pop3).cloned().collect();
        let live = Live::new(saying(&config.replies, &listeners));
        Self { listeners, live }
    }

    /// From the next session on these texts are said.
    pub(crate) fn reword(&self, replies: &Replies) {
        self.live.replace(saying(replies, &self.listeners));
    }

    /// What is offered at the door through which a session came.
    pub(crate) fn find(&self, listener: &Arc<Listener>) -> Arc<pop3_proto::Config> {
        let live = self.live.now();
        let (doors, replies) = &*live;
        let known = self.listeners.iter().zip(doors).find(|(of, _)| Arc::ptr_eq(of, listener));
        known.map_or_else(|| Arc::new(protocol(listener, replies)), |(_, protocol)| protocol.clone())
    }
}

fn saying(replies: &Replies, listeners: &[Arc<Listener>]) -> (Vec<Arc<pop3_proto::Config>>, Replies) {
    let door = |listener: &Arc<Listener>| Arc::new(protocol(listener, replies));
    (listeners.iter().map(door).collect(), replies.clone())
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
        assert_eq!(doors.listeners.len(), 2);
        let first = doors.find(&config.listeners[0]);
        assert_eq!((first.hostname.as_str(), first.stls, first.clear_text), ("mx.example.jp", false, true));
        assert_eq!(first.mechanisms, [Mechanism::Login]);
        assert_eq!((first.limits.errors, first.limits.auth_failures), (u32::MAX, 2));
        assert_eq!(first.limits.patience.as_secs(), 11 * 60);
        assert_eq!(doors.find(&config.listeners[2]).hostname, "pop.example.jp");
    }
}
