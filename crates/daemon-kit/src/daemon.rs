//! A daemon's `main`: arguments, configuration, log, signals, exit codes.
//!
//! A daemon's whole `main.rs`, once its [`Daemon`] is written:
//!
//! ```no_run
//! # use daemon_kit::config::{Config, Listener, Protocol};
//! # use daemon_kit::daemon::{Daemon, Trouble};
//! # use daemon_kit::{Refusal, Service, Session, Wire, WireError};
//! # struct Smtpd;
//! # impl Service for Smtpd {
//! #     async fn serve(&self, _: &mut Wire, _: &Session) -> Result<&'static str, WireError> { Ok("quit") }
//! #     fn refusal(&self, refusal: Refusal, _: &Listener) -> Vec<u8> { format!("421 {refusal}\r\n").into() }
//! # }
//! # impl Daemon for Smtpd {
//! #     const NAME: &'static str = "smtpd";
//! #     const ABOUT: &'static str = "The SMTP and submission server";
//! #     const PROTOCOL: Protocol = Protocol::Smtp;
//! #     async fn check(_: &Config) -> Vec<Trouble> { Vec::new() }
//! #     async fn open(_: &Config) -> Result<Self, Trouble> { Ok(Self) }
//! # }
//! fn main() -> std::process::ExitCode {
//!     daemon_kit::daemon::main::<Smtpd>()
//! }
//! ```
//!
//! Exit: 0 done, 1 the work could not be done, 2 usage, 78 the configuration, or what it names, needs repair: see [`exit_status`].

use std::error::Error;
use std::fmt::{self, Display};
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::certificates::Certificates;
use crate::config::{Config, Protocol};
use crate::drain::Drain;
use crate::log::{self, event};
use crate::process;
use crate::serve::{Server, Service};

/// Exit: the work could not be done.
pub const EXIT_FAILED: u8 = 1;
/// Exit: the configuration is at fault (EX_CONFIG).
pub const EXIT_CONFIG: u8 = 78;

/// What keeps a daemon from running, in words for the operator.
pub type Trouble = Box<dyn Error + Send + Sync>;

/// Trouble that lasts until the configuration, or what it names, is repaired.
#[derive(Debug)]
pub struct NeedsRepair(Trouble);

impl NeedsRepair {
    /// What must be repaired, and how.
    pub fn because(why: impl Into<Trouble>) -> Trouble {
        Box::new(Self(why.into()))
    }

    /// The same of an error that knows whether that is so.
    pub fn if_so(repair: bool, why: impl Into<Trouble>) -> Trouble {
        if repair { Self::because(why) } else { why.into() }
    }
}

impl Display for NeedsRepair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for NeedsRepair {}

/// With which status a program ends for this: [`EXIT_CONFIG`] for what [needs repair](NeedsRepair), else [`EXIT_FAILED`], whether it
/// only looked or began to run.
pub fn exit_status(trouble: &Trouble) -> u8 {
    if trouble.is::<NeedsRepair>() { EXIT_CONFIG } else { EXIT_FAILED }
}

/// Several troubles as one, a line for each and none twice, with the status to end with: [`EXIT_CONFIG`] if only one of them needs
/// repair. None: there is no trouble.
pub fn all(troubles: &[Trouble]) -> Option<(u8, Trouble)> {
    let status = troubles.iter().map(exit_status).max()?;
    let mut lines: Vec<String> = Vec::new();
    for line in troubles.iter().map(ToString::to_string) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    Some((status, lines.join("\n").into()))
}

/// A service with what surrounds it as a program.
pub trait Daemon: Service + Sized {
    /// The program's name.
    const NAME: &'static str;
    /// What it is, for `--help`.
    const ABOUT: &'static str;
    /// Which listeners of the file are its own.
    const PROTOCOL: Protocol;

    /// Looks whether the daemon could run (is the database there?) and changes nothing: what `--check` says beyond the file, all of it,
    /// so that nobody mends one thing to be told of the next. Whatever [`open`](Daemon::open) refuses is here, too.
    fn check(config: &Config) -> impl Future<Output = Vec<Trouble>> + Send;

    /// Opens what the service needs.
    fn open(config: &Config) -> impl Future<Output = Result<Self, Trouble>> + Send;
}

#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only look for faults in the configuration and in what it names, tell all of them, and end
    #[arg(long)]
    check: bool,
}

/// The whole of a daemon's `main`.
pub fn main<D: Daemon>() -> ExitCode {
    let command = Arguments::command().name(D::NAME).bin_name(D::NAME).about(D::ABOUT);
    let arguments = match Arguments::from_arg_matches(&command.get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(faults) => return fail(EXIT_CONFIG, &faults),
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(EXIT_FAILED, &error),
    };
    let done = if arguments.check {
        runtime.block_on(check::<D>(&config))
    } else {
        runtime.block_on(run::<D>(&config))
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, trouble)) => fail(code, &trouble),
    }
}

/// Before the log exists, and for people who look at the exit of a command: plain words on stderr.
fn fail(code: u8, trouble: &dyn Display) -> ExitCode {
    eprintln!("{trouble}");
    ExitCode::from(code)
}

async fn check<D: Daemon>(config: &Config) -> Result<(), (u8, Trouble)> {
    if config.listeners(D::PROTOCOL).next().is_none() {
        let what = format!("{}: there is no listener for {}", config.file.display(), D::PROTOCOL);
        return Err((EXIT_CONFIG, what.into()));
    }
    let mut troubles = D::check(config).await;
    troubles.extend(config.judge_certificates(Some(D::PROTOCOL)).err().map(NeedsRepair::because));
    if let Some(all) = all(&troubles) {
        return Err(all);
    }
    for warning in config.certificate_warnings() {
        println!("{}: warning: {warning}", config.file.display());
    }
    println!("{}: no faults", config.file.display());
    Ok(())
}

async fn run<D: Daemon>(config: &Config) -> Result<(), (u8, Trouble)> {
    let failed = |trouble: Trouble| (EXIT_FAILED, trouble);
    log::init(config.log);
    process::forbid_core_files();
    process::raise_descriptor_limit(&config.limits);
    let drain = Drain::on_signals().map_err(|error| failed(error.into()))?;
    // Before anything that takes its time: unhandled, the signal would end the daemon.
    let hangup = signal(SignalKind::hangup()).map_err(|error| failed(error.into()))?;
    let server = Server::bind(config, D::PROTOCOL).map_err(|faults| failed(faults.into()))?;
    let service = D::open(config).await.map_err(|trouble| (exit_status(&trouble), trouble))?;
    let service = Arc::new(service);
    let certificates = Certificates::new(config.clone(), D::PROTOCOL, server.tls(), server.networks());
    certificates.tell();
    tokio::spawn(certificates.look_after(hangup, service.clone()));
    tracing::info!(event = event::STARTED, daemon = D::NAME, version = env!("CARGO_PKG_VERSION"));
    server.run(service, drain).await.map_err(|error| failed(error.into()))
}
