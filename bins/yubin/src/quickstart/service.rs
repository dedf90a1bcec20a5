//! What a mail program can be told to use, from the configuration itself.

use std::net::SocketAddr;

use daemon_kit::config::{Auth, Config, Listener, Protocol, TlsMode};
use serde::Serialize;

/// One address of a listener, in the words of a mail program's settings.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Offered {
    pub(super) service: &'static str,
    pub(super) address: SocketAddr,
    pub(super) encryption: &'static str,
    pub(super) login: &'static str,
}

/// Mail goes in here: TLS from the first octet, and a login (RFC 8314 §3.3).
pub(super) const SUBMISSIONS: &str = "SMTP submissions";
/// Mail comes out here: TLS from the first octet.
pub(super) const POP3S: &str = "POP3S";

/// In the order of the configuration.
pub(super) fn all(config: &Config) -> Vec<Offered> {
    let each = config.listeners.iter().flat_map(|listener| {
        listener.addresses.iter().map(|address| Offered {
            service: name(listener),
            address: address.socket,
            encryption: encryption(listener),
            login: login(listener.auth),
        })
    });
    each.collect()
}

fn name(listener: &Listener) -> &'static str {
    match (listener.protocol, listener.auth, listener.tls) {
        (Protocol::Smtp, Auth::Required, TlsMode::Implicit) => SUBMISSIONS,
        (Protocol::Smtp, Auth::Required, _) => "SMTP submission",
        (Protocol::Smtp, ..) => "SMTP",
        (Protocol::Pop3, _, TlsMode::Implicit) => POP3S,
        (Protocol::Pop3, ..) => "POP3",
    }
}

fn encryption(listener: &Listener) -> &'static str {
    match (listener.tls, listener.protocol) {
        (TlsMode::None, _) => "none",
        (TlsMode::Implicit, _) => "TLS",
        (TlsMode::Starttls | TlsMode::StarttlsRequired, Protocol::Smtp) => "STARTTLS",
        (TlsMode::Starttls | TlsMode::StarttlsRequired, Protocol::Pop3) => "STLS",
    }
}

fn login(auth: Auth) -> &'static str {
    match auth {
        Auth::Off => "none",
        Auth::Optional => "optional",
        Auth::Required => "required",
    }
}
