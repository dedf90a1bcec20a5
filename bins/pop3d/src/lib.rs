//! The POP3 server: `pop3-proto`'s session on `daemon-kit`'s connections, with accounts and Maildirs behind it.
//!
//! What a newcomer reads first: `conversation.rs` (one session), `login.rs` (who may have which maildrop), `disk.rs` (how files are
//! read without holding anybody up).
//!
//! Invariants: a message is deleted by QUIT only, never by a connection that ends in another way; a maildrop has one session; a
//! client is never told "wrong password" for trouble of ours; a message of any size costs one buffer.

mod conversation;
mod disk;
mod limits;
mod listener;
mod login;
mod maildrop;
mod pace;
mod presence;
mod rules;
mod words;

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use accounts::{Accounts, DatabaseConfig, Replacement, Unavailable};
use daemon_kit::config::{self, Config, Listener, PopBeforeSmtp, Protocol, Quota};
use daemon_kit::daemon::{Daemon, NeedsRepair, Trouble};
use daemon_kit::directory;
use daemon_kit::log::event;
use daemon_kit::{Live, Refusal, Service, Session, Wire, WireError};
use mailstore::files::{self, make_dir_durable};
use mailstore::{Ledger, Listings};
use tokio::time::sleep;

use crate::conversation::Conversation;
use crate::disk::Disk;
use crate::listener::Doors;
use crate::pace::Pace;
use crate::presence::Presence;
use crate::rules::Rules;

/// The service behind every POP3 listener of a configuration.
pub struct Pop3d {
    accounts: Accounts,
    /// What the owner of a barred account is told, and everybody.
    texts: Live<(config::Accounts, config::Replies)>,
    maildirs: PathBuf,
    quota: Quota,
    ledger: Ledger,
    listings: Listings,
    disk: Disk,
    doors: Doors,
    pace: Pace,
    rules: Rules,
    pop_before_smtp: Option<PopBeforeSmtp>,
    pause: Pause,
}

/// How to wait: by the clock, but for tests that have none.
type Pause = Box<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl Pop3d {
    /// Over accounts that are open already.
    pub fn new(config: &Config, accounts: Accounts) -> Self {
        Self {
            accounts,
            texts: Live::new((config.accounts.clone(), config.replies.clone())),
            maildirs: config.store.maildirs.clone(),
            quota: config.quota,
            ledger: match config.quota.warn_percent {
                Some(percent) => Ledger::new().warning_at(percent),
                None => Ledger::new(),
            },
            listings: Listings::default(),
            disk: Disk::default(),
            doors: Doors::of(config),
            pace: Pace::default(),
            rules: Rules::new(config.pop3),
            pop_before_smtp: config.pop_before_smtp,
            pause: Box::new(|time| Box::pin(sleep(time))),
        }
    }

    /// With another way to spend the pause behind a failed login than to sleep so long.
    #[must_use]
    pub fn pausing<F>(mut self, pause: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.pause = Box::new(move |time| Box::pin(pause(time)));
        self
    }

    /// Reads which accounts and domains have rules of their own, for what is announced before anybody has logged in.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn learn_rules(&self) -> Result<(), Unavailable> {
        for rules in self.accounts.pop3_rules_in_use().await? {
            self.rules.learn(self.rules.policy(rules));
        }
        Ok(())
    }
}

impl fmt::Debug for Pop3d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pop3d").field("maildirs", &self.maildirs).finish_non_exhaustive()
    }
}

impl Service for Pop3d {
    async fn serve(&self, wire: &mut Wire, session: &Session) -> Result<&'static str, WireError> {
        let presence = Presence::default();
        let conversation = Conversation::new(self, wire, session, &presence);
        // Wherever it is: what is deleted is deleted by the disk's own task, and half a message is seen as half.
        tokio::select! {
            biased;
            outcome = conversation.run(wire) => outcome,
            () = presence.ended() => Ok("account_changed"),
        }
    }

    async fn close(&self) {
        self.accounts.write_logins().await;
    }

    /// Open sessions keep the protocol's own texts; everything else is said in the new ones at once.
    fn reload(&self, config: &Config) {
        self.texts.replace((config.accounts.clone(), config.replies.clone()));
        self.doors.reword(&config.replies);
    }

    /// Whichever limit it is, it may be better in a moment; who is barred stays so.
    fn refusal(&self, refusal: Refusal, _: &Listener) -> Vec<u8> {
        let mut line = Vec::new();
        match refusal {
            Refusal::Barred => match words::network_barred(&self.texts.now().1) {
                Some(text) => line.extend_from_slice(format!("-ERR [SYS/PERM] {text}\r\n").as_bytes()),
                None => pop3_proto::Refusal::Permanent.write(&mut line),
            },
            _ => pop3_proto::Refusal::Temporary.write(&mut line),
        }
        line
    }
}

impl Daemon for Pop3d {
    const NAME: &'static str = "pop3d";
    const ABOUT: &'static str = "Gives mail out by POP3, as the configuration says";
    const PROTOCOL: Protocol = Protocol::Pop3;

    async fn check(config: &Config) -> Vec<Trouble> {
        let mut troubles = Vec::from_iter(directory::check("the Maildirs", &config.store.maildirs).err());
        match accounts(config).await {
            Ok(accounts) => accounts.close().await,
            Err(trouble) => troubles.push(trouble),
        }
        troubles
    }

    async fn open(config: &Config) -> Result<Self, Trouble> {
        let maildirs = &config.store.maildirs;
        directory::check("the Maildirs", maildirs)?;
        make_dir_durable(&files::Disk, maildirs).map_err(|why| unusable(maildirs, &why))?;
        let accounts = accounts(config).await?;
        accounts.on_replacement(tell_of_replacement);
        let pop3d = Self::new(config, accounts);
        pop3d.learn_rules().await?;
        Ok(pop3d)
    }
}

fn tell_of_replacement(replacement: Replacement) {
    match replacement {
        Replacement::Used => tracing::warn!(event = event::ACCOUNTS_REPLACED),
        Replacement::Unusable(reason) => tracing::error!(event = event::ACCOUNTS_REPLACED, reason),
    }
}

async fn accounts(config: &Config) -> Result<Accounts, Trouble> {
    let config::Accounts { database, apop_key, .. } = config.accounts.clone();
    let brands: Vec<_> = config.listeners(Protocol::Pop3).map(|listener| listener.brand.as_deref()).collect();
    let accounts = Accounts::open_for(&DatabaseConfig { url: database, apop_key }, &brands).await;
    accounts.map_err(|error| NeedsRepair::if_so(error.needs_repair(), error))
}

fn unusable(maildirs: &Path, why: &dyn Display) -> Trouble {
    NeedsRepair::because(format!("the Maildirs at {} cannot be used: {why}", maildirs.display()))
}
