//! `yubin restore`: one message, one account's mail, or all.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use accounts::{AccountRow, Accounts};
use clap::Args;
use mailstore::files::{Disk, Files as _};
use mailstore::{Draft, Maildir, Namer};
use serde::Serialize;

use super::directory;
use super::list::{Entry, List};
use super::place::{Hash, Place};
use super::resume::{self, Note};
use super::run::{Kept, Run};
use super::take::IMPORTED;
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts, table};
use crate::progress::Progress;
use crate::{import, quota};

/// What to restore.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The account whose mail to restore
    #[arg(required_unless_present_any = ["all", "queue"], conflicts_with_all = ["all", "queue"])]
    login: Option<String>,
    /// The account database, which must be missing or empty, everybody's mail, and the queue
    #[arg(long)]
    all: bool,
    /// Only the messages that waited for other hosts, or to be released, which come back held
    #[arg(long, conflicts_with = "all")]
    queue: bool,
    /// Where backups are (default: `directory` of the backup section)
    #[arg(long, value_name = "DIRECTORY")]
    from: Option<PathBuf>,
    /// Which backup, by its name [default: the newest]
    #[arg(long, value_name = "NAME")]
    backup: Option<String>,
    /// Only this message, by its POP3 unique id; may be given several times
    #[arg(long = "message", value_name = "UIDL", conflicts_with_all = ["all", "queue"])]
    messages: Vec<String>,
    /// Only list the messages of the account that the backup holds
    #[arg(long, conflicts_with_all = ["all", "queue", "messages"])]
    list: bool,
}

const HELP: &str = "\
The daemons may run. A message that is in the mailbox is left as it is, so that a
restoration which was stopped can be run again, with --all too: it goes on with the
backup that it began with. What its owner deleted since the backup comes back.
Names, flags and POP3 unique ids are what they were, every
octet is checked by its hash, and quotas are counted anew.

Messages that waited for other hosts, or to be released, come back held: since the
backup they may have been sent, and nothing is sent twice by itself. What they were
held for before is said, too. See `yubin queue list --held`,
then `yubin queue release` or `yubin queue drop`.

Examples:
  yubin restore ab4t-ash --from /backup/yubin
  yubin restore ab4t-ash --from /backup/yubin --list
  yubin restore ab4t-ash --from /backup/yubin --message 1795315646.M1P2Q3R4.mx
  yubin restore --all --from /backup/yubin";

/// What came of it, in output.
#[derive(Debug, Serialize)]
struct Report {
    backup: String,
    accounts: usize,
    restored: usize,
    octets: u64,
    /// Messages that were there.
    there: usize,
    /// Messages that are in the queue again, held.
    held: usize,
    /// Accounts whose mail the backup does not hold.
    excluded: Vec<String>,
    /// Messages that could not be restored, and why.
    damaged: Vec<String>,
}

/// A message of a backup, in output.
#[derive(Debug, Serialize)]
struct Listed {
    message: String,
    octets: u64,
}

pub(super) async fn run(settings: &Settings, arguments: Arguments, output: Output) -> Result<(), Failure> {
    let place = Place::open(&directory(settings, arguments.from.as_deref())?)?;
    let note = Note::of(settings);
    let begun = if arguments.all { note.begun(&place)? } else { None };
    let run = place.run(arguments.backup.as_deref().or(begun.as_deref()))?;
    if let (true, Some(login)) = (arguments.list, &arguments.login) {
        let list = list_of(&place, kept(&run, login)?)?;
        let listed: Vec<_> = list
            .entries
            .iter()
            .map(|entry| Listed { message: entry.filed.unique_id(), octets: entry.octets })
            .collect();
        return output.print(&listed, |listed| {
            let row = |it: &Listed| [it.message.clone(), it.octets.to_string()];
            table(["MESSAGE", "OCTETS"], &listed.iter().map(row).collect::<Vec<_>>())
        });
    }
    let all = arguments.all;
    if all {
        restore_accounts(settings, &place, &run, &note, begun.as_ref() == Some(&run.name)).await?;
    }
    let accounts = settings.accounts().await?;
    let rows = match &arguments.login {
        Some(login) => vec![accounts.account_show(login).await?.account],
        None if arguments.queue => Vec::new(),
        None => accounts.account_list().await?,
    };
    let with_queue = arguments.all || arguments.queue;
    let of = settings.clone();
    let work = move || {
        let report = restore(&of, &place, &run, &rows, &arguments.messages, arguments.all)?;
        Ok::<_, Failure>((report, place, run))
    };
    let done = tokio::task::spawn_blocking(work).await;
    let (mut report, place, run) = done.map_err(|error| Failure::Refused(error.to_string()))??;
    if with_queue {
        let queue = super::queue::restore(settings, &place, &run).await?;
        report.held = queue.held;
        report.damaged.extend(queue.damaged);
    }
    if all {
        note.end()?;
    }
    output.print(&report, as_facts)?;
    match report.damaged.len() {
        0 => Ok(()),
        damaged => Err(Failure::Refused(format!("{damaged} messages could not be restored"))),
    }
}

/// They are there already where a restoration of this backup was `begun`.
async fn restore_accounts(
    settings: &Settings,
    place: &Place,
    run: &Run,
    note: &Note,
    begun: bool,
) -> Result<(), Failure> {
    let filled = resume::is_filled(settings, begun).await?;
    if begun && filled {
        return Ok(());
    }
    let hash = Hash::parse(&run.accounts)
        .ok_or_else(|| Failure::Refused("the accounts are not in this backup".into()))?;
    let dump = place.read(&hash)?;
    if !filled {
        note.begin(&run.name)?;
    }
    match Accounts::restore(&settings.database(), &mut &*dump).await {
        Ok(()) => Ok(()),
        Err(accounts::RestoreError::Open(error)) => Err(error.into()),
        Err(accounts::RestoreError::Admin(error)) => {
            if !filled && matches!(error, accounts::AdminError::Refused(_)) {
                note.end()?;
            }
            Err(Failure::Refused(format!("{error}; to restore one account's mail, name it instead of --all")))
        }
    }
}

fn kept<'r>(run: &'r Run, login: &str) -> Result<&'r Kept, Failure> {
    if run.excluded.iter().any(|excluded| excluded.login == login) {
        return Err(Failure::Refused(format!(
            "the mail of {login} was left out of this backup, being too large"
        )));
    }
    let found = run.mailboxes.iter().find(|kept| kept.login == login);
    found.ok_or_else(|| Failure::Refused(format!("{login} is not in this backup")))
}

/// A login that was removed can be issued anew: the mail of whom it was before is not for whom it is now. A mailbox key is never given
/// twice.
fn kept_of<'r>(run: &'r Run, account: &AccountRow) -> Result<&'r Kept, Failure> {
    let kept = kept(run, &account.login)?;
    if kept.mailbox == account.mailbox {
        return Ok(kept);
    }
    let (login, theirs, now) = (&account.login, &kept.mailbox, &account.mailbox);
    Err(Failure::Refused(format!(
        "this backup holds the mail of another account that had the login {login} (mailbox {theirs}, now it is {now}); \
         nothing is restored; choose a backup of the account that has it now: --backup NAME"
    )))
}

fn list_of(place: &Place, kept: &Kept) -> Result<List, Failure> {
    let hash = Hash::parse(&kept.list);
    place.list(&hash.ok_or_else(|| Failure::Refused(format!("the list of {} has no name", kept.login)))?)
}

fn restore(
    settings: &Settings,
    place: &Place,
    run: &Run,
    rows: &[AccountRow],
    only: &[String],
    all: bool,
) -> Result<Report, Failure> {
    let excluded = if all { run.excluded.iter().map(|it| it.login.clone()).collect() } else { Vec::new() };
    let mut restoring = Restoring {
        place,
        progress: Progress::new(),
        report: Report {
            backup: run.name.clone(),
            accounts: 0,
            restored: 0,
            octets: 0,
            there: 0,
            held: 0,
            excluded,
            damaged: Vec::new(),
        },
    };
    for account in rows {
        match kept_of(run, account) {
            Ok(kept) => restoring.mailbox(settings, account, kept, only)?,
            // Told as left out; any other account of this dump is in this backup.
            Err(_) if all => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(restoring.report)
}

struct Restoring<'p> {
    place: &'p Place,
    progress: Progress,
    report: Report,
}

impl Restoring<'_> {
    fn mailbox(
        &mut self,
        settings: &Settings,
        account: &AccountRow,
        kept: &Kept,
        only: &[String],
    ) -> Result<(), Failure> {
        let mut list = list_of(self.place, kept)?;
        if !only.is_empty() {
            list.entries.retain(|entry| only.contains(&entry.filed.unique_id()));
            if let Some(unknown) =
                only.iter().find(|id| list.entries.iter().all(|it| it.filed.unique_id() != **id))
            {
                let advice = "see: yubin restore LOGIN --list";
                return Err(Failure::Refused(format!("{unknown} is not in this backup; {advice}")));
            }
        }
        let maildir = import::open(settings, account)?;
        let mut back = maildir.put_back()?;
        for entry in &list.entries {
            self.message(&account.login, entry, &mut back)?;
        }
        back.finish()?;
        if let Some(imported) = kept.imported.as_deref().and_then(Hash::parse) {
            self.imported(&maildir, &imported)?;
        }
        quota::recount(settings, account)?;
        self.report.accounts += 1;
        Ok(())
    }

    /// One that is damaged hides no other.
    fn message(
        &mut self,
        login: &str,
        entry: &Entry,
        back: &mut mailstore::PutBack<'_>,
    ) -> Result<(), Failure> {
        let mut damage = None;
        let put = back.put(&entry.filed, |draft: &mut Draft| {
            let mut written = Ok(());
            let poured = self.place.pour(&entry.hash, |piece| {
                written = draft.write(piece);
                if written.is_err() { Err(Failure::Refused(String::new())) } else { Ok(()) }
            });
            written?;
            poured.inspect_err(|failure| damage = Some(failure.to_string()))
        });
        match (put, damage) {
            (_, Some(reason)) => {
                self.report.damaged.push(format!("{login}: {}: {reason}", entry.filed.unique_id()));
            }
            (Ok(true), None) => {
                self.report.restored += 1;
                self.report.octets += entry.octets;
            }
            (Ok(false), None) => self.report.there += 1,
            (Err(failure), None) => return Err(failure),
        }
        let Report { restored, there, .. } = self.report;
        self.progress.show(|| format!("{login}: {restored} messages restored, {there} were there"));
        Ok(())
    }

    /// So nothing is imported twice.
    fn imported(&self, maildir: &Maildir, hash: &Hash) -> Result<(), Failure> {
        let path = maildir.path().join(IMPORTED);
        if fs::exists(&path).unwrap_or(true) {
            return Ok(());
        }
        let text = self.place.read(hash)?;
        let tmp = maildir.path().join("tmp").join(Namer::of_this_machine().next().as_str());
        let draft = Draft::create(Arc::new(Disk), tmp.clone());
        let mut draft = draft.map_err(|error| super::place::failed("create", &tmp, &error))?;
        draft.write(&text).and_then(|()| draft.sync())?;
        draft.replace(&path)?;
        Disk.sync_dir(maildir.path()).map_err(|error| super::place::failed("sync", maildir.path(), &error))
    }
}

fn as_facts(report: &Report) -> String {
    let mut lines = vec![
        ("backup", report.backup.clone()),
        ("accounts", report.accounts.to_string()),
        ("restored", format!("{} messages, {} octets", report.restored, report.octets)),
        ("there", format!("{} messages were there", report.there)),
    ];
    if report.held > 0 {
        let advice = "they may have been sent since; see: yubin queue list --held";
        lines.push(("queue", format!("{} messages, held: {advice}", report.held)));
    }
    if !report.excluded.is_empty() {
        lines.push(("left out", report.excluded.join("\n")));
    }
    if !report.damaged.is_empty() {
        lines.push(("damaged", report.damaged.join("\n")));
    }
    facts(&lines)
}
