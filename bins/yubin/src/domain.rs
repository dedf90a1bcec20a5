//! `yubin domain`: whose mail is ours.

use accounts::DomainInfo;
use clap::Subcommand;
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, table};

/// What to do with domains.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a domain ours
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// For example mx.example.jp; an international name in its ASCII form
        domain: String,
    },
    /// All domains that are ours
    List,
}

const ADD_EXAMPLES: &str = "\
The first domain that is added is the default one: every account has the
address LOGIN@DOMAIN in it.

Example:
  yubin domain add mx.example.jp";

/// A domain in output.
#[derive(Debug, Serialize)]
struct Shown {
    domain: String,
    default: bool,
    addresses: i64,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    match command {
        Command::Add { domain } => {
            let shown = Shown::from(accounts.domain_add(&domain).await?);
            output.print(&shown, |shown| {
                let domain = &shown.domain;
                if shown.default {
                    format!("mail for {domain} is ours; every account will have the address LOGIN@{domain}")
                } else {
                    format!("mail for {domain} is ours")
                }
            })
        }
        Command::List => {
            let list: Vec<Shown> = accounts.domain_list().await?.into_iter().map(Shown::from).collect();
            output.print(&list, |list| {
                let row = |shown: &Shown| {
                    let default = if shown.default { "default" } else { "" };
                    [shown.domain.clone(), shown.addresses.to_string(), default.to_owned()]
                };
                table(["DOMAIN", "ADDRESSES", ""], &list.iter().map(row).collect::<Vec<_>>())
            })
        }
    }
}

impl From<DomainInfo> for Shown {
    fn from(info: DomainInfo) -> Self {
        Self { domain: info.name, default: info.default, addresses: info.addresses }
    }
}
