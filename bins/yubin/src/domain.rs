//! `yubin domain`: whose mail is ours.

use accounts::{Accounts, DomainInfo};
use clap::Subcommand;
use serde::Serialize;

use crate::account::Pop3Setting;
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
    /// Change what POP3 does with the mail of the accounts whose issued address is in a domain
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// One that is ours
        domain: String,
        /// What to change, and to what
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<Pop3Setting>,
    },
    /// All domains that are ours
    List,
}

const ADD_EXAMPLES: &str = "\
The first domain that is added is the default one: every account has the
address LOGIN@DOMAIN in it.

Example:
  yubin domain add mx.example.jp";

const SET_EXAMPLES: &str = "\
Keys:
  expire_read=DAYS       after which mail goes that was read (yubin expire)
  expire_all=DAYS        after which any mail goes
  login_delay=SECONDS    between two logins by POP3
A value 'none' is no limit, 'default' what [pop3] in the configuration says. An
account may have its own.

Example:
  yubin domain set mx.example.jp expire_read=30 expire_all=180";

/// A domain in output.
#[derive(Debug, Serialize)]
struct Shown {
    domain: String,
    default: bool,
    addresses: i64,
    expire_read: String,
    expire_all: String,
    login_delay: String,
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
        Command::Set { domain, settings: changes } => {
            accounts.domain_set_pop3(&domain, Pop3Setting::changes(changes.into_iter())).await?;
            print_list(&accounts, output).await
        }
        Command::List => print_list(&accounts, output).await,
    }
}

async fn print_list(accounts: &Accounts, output: Output) -> Result<(), Failure> {
    let list: Vec<Shown> = accounts.domain_list().await?.into_iter().map(Shown::from).collect();
    output.print(&list, |list| {
        let row = |shown: &Shown| {
            let default = if shown.default { "default" } else { "" };
            [
                shown.domain.clone(),
                shown.addresses.to_string(),
                shown.expire_read.clone(),
                shown.expire_all.clone(),
                shown.login_delay.clone(),
                default.to_owned(),
            ]
        };
        let head = ["DOMAIN", "ADDRESSES", "READ MAIL GOES", "ALL MAIL GOES", "LOGIN DELAY", ""];
        table(head, &list.iter().map(row).collect::<Vec<_>>())
    })
}

impl From<DomainInfo> for Shown {
    fn from(info: DomainInfo) -> Self {
        Self {
            domain: info.name,
            default: info.default,
            addresses: info.addresses,
            expire_read: info.pop3.expire_read.to_string(),
            expire_all: info.pop3.expire_all.to_string(),
            login_delay: info.pop3.login_delay.to_string(),
        }
    }
}
