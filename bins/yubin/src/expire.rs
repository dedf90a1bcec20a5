//! `yubin expire`: removes mail that has been here for too long.

use std::time::{Duration, SystemTime};

use accounts::{AccountRow, Pop3Rules};
use clap::Args;
use mailstore::{Error, Ledger, Maildir, Retention};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, table};
use crate::progress::Progress;
use crate::quota::quota_of;

/// Which mail, and whether it really goes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only this account
    login: Option<String>,
    /// Only tell what would go
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
How long mail stays is said by [pop3] in the configuration, by a domain or by an
account; without a rule it stays for ever:
  yubin domain set mx.example.jp expire_all=180
  yubin account set ab4t-ash expire_read=30 expire_all=none

A mailbox that is open in a POP3 session is left for the next time. Run this
once a day, and by hand first with --dry-run:
  yubin expire --dry-run
  yubin expire";

const DAY: Duration = Duration::from_hours(24);

/// A mailbox in output.
#[derive(Debug, Serialize)]
struct Shown {
    login: String,
    expire_read_days: Option<u64>,
    expire_all_days: Option<u64>,
    /// Messages that are gone, or would be.
    messages: u64,
    octets: u64,
    /// What kept them: none, `in-use`, or what went wrong.
    kept: Option<String>,
}

/// All of it, in output.
#[derive(Debug, Serialize)]
struct Report {
    dry_run: bool,
    mailboxes: Vec<Shown>,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, arguments: Arguments, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    let mut rows = accounts.pop3_rules().await?;
    if let Some(login) = &arguments.login {
        // For its words about a login that is none.
        let login = accounts.account_show(login).await?.account.login;
        rows.retain(|(row, _)| row.login == login);
    }
    if !arguments.dry_run {
        settings.store_is_ours()?;
    }
    let (settings, dry_run) = (settings.clone(), arguments.dry_run);
    let work = move || {
        let mut progress = Progress::new();
        let count = rows.len();
        let each = rows.into_iter().enumerate().filter_map(|(done, (account, rules))| {
            progress.show(|| format!("{done} of {count} mailboxes"));
            mailbox(&settings, account, rules, dry_run)
        });
        each.collect()
    };
    let done = tokio::task::spawn_blocking(work).await;
    let report = Report { dry_run, mailboxes: done.map_err(|error| Failure::Refused(error.to_string()))? };
    output.print(&report, as_table)?;
    let broken = |shown: &&Shown| shown.kept.as_deref().is_some_and(|kept| kept != IN_USE);
    match report.mailboxes.iter().filter(broken).count() {
        0 => Ok(()),
        broken => Err(Failure::Refused(format!("{broken} mailboxes could not be looked through, see above"))),
    }
}

const IN_USE: &str = "in-use";

/// None for a mailbox without a rule.
fn mailbox(settings: &Settings, account: AccountRow, rules: Pop3Rules, dry_run: bool) -> Option<Shown> {
    let configured = settings.config.pop3;
    let expire_read_days = rules.expire_read.or(configured.expire_read.map(u64::from));
    let expire_all_days = rules.expire_all.or(configured.expire_all.map(u64::from));
    expire_read_days.or(expire_all_days)?;
    let days = |days: u64| DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX));
    let retention = Retention { read: expire_read_days.map(days), all: expire_all_days.map(days) };
    let (messages, octets, kept) = match expire(settings, &account, retention, dry_run) {
        Ok((messages, octets, None)) => (messages, octets, None),
        Ok((messages, octets, Some(error))) => (messages, octets, Some(error.to_string())),
        // It never got a message.
        Err(Error::NotMaildir(_)) => (0, 0, None),
        Err(Error::InUse) => (0, 0, Some(IN_USE.to_owned())),
        Err(error) => (0, 0, Some(error.to_string())),
    };
    Some(Shown { login: account.login, expire_read_days, expire_all_days, messages, octets, kept })
}

/// How many messages and octets are gone, or would be; and why others are not.
fn expire(
    settings: &Settings,
    account: &AccountRow,
    retention: Retention,
    dry_run: bool,
) -> Result<(u64, u64, Option<Error>), Error> {
    let maildir = Maildir::open(settings.maildir(&account.mailbox))?;
    let mut maildrop = maildir.lock()?.booked(Ledger::new(), quota_of(settings, account));
    let due = maildrop.due(retention, SystemTime::now());
    let sizes: Vec<u64> = due.iter().map(|&index| maildrop.octets(index)).collect();
    if dry_run {
        return Ok((due.len() as u64, sizes.iter().sum(), None));
    }
    let (mut messages, mut octets, mut trouble) = (0, 0, None);
    for (removal, size) in maildrop.remove(due).into_iter().zip(sizes) {
        match removal.result {
            Ok(_) => (messages, octets) = (messages + 1, octets + size),
            Err(error) => trouble = Some(error),
        }
    }
    Ok((messages, octets, trouble))
}

fn as_table(report: &Report) -> String {
    let days = |days: Option<u64>| days.map_or_else(|| "never".to_owned(), |days| format!("{days} days"));
    let row = |shown: &Shown| {
        [
            shown.login.clone(),
            days(shown.expire_read_days),
            days(shown.expire_all_days),
            shown.messages.to_string(),
            shown.octets.to_string(),
            shown.kept.clone().unwrap_or_default(),
        ]
    };
    if report.mailboxes.is_empty() {
        return "no account, no domain and no [pop3] says that mail goes; see: yubin expire --help".into();
    }
    let gone = if report.dry_run { "WOULD GO" } else { "GONE" };
    let head = ["LOGIN", "READ GOES AFTER", "ALL GOES AFTER", gone, "OCTETS", "KEPT BECAUSE"];
    table(head, &report.mailboxes.iter().map(row).collect::<Vec<_>>())
}
