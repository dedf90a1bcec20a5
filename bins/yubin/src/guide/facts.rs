//! What a configuration means for a customer: a row for each name and port, and what is to be known of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use daemon_kit::config::{Auth, Config, Listener, Protocol, Relay, TlsMode, VirusChecked};

/// Something that is to be known of a port, by a stable word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    /// TLS from the first byte; there is no STARTTLS and no STLS.
    ImplicitTls(Protocol),
    /// A client may begin TLS, and need not.
    OptionalTls(Protocol),
    /// A client begins TLS before anything else.
    RequiredTls(Protocol),
    /// There is none.
    NoTls(Protocol),
    /// A login is always needed, from the provider's own network too.
    AuthRequired,
    /// A login is possible.
    AuthPossible,
    /// These mechanisms, and no others.
    Mechanisms(String),
    /// TLS is begun before a login, and may be left out where nobody logs in.
    TlsForLogin(Protocol),
    /// Where TLS is not begun, the password crosses the network as it is.
    ClearTextPassword,
    /// APOP keeps it off the network.
    Apop,
    /// To other domains from the provider's own network without a login.
    SendsFromInside,
    /// To other domains from elsewhere after one of these.
    SendsFromElsewhere { by_login: bool, after_pop: bool },
    /// For networks that block port 25.
    Submission,
    /// Not from these networks.
    Barred(String),
    /// Of a name: what is sent by it is looked through for viruses for who has the contract.
    CheckedForContract,
    /// The same, and nobody else sends by it.
    OnlyForContract,
    /// The same of everybody.
    CheckedForAll,
}

impl Note {
    /// A stable word for it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::ImplicitTls(_) => "implicit-tls",
            Self::OptionalTls(_) => "optional-tls",
            Self::RequiredTls(_) => "required-tls",
            Self::NoTls(_) => "no-tls",
            Self::TlsForLogin(_) => "tls-for-login",
            Self::AuthRequired => "auth-required",
            Self::AuthPossible => "auth-possible",
            Self::Mechanisms(_) => "mechanisms",
            Self::ClearTextPassword => "clear-text-password",
            Self::Apop => "apop",
            Self::SendsFromInside => "sends-from-inside",
            Self::SendsFromElsewhere { by_login: true, after_pop: true } => "sends-by-login-or-after-pop",
            Self::SendsFromElsewhere { by_login: true, after_pop: false } => "sends-by-login",
            Self::SendsFromElsewhere { by_login: false, after_pop: true } => "sends-after-pop",
            Self::SendsFromElsewhere { by_login: false, after_pop: false } => "does-not-send",
            Self::Submission => "submission",
            Self::Barred(_) => "barred",
            Self::CheckedForContract => "virus-check-for-contract",
            Self::OnlyForContract => "only-with-virus-check",
            Self::CheckedForAll => "virus-check-for-all",
        }
    }
}

/// A name and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) protocol: Protocol,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) notes: Vec<Note>,
    /// What holds for the name, whichever the port.
    pub(super) of_host: Option<Note>,
    /// TLS from the first byte, and for sending a login: what a customer is better off with.
    pub(super) recommended: bool,
}

/// The rows for a brand's customers, in the order of the file, receiving first; a row for each port of a name.
pub(super) fn rows(config: &Config, brand: Option<&str>) -> Vec<Row> {
    let after_pop = config.pop_before_smtp.is_some_and(|tickets| tickets.is_on());
    let mut rows = Vec::new();
    for protocol in [Protocol::Pop3, Protocol::Smtp] {
        for listener in config.listeners(protocol).filter(|listener| is_for_customers(listener, brand)) {
            let ports: BTreeSet<u16> =
                listener.addresses.iter().map(|address| address.socket.port()).collect();
            for port in ports {
                let row = Row {
                    protocol,
                    host: listener.hostname.clone(),
                    port,
                    notes: notes(listener, port, after_pop),
                    of_host: of_host(config, listener),
                    recommended: listener.tls == TlsMode::Implicit && listener.auth == Auth::Required,
                };
                // IPv4 and IPv6 may be two listeners, and are one to a customer.
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
    }
    rows
}

/// One where nobody can log in and from which nothing is sent on takes mail from other servers.
fn is_for_customers(listener: &Arc<Listener>, brand: Option<&str>) -> bool {
    listener.brand.as_deref() == brand
        && (listener.auth != Auth::Off || listener.relay.contains(&Relay::Inside))
}

/// Whether a name is for who has the virus check: where all who send by it are treated alike.
fn of_host(config: &Config, listener: &Listener) -> Option<Note> {
    config.virus_check.as_ref()?;
    let mut others = config.listeners(Protocol::Smtp).filter(|it| it.hostname == listener.hostname);
    let alike = others.all(|other| other.smtp.virus_check == listener.smtp.virus_check);
    match listener.smtp.virus_check {
        _ if !alike || listener.protocol != Protocol::Smtp => None,
        VirusChecked::Off | VirusChecked::Received => None,
        VirusChecked::Contract => Some(Note::CheckedForContract),
        VirusChecked::ContractOnly => Some(Note::OnlyForContract),
        VirusChecked::Always => Some(Note::CheckedForAll),
    }
}

fn notes(listener: &Listener, port: u16, after_pop: bool) -> Vec<Note> {
    let protocol = listener.protocol;
    let mut notes = vec![match listener.tls {
        TlsMode::Implicit => Note::ImplicitTls(protocol),
        TlsMode::None => Note::NoTls(protocol),
        TlsMode::Starttls if listener.clear_text_auth || listener.apop => Note::OptionalTls(protocol),
        TlsMode::Starttls if listener.auth == Auth::Optional => Note::TlsForLogin(protocol),
        TlsMode::Starttls if listener.auth == Auth::Off => Note::OptionalTls(protocol),
        TlsMode::Starttls | TlsMode::StarttlsRequired => Note::RequiredTls(protocol),
    }];
    if protocol == Protocol::Smtp {
        notes.extend(match listener.auth {
            Auth::Off => None,
            Auth::Optional => Some(Note::AuthPossible),
            Auth::Required => Some(Note::AuthRequired),
        });
        if listener.auth != Auth::Off {
            let mechanisms: Vec<_> = listener.mechanisms.iter().map(|it| it.as_str()).collect();
            notes.push(Note::Mechanisms(mechanisms.join(", ")));
        }
    }
    if listener.clear_text_auth {
        notes.push(Note::ClearTextPassword);
    }
    if listener.apop {
        notes.push(Note::Apop);
    }
    if protocol == Protocol::Smtp && listener.auth != Auth::Required {
        if listener.relay.contains(&Relay::Inside) {
            notes.push(Note::SendsFromInside);
        }
        notes.push(Note::SendsFromElsewhere {
            by_login: listener.relay.contains(&Relay::Authenticated),
            after_pop: after_pop && listener.relay.contains(&Relay::PopBeforeSmtp),
        });
    }
    if protocol == Protocol::Smtp && listener.auth == Auth::Required && port != 25 {
        notes.push(Note::Submission);
    }
    if !listener.barred.is_empty() {
        notes.push(Note::Barred(listener.barred.join(", ")));
    }
    notes
}
