//! `[limits]`, and `[listener.limits]` which overrides it for one listener.

use std::num::NonZeroU64;
use std::time::Duration;

use super::fault::Wrong;
use super::listener::Protocol;
use super::section::{Read, Section};
use super::value::{Count, Prefix, Size, Span};
use crate::limits;

/// What concerns a daemon as a whole; none = no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions at once.
    pub connections: Option<u32>,
    /// Prefix lengths of what counts as one network in `connections_per_network`: of IPv4, and of IPv6.
    pub network_prefixes: (u8, u8),
    /// Octets that the buffers of all sessions may hold together.
    pub memory: Option<NonZeroU64>,
    /// How long a drain waits for sessions before it cuts them.
    pub drain: Duration,
}

/// What concerns one session; none = no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Octets of a message.
    pub message_size: Option<NonZeroU64>,
    /// Recipients of a message.
    pub recipients: Option<u32>,
    /// Wrong commands until the session is closed.
    pub errors: Option<u32>,
    /// Commands that bring no mail nearer (NOOP, RSET, VRFY …), until the session is closed.
    pub idle_commands: Option<u32>,
    /// Messages of one session, begun ones included; the client comes again for more.
    pub transactions: Option<u32>,
    /// Failed logins until the session is closed.
    pub auth_failures: Option<u32>,
    /// How long to wait for the peer's next bytes, and for it to take ours.
    pub patience: Duration,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// Sessions of one address (IPv6: one /64) at once, all listeners of a daemon together.
    pub connections_per_address: Option<u32>,
    /// Sessions of one network at once, all listeners of a daemon together.
    pub connections_per_network: Option<u32>,
    /// Octets a second that the peer must send or take while it is waited for, averaged over `patience`.
    pub min_data_rate: Option<NonZeroU64>,
    /// How long a session may last, whatever it does.
    pub session_time: Option<Duration>,
}

/// `[limits]` before the protocol of a listener is known.
#[derive(Clone, Default)]
pub(super) struct Given {
    message_size: Option<Size>,
    recipients: Option<Count>,
    errors: Option<Count>,
    idle_commands: Option<Count>,
    transactions: Option<Count>,
    auth_failures: Option<Count>,
    patience: Option<Duration>,
    handshake: Option<Duration>,
    connections_per_address: Option<Count>,
    connections_per_network: Option<Count>,
    min_data_rate: Option<Size>,
    session_time: Option<Span>,
}

/// `[limits]`: what it says of the daemon, and what it says of every session.
pub(super) fn server(section: Option<Section<'_>>) -> (Limits, Given) {
    let default = Limits {
        connections: Some(limits::CONNECTIONS),
        network_prefixes: limits::NETWORK_PREFIXES,
        memory: NonZeroU64::new(limits::MEMORY),
        drain: limits::DRAIN,
    };
    let Some(section) = section else { return (default, Given::default()) };
    let (ipv4, ipv6) = default.network_prefixes;
    let memory = section.optional::<Size>("memory");
    if let Read::Given(at) = &memory
        && at.value.0.is_some_and(|octets| octets.get() < limits::MEMORY_LEAST)
    {
        let what = "with so little memory nobody would be let in";
        section.report(&at.span, Wrong::new(what, "\"64KiB\" or more (\"512MiB\" is usual), or \"none\""));
    }
    let limits = Limits {
        connections: section.optional("connections").or(Count(default.connections)).0,
        network_prefixes: (
            section.optional("ipv4_network").or(Prefix::<32>(ipv4)).0,
            section.optional("ipv6_network").or(Prefix::<128>(ipv6)).0,
        ),
        memory: memory.or(Size(default.memory)).0,
        drain: section.optional("drain").or(default.drain),
    };
    (limits, session(section, &Given::default(), None))
}

/// The limits of a session in `section`, and `outer` for what it leaves out. `protocol` is none where they are for all.
pub(super) fn session(section: Section<'_>, outer: &Given, protocol: Option<Protocol>) -> Given {
    let message_size = section.optional::<Size>("message_size");
    if let Read::Given(at) = &message_size
        && at.value.0.is_some_and(|octets| octets.get() < limits::MESSAGE_SIZE_LEAST)
    {
        let what = "RFC 5321 §4.5.3.1.7 wants messages of 64 KiB to be taken";
        section.report(&at.span, Wrong::new(what, "\"64KiB\" or more, or \"none\""));
    }
    let recipients = section.optional::<Count>("recipients");
    if let Read::Given(at) = &recipients
        && at.value.0.is_some_and(|count| count < limits::RECIPIENTS_LEAST)
    {
        let what = "RFC 5321 §4.5.3.1.8 wants 100 recipients to be taken";
        section.report(&at.span, Wrong::new(what, "100 or more, or \"none\""));
    }
    let idle_commands = section.optional::<Count>("idle_commands");
    let transactions = section.optional::<Count>("transactions");
    if protocol == Some(Protocol::Pop3) {
        let spans = [message_size.span(), recipients.span(), idle_commands.span(), transactions.span()];
        for span in spans.into_iter().flatten() {
            let what = "this belongs to SMTP, and the listener is pop3";
            section.faults().report_absence(span, Wrong::new(what, "nothing (remove the line)"));
        }
    }
    let given = Given {
        message_size: or(message_size, outer.message_size),
        recipients: or(recipients, outer.recipients),
        errors: or(section.optional("errors"), outer.errors),
        idle_commands: or(idle_commands, outer.idle_commands),
        transactions: or(transactions, outer.transactions),
        auth_failures: or(section.optional("auth_failures"), outer.auth_failures),
        patience: or(section.optional("patience"), outer.patience),
        handshake: or(section.optional("handshake"), outer.handshake),
        connections_per_address: or(
            section.optional("connections_per_address"),
            outer.connections_per_address,
        ),
        connections_per_network: or(
            section.optional("connections_per_network"),
            outer.connections_per_network,
        ),
        min_data_rate: or(section.optional("min_data_rate"), outer.min_data_rate),
        session_time: or(section.optional("session_time"), outer.session_time),
    };
    section.finish();
    given
}

fn or<T>(read: Read<T>, outer: Option<T>) -> Option<T> {
    read.given().map(|at| at.value).or(outer)
}

impl Given {
    /// With the defaults for what nobody said.
    pub(super) fn resolve(&self, protocol: Protocol) -> SessionLimits {
        let patience = match protocol {
            Protocol::Smtp => limits::SMTP_PATIENCE,
            Protocol::Pop3 => limits::POP3_PATIENCE,
        };
        let count = |given: Option<Count>, default| given.map_or(Some(default), |count| count.0);
        SessionLimits {
            message_size: self.message_size.map_or(NonZeroU64::new(limits::MESSAGE_SIZE), |size| size.0),
            recipients: count(self.recipients, limits::RECIPIENTS),
            errors: count(self.errors, limits::ERRORS),
            idle_commands: count(self.idle_commands, limits::IDLE_COMMANDS),
            transactions: count(self.transactions, limits::TRANSACTIONS),
            auth_failures: count(self.auth_failures, limits::AUTH_FAILURES),
            patience: self.patience.unwrap_or(patience),
            handshake: self.handshake.unwrap_or(limits::HANDSHAKE),
            connections_per_address: count(self.connections_per_address, limits::CONNECTIONS_PER_ADDRESS),
            connections_per_network: count(self.connections_per_network, limits::CONNECTIONS_PER_NETWORK),
            min_data_rate: self.min_data_rate.map_or(NonZeroU64::new(limits::MIN_DATA_RATE), |size| size.0),
            session_time: self.session_time.and_then(|span| span.0),
        }
    }
}

impl SessionLimits {
    /// The limits of a listener for which the file says nothing.
    pub fn default_for(protocol: Protocol) -> Self {
        Given::default().resolve(protocol)
    }
}
