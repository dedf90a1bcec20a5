//! How mail leaves.

use std::net::SocketAddr;
use std::path::PathBuf;

use auth_sasl::Secret;

use super::book::Concurrency;
use super::schedule::Schedule;

/// How mail leaves.
#[derive(Debug, Clone)]
pub struct OutboundConfig {
    /// What this host calls itself; also what an MX record of ours would name.
    pub hostname: String,
    /// When messages are tried.
    pub schedule: Schedule,
    /// How many at once.
    pub concurrency: Concurrency,
    /// TLS where no route says otherwise.
    pub tls: TlsPolicy,
    /// Certificates that may sign those of other hosts, in PEM; none: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Where everything goes that has no route.
    pub smarthost: Option<Relay>,
    /// Destinations with a way of their own; the first that fits counts.
    pub routes: Vec<Route>,
    /// The port of hosts that an MX record names: 25, but in a laboratory.
    pub port: u16,
    /// Name servers; none: the system's.
    pub name_servers: Vec<SocketAddr>,
    /// The language of reports.
    pub language: Language,
}

impl OutboundConfig {
    /// Everything as usual.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            schedule: Schedule::default(),
            concurrency: Concurrency::default(),
            tls: TlsPolicy::May,
            ca_file: None,
            smarthost: None,
            routes: Vec::new(),
            port: 25,
            name_servers: Vec::new(),
            language: Language::English,
        }
    }
}

/// Whether a session must be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPolicy {
    /// In clear text.
    None,
    /// Encrypted if the host offers it, whatever its certificate; else in clear text (RFC 7435).
    May,
    /// Encrypted, whatever the certificate.
    Encrypt,
    /// Encrypted, with a certificate for the host's name that an authority signed.
    Verify,
}

/// The language of reports; their machine-readable part has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

/// A destination with a way of its own.
#[derive(Debug, Clone)]
pub struct Route {
    /// The domain, in small letters; `.example.jp` for everything below `example.jp`.
    pub domain: String,
    /// Whom to ask instead of the domain's MX hosts; none: those.
    pub relay: Option<Relay>,
    /// None: as everywhere.
    pub tls: Option<TlsPolicy>,
}

impl Route {
    pub(crate) fn fits(&self, domain: &str) -> bool {
        match self.domain.strip_prefix('.') {
            Some(_) => domain.ends_with(&self.domain),
            None => domain == self.domain,
        }
    }
}

/// A host that takes mail for others.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Its name, or its address. Its MX records are not asked for.
    pub host: String,
    /// 25, 587, 465 …
    pub port: u16,
    /// TLS begins at once, as at 465 (RFC 8314 §3.3), whatever the policy says of clear text.
    pub implicit_tls: bool,
    /// Who we are there. A password goes only to a host whose certificate proves its name: with a login [`TlsPolicy::Verify`] holds,
    /// whatever else is said.
    pub login: Option<Login>,
}

/// A login at another host.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name.
    pub name: String,
    /// Its password.
    pub password: Secret,
}
