//! `yubin account forward`: where an account sends its mail on.

use accounts::{Accounts, Forwarding, Service};
use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts};

/// What to do with where an account sends its mail on.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send mail on to more addresses
    #[command(after_help = EXAMPLES)]
    Add {
        /// The login, not an address
        login: String,
        /// The addresses
        #[arg(required = true)]
        addresses: Vec<String>,
    },
    /// Send it there no more
    Remove {
        /// The login, not an address
        login: String,
        /// The addresses
        #[arg(required = true)]
        addresses: Vec<String>,
    },
    /// Whether what is sent on is in the account's mailbox, too
    Keep {
        /// The login, not an address
        login: String,
        /// Whether it is
        copy: Copy,
    },
    /// Where its mail is sent on
    Show {
        /// The login, not an address
        login: String,
    },
}

/// Whether a copy is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Copy {
    /// It is in the mailbox, too
    Yes,
    /// It is in the mailbox only if it cannot be sent on
    No,
}

const EXAMPLES: &str = "\
The account must have the service, and the configuration a section [forwarding].
Nobody outside is told when mail cannot be sent on: it is in the mailbox then.

Examples:
  yubin account set ab4t-ash forward=on
  yubin account forward add ab4t-ash taro@example.org
  yubin account forward keep ab4t-ash no";

#[derive(Debug, Serialize)]
struct Shown {
    login: String,
    addresses: Vec<String>,
    keeps_copy: bool,
    /// Why nothing is sent on now, if nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    off: Vec<String>,
}

/// Does it.
pub(crate) async fn run(
    settings: &Settings,
    accounts: &Accounts,
    command: Command,
    output: Output,
) -> Result<(), Failure> {
    let (login, forwarding) = match command {
        Command::Add { login, addresses } => {
            for address in &addresses {
                accounts.forward_add(&login, address).await?;
            }
            (login.clone(), accounts.forward_show(&login).await?)
        }
        Command::Remove { login, addresses } => {
            for address in &addresses {
                accounts.forward_remove(&login, address).await?;
            }
            (login.clone(), accounts.forward_show(&login).await?)
        }
        Command::Keep { login, copy } => {
            let forwarding = accounts.forward_keep(&login, copy == Copy::Yes).await?;
            (login, forwarding)
        }
        Command::Show { login } => (login.clone(), accounts.forward_show(&login).await?),
    };
    let Forwarding { addresses, keeps_copy } = forwarding;
    let off = off(settings, accounts, &login).await?;
    output.print(&Shown { login, addresses, keeps_copy, off }, as_facts)
}

/// Whatever must be there, and is not.
async fn off(settings: &Settings, accounts: &Accounts, login: &str) -> Result<Vec<String>, Failure> {
    let mut off = Vec::new();
    if settings.config.forwarding.is_none() {
        off.push(String::from("the configuration has no section [forwarding]"));
    }
    if let Some(bar) = accounts.account_show(login).await?.bar(Service::Forward) {
        off.push(match bar.word() {
            "service-off" => format!("it has not the service: yubin account set {login} forward=on"),
            word => format!("the account is {word}"),
        });
    }
    Ok(off)
}

fn as_facts(shown: &Shown) -> String {
    let addresses = if shown.addresses.is_empty() { "nowhere".into() } else { shown.addresses.join("\n") };
    let copy = if shown.keeps_copy {
        "is in the mailbox, too"
    } else {
        "in the mailbox only if it cannot be sent on"
    };
    let mut lines =
        vec![("login", shown.login.clone()), ("sent on to", addresses), ("a copy", copy.to_owned())];
    if !shown.off.is_empty() && !shown.addresses.is_empty() {
        lines.push(("but not now", shown.off.join("\n")));
    }
    facts(&lines)
}
