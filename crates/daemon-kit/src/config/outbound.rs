//! `[outbound]`: how mail leaves for other hosts, and `[[route]]`: destinations with a way of their own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::fault::Wrong;
use super::listener::words;
use super::section::{At, Section};
use super::value::{Count, HostName, Long, Scalar, word};
use crate::limits;

/// `[outbound]` and every `[[route]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Whether mail leaves at all. If not, nobody may send to other domains, and is told so.
    pub enabled: bool,
    /// `minimal_backoff`: the pause behind the first try; each further one is twice as long.
    pub minimal_backoff: Duration,
    /// `maximal_backoff`: no pause is longer.
    pub maximal_backoff: Duration,
    /// `queue_lifetime`: how long a message is tried.
    pub queue_lifetime: Duration,
    /// `bounce_lifetime`: how long a report is tried.
    pub bounce_lifetime: Duration,
    /// `delay_warning`: after so long the sender is told, once; none: never.
    pub delay_warning: Option<Duration>,
    /// `sessions`: with all other hosts together.
    pub sessions: u32,
    /// `sessions_per_destination`: for one domain.
    pub sessions_per_destination: u32,
    /// `sessions_per_host`: with one host, whatever they are for.
    pub sessions_per_host: u32,
    /// `tls`: where no route says otherwise.
    pub tls: OutboundTls,
    /// `tls_ca_file`: authorities in PEM for `tls = "verify"`; none: the system's.
    pub tls_ca_file: Option<PathBuf>,
    /// `smarthost`, `smarthost_login`, `smarthost_password_file`: where everything goes that has no route.
    pub smarthost: Option<RelayHost>,
    /// `name_servers`; none: the system's.
    pub name_servers: Vec<SocketAddr>,
    /// `mx_port`: the port of hosts that an MX record names: 25, but in a laboratory.
    pub mx_port: u16,
    /// `report_language`: of the part of reports that people read.
    pub report_language: ReportLanguage,
    /// In the order of the file; the first that fits counts.
    pub routes: Vec<OutboundRoute>,
}

/// A host that takes mail for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayHost {
    /// Its name or address.
    pub host: String,
    /// At 465 TLS begins at once.
    pub port: u16,
    /// A login there, and the file with its password, which goes only to a host whose certificate proves its name: `tls` beside a
    /// login is `"verify"`, or is left out and means that.
    pub login: Option<(String, PathBuf)>,
}

/// `[[route]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundRoute {
    /// `domain`; `.example.jp` is everything below `example.jp`.
    pub domain: String,
    /// `host`, `login`, `password_file`; none: the domain's MX hosts, also where there is a smarthost.
    pub host: Option<RelayHost>,
    /// `tls`
    pub tls: Option<OutboundTls>,
}

/// `tls`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundTls {
    /// `"none"`: clear text.
    None,
    /// `"may"`: encrypted where the other host can, whatever its certificate.
    May,
    /// `"encrypt"`: never in clear text.
    Encrypt,
    /// `"verify"`: and with a certificate that proves the host's name.
    Verify,
}

/// `report_language`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportLanguage {
    /// `"en"`
    English,
    /// `"ja"`
    Japanese,
}

words!(OutboundTls, "\"none\", \"may\", \"encrypt\" or \"verify\"": "none" = None, "may" = May, "encrypt" = Encrypt, "verify" = Verify);
words!(ReportLanguage, "\"en\" or \"ja\"": "en" = English, "ja" = Japanese);

impl Default for Outbound {
    fn default() -> Self {
        Self {
            enabled: true,
            minimal_backoff: limits::MINIMAL_BACKOFF,
            maximal_backoff: limits::MAXIMAL_BACKOFF,
            queue_lifetime: limits::QUEUE_LIFETIME,
            bounce_lifetime: limits::QUEUE_LIFETIME,
            delay_warning: Some(limits::DELAY_WARNING),
            sessions: limits::OUTBOUND_SESSIONS,
            sessions_per_destination: limits::OUTBOUND_SESSIONS_PER_DESTINATION,
            sessions_per_host: limits::OUTBOUND_SESSIONS_PER_DESTINATION,
            tls: OutboundTls::May,
            tls_ca_file: None,
            smarthost: None,
            name_servers: Vec::new(),
            mx_port: 25,
            report_language: ReportLanguage::English,
            routes: Vec::new(),
        }
    }
}

pub(super) fn read(section: Option<Section<'_>>, routes: Vec<Section<'_>>, base: &Path) -> Outbound {
    let mut outbound = section.map_or_else(Outbound::default, |section| general(section, base));
    outbound.routes = routes.into_iter().filter_map(|section| route(section, base)).collect();
    outbound
}

fn general(section: Section<'_>, base: &Path) -> Outbound {
    let default = Outbound::default();
    let long =
        |key, default| section.optional::<Long>(key).given().and_then(|at| at.value.0).unwrap_or(default);
    let count = |key, default| {
        section.optional::<Count>(key).given().map_or(default, |at| at.value.0.unwrap_or(u32::MAX))
    };
    let relay =
        (section.optional::<HostPort>("smarthost").given(), "smarthost_login", "smarthost_password_file");
    let given_tls = section.optional::<OutboundTls>("tls").given();
    let smarthost = host(&section, relay.0.map(|at| at.value), relay.1, relay.2, base);
    proves_its_name(&section, smarthost.as_ref(), given_tls.as_ref());
    let outbound = Outbound {
        enabled: section.optional("enabled").or(default.enabled),
        minimal_backoff: long("minimal_backoff", default.minimal_backoff),
        maximal_backoff: long("maximal_backoff", default.maximal_backoff),
        queue_lifetime: long("queue_lifetime", default.queue_lifetime),
        bounce_lifetime: long("bounce_lifetime", default.bounce_lifetime),
        delay_warning: section
            .optional::<Long>("delay_warning")
            .given()
            .map_or(default.delay_warning, |at| at.value.0),
        sessions: count("sessions", default.sessions),
        sessions_per_destination: count("sessions_per_destination", default.sessions_per_destination),
        sessions_per_host: count("sessions_per_host", default.sessions_per_host),
        tls: given_tls.map_or(default.tls, |at| at.value),
        tls_ca_file: section.optional::<String>("tls_ca_file").given().map(|at| base.join(at.value)),
        smarthost,
        name_servers: section
            .list::<SocketAddr>("name_servers")
            .given()
            .map(|at| at.value.into_iter().map(|at| at.value).collect())
            .unwrap_or_default(),
        mx_port: section.optional::<Port>("mx_port").given().map_or(default.mx_port, |at| at.value.0),
        report_language: section.optional("report_language").or(default.report_language),
        routes: Vec::new(),
    };
    section.finish();
    outbound
}

fn route(section: Section<'_>, base: &Path) -> Option<OutboundRoute> {
    let domain = section.required::<RouteDomain>("domain", "\"example.jp\"");
    let given = section.optional::<HostPort>("host").given().map(|at| at.value);
    let host = host(&section, given, "login", "password_file", base);
    let tls = section.optional::<OutboundTls>("tls").given();
    proves_its_name(&section, host.as_ref(), tls.as_ref());
    section.finish();
    Some(OutboundRoute { domain: domain?.value.0, host, tls: tls.map(|at| at.value) })
}

/// Who takes any certificate gives the password to whoever stands between.
fn proves_its_name(section: &Section<'_>, host: Option<&RelayHost>, tls: Option<&At<OutboundTls>>) {
    if host.is_some_and(|host| host.login.is_some())
        && let Some(at) = tls.filter(|at| at.value != OutboundTls::Verify)
    {
        let example = "tls = \"verify\", or no tls, with tls_ca_file for an authority of one's own";
        section.report(&at.span, Wrong::new("a password for a host that need not prove its name", example));
    }
}

fn host(
    section: &Section<'_>,
    given: Option<HostPort>,
    login_key: &'static str,
    file_key: &'static str,
    base: &Path,
) -> Option<RelayHost> {
    let login = section.optional::<String>(login_key).given();
    let file = section.optional::<String>(file_key).given();
    let login = match (login, file) {
        (None, None) => None,
        (Some(login), Some(file)) => Some((login.value, base.join(file.value))),
        (Some(at), None) => {
            section.report(
                &at.span,
                Wrong::new("a login without a password", format!("{file_key} = \"password\"")),
            );
            None
        }
        (None, Some(at)) => {
            section.report(
                &at.span,
                Wrong::new("a password without a login", format!("{login_key} = \"name\"")),
            );
            None
        }
    };
    given.map(|HostPort(host, port)| RelayHost { host, port, login })
}

/// `smtp.example.jp:587`, `[2001:db8::1]:25`, or without a port: 25.
struct HostPort(String, u16);

impl Scalar for HostPort {
    const EXAMPLE: &'static str =
        "a host with its port, such as \"smtp.example.jp:587\" or \"[2001:db8::1]:25\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = String::read(value)?;
        if let Ok(socket) = given.parse::<SocketAddr>() {
            return Ok(Self(socket.ip().to_string(), socket.port()));
        }
        let (host, port) = match given.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') => (host, port.parse().ok().filter(|port| *port > 0)),
            _ => (given.as_str(), Some(25)),
        };
        let host = HostName::read(&DeValue::String(host.into()));
        match (host, port) {
            (Ok(HostName(host)), Some(port)) => Ok(Self(host, port)),
            _ => Err(Wrong::new("this is no host with a port", Self::EXAMPLE)),
        }
    }
}

struct Port(u16);

impl Scalar for Port {
    const EXAMPLE: &'static str = "a port from 1 to 65535";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let Count(count) = Count::read(value)?;
        let port = count.and_then(|count| u16::try_from(count).ok()).filter(|port| *port > 0);
        port.map(Self).ok_or_else(|| Wrong::new("this is no port", Self::EXAMPLE))
    }
}

/// A domain, or all below one.
struct RouteDomain(String);

impl Scalar for RouteDomain {
    const EXAMPLE: &'static str = "a domain such as \"example.jp\", or \".example.jp\" for all below it";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = String::read(value)?;
        let name = given.strip_prefix('.').unwrap_or(&given);
        HostName::read(&DeValue::String(name.into()))
            .map(|_| Self(given.to_ascii_lowercase()))
            .map_err(|_| Wrong::new("this is no domain", Self::EXAMPLE))
    }
}
