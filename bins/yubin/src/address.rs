//! `yubin address`: the addresses that an account has beside its issued one.

use accounts::AddressInfo;
use clap::Subcommand;
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, table};

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
    },
    /// Take an address away; mail for it is refused from then on
    Remove {
        /// The address
        address: String,
    },
    /// All addresses, or those of one account
    List {
        /// Only this account's
        login: Option<String>,
    },
}

const ADD_EXAMPLES: &str = "\
Mail for the new address comes into the same mailbox as before. Nobody logs in
with it: the login stays.

Example:
  yubin address add taro@mx.example.jp ab4t-ash";

/// An address in output.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) address: String,
    pub(crate) login: String,
    pub(crate) kind: &'static str,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    match command {
        Command::Add { address, login } => {
            let shown = Shown::from(accounts.address_add(&address, &login).await?);
            output.print(&shown, |shown| format!("mail for {} goes to {}", shown.address, shown.login))
        }
        Command::Remove { address } => {
            let shown = Shown::from(accounts.address_remove(&address).await?);
            output.print(&shown, |shown| {
                format!("mail for {} is refused from now on; it went to {}", shown.address, shown.login)
            })
        }
        Command::List { login } => {
            let list = accounts.address_list(login.as_deref()).await?;
            let list: Vec<Shown> = list.into_iter().map(Shown::from).collect();
            output.print(&list, |list| {
                let row = |shown: &Shown| [shown.address.clone(), shown.login.clone(), shown.kind.to_owned()];
                table(["ADDRESS", "LOGIN", "KIND"], &list.iter().map(row).collect::<Vec<_>>())
            })
        }
    }
}

impl From<AddressInfo> for Shown {
    fn from(info: AddressInfo) -> Self {
        Self { address: info.address, login: info.login, kind: info.kind.word() }
    }
}
