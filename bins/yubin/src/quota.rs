//! `yubin quota`: how much mailboxes hold, and how much they may.

use std::path::Path;

use accounts::{AccountRow, Accounts};
use clap::Subcommand;
use mailstore::{Error, Ledger, Maildir, Quota, Usage};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, table};

/// What to do with quotas.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What mailboxes hold and may hold, the fullest first
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// Only this account
        login: Option<String>,
        /// Only so many, those that hold the most octets
        #[arg(long, value_name = "COUNT", conflicts_with = "login")]
        top: Option<usize>,
    },
    /// Count what lies in mailboxes, and begin their ledgers anew
    #[command(after_help = RECOUNT_HELP)]
    Recount {
        /// Only this account
        login: Option<String>,
    },
}

const SHOW_EXAMPLES: &str = "\
What lies on the disk is counted; nothing is changed. An account whose quota is
'none' has no limit.

Examples:
  yubin quota show ab4t-ash
  yubin quota show --top 100 --json";

const RECOUNT_HELP: &str = "\
The daemons count by themselves whenever they have a doubt; so this is for mail
that was put into a Maildir, or taken out of it, by hand.";

/// A mailbox in output.
#[derive(Debug, Serialize)]
struct Shown {
    login: String,
    octets: u64,
    messages: u64,
    quota: Option<u64>,
    quota_messages: Option<u64>,
    /// Of the limit that is nearer; none without a limit.
    percent: Option<u64>,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    let (login, top, recount) = match command {
        Command::Show { login, top } => (login, top, false),
        Command::Recount { login } => (login, None, true),
    };
    let rows = rows(&accounts, login.as_deref()).await?;
    if recount {
        settings.store_is_ours()?;
    }
    let settings = settings.clone();
    let counted = tokio::task::spawn_blocking(move || count_all(&settings, rows, recount)).await;
    let mut list = counted.map_err(|error| Failure::Refused(error.to_string()))??;
    list.truncate(top.unwrap_or(list.len()));
    output.print(&list, |list| as_table(list))
}

/// The limits of an account: its own, or those of the configuration.
pub(crate) fn quota_of(settings: &Settings, account: &AccountRow) -> Quota {
    let configured = settings.config.quota;
    Quota {
        octets: account.quota.octets.or(configured.octets),
        messages: account.quota.messages.or(configured.messages),
    }
}

/// Counts a mailbox and begins its ledger anew. One that never got a message holds nothing.
pub(crate) fn recount(settings: &Settings, account: &AccountRow) -> Result<Usage, Error> {
    let quota = quota_of(settings, account);
    count(&settings.maildir(&account.mailbox), |maildir| Ledger::new().recount(maildir, quota))
}

fn count(path: &Path, count: impl FnOnce(&Maildir) -> Result<Usage, Error>) -> Result<Usage, Error> {
    match Maildir::open(path) {
        Err(Error::NotMaildir(_)) => Ok(Usage::default()),
        maildir => count(&maildir?),
    }
}

async fn rows(accounts: &Accounts, login: Option<&str>) -> Result<Vec<AccountRow>, Failure> {
    Ok(match login {
        Some(login) => vec![accounts.account_show(login).await?.account],
        None => accounts.account_list().await?,
    })
}

fn count_all(settings: &Settings, rows: Vec<AccountRow>, anew: bool) -> Result<Vec<Shown>, Failure> {
    let mut list = Vec::new();
    for account in rows {
        let counted = match anew {
            true => recount(settings, &account),
            false => count(&settings.maildir(&account.mailbox), Maildir::measure),
        };
        let usage = counted.map_err(|error| Failure::Refused(format!("{}: {error}", account.login)))?;
        list.push(Shown::new(quota_of(settings, &account), usage, account.login));
    }
    list.sort_by(|a, b| b.octets.cmp(&a.octets).then_with(|| a.login.cmp(&b.login)));
    Ok(list)
}

impl Shown {
    fn new(quota: Quota, Usage { octets, messages }: Usage, login: String) -> Self {
        let percent = |held: u64, limit: Option<u64>| {
            let percent = u128::from(held) * 100 / u128::from(limit?.max(1));
            Some(u64::try_from(percent).unwrap_or(u64::MAX))
        };
        let nearer = percent(octets, quota.octets).max(percent(messages, quota.messages));
        Self { login, octets, messages, quota: quota.octets, quota_messages: quota.messages, percent: nearer }
    }
}

fn as_table(list: &[Shown]) -> String {
    let limit = |limit: Option<u64>| limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    let row = |shown: &Shown| {
        [
            shown.login.clone(),
            shown.octets.to_string(),
            limit(shown.quota),
            shown.messages.to_string(),
            limit(shown.quota_messages),
            shown.percent.map_or_else(String::new, |percent| format!("{percent}%")),
        ]
    };
    let head = ["LOGIN", "OCTETS", "OF", "MESSAGES", "OF", "FULL"];
    table(head, &list.iter().map(row).collect::<Vec<_>>())
}
