//! `yubin address`: the addresses that an account has beside its issued one.

use accounts::{AddressInfo, AddressKind};
use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, on_off, table};

/// What to do with addresses.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give an account one more address
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// The new address, in a domain that is ours
        address: String,
        /// The account's login
        login: String,
        /// What kind of address it is
        #[arg(long, value_enum, default_value_t = Kind::Alias)]
        kind: Kind,
        /// Give it out even if the name is reserved, was released a short while ago, or is another account's login
        #[arg(long)]
        force: bool,
    },
    /// Take an address away; mail for it is refused from then on
    Remove {
        /// The address
        address: String,
    },
    /// Let an address get mail and be written as again
    On {
        /// The address
        address: String,
    },
    /// Let an address neither get mail nor be written as; nobody else can have it
    Off {
        /// The address
        address: String,
    },
    /// Make an address the one that its account writes as by default
    Primary {
        /// The address
        address: String,
    },
    /// Whether an address can be had
    Check {
        /// The address
        address: String,
    },
    /// Reserve names that nobody shall choose, as logins or before the '@'
    Reserve {
        /// The names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Let reserved names be chosen again
    Unreserve {
        /// The names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// The names that are reserved
    Reserved,
    /// All addresses, or those of one account
    List {
        /// Only this account's
        login: Option<String>,
    },
}

/// The kinds that can be added.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// A chosen name
    Alias,
    /// A chosen name in a domain for customers' names
    Personal,
    /// A name in the customer's own domain, where all names are theirs
    Own,
    /// The login in another domain than the default one
    Id,
}

const ADD_EXAMPLES: &str = "\
Mail for the new address comes into the same mailbox as before. Nobody logs in
with it: the login stays.

Examples:
  yubin address add taro@mx.example.jp ab4t-ash
  yubin address add info@taro.example ab4t-ash --kind own";

/// An address in output.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) address: String,
    pub(crate) login: String,
    pub(crate) kind: &'static str,
    pub(crate) enabled: bool,
    pub(crate) primary: bool,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    match command {
        Command::Add { address, login, kind, force } => {
            let accounts = if force { accounts.insisting() } else { accounts };
            let shown = Shown::from(accounts.address_add_as(&address, &login, kind.into()).await?);
            output.print(&shown, |shown| format!("mail for {} goes to {}", shown.address, shown.login))
        }
        Command::Remove { address } => {
            let shown = Shown::from(accounts.address_remove(&address).await?);
            output.print(&shown, |shown| {
                format!("mail for {} is refused from now on; it went to {}", shown.address, shown.login)
            })
        }
        Command::On { address } => {
            let shown = Shown::from(accounts.address_set_enabled(&address, true).await?);
            output.print(&shown, |shown| format!("mail for {} goes to {}", shown.address, shown.login))
        }
        Command::Off { address } => {
            let shown = Shown::from(accounts.address_set_enabled(&address, false).await?);
            output.print(&shown, |shown| format!("mail for {} is refused from now on", shown.address))
        }
        Command::Primary { address } => {
            let shown = Shown::from(accounts.address_set_primary(&address).await?);
            output.print(&shown, |shown| format!("{} writes as {} by default", shown.login, shown.address))
        }
        Command::Check { address } => {
            accounts.address_check(&address).await?;
            output.print(&serde_json::json!({ "address": address, "free": true }), |_| {
                format!("{address} is free")
            })
        }
        Command::Reserve { names } => {
            for name in &names {
                accounts.reserved_add(name).await?;
            }
            print_names(&accounts.reserved_list().await?, output)
        }
        Command::Unreserve { names } => {
            for name in &names {
                accounts.reserved_remove(name).await?;
            }
            print_names(&accounts.reserved_list().await?, output)
        }
        Command::Reserved => print_names(&accounts.reserved_list().await?, output),
        Command::List { login } => {
            let list = accounts.address_list(login.as_deref()).await?;
            let list: Vec<Shown> = list.into_iter().map(Shown::from).collect();
            output.print(&list, |list| {
                let row = |shown: &Shown| {
                    let primary = if shown.primary { "primary" } else { "" };
                    [
                        shown.address.clone(),
                        shown.login.clone(),
                        shown.kind.to_owned(),
                        on_off(shown.enabled).to_owned(),
                        primary.to_owned(),
                    ]
                };
                table(["ADDRESS", "LOGIN", "KIND", "", ""], &list.iter().map(row).collect::<Vec<_>>())
            })
        }
    }
}

fn print_names(names: &[String], output: Output) -> Result<(), Failure> {
    output.print(&names, |names| names.join("\n"))
}

impl Shown {
    /// In one line of facts about its account.
    pub(crate) fn in_words(&self) -> String {
        let off = if self.enabled { "" } else { ", off" };
        let primary = if self.primary { ", primary" } else { "" };
        format!("{} ({}{off}{primary})", self.address, self.kind)
    }
}

impl From<Kind> for AddressKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Alias => Self::Alias,
            Kind::Personal => Self::Personal,
            Kind::Own => Self::Own,
            Kind::Id => Self::Id,
        }
    }
}

impl From<AddressInfo> for Shown {
    fn from(info: AddressInfo) -> Self {
        let AddressInfo { address, login, kind, enabled, primary } = info;
        Self { address, login, kind: kind.word(), enabled, primary }
    }
}
