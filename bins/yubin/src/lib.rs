//! The operator's command.
//!
//! A module a noun: [`account`], [`address`], [`domain`], [`plan`], [`audit`], [`bans`], [`network`], [`explain`], [`diagnose`], [`guide`], [`queue`], [`quota`], [`report`], [`import`], [`export`], [`backup`], [`check`], [`init`], [`quickstart`];
//! each has its arguments, its help and what it prints. [`config`] finds the configuration, [`output`] prints facts as text or JSON, [`failure`] has the
//! exit codes. What can be refused is refused by the crates below; this one only says it.
//!
//! Every command works on the files and the database, not through a daemon: a daemon need not run, and one that runs
//! sees the change.

pub mod account;
pub mod address;
pub mod audit;
pub mod backup;
pub mod bans;
pub mod check;
pub mod config;
pub mod diagnose;
pub mod domain;
pub mod expire;
pub mod explain;
pub mod export;
pub mod failure;
pub mod forward;
pub mod guide;
mod held;
mod hints;
pub mod import;
pub mod import_accounts;
pub mod init;
pub mod language;
pub mod life;
pub mod manual;
mod metrics;
pub mod network;
pub mod output;
mod owner;
mod password;
pub mod plan;
mod progress;
pub mod queue;
mod queue_status;
pub mod quickstart;
pub mod quota;
pub mod report;
mod rows;
mod sending;
pub mod setting;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use daemon_kit::log::escape_bidi;

use config::Settings;
use failure::Failure;
use output::Output;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "yubin", version, about = "Yubin, a mail system: the operator's command", after_help = EXAMPLES)]
pub struct Cli {
    /// The configuration file [default: ./yubin-data/yubin.toml if it exists, else /etc/yubin/yubin.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// The brand of logins that do not name theirs (as asahi:ab4t-ash does), and of what is added [default: the one without a name]
    #[arg(long, value_name = "BRAND", global = true)]
    pub brand: Option<String>,

    /// Print facts as JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
First steps, to try it:
  yubin quickstart                      a working service on 127.0.0.1, with two accounts

First steps, to run it:
  yubin init /etc/yubin                 a commented configuration to begin with
  yubin check --create                  look at the configuration, make the account database
  yubin domain add mx.example.jp        the first domain is the one of the issued addresses
  yubin account add ab4t-ash --address taro@mx.example.jp

Exit status: 0 done, 1 refused or not possible now, 2 wrong usage,
78 the configuration or the database needs repair.
Given by root, what writes into the Maildirs, the queue or the database is done as
the user whose they are: the daemons must read what it makes.";

/// The nouns.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it: a working service on 127.0.0.1 from nothing
    Quickstart(quickstart::Arguments),
    /// Write a commented configuration to begin with: as modern, editnet or asahi
    Init(init::Arguments),
    /// Look at the configuration and at all that it names
    Check(check::Arguments),
    /// Mail accounts: add, issue, show, list, passwd, set, services, forward, suspend, resume, stage, close, remove
    #[command(subcommand)]
    Account(account::Command),
    /// Addresses beside the issued ones: add, remove, on, off, primary, check, list, reserved names
    #[command(subcommand)]
    Address(address::Command),
    /// Domains: add, equivalent, bar, set, remove, show, list
    #[command(subcommand)]
    Domain(domain::Command),
    /// As what accounts are issued: add, set, show, list
    #[command(subcommand)]
    Plan(plan::Command),
    /// Providers that this installation hosts: add, list
    #[command(subcommand)]
    Brand(plan::BrandCommand),
    /// Who changed what, and when
    Audit(audit::Arguments),
    /// Who is held back for guessing passwords: list, lift
    Bans(bans::Arguments),
    /// Copy everybody's new mail, and the accounts, to another place
    Backup(backup::take::Arguments),
    /// Put mail back from a backup: one message, one account's, or all
    Restore(backup::restore::Arguments),
    /// Read backups, and see that they are whole
    Verify(backup::verify::Arguments),
    /// Take over from another server: accounts, and mail of a maildir or an mbox
    #[command(subcommand)]
    Import(import::Command),
    /// An account's mail in a file, to take along
    #[command(subcommand)]
    Export(export::Command),
    /// Remove mail that has been here for too long
    Expire(expire::Arguments),
    /// Which network class an address belongs to: test
    #[command(subcommand)]
    Network(network::Command),
    /// What a client may do here, and why: by address, port, account and recipient
    Explain(explain::Arguments),
    /// How an account was logged in to lately, and what may be wrong
    Diagnose(diagnose::Arguments),
    /// The page with the settings that customers need, as text or HTML, in Japanese or English
    Guide(guide::Arguments),
    /// Mail on its way to other hosts: status, list, show, why, hold, release, retry, drop, adopt
    #[command(subcommand)]
    Queue(queue::Command),
    /// Who still uses clear-text passwords, POP before SMTP, APOP, old TLS, from the logs
    Report(report::Arguments),
    /// How much mailboxes hold and may hold: show, recount
    #[command(subcommand)]
    Quota(quota::Command),
    /// What a shell completes: bash, zsh, fish, elvish, powershell
    Completions(manual::Completions),
    /// Write the manual's pages
    Man(manual::Man),
}

/// The command's `main`: arguments from the environment, output on stdout, what went wrong on stderr.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    hints::name(cli.config.as_deref());
    // Before there is a second thread.
    let outcome = owner::step_down(&cli.command, cli.config.as_deref()).and_then(|settings| {
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|error| Failure::Refused(format!("cannot start: {error}")))?;
        runtime.block_on(run(cli, settings))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = hints::complete(failure.to_string());
            let text = escape_bidi(&text);
            match &failure {
                // Each of its lines begins with the place, as editors and the daemons' `--check` have it.
                Failure::Configuration(_) => eprintln!("{text}"),
                Failure::Refused(_) => eprintln!("yubin: {text}"),
            }
            failure.exit_code()
        }
    }
}

/// Runs one command; with settings that were read already where there are any.
///
/// # Errors
/// [`Failure`], with the exit code.
pub async fn run(cli: Cli, settings: Option<Settings>) -> Result<(), Failure> {
    let output = Output::new(cli.json);
    let settings = || {
        let settings = settings.map_or_else(|| Settings::load(cli.config.as_deref()), Ok)?;
        Ok::<_, Failure>(settings.of_brand(cli.brand.clone()))
    };
    match cli.command {
        Command::Quickstart(arguments) => quickstart::run(arguments, output).await,
        Command::Init(arguments) => init::run(&arguments, output),
        Command::Check(arguments) => check::run(&settings()?, &arguments, output).await,
        Command::Account(command) => account::run(&settings()?, command, output).await,
        Command::Address(command) => address::run(&settings()?, command, output).await,
        Command::Domain(command) => domain::run(&settings()?, command, output).await,
        Command::Plan(command) => plan::run(&settings()?, command, output).await,
        Command::Brand(command) => plan::run_brand(&settings()?, command, output).await,
        Command::Audit(arguments) => audit::run(&settings()?, &arguments, output).await,
        Command::Bans(arguments) => bans::run(&settings()?, arguments, output).await,
        Command::Backup(arguments) => backup::take(&settings()?, arguments, output).await,
        Command::Restore(arguments) => backup::restore(&settings()?, arguments, output).await,
        Command::Verify(arguments) => backup::verify(&settings()?, arguments, output).await,
        Command::Import(command) => import::run(&settings()?, command, output).await,
        Command::Export(command) => export::run(&settings()?, command, output).await,
        Command::Expire(arguments) => expire::run(&settings()?, arguments, output).await,
        Command::Network(command) => network::run(&settings()?, &command, output),
        Command::Explain(arguments) => explain::run(&settings()?, &arguments, output).await,
        Command::Diagnose(arguments) => diagnose::run(&settings()?, &arguments, output).await,
        Command::Guide(arguments) => guide::run(&settings()?, &arguments, output).await,
        Command::Queue(command) => queue::run(&settings()?, command, output).await,
        Command::Report(arguments) => report::run(&arguments, output),
        Command::Quota(command) => quota::run(&settings()?, command, output).await,
        Command::Completions(wanted) => manual::completions(&wanted),
        Command::Man(wanted) => manual::man(&wanted, output),
    }
}
