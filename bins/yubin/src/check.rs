//! `yubin check`: the configuration and all that it names, before a daemon starts with it.

use std::path::PathBuf;

use accounts::{Accounts, Resolution, Srs, Status, Upgrade};
use clap::Args;
use daemon_kit::config::{Auth, BareLineEndings, Config, OnFail, Protocol, TlsMode, VirusCheck};
use daemon_kit::daemon::{self, Daemon as _, EXIT_CONFIG, NeedsRepair};
use pop3d::Pop3d;
use serde::Serialize;
use smtpd::Smtpd;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts, time};
use crate::owner;

/// How to check.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Make the account database and the key files where they are missing, and bring an older database up to date
    #[arg(long)]
    pub create: bool,
    /// With --create: try it, say what would be done to the account database, and do nothing
    #[arg(long, requires = "create")]
    pub dry_run: bool,
}

const EXAMPLES: &str = "\
Without --create nothing is changed. With it, what is there is kept; run it as
the user that the daemons run as (given by root, it is run as the owner of the
Maildirs): only that user can read the files it makes.

An older SQLite database is copied before: to a file beside it, whose name has its
version and the time. Copy one on PostgreSQL yourself (pg_dump).

Examples:
  yubin --config /etc/yubin/yubin.toml check
  yubin --config /etc/yubin/yubin.toml check --create --dry-run
  yubin --config /etc/yubin/yubin.toml check --create";

/// What was found, in output.
#[derive(Debug, Serialize)]
struct Found {
    config: PathBuf,
    hostname: String,
    listeners: Vec<Listener>,
    certificates: Vec<Certificate>,
    database: Database,
    maildirs: PathBuf,
    queue: PathBuf,
    /// Which clamd answers; none where none is asked, or does.
    virus_check: Option<String>,
    warnings: Vec<String>,
    #[serde(skip)]
    customers: i64,
}

#[derive(Debug, Serialize)]
struct Listener {
    protocol: &'static str,
    address: String,
    tls: &'static str,
    auth: &'static str,
    apop: bool,
}

#[derive(Debug, Serialize)]
struct Certificate {
    chain: PathBuf,
    names: Vec<String>,
    not_after: String,
}

#[derive(Debug, Serialize)]
struct Database {
    place: String,
    schema: i64,
    domains: i64,
    accounts: i64,
    addresses: i64,
    apop_key: bool,
    /// The copy of what was there before it was brought up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<PathBuf>,
}

/// What would be done to the database, in output.
#[derive(Debug, Serialize)]
struct ShownUpgrade {
    place: String,
    found: i64,
    needed: i64,
    steps: Vec<String>,
    snapshot: bool,
}

impl ShownUpgrade {
    fn new(place: String, upgrade: Upgrade) -> Self {
        let Upgrade { found, needed, steps, snapshot } = upgrade;
        let steps = steps.into_iter().map(|(version, name)| format!("{version} {name}")).collect();
        Self { place, found, needed, steps, snapshot }
    }

    fn in_words(&self) -> String {
        let found = match self.found {
            0 => format!("{}, to be made", self.place),
            found => format!("{}, version {found}", self.place),
        };
        let steps = if self.steps.is_empty() { "none".to_owned() } else { self.steps.join("\n") };
        let snapshot = if self.snapshot { "a file beside it" } else { "none" };
        facts(&[("database", found), ("steps", steps), ("copy before", snapshot.to_owned())])
    }
}

/// Looks, and prints what it saw. The configuration itself was read without faults before.
pub(crate) async fn run(settings: &Settings, arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let database = settings.database();
    if arguments.dry_run {
        let upgrade = Accounts::rehearse(&database).await?;
        return output.print(&ShownUpgrade::new(database.place(), upgrade), ShownUpgrade::in_words);
    }
    let mut snapshot = None;
    if arguments.create {
        let (accounts, copy) = Accounts::create_with_copy(&database).await?;
        accounts.close().await;
        snapshot = copy;
        if let Some(forwarding) = &settings.config.forwarding {
            Srs::generate(&forwarding.srs_key)?;
        }
    }
    all_must_be_right(&settings.config).await.map_err(|failure| with_owners(settings, failure))?;
    let accounts = Accounts::open(&database).await?;
    let status = accounts.status().await?;
    let postmaster = postmaster(&accounts).await?;
    accounts.close().await;
    let database = Database { snapshot, ..Database::new(database.place(), status) };
    let mut found = Found::new(&settings.config, database);
    if let Some((domain, Resolution::NoPostmaster)) = &postmaster {
        found.warnings.push(format!(
            "mail for postmaster@ and abuse@ waits outside: nobody is appointed; run: yubin domain set {domain} postmaster=LOGIN"
        ));
    }
    found.warnings.extend(owner::warnings(settings));
    // A scanner that is down is trouble, and no fault of the configuration.
    match smtpd::virus_scanner(&settings.config).await {
        Some(Ok(version)) => found.virus_check = Some(version),
        Some(Err(reason)) => found.warnings.extend(no_scanner(&settings.config, &reason)),
        None => {}
    }
    // The account that `domain add` made for that is nobody's mailbox yet.
    let made =
        matches!(&postmaster, Some((_, Resolution::Mailbox(mailbox))) if mailbox.login == "postmaster");
    found.customers = found.database.accounts - i64::from(made);
    output.print(&found, as_facts)
}

/// What the daemons' own `--check` say beyond the file, all at once: the database, the directories, the files that it names, the
/// certificates.
async fn all_must_be_right(config: &Config) -> Result<(), Failure> {
    let mut troubles = Smtpd::check(config).await;
    troubles.extend(Pop3d::check(config).await);
    troubles.extend(config.judge_certificates(None).err().map(NeedsRepair::because));
    match daemon::all(&troubles) {
        None => Ok(()),
        Some((EXIT_CONFIG, trouble)) => Err(Failure::Configuration(trouble.to_string())),
        Some((_, trouble)) => Err(Failure::Refused(trouble.to_string())),
    }
}

/// What the system calls "permission denied" or SQLite "unable to open" is often a file that somebody else made.
fn with_owners(settings: &Settings, failure: Failure) -> Failure {
    let add = |text: String| [vec![text], owner::warnings(settings)].concat().join("\n");
    match failure {
        Failure::Configuration(text) => Failure::Configuration(add(text)),
        Failure::Refused(text) => Failure::Refused(add(text)),
    }
}

/// The default domain, and who gets mail for `postmaster@` there.
async fn postmaster(accounts: &Accounts) -> Result<Option<(String, Resolution)>, Failure> {
    let domains = accounts.domain_list().await?;
    let Some(default) = domains.into_iter().find(|domain| domain.default) else { return Ok(None) };
    let resolution = accounts.resolve("postmaster", &default.name).await?;
    Ok(Some((default.name, resolution)))
}

impl Found {
    fn new(config: &Config, database: Database) -> Self {
        let listeners = config.listeners.iter().flat_map(|listener| {
            listener.addresses.iter().map(|address| Listener {
                protocol: listener.protocol.as_str(),
                address: address.socket.to_string(),
                tls: listener.tls.as_str(),
                auth: listener.auth.as_str(),
                apop: listener.apop,
            })
        });
        let certificates = config.certificates.iter().map(|certificate| Certificate {
            chain: certificate.chain.clone(),
            names: certificate.identity.names().to_vec(),
            not_after: time(certificate.identity.not_after()),
        });
        Self {
            config: config.file.clone(),
            hostname: config.hostname.clone(),
            listeners: listeners.collect(),
            certificates: certificates.collect(),
            database,
            maildirs: config.store.maildirs.clone(),
            queue: config.store.queue.clone(),
            virus_check: None,
            warnings: config.certificate_warnings().into_iter().chain(doubtful_doors(config)).collect(),
            customers: 0,
        }
    }
}

/// What happens as long as clamd does not answer.
fn no_scanner(config: &Config, reason: &str) -> Option<String> {
    let VirusCheck { clamd, on_fail, .. } = config.virus_check.as_ref()?;
    let done = match on_fail {
        OnFail::Tempfail => "waits outside (451 4.7.1)",
        OnFail::Accept => "is taken without",
        OnFail::Hold => "is held in the queue",
    };
    Some(format!("clamd at {clamd} does not answer: {reason}; mail that it has to look through {done}"))
}

/// What a listener may say, and hardly ever should.
fn doubtful_doors(config: &Config) -> impl Iterator<Item = String> {
    let open = config.listeners(Protocol::Smtp).filter(|listener| listener.auth != Auth::Required);
    open.flat_map(|listener| {
        let place = listener.addresses.first().map(|address| address.socket.to_string()).unwrap_or_default();
        let mx = listener.addresses.iter().any(|address| address.socket.port() == 25);
        let tls = (mx && listener.tls == TlsMode::StarttlsRequired).then(|| {
            format!("{place} demands STARTTLS: mail from servers without it will not come (RFC 3207 §4)")
        });
        let lines = (listener.smtp.bare_line_endings == BareLineEndings::Normalise).then(|| {
            format!("{place} puts bare line endings right for strangers too: better on a listener for those who are trusted")
        });
        [tls, lines].into_iter().flatten()
    })
}

impl Database {
    fn new(place: String, status: Status) -> Self {
        Self {
            place,
            schema: status.schema,
            domains: status.domains,
            accounts: status.accounts,
            addresses: status.addresses,
            apop_key: status.apop_key,
            snapshot: None,
        }
    }
}

fn as_facts(found: &Found) -> String {
    let listener = |listener: &Listener| {
        let Listener { protocol, address, tls, auth, apop } = listener;
        let apop = if *apop { ", APOP" } else { "" };
        format!("{protocol} on {address}, TLS {tls}, AUTH {auth}{apop}")
    };
    let certificate = |certificate: &Certificate| {
        format!("{} until {}", certificate.names.join(", "), certificate.not_after)
    };
    let database = &found.database;
    let mut lines = vec![
        ("configuration", format!("{}: no faults", found.config.display())),
        ("host name", found.hostname.clone()),
        ("listeners", found.listeners.iter().map(listener).collect::<Vec<_>>().join("\n")),
        ("certificates", found.certificates.iter().map(certificate).collect::<Vec<_>>().join("\n")),
        ("database", format!("{}, version {}", database.place, database.schema)),
        (
            "",
            format!(
                "domains {}, accounts {}, addresses {}",
                database.domains, database.accounts, database.addresses
            ),
        ),
        ("APOP key", (if database.apop_key { "loaded" } else { "not configured" }).to_owned()),
        ("maildirs", found.maildirs.display().to_string()),
        ("queue", found.queue.display().to_string()),
    ];
    if let Some(version) = &found.virus_check {
        lines.push(("virus check", version.clone()));
    }
    if let Some(copy) = &database.snapshot {
        lines.push(("copy before", copy.display().to_string()));
    }
    if !found.warnings.is_empty() {
        lines.push(("warnings", found.warnings.join("\n")));
    }
    if database.domains == 0 {
        lines.push(("next", "yubin domain add DOMAIN".into()));
    } else if found.customers == 0 {
        lines.push(("next", "yubin account add LOGIN".into()));
    }
    facts(&lines)
}
