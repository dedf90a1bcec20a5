//! What the configuration says of a listener, in the words of the protocol and of the policy.

use std::sync::Arc;

use auth_sasl::Mechanism;
use daemon_kit::Live;
use daemon_kit::config::{
    self, BareLineEndings, Config, Listener, Protocol, Relay, Replies, SessionLimits, TlsMode,
};
use smtp_proto::{Auth, BareLines, Extension, Extensions, StartTls};

use crate::words;

/// A listener with what its sessions share.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) protocol: Arc<smtp_proto::Config>,
    pub(crate) policy: relay_policy::Listener,
    /// Where it is, for the desk.
    pub(crate) place: String,
}

impl Door {
    fn of(listener: &Listener, outbound: bool, replies: &Replies) -> Self {
        let mut protocol = protocol(listener, outbound);
        words::teach(replies, &mut protocol);
        Self { protocol: Arc::new(protocol), policy: policy(listener), place: listener.place() }
    }
}

/// What a listener permits, as the policy's tables ask it.
pub fn policy(listener: &Listener) -> relay_policy::Listener {
    let relays = |whom| listener.relay.contains(&whom);
    relay_policy::Listener {
        relay_authenticated: relays(Relay::Authenticated),
        relay_inside: relays(Relay::Inside),
        relay_pop_before_smtp: relays(Relay::PopBeforeSmtp),
    }
}

/// Every SMTP listener of a configuration.
#[derive(Debug)]
pub(crate) struct Doors {
    listeners: Vec<Arc<Listener>>,
    /// Mail leaves for other hosts.
    outbound: bool,
    /// In the order of the listeners, with the texts that are in use.
    live: Live<(Vec<Arc<Door>>, Replies)>,
}

impl Doors {
    /// `outbound`: mail leaves for other hosts.
    pub(crate) fn of(config: &Config, outbound: bool) -> Self {
        let listeners: Vec<_> = config.listeners(Protocol::Smtp).cloned().collect();
        let live = Live::new(saying(&config.replies, &listeners, outbound));
        Self { listeners, outbound, live }
    }

    /// From the next session on these texts are said.
    pub(crate) fn reword(&self, replies: &Replies) {
        self.live.replace(saying(replies, &self.listeners, self.outbound));
    }

    /// The door through which a session came.
    pub(crate) fn find(&self, listener: &Arc<Listener>) -> Arc<Door> {
        let live = self.live.now();
        let (doors, replies) = &*live;
        let known = self.listeners.iter().zip(doors).find(|(of, _)| Arc::ptr_eq(of, listener));
        let strange = || Arc::new(Door::of(listener, self.outbound, replies));
        known.map_or_else(strange, |(_, door)| door.clone())
    }
}

fn saying(replies: &Replies, listeners: &[Arc<Listener>], outbound: bool) -> (Vec<Arc<Door>>, Replies) {
    let door = |listener: &Arc<Listener>| Arc::new(Door::of(listener, outbound, replies));
    (listeners.iter().map(door).collect(), replies.clone())
}

fn protocol(listener: &Listener, outbound: bool) -> smtp_proto::Config {
    let mut protocol = smtp_proto::Config::new(listener.hostname.as_str());
    protocol.starttls = match listener.tls {
        TlsMode::None | TlsMode::Implicit => StartTls::Off,
        TlsMode::Starttls => StartTls::Offered,
        TlsMode::StarttlsRequired => StartTls::Required,
    };
    let mechanisms = listener.mechanisms.iter().map(|mechanism| match mechanism {
        config::Mechanism::Login => Mechanism::Login,
        config::Mechanism::Plain => Mechanism::Plain,
    });
    protocol.auth = Auth::with(mechanisms.collect::<Vec<_>>());
    protocol.auth.required = listener.auth == config::Auth::Required;
    protocol.auth.clear_text = listener.clear_text_auth;
    protocol.auth.legacy_line = listener.smtp.legacy_auth_line;
    protocol.size = listener.limits.message_size.map(u64::from);
    protocol.bare_lines = match listener.smtp.bare_line_endings {
        BareLineEndings::Normalise => BareLines::Normalise,
        BareLineEndings::Refuse => BareLines::Refuse,
    };
    let disabled = listener.smtp.disabled.iter().map(|extension| named(*extension));
    protocol.extensions = disabled.fold(offered(outbound), Extensions::without);
    limits(&listener.limits, &mut protocol.limits);
    protocol
}

/// What is offered unless the listener disables it: no promise that nobody keeps.
///
/// DSN where mail leaves for other hosts: without that no report would reach a sender elsewhere (RFC 3461 §4.1). Not BINARYMIME: what is
/// stored is given out by POP3, which knows lines only.
fn offered(outbound: bool) -> Extensions {
    let offered = Extensions::plain().with(Extension::SmtpUtf8);
    if outbound { offered.with(Extension::Dsn) } else { offered }
}

fn named(extension: config::Extension) -> Extension {
    match extension {
        config::Extension::BinaryMime => Extension::BinaryMime,
        config::Extension::Chunking => Extension::Chunking,
        config::Extension::Dsn => Extension::Dsn,
        config::Extension::EightBitMime => Extension::EightBitMime,
        config::Extension::EnhancedStatusCodes => Extension::EnhancedStatusCodes,
        config::Extension::Help => Extension::Help,
        config::Extension::Limits => Extension::Limits,
        config::Extension::Pipelining => Extension::Pipelining,
        config::Extension::Size => Extension::Size,
        config::Extension::SmtpUtf8 => Extension::SmtpUtf8,
    }
}

fn limits(given: &SessionLimits, limits: &mut smtp_proto::Limits) {
    limits.auth_failures = given.auth_failures.unwrap_or(u32::MAX);
    limits.errors = given.errors.unwrap_or(u32::MAX);
    limits.idle_commands = given.idle_commands.unwrap_or(u32::MAX);
    limits.recipients = given.recipients.unwrap_or(u32::MAX);
    limits.transactions = given.transactions.unwrap_or(u32::MAX);
    limits.patience.command = given.patience;
    limits.patience.body = given.patience;
}
