//! `yubin import`: mail of another server, with the unique ids that its customers' programs know.

use std::path::PathBuf;
use std::sync::Arc;

use accounts::AccountRow;
use clap::Subcommand;
use mailstore::files::{Disk, make_dir_durable};
use mailstore::{ImportOptions, Imported, Mailbox, Maildir, Quoting};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::import_accounts;
use crate::output::{Output, facts};
use crate::progress::Progress;
use crate::quota;

/// From what.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Accounts, from a table
    Accounts(import_accounts::Arguments),
    /// From a Maildir: of Dovecot, Courier, qmail or another
    #[command(after_help = MAILDIR_HELP)]
    Maildir {
        /// The directory with new/ and cur/
        path: PathBuf,
        /// The account's login
        login: String,
        /// Dovecot's pop3_uidl_format, where it is not its default
        #[arg(long, value_name = "FORMAT")]
        uidl_format: Option<String>,
    },
    /// From an mbox file
    #[command(after_help = MBOX_HELP)]
    Mbox {
        /// The file
        path: PathBuf,
        /// The account's login
        login: String,
        /// How lines that begin with "From " were quoted: mboxrd, mboxo or none
        #[arg(long, value_name = "RULE", default_value = "mboxrd")]
        quoting: Quoting,
    },
}

const MAILDIR_HELP: &str = "\
The source is only read. Messages keep the POP3 unique ids of the old server: by
its dovecot-uidlist or courierpop3dsizelist, else by its file names, as qmail
shows them. Stop it at any time and run it again: each message comes once, and
never again, not even after the customer has deleted it; what has come to the
source since comes too. Mail may be delivered meanwhile. Of two different files
with one name (but for flags) both come, the newer under another unique id.

Examples:
  yubin import maildir /var/mail/vhosts/example.jp/taro/Maildir ab4t-ash
  yubin import maildir --uidl-format '%v.%u' ./Maildir ab4t-ash";

const MBOX_HELP: &str = "\
The file is only read; nothing may be delivered into it meanwhile. A message keeps
the unique id of its X-UIDL field, if it has one. Stop it at any time and run it
again: each message comes once.

  mboxrd  '>' stands before From, >From, >>From and so on (the default)
  mboxo   '>' stands before From only
  none    nothing is quoted

Example:
  yubin import mbox /var/mail/taro ab4t-ash --quoting mboxo";

/// Where mail comes from.
enum Source {
    /// With Dovecot's `pop3_uidl_format`.
    Maildir(PathBuf, Option<String>),
    Mbox(PathBuf, Quoting),
}

/// What came of it, in output.
#[derive(Debug, Serialize)]
struct Report {
    login: String,
    found: usize,
    taken: usize,
    before: usize,
    renamed: usize,
    ids_lost: usize,
    octets: u64,
    messages: u64,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let (source, login) = match command {
        Command::Accounts(arguments) => return import_accounts::run(settings, arguments, output).await,
        Command::Maildir { path, login, uidl_format } => (Source::Maildir(path, uidl_format), login),
        Command::Mbox { path, login, quoting } => (Source::Mbox(path, quoting), login),
    };
    let account = settings.accounts().await?.account_show(&login).await?.account;
    settings.store_is_ours()?;
    let settings = settings.clone();
    let work = tokio::task::spawn_blocking(move || import(&settings, &account, source));
    let report = work.await.map_err(|error| Failure::Refused(error.to_string()))??;
    output.print(&report, as_facts)
}

fn import(settings: &Settings, account: &AccountRow, source: Source) -> Result<Report, Failure> {
    let maildir = open(settings, account)?;
    let mut progress = Progress::new();
    let mut show = |Imported { found, taken, before, .. }| {
        progress.show(|| format!("{} of {found} messages", taken + before));
    };
    let imported = match source {
        Source::Maildir(path, uidl_format) => {
            let mut options = ImportOptions::default();
            if let Some(format) = uidl_format {
                options.pop3_uidl_format = format;
            }
            maildir.import(&path, &options, &mut show)
        }
        Source::Mbox(path, quoting) => maildir.import_mbox(&path, quoting, &mut show),
    };
    drop(progress);
    // Also of what a failed one took over.
    let counted = quota::recount(settings, account);
    let Imported { found, taken, before, renamed, ids_lost } = imported?;
    let usage = counted?;
    let login = account.login.clone();
    let (octets, messages) = (usage.octets, usage.messages);
    Ok(Report { login, found, taken, before, renamed, ids_lost, octets, messages })
}

/// The account's Maildir, made if it never got a message.
pub(crate) fn open(settings: &Settings, account: &AccountRow) -> Result<Maildir, Failure> {
    let key = Mailbox::new(account.mailbox.as_str()).map_err(|bad| Failure::Refused(bad.to_string()))?;
    let root = &settings.config.store.maildirs;
    make_dir_durable(&Disk, root)?;
    Ok(Maildir::create_below(Arc::new(Disk), root, &key)?)
}

fn as_facts(report: &Report) -> String {
    let mut lines = vec![
        ("imported", format!("{} messages into {}", report.taken, report.login)),
        ("before", format!("{} had been imported before", report.before)),
        ("mailbox", format!("{} messages, {} octets", report.messages, report.octets)),
    ];
    if report.renamed > 0 {
        let twins = "messages shared their file name with another: they have a new name and unique id";
        lines.push(("renamed", format!("{} {twins}", report.renamed)));
    }
    if report.ids_lost > 0 {
        let lost = format!("{} messages have a new unique id: theirs is taken, or too long", report.ids_lost);
        lines.push(("unique ids", lost));
    }
    facts(&lines)
}
