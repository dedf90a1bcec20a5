//! `yubin verify`: every octet of a backup is read, and must be what its name says.

use std::collections::HashSet;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::directory;
use super::place::{Hash, Place};
use super::run::Run;
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts};
use crate::progress::Progress;

/// What to verify.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Where backups are (default: `directory` of the backup section)
    directory: Option<PathBuf>,
    /// Only this backup, by its name [default: all]
    #[arg(long, value_name = "NAME")]
    backup: Option<String>,
}

const HELP: &str = "\
What is other than it was is moved into damaged/ beside the backups, unless one is
under way. The next backup reads it again, where the mailbox still has it: then
older backups have it again too. What no mailbox has any more cannot come back.

Examples:
  yubin verify /backup/yubin
  yubin verify /backup/yubin --backup 20261122T031500.000000Z";

/// What was found, in output.
#[derive(Debug, Default, Serialize)]
struct Report {
    backups: Vec<String>,
    objects: usize,
    octets: u64,
    /// Whose mail, or that it is the accounts; and why it cannot be restored.
    damaged: Vec<Damaged>,
    /// How many files were moved to `damaged/`, so that the next backup makes them anew.
    set_aside: usize,
}

#[derive(Debug, Serialize)]
struct Damaged {
    backup: String,
    what: String,
    reason: String,
}

pub(super) async fn run(settings: &Settings, arguments: Arguments, output: Output) -> Result<(), Failure> {
    let place = Place::open(&directory(settings, arguments.directory.as_deref())?)?;
    let work = move || verify(&place, arguments.backup.as_deref());
    let report =
        tokio::task::spawn_blocking(work).await.map_err(|error| Failure::Refused(error.to_string()))??;
    output.print(&report, as_facts)?;
    match report.damaged.len() {
        0 => Ok(()),
        damaged => Err(Failure::Refused(format!(
            "{damaged} parts are damaged or missing; look after the disk and run yubin backup now: what is still in a mailbox is read again"
        ))),
    }
}

struct Verifying<'p> {
    place: &'p Place,
    report: Report,
    seen: HashSet<Hash>,
    progress: Progress,
}

fn verify(place: &Place, only: Option<&str>) -> Result<Report, Failure> {
    let names = match only {
        Some(name) => vec![name.to_owned()],
        None => place.runs()?,
    };
    if names.is_empty() {
        return Err(Failure::Refused("there is no backup yet".into()));
    }
    let progress = Progress::new();
    let mut verifying = Verifying { place, report: Report::default(), seen: HashSet::new(), progress };
    for name in names {
        verifying.run(&place.run(Some(&name))?);
        verifying.report.backups.push(name);
    }
    Ok(verifying.report)
}

impl Verifying<'_> {
    fn run(&mut self, run: &Run) {
        self.object(run, "the accounts", Hash::parse(&run.accounts));
        for queued in &run.queue {
            let what = format!("queue, message {}", queued.id);
            queued.objects().for_each(|name| self.object(run, &what, Hash::parse(name)));
        }
        for kept in &run.mailboxes {
            let list = Hash::parse(&kept.list);
            self.object(run, &kept.login, list.clone());
            if let Some(imported) = &kept.imported {
                self.object(run, &kept.login, Hash::parse(imported));
            }
            // One that cannot be read was told.
            let Some(Ok(list)) = list.map(|list| self.place.list(&list)) else { continue };
            for entry in list.entries {
                let what = format!("{}, message {}", kept.login, entry.filed.unique_id());
                self.object(run, &what, Some(entry.hash));
            }
        }
    }

    fn object(&mut self, run: &Run, what: &str, hash: Option<Hash>) {
        let found = match &hash {
            Some(hash) if self.seen.contains(hash) => return,
            None => Err(Failure::Refused("its name is no hash".into())),
            Some(hash) => {
                let octets = &mut self.report.octets;
                self.place.pour(hash, |piece| {
                    *octets += piece.len() as u64;
                    Ok(())
                })
            }
        };
        self.report.objects += 1;
        let (objects, octets) = (self.report.objects, self.report.octets);
        self.progress.show(|| format!("{objects} files, {octets} octets read"));
        match found {
            // What is damaged is told for everybody whom it concerns.
            Ok(()) => self.seen.extend(hash),
            Err(failure) => {
                if hash.is_some_and(|hash| self.place.set_aside(&hash)) {
                    self.report.set_aside += 1;
                }
                let (backup, what) = (run.name.clone(), what.to_owned());
                self.report.damaged.push(Damaged { backup, what, reason: failure.to_string() });
            }
        }
    }
}

fn as_facts(report: &Report) -> String {
    let damaged = report.damaged.iter().map(|it| format!("{}: {}: {}", it.backup, it.what, it.reason));
    let mut lines = vec![
        ("backups", report.backups.join("\n")),
        ("read", format!("{} files, {} octets", report.objects, report.octets)),
        ("damaged", damaged.collect::<Vec<_>>().join("\n")),
    ];
    if report.damaged.is_empty() {
        lines.pop();
        lines.push(("damaged", "nothing".into()));
    }
    if report.set_aside > 0 {
        lines.push(("set aside", format!("{} files, into damaged/", report.set_aside)));
    }
    facts(&lines)
}
