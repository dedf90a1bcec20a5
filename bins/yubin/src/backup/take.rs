//! `yubin backup`: what is new is copied, what is known is named.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use accounts::DumpedAccount;
use clap::Args;
use mail_queue::{View, Waiting};
use mailstore::{Filed, Maildir};
use serde::Serialize;

use super::list::{Entry, List};
use super::place::{Hash, Place};
use super::run::{Excluded, FORMAT, Kept, Run};
use super::{directory, octets_argument};
use crate::config::Settings;
use crate::failure::Failure;
use crate::metrics;
use crate::output::{Output, facts};
use crate::progress::Progress;

/// How to take a backup.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Where backups are: another disk, or what is mounted of another host (default: `directory` of the backup section)
    directory: Option<PathBuf>,
    /// Leave out, and report, mailboxes of more octets
    #[arg(long, value_name = "SIZE", value_parser = octets_argument)]
    exclude_above: Option<u64>,
    /// Keep only so many backups, and remove what no other one holds
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    keep: Option<u64>,
    /// Also write figures for a Prometheus text-file collector
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

const HELP: &str = "\
The daemons may run. A message that an earlier backup holds is not read again, so
that a backup costs what has come since. The account database is in it, with the
hashes of passwords; the key of APOP secrets, certificates and the configuration
are not: keep them apart. Accepted mail that still waits for a mailbox, for
another host, or for an operator to release it, is in it.

Examples:
  yubin backup /backup/yubin
  yubin backup /backup/yubin --keep 30 --json";

/// So many messages, or octets, of one mailbox are copied until what was done is written down.
const BATCH: usize = 5000;
const BATCH_OCTETS: u64 = 1 << 30;
/// How often a mailbox is listed while other programs rename its messages.
const LISTINGS: usize = 5;
/// What mailstore keeps of an import.
pub(super) const IMPORTED: &str = "yubin-imported";

/// What a backup did, in output.
#[derive(Debug, Default, Serialize)]
struct Report {
    backup: String,
    accounts: usize,
    messages: usize,
    octets: u64,
    /// Messages that no earlier backup held.
    read: usize,
    octets_read: u64,
    excluded: Vec<Excluded>,
    /// Messages that could not be read, and why: they are not in the backup.
    unreadable: Vec<String>,
    /// Messages that wait for other hosts, or to be released.
    queued: usize,
    /// Of those, the ones for which mailboxes here wait.
    held_for_mailboxes: usize,
    /// Of earlier backups that were removed.
    removed: usize,
    /// It goes with the mail when that disk does.
    same_disk: bool,
}

pub(super) async fn run(settings: &Settings, arguments: Arguments, output: Output) -> Result<(), Failure> {
    let root = directory(settings, arguments.directory.as_deref())?;
    let accounts = settings.accounts().await?;
    let (place, lock) = Place::take(&root)?;
    let mut dump = Dump(place.begin()?);
    // Before any mailbox: whoever is in it has mail of this moment or later.
    let owners = accounts.dump(&mut dump).await?;
    let accounts = place.keep(dump.0)?;
    let exclude_above = arguments.exclude_above.or(settings.config.backup.exclude_above);
    let maildirs = settings.config.store.maildirs.clone();
    let queue = settings.config.store.queue.clone();
    let work = move || {
        let (waiting, report, progress) = (Vec::new(), Report::default(), Progress::new());
        let mut taking = Taking { place: &place, waiting, report, progress };
        taking.report.same_disk = on_one_file_system(&root, &maildirs);
        let run = taking.all(&queue, &maildirs, owners, accounts, exclude_above)?;
        if let Some(keep) = arguments.keep {
            taking.report.removed = super::prune::prune(&place, usize::try_from(keep).unwrap_or(usize::MAX))?;
        }
        taking.report.excluded = run.excluded;
        if let Some(file) = &arguments.metrics {
            write_metrics(file, &taking.report)?;
        }
        drop(lock);
        Ok(std::mem::take(&mut taking.report))
    };
    let done: Result<Report, Failure> =
        tokio::task::spawn_blocking(work).await.map_err(|error| Failure::Refused(error.to_string()))?;
    let report = done?;
    output.print(&report, as_facts)?;
    match report.unreadable.len() {
        0 => Ok(()),
        lost => Err(Failure::Refused(format!("{lost} messages cannot be read and are not in the backup"))),
    }
}

/// Of places that cannot be looked at, nothing is said.
fn on_one_file_system(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| path.metadata().ok().map(|it| it.dev());
    device(one).is_some_and(|one| device(other) == Some(one))
}

/// An object that the accounts write.
struct Dump(super::place::Writing);

impl io::Write for Dump {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets).map_err(|failure| io::Error::other(failure.to_string()))?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A backup under way.
struct Taking<'p> {
    place: &'p Place,
    /// Accepted mail that is not in its mailbox yet.
    waiting: Vec<Waiting>,
    report: Report,
    progress: Progress,
}

impl Taking<'_> {
    fn all(
        &mut self,
        queue: &Path,
        maildirs: &Path,
        owners: Vec<DumpedAccount>,
        accounts: Hash,
        exclude_above: Option<u64>,
    ) -> Result<Run, Failure> {
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S.%6fZ").to_string();
        self.report.backup.clone_from(&now);
        let accounts = accounts.as_str().to_owned();
        // What is released from now on waits for its mailboxes, or is in them; and those are last, since what leaves the queue from
        // then on is found there.
        let view = View::new(queue);
        let held_or_elsewhere = super::queue::take(self.place, &view, &mut self.report.unreadable)?;
        self.waiting = mail_queue::waiting(queue)?;
        let queue = held_or_elsewhere;
        self.report.queued = queue.len();
        self.report.held_for_mailboxes = queue.iter().filter(|queued| !queued.here.is_empty()).count();
        let mut run =
            Run { format: FORMAT, name: now, accounts, mailboxes: Vec::new(), queue, excluded: Vec::new() };
        if !maildirs.is_dir() {
            // Its file system may not be mounted: a backup of nothing would look like a good one.
            return Err(Failure::Refused(format!("the Maildirs at {} are not there", maildirs.display())));
        }
        for DumpedAccount { login, mailbox } in owners {
            let maildir = match Maildir::open(maildirs.join(&mailbox)) {
                Ok(maildir) => Some(maildir),
                // It never got a message.
                Err(mailstore::Error::NotMaildir(_)) => None,
                Err(error) => return Err(Failure::Refused(format!("{login}: {error}"))),
            };
            let refused = |error: mailstore::Error| Failure::Refused(format!("{login}: {error}"));
            if let (Some(maildir), Some(limit)) = (&maildir, exclude_above) {
                let usage = maildir.measure().map_err(refused)?;
                if usage.octets > limit {
                    run.excluded.push(Excluded {
                        login,
                        mailbox,
                        messages: usage.messages,
                        octets: usage.octets,
                    });
                    continue;
                }
            }
            run.mailboxes.push(self.mailbox(login, mailbox, maildir.as_ref())?);
        }
        self.place.settle()?;
        self.place.publish(&run)?;
        self.report.accounts = run.mailboxes.len();
        Ok(run)
    }

    fn mailbox(
        &mut self,
        login: String,
        mailbox: String,
        maildir: Option<&Maildir>,
    ) -> Result<Kept, Failure> {
        let list = self.messages(&login, &mailbox, maildir)?;
        let hash = self.place.keep_text(&list.encode())?;
        let imported = match maildir.map(|maildir| fs::read(maildir.path().join(IMPORTED))) {
            Some(Ok(text)) => Some(self.place.keep_text(&text)?.as_str().to_owned()),
            _ => None,
        };
        let (messages, octets) = (list.entries.len(), list.octets());
        self.report.messages += messages;
        self.report.octets += octets;
        if messages > 0 {
            self.place.settle()?;
            self.place.set_known(&mailbox, &hash)?;
        }
        Ok(Kept { login, mailbox, list: hash.as_str().to_owned(), messages, octets, imported })
    }

    /// Every message that is there from now on until it is copied. One that is removed meanwhile is in or not.
    fn messages(&mut self, login: &str, mailbox: &str, maildir: Option<&Maildir>) -> Result<List, Failure> {
        let refused = |error: mailstore::Error| Failure::Refused(format!("{login}: {error}"));
        let before = self.place.known(mailbox).unwrap_or_default();
        let known = before.by_unique();
        let mut list = List::default();
        let mut done: HashSet<Vec<u8>> = HashSet::new();
        let mut written = (self.report.read, self.report.octets_read);
        for listing in 1..=LISTINGS {
            let mut missed = false;
            let all = maildir.map_or(Ok(Vec::new()), Maildir::filed).map_err(refused)?;
            // The last chunk of names with one unique part is one or two of the same message, or two messages.
            for named in all.chunk_by(|a, b| a.unique() == b.unique()) {
                let Some(first) = named.first().filter(|first| !done.contains(first.unique())) else {
                    continue;
                };
                let entries = match (named, known.get(first.unique())) {
                    ([filed], Some(Some(entry))) if self.place.holds(entry) => {
                        vec![Entry { filed: filed.clone(), ..(*entry).clone() }]
                    }
                    _ => self.copy(login, named, |filed| maildir.map(|it| it.open_filed(filed)))?,
                };
                // Renamed since it was listed, or removed: the next listing tells.
                missed |= entries.is_empty();
                if !entries.is_empty() {
                    done.insert(first.unique().to_vec());
                }
                list.entries.extend(entries);
                self.progress.show(|| {
                    let Report { messages, read, .. } = &self.report;
                    format!(
                        "{login}: {} messages, {read} copied of {} in all",
                        list.entries.len(),
                        messages + list.entries.len()
                    )
                });
                let now = (self.report.read, self.report.octets_read);
                if now.0 - written.0 >= BATCH || now.1 - written.1 >= BATCH_OCTETS {
                    written = now;
                    self.write_down(mailbox, &list, &before, &done)?;
                }
            }
            missed |= self.still_queued(login, mailbox, &mut list, &mut done)?;
            if !missed || listing == LISTINGS {
                break;
            }
        }
        list.entries.sort_by(|a, b| a.filed.cmp(&b.filed));
        Ok(list)
    }

    /// Accepted mail that is not in the mailbox yet; whether some has come there since that was listed.
    fn still_queued(
        &mut self,
        login: &str,
        mailbox: &str,
        list: &mut List,
        done: &mut HashSet<Vec<u8>>,
    ) -> Result<bool, Failure> {
        let mine = |one: &&Waiting| one.mailbox.as_str() == mailbox && !done.contains(one.filed.unique());
        let waiting: Vec<Waiting> = self.waiting.iter().filter(mine).cloned().collect();
        let mut served = false;
        for Waiting { filed, path, .. } in waiting {
            let entries = self.copy(login, std::slice::from_ref(&filed), |_| Some(File::open(&path)))?;
            served |= entries.is_empty();
            if !entries.is_empty() {
                done.insert(filed.unique().to_vec());
            }
            list.entries.extend(entries);
        }
        Ok(served)
    }

    /// So a backup that is cut in a large mailbox goes on from here the next time.
    fn write_down(
        &self,
        mailbox: &str,
        list: &List,
        before: &List,
        done: &HashSet<Vec<u8>>,
    ) -> Result<(), Failure> {
        let rest = before.entries.iter().filter(|entry| !done.contains(entry.filed.unique()));
        let list = List { entries: list.entries.iter().chain(rest).cloned().collect() };
        let hash = self.place.keep_text(&list.encode())?;
        self.place.settle()?;
        self.place.set_known(mailbox, &hash)
    }

    /// Names that share their unique part: mostly one message, seldom two. One that cannot be read hides no other.
    fn copy(
        &mut self,
        login: &str,
        named: &[Filed],
        open: impl Fn(&Filed) -> Option<io::Result<File>>,
    ) -> Result<Vec<Entry>, Failure> {
        let mut entries: Vec<Entry> = Vec::new();
        for filed in named {
            let copied = match open(filed) {
                None => continue,
                Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => continue,
                Some(file) => file.and_then(|file| self.place.copy(file)),
            };
            let (hash, octets) = match copied {
                Ok(kept) => kept?,
                Err(error) => {
                    let lost = format!("{login}: {}: {error}", String::from_utf8_lossy(filed.name()));
                    if !self.report.unreadable.contains(&lost) {
                        self.report.unreadable.push(lost);
                    }
                    continue;
                }
            };
            self.report.read += 1;
            self.report.octets_read += octets;
            if entries.iter().all(|entry| entry.hash != hash) {
                let filed = if entries.is_empty() { filed.clone() } else { filed.apart(entries.len()) };
                entries.push(Entry { hash, octets, filed });
            }
        }
        Ok(entries)
    }
}

fn write_metrics(file: &Path, report: &Report) -> Result<(), Failure> {
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
    let figures = [
        ("yubin_backup_finished_seconds", now),
        ("yubin_backup_accounts", report.accounts as u64),
        ("yubin_backup_excluded_accounts", report.excluded.len() as u64),
        ("yubin_backup_messages", report.messages as u64),
        ("yubin_backup_octets_read", report.octets_read),
    ];
    metrics::write(file, &figures.map(|(name, value)| (name, Vec::new(), value)))
}

fn as_facts(report: &Report) -> String {
    let mut lines = vec![
        ("backup", report.backup.clone()),
        ("accounts", report.accounts.to_string()),
        ("messages", format!("{}, {} octets", report.messages, report.octets)),
        ("new", format!("{} messages, {} octets", report.read, report.octets_read)),
    ];
    if !report.excluded.is_empty() {
        let one = |it: &Excluded| format!("{}: {} messages, {} octets", it.login, it.messages, it.octets);
        lines.push(("left out", report.excluded.iter().map(one).collect::<Vec<_>>().join("\n")));
    }
    if !report.unreadable.is_empty() {
        lines.push(("unreadable", report.unreadable.join("\n")));
    }
    if report.queued > 0 {
        let elsewhere = report.queued - report.held_for_mailboxes;
        let held = report.held_for_mailboxes;
        lines
            .push(("queue", format!("{elsewhere} messages for other hosts, {held} held for mailboxes here")));
    }
    if report.removed > 0 {
        lines.push(("removed", format!("{} older backups", report.removed)));
    }
    if report.same_disk {
        lines.push(("warning", "it is on the same file system as the mail, and is lost with it".to_owned()));
    }
    facts(&lines)
}
