//! `yubin quickstart`: a working service on 127.0.0.1 from nothing.
//!
//! `site` makes what it stands on, `trial` does what a provider's guide tells a customer to do to check the settings.

mod conversation;
mod service;
mod site;
mod trial;

use std::path::PathBuf;

use accounts::Accounts;
use clap::Args;
use daemon_kit::config::{Config, Log, Protocol};
use daemon_kit::{Drain, Server, Service, log, process};
use delivery::LocalDelivery;
use pop3d::Pop3d;
use serde::Serialize;
use smtpd::Smtpd;
use tokio::task::JoinHandle;
use tracing::Level;

use crate::failure::Failure;
use crate::output::{Output, facts, table};
use service::Offered;
use site::{Site, User};

/// How to start.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Where everything is kept; a second start keeps it
    #[arg(long, value_name = "DIR", default_value = "yubin-data")]
    pub data: PathBuf,
    /// Each service listens on its standard port plus this; 2000, or what it was at the first start
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=site::LARGEST_OFFSET))]
    pub port_offset: Option<u16>,
    /// Check that mail goes in and comes out, then end: exit 0 if it did
    #[arg(long)]
    pub once: bool,
}

const EXAMPLES: &str = "\
It makes a configuration, a self-signed certificate, the account database and two
accounts, starts smtpd and pop3d, sends a message over TLS and fetches it, shows
what came, and serves until Ctrl-C. Nothing outside of --data is touched, and
nobody but this machine can connect.

Examples:
  yubin quickstart
  yubin quickstart --once
  yubin quickstart --data /tmp/try --port-offset 3000";

/// What there is to see, in output.
#[derive(Debug, Serialize)]
struct Shown<'s> {
    configuration: PathBuf,
    certificate: PathBuf,
    services: &'s [Offered],
    accounts: &'s [User],
    /// The trace field of the message that was sent and fetched.
    received: &'s str,
}

/// Makes what is missing, starts both servers, tries them, and serves.
///
/// # Errors
/// [`Failure`]: something cannot be made, a port is in use, or the message did not come back.
pub async fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let site = Site::prepare(&arguments.data, arguments.port_offset).await?;
    let config =
        Config::load(site.configuration()).map_err(|faults| Failure::Configuration(faults.to_string()))?;
    let level = if arguments.once { Level::WARN } else { Level::INFO };
    log::init(Log { level, ..config.log });
    process::forbid_core_files();
    process::raise_descriptor_limit(&config.limits);
    let drain = Drain::on_signals().map_err(|error| Failure::Refused(format!("no signals: {error}")))?;
    let servers = start(&config, &site.accounts, &drain).await?;

    let services = service::all(&config);
    let tried = trial::run(&site, &services).await;
    let shown = tried.and_then(|received| show(&site, &services, &received, output));
    if arguments.once {
        drain.begin();
    } else {
        // Whoever changed a password, an address or the certificate knows better than the trial; what is there is served.
        if let Err(failure) = &shown {
            eprintln!("yubin: {failure}");
        }
        eprintln!("Serving until Ctrl-C.");
    }
    for server in servers {
        // A server that fell over has said so in the log; what the trial saw is what counts here.
        let _ = server.await;
    }
    site.accounts.close().await;
    if arguments.once { shown } else { Ok(()) }
}

/// Both servers, or none: every address is bound before the first connection is taken.
async fn start(
    config: &Config,
    accounts: &Accounts,
    drain: &Drain,
) -> Result<[JoinHandle<std::io::Result<()>>; 2], Failure> {
    let bind = |protocol| {
        Server::bind(config, protocol).map_err(|faults| {
            Failure::Refused(format!(
                "{faults}\nanother program has the port; try: yubin quickstart --port-offset 3000"
            ))
        })
    };
    let (smtp, pop3) = (bind(Protocol::Smtp)?, bind(Protocol::Pop3)?);
    let store = smtpd::store(config);
    let delivery = tokio::task::spawn_blocking(|| LocalDelivery::open(store))
        .await
        .map_err(|error| Failure::Refused(error.to_string()))?
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let smtpd = Smtpd::new(config, accounts.clone(), delivery);
    let pop3d = Pop3d::new(config, accounts.clone());
    Ok([spawn(smtp, smtpd, drain), spawn(pop3, pop3d, drain)])
}

fn spawn<S: Service>(server: Server, service: S, drain: &Drain) -> JoinHandle<std::io::Result<()>> {
    tokio::spawn(server.run(service.into(), drain.clone()))
}

fn show(site: &Site, services: &[Offered], received: &str, output: Output) -> Result<(), Failure> {
    let shown = Shown {
        configuration: site.configuration(),
        certificate: site.certificate(),
        services,
        accounts: &site.users,
        received,
    };
    output.print(&shown, as_text)
}

fn as_text(shown: &Shown<'_>) -> String {
    let services = shown.services.iter().map(|Offered { service, address, encryption, login }| {
        let (server, port) = (address.ip().to_string(), address.port().to_string());
        [(*service).to_owned(), server, port, (*encryption).to_owned(), (*login).to_owned()]
    });
    let accounts = shown
        .accounts
        .iter()
        .map(|user| [user.login.clone(), user.password.clone(), user.addresses.join(", ")]);
    let files = [
        ("configuration", shown.configuration.display().to_string()),
        (
            "certificate",
            format!("{} (self-signed: tell the mail program to trust it)", shown.certificate.display()),
        ),
    ];
    format!(
        "A message went in by SMTP over TLS and came out by POP3 over TLS:\n\n{}\n\n\
         Settings for a mail program on this machine:\n\n{}\n{}\n{}\n\
         Further accounts:  yubin --config {} account add LOGIN\n",
        shown.received,
        table(["service", "server", "port", "encryption", "login"], &services.collect::<Vec<_>>()),
        table(["user name", "password", "addresses"], &accounts.collect::<Vec<_>>()),
        facts(&files),
        shown.configuration.display(),
    )
}
