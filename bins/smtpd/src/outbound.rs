//! Mail for other hosts: the configuration in the agent's words, and who our people are.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use accounts::{Accounts, AdminError, Resolution, State};
use auth_sasl::Secret;
use daemon_kit::config::{self, Config, OutboundTls, RelayHost, ReportLanguage};
use daemon_kit::daemon::{NeedsRepair, Trouble};
use daemon_kit::log::event;
use delivery::outbound::{
    Barring, Concurrency, Dns, Finding, Home, Homes, Language, Login, Outbound, OutboundConfig, Relay, Route,
    Schedule, Speaking, TlsPolicy, suspended,
};
use delivery::{LocalDelivery, Mailbox};

use crate::domain::in_ascii;
use crate::recipient::quota;

/// How long it is believed whether an account may send.
const BARS_KNOWN: Duration = Duration::from_secs(1);
/// Accounts of which that is remembered, before those who have sent nothing lately are forgotten.
const BARS: usize = 1000;

/// All that would keep the agent from starting: the passwords, the authorities, the DNS.
pub(crate) fn check(config: &Config) -> Vec<Trouble> {
    let given = &config.outbound;
    let hosts = given.smarthost.iter().chain(given.routes.iter().filter_map(|route| route.host.as_ref()));
    let mut troubles: Vec<_> = hosts.filter_map(|host| relay(host).err()).collect();
    troubles.extend(
        delivery::outbound::check_authorities(given.tls_ca_file.as_deref()).err().map(unusable_authorities),
    );
    troubles.extend(dns(&given.name_servers).err());
    troubles
}

fn unusable_authorities(why: String) -> Trouble {
    NeedsRepair::because(format!("tls_ca_file in [outbound] cannot be used: {why}"))
}

fn dns(name_servers: &[SocketAddr]) -> Result<Dns, Trouble> {
    Dns::new(name_servers).map_err(|why| format!("the DNS cannot be asked: {why}").into())
}

/// What the configuration says, with the passwords that it names.
fn settings(config: &Config) -> Result<OutboundConfig, Trouble> {
    let config::Outbound { routes, smarthost, .. } = &config.outbound;
    let given = &config.outbound;
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let route = |route: &config::OutboundRoute| {
        Ok::<_, Trouble>(Route {
            domain: route.domain.clone(),
            relay: route.host.as_ref().map(relay).transpose()?,
            tls: route.tls.map(tls),
        })
    };
    Ok(OutboundConfig {
        schedule: Schedule {
            minimal_backoff: given.minimal_backoff,
            maximal_backoff: given.maximal_backoff,
            queue_lifetime: given.queue_lifetime,
            bounce_lifetime: given.bounce_lifetime,
            delay_warning: given.delay_warning,
        },
        concurrency: Concurrency {
            sessions: count(given.sessions),
            per_destination: count(given.sessions_per_destination),
            per_host: count(given.sessions_per_host),
        },
        tls: tls(given.tls),
        ca_file: given.tls_ca_file.clone(),
        smarthost: smarthost.as_ref().map(relay).transpose()?,
        routes: routes.iter().map(route).collect::<Result<_, _>>()?,
        port: given.mx_port,
        name_servers: given.name_servers.clone(),
        language: match given.report_language {
            ReportLanguage::English => Language::English,
            ReportLanguage::Japanese => Language::Japanese,
        },
        ..OutboundConfig::new(config.hostname.as_str())
    })
}

fn tls(tls: OutboundTls) -> TlsPolicy {
    match tls {
        OutboundTls::None => TlsPolicy::None,
        OutboundTls::May => TlsPolicy::May,
        OutboundTls::Encrypt => TlsPolicy::Encrypt,
        OutboundTls::Verify => TlsPolicy::Verify,
    }
}

fn relay(host: &RelayHost) -> Result<Relay, Trouble> {
    let login = |(name, file): &(String, std::path::PathBuf)| {
        Ok::<_, Trouble>(Login { name: name.clone(), password: password(file)? })
    };
    Ok(Relay {
        host: host.host.clone(),
        port: host.port,
        // RFC 8314 §3.3.
        implicit_tls: host.port == 465,
        login: host.login.as_ref().map(login).transpose()?,
    })
}

/// The first line of a file.
fn password(file: &Path) -> Result<Secret, Trouble> {
    let text = fs::read(file).map_err(|error| {
        NeedsRepair::because(format!("the password file {} cannot be read: {error}", file.display()))
    })?;
    let line = text.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    if line.is_empty() {
        let what = format!("the password file {}: its first line must be the password", file.display());
        return Err(NeedsRepair::because(what));
    }
    Ok(Secret::new(line))
}

/// Starts the agent over a store that is open.
pub(crate) fn start(
    config: &Config,
    accounts: &Accounts,
    delivery: &LocalDelivery,
) -> Result<Outbound, Trouble> {
    let settings = settings(config)?;
    let dns = dns(&settings.name_servers)?;
    let people = People {
        accounts: accounts.clone(),
        hostname: config.hostname.clone(),
        quota: config.quota,
        bars: Bars::default(),
    };
    let outbound = Outbound::new(settings, delivery.clone(), Arc::new(dns), Arc::new(people));
    let outbound = outbound.map_err(unusable_authorities)?;
    tokio::spawn(outbound.clone().run());
    let orders = outbound.clone();
    tokio::spawn(async move {
        if let Err(error) = orders.take_orders().await {
            tracing::error!(event = event::OUTBOUND_UNAVAILABLE, reason = %error);
        }
    });
    Ok(outbound)
}

/// The accounts, as the agent asks them, and what a mailbox without a quota of its own may hold.
struct People {
    accounts: Accounts,
    hostname: String,
    quota: config::Quota,
    bars: Bars,
}

/// What was learnt lately: whoever sends much is not asked about for each message, and a change is seen within a second.
#[derive(Default)]
struct Bars(Mutex<HashMap<String, (Instant, Option<String>)>>);

impl Bars {
    fn known(&self, account: &str) -> Option<Option<String>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(account).filter(|(at, _)| at.elapsed() < BARS_KNOWN).map(|(_, bar)| bar.clone())
    }

    fn learn(&self, account: &str, bar: Option<String>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= BARS {
            known.retain(|_, (at, _)| at.elapsed() < BARS_KNOWN);
        }
        known.insert(account.to_owned(), (Instant::now(), bar));
    }
}

impl Homes for People {
    fn find<'a>(&'a self, address: &'a str) -> Finding<'a> {
        Box::pin(async move {
            let Some((local_part, domain)) = address.rsplit_once('@') else { return Ok(Home::Nobody) };
            let Some(domain) = in_ascii(domain) else { return Ok(Home::Elsewhere) };
            let found =
                self.accounts.resolve(local_part, &domain).await.map_err(|error| error.to_string())?;
            home(found, &self.quota)
        })
    }

    fn barred<'a>(&'a self, account: &'a str) -> Barring<'a> {
        Box::pin(async move {
            if let Some(known) = self.bars.known(account) {
                return Ok(known);
            }
            let found = match self.accounts.account_show(account).await {
                Ok(found) => bar(account, &found.account.state),
                // What it sent before it went away is on its way.
                Err(AdminError::Refused(_)) => None,
                Err(AdminError::Unavailable(error)) => return Err(error.to_string()),
            };
            self.bars.learn(account, found.clone());
            Ok(found)
        })
    }

    fn language<'a>(&'a self, address: &'a str) -> Speaking<'a> {
        Box::pin(async move {
            let domain = in_ascii(address.rsplit_once('@')?.1)?;
            // Rather in the other language than later.
            match self.accounts.report_language(&domain).await.ok().flatten()? {
                accounts::ReportLanguage::English => Some(Language::English),
                accounts::ReportLanguage::Japanese => Some(Language::Japanese),
            }
        })
    }

    fn postmaster(&self) -> Finding<'_> {
        Box::pin(async move {
            let found = self.accounts.postmaster(&self.hostname).await.map_err(|error| error.to_string())?;
            home(found, &self.quota)
        })
    }
}

fn bar(account: &str, state: &State) -> Option<String> {
    match state {
        State::Suspended { stops, .. } if stops.sending => Some(suspended(account)),
        _ => None,
    }
}

fn home(resolution: Resolution, general: &config::Quota) -> Result<Home, String> {
    match resolution {
        Resolution::Mailbox(mailbox) => {
            let quota = quota(&mailbox, general);
            Mailbox::new(mailbox.key).map(|key| Home::Mailbox(key, quota)).map_err(|error| error.to_string())
        }
        Resolution::UnknownUser | Resolution::Barred(_) | Resolution::Disabled | Resolution::NoPostmaster => {
            Ok(Home::Nobody)
        }
        Resolution::Unready => Err(String::from("the account is not ready yet")),
        Resolution::NotOurs => Ok(Home::Elsewhere),
    }
}
