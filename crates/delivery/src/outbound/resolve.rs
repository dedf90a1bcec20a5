//! What the domain name system says, behind a trait: a table in tests, hickory-resolver in production.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Who is responsible for the zone says that there is no such name. The one answer here that is for good.
    #[error("there is no such domain")]
    NoSuchName,
    /// The name exists, without such records.
    #[error("there is no such record")]
    NoRecords,
    /// Anything else: no server answered, or with an error. It says nothing about the name.
    #[error("the name cannot be looked up now: {0}")]
    Trouble(String),
}

/// A host of an MX record, by its preference: the lower comes first (RFC 5321 §5.1).
pub type Exchange = (u16, String);

/// An answer that is still coming.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, NoAnswer>> + Send + 'a>>;

/// Who is asked.
pub trait Resolver: Send + Sync {
    /// The MX records of a domain, at least one; the null MX of RFC 7505 has the host `.`.
    fn exchanges<'a>(&'a self, domain: &'a str) -> Answering<'a, Vec<Exchange>>;
    /// The addresses of a host, at least one, IPv6 first.
    fn addresses<'a>(&'a self, host: &'a str) -> Answering<'a, Vec<IpAddr>>;
}

/// The name servers of the system, or of the configuration.
pub struct Dns(TokioResolver);

impl Dns {
    /// Asks `servers`; the system's (`/etc/resolv.conf`) where there are none.
    ///
    /// # Errors
    /// Why the system's settings cannot be used.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, String> {
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio().map_err(|error| error.to_string())?
        } else {
            let server = |server: &SocketAddr| {
                let mut config = NameServerConfig::udp_and_tcp(server.ip());
                config.connections.iter_mut().for_each(|connection| connection.port = server.port());
                config
            };
            let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        // Where mail goes is the DNS's to say, not that of a file on this host (RFC 5321 §5.1).
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        Ok(Self(builder.build().map_err(|error| error.to_string())?))
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, NoAnswer> {
        let mut name = Name::from_ascii(name).map_err(|error| NoAnswer::Trouble(error.to_string()))?;
        // Never one of the search list's.
        name.set_fqdn(true);
        let lookup = self.0.lookup(name, kind).await.map_err(|error| no_answer(&error))?;
        Ok(lookup.answers().iter().map(|record| record.data.clone()).collect())
    }

    async fn addresses_of_kind(&self, host: &str, kind: RecordType) -> Result<Vec<IpAddr>, NoAnswer> {
        let address = |data: RData| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        };
        let addresses: Vec<_> = self.ask(host, kind).await?.into_iter().filter_map(address).collect();
        if addresses.is_empty() { Err(NoAnswer::NoRecords) } else { Ok(addresses) }
    }
}

impl Resolver for Dns {
    fn exchanges<'a>(&'a self, domain: &'a str) -> Answering<'a, Vec<Exchange>> {
        Box::pin(async move {
            let exchange = |data: RData| match data {
                RData::MX(mx) => {
                    let host = mx.exchange.to_ascii();
                    let host = if host == "." { host } else { host.trim_end_matches('.').to_lowercase() };
                    Some((mx.preference, host))
                }
                _ => None,
            };
            let found: Vec<_> =
                self.ask(domain, RecordType::MX).await?.into_iter().filter_map(exchange).collect();
            if found.is_empty() { Err(NoAnswer::NoRecords) } else { Ok(found) }
        })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answering<'a, Vec<IpAddr>> {
        Box::pin(async move {
            let (six, four) = tokio::join!(
                self.addresses_of_kind(host, RecordType::AAAA),
                self.addresses_of_kind(host, RecordType::A)
            );
            match (six, four) {
                (Ok(mut six), Ok(four)) => {
                    six.extend(four);
                    Ok(six)
                }
                (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
                // One that could not be asked leaves open what it would have said.
                (Err(trouble @ NoAnswer::Trouble(_)), _) | (_, Err(trouble)) => Err(trouble),
            }
        })
    }
}

fn no_answer(error: &NetError) -> NoAnswer {
    match error {
        // RFC 2308 §2.1: a zone that answers for itself, or a cache that heard it, says which zone by its SOA record.
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.soa.is_some() => match none.response_code {
            ResponseCode::NXDomain => NoAnswer::NoSuchName,
            ResponseCode::NoError => NoAnswer::NoRecords,
            code => NoAnswer::Trouble(code.to_string()),
        },
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NoError => {
            NoAnswer::NoRecords
        }
        other => NoAnswer::Trouble(other.to_string()),
    }
}
