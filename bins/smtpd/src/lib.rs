//! The SMTP and submission server: `smtp-proto`'s session on `daemon-kit`'s connections, with accounts, policy and delivery behind it.
//!
//! What a newcomer reads first: `conversation.rs` (one session), `transaction.rs` (one message), `replies.rs` (what it says).

mod conversation;
mod domain;
mod forward;
mod listener;
mod outbound;
mod parameters;
mod recipient;
mod replies;
mod sender;
mod sending;
mod trace;
mod transaction;
mod virus_check;
mod words;

use std::sync::Arc;

use accounts::{Accounts, DatabaseConfig, OpenError, Replacement, Srs};
use daemon_kit::config::{self, Config, Listener, PopBeforeSmtp, Protocol, Quota, SendingLimits};
use daemon_kit::daemon::{Daemon, NeedsRepair, Trouble};
use daemon_kit::directory;
use daemon_kit::log::event;
use daemon_kit::{Live, Refusal, Service, Session, Wire, WireError};
use delivery::outbound::Outbound;
use delivery::{LocalDelivery, Reserve, StoreConfig, WarningConfig};
pub use smtp_proto::Reply;

use crate::conversation::Conversation;
use crate::listener::Doors;
pub use crate::listener::policy;
pub use crate::recipient::refusal_of;
pub use crate::replies::{BARRED, NO_POSTMASTER, NOT_SENT_FROM_HERE, VIRUS_CHECK_NEEDED};
pub use crate::sending::rates as sending_rates;
use crate::sending::{Clock, Told};
use crate::virus_check::Scanner;
pub use crate::virus_check::rule as virus_check_rule;
pub use crate::words::Words;

/// The service behind every SMTP listener of a configuration.
#[derive(Debug)]
pub struct Smtpd {
    accounts: Accounts,
    delivery: LocalDelivery,
    /// None: nothing leaves for other hosts.
    outbound: Option<Outbound>,
    doors: Doors,
    quota: Quota,
    texts: Live<config::Accounts>,
    pop_before_smtp: Option<PopBeforeSmtp>,
    scanner: Option<Arc<Scanner>>,
    words: Live<Words>,
    sending_limits: SendingLimits,
    clock: Clock,
    told: Told,
    /// None: nobody's mail is sent on.
    forwarding: Option<Srs>,
    /// This machine's name in trace fields.
    node: String,
    /// The service's name.
    hostname: String,
}

impl Smtpd {
    /// Over accounts and a store that are open already. Mail for other hosts is not taken: see [`Daemon::open`].
    pub fn new(config: &Config, accounts: Accounts, delivery: LocalDelivery) -> Self {
        Self {
            accounts,
            delivery,
            outbound: None,
            doors: Doors::of(config, false),
            quota: config.quota,
            texts: Live::new(config.accounts.clone()),
            pop_before_smtp: config.pop_before_smtp,
            scanner: config.virus_check.clone().map(|settings| Arc::new(Scanner::new(settings))),
            words: Live::new(Words::of(config)),
            sending_limits: config.sending_limits,
            clock: Clock::default(),
            told: Told::default(),
            forwarding: None,
            node: config.node.clone(),
            hostname: config.hostname.clone(),
        }
    }

    /// With another clock for the hours and days of the sending limits: seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn with_clock(self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { clock: Clock::new(now), ..self }
    }
}

impl Service for Smtpd {
    async fn serve(&self, wire: &mut Wire, session: &Session) -> Result<&'static str, WireError> {
        Conversation::new(self, wire, session).run(wire).await
    }

    async fn close(&self) {
        if let Some(outbound) = &self.outbound {
            outbound.stop().await;
        }
        self.accounts.write_logins().await;
    }

    /// Open sessions keep the protocol's own texts; everything else is said in the new ones at once.
    fn reload(&self, config: &Config) {
        self.texts.replace(config.accounts.clone());
        self.words.replace(self.words.now().reworded(&config.replies));
        self.doors.reword(&config.replies);
    }

    fn refusal(&self, refusal: Refusal, listener: &Listener) -> Vec<u8> {
        let reply: Reply = match refusal {
            Refusal::Barred => replies::BARRED,
            Refusal::Full => replies::CONNECTIONS,
            Refusal::FullForAddress => replies::CONNECTIONS_OF_ADDRESS,
            Refusal::FullForNetwork => replies::CONNECTIONS_OF_NETWORK,
            Refusal::Memory => replies::NO_MEMORY,
        };
        let mut line = Vec::new();
        self.words.now().say(listener.brand.as_deref(), reply).write(&mut line);
        line
    }
}

impl Daemon for Smtpd {
    const NAME: &'static str = "smtpd";
    const ABOUT: &'static str = "Receives mail by SMTP and takes submissions, as the configuration says";
    const PROTOCOL: Protocol = Protocol::Smtp;

    async fn check(config: &Config) -> Vec<Trouble> {
        let mut troubles: Vec<_> = directories(config).into_iter().filter_map(Result::err).collect();
        match accounts(config).await {
            Ok(accounts) => accounts.close().await,
            Err(trouble) => troubles.push(trouble),
        }
        troubles.extend(srs(config).err());
        if config.outbound.enabled {
            troubles.extend(outbound::check(config));
        }
        troubles
    }

    async fn open(config: &Config) -> Result<Self, Trouble> {
        directories(config).into_iter().collect::<Result<(), _>>()?;
        let accounts = accounts(config).await?;
        accounts.on_replacement(tell_of_replacement);
        let store = store(config);
        // It reads the disk, and after a crash for long.
        let delivery = tokio::task::spawn_blocking(|| LocalDelivery::open(store)).await??;
        let outbound = match config.outbound.enabled {
            true => Some(outbound::start(config, &accounts, &delivery)?),
            false => None,
        };
        let doors = Doors::of(config, outbound.is_some());
        let forwarding = srs(config)?;
        Ok(Self { outbound, doors, forwarding, ..Self::new(config, accounts, delivery) })
    }
}

fn directories(config: &Config) -> [Result<(), Trouble>; 2] {
    let store = &config.store;
    [directory::check("the Maildirs", &store.maildirs), directory::check("the queue", &store.queue)]
}

fn unopened(error: OpenError) -> Trouble {
    NeedsRepair::if_so(error.needs_repair(), error)
}

fn tell_of_replacement(replacement: Replacement) {
    match replacement {
        Replacement::Used => tracing::warn!(event = event::ACCOUNTS_REPLACED),
        Replacement::Unusable(reason) => tracing::error!(event = event::ACCOUNTS_REPLACED, reason),
    }
}

async fn accounts(config: &Config) -> Result<Accounts, Trouble> {
    let config::Accounts { database, apop_key, .. } = config.accounts.clone();
    let brands: Vec<_> = config.listeners(Protocol::Smtp).map(|listener| listener.brand.as_deref()).collect();
    Accounts::open_for(&DatabaseConfig { url: database, apop_key }, &brands).await.map_err(unopened)
}

fn srs(config: &Config) -> Result<Option<Srs>, Trouble> {
    let load = |forwarding: &config::Forwarding| Srs::load(&forwarding.srs_key, &forwarding.srs_domain);
    config.forwarding.as_ref().map(load).transpose().map_err(unopened)
}

/// Asks who looks mail through for viruses which one it is; `None`: nobody does.
///
/// # Errors
/// Why there is no answer.
pub async fn virus_scanner(config: &Config) -> Option<Result<String, String>> {
    match &config.virus_check {
        Some(settings) => Some(Scanner::version(settings).await),
        None => None,
    }
}

/// Where the store of a configuration is.
pub fn store(config: &Config) -> StoreConfig {
    let store = &config.store;
    let warning = config.quota.warn_percent.map(|percent| WarningConfig {
        percent,
        // RFC 5321 §4.5.1: the address that every host must have.
        from: format!("postmaster@{}", config.hostname),
    });
    StoreConfig {
        reserve: Reserve { octets: store.reserve_space, files: store.reserve_inodes },
        warning,
        ..StoreConfig::new(&store.maildirs, &store.queue, config.node.as_str())
    }
}
