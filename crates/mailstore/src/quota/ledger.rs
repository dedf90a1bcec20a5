//! Reservations, and the lines of the ledger.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use super::size_file::{MAX_OCTETS, SizeFile, change};
use super::{Quota, QuotaError, Usage, count, place};
use crate::error::{During, Error};
use crate::maildir::Maildir;
use crate::name::Namer;
use crate::publish::Draft;
use crate::scan::TIME_STAMP_GRAIN;

/// A ledger that says "full" and is older is counted anew, as Maildir++ wants it.
const OLD: Duration = Duration::from_secs(15 * 60);

/// How often a Maildir is counted while other processes change it.
const COUNTS: usize = 3;

/// The ledgers of all mailboxes, as this process knows them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    accounts: Arc<Mutex<HashMap<PathBuf, Account>>>,
    /// Owners are warned from here on.
    pub(super) percent: Option<u8>,
}

/// One mailbox.
#[derive(Debug, Default)]
struct Account {
    /// Its ledger was compared with the Maildir by this process.
    counted: bool,
    /// What is on its way.
    reserved: Usage,
    /// Held to read while a message and its line are written, and to write while the Maildir is counted.
    changes: Arc<RwLock<()>>,
}

/// Room for one message in one mailbox, until it is [settled](Ledger::settle) or dropped.
#[derive(Debug)]
#[must_use = "room that is not held is given back at once"]
pub struct Reservation {
    ledger: Ledger,
    maildir: Maildir,
    quota: Quota,
    held: Usage,
}

impl Reservation {
    /// The mailbox.
    pub fn maildir(&self) -> &Maildir {
        &self.maildir
    }

    /// What the mailbox may hold.
    pub fn quota(&self) -> Quota {
        self.quota
    }
}

impl Reservation {
    /// Another reservation has its room now.
    fn keep(mut self) {
        self.held = Usage::default();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let held = self.held;
        if held != Usage::default() {
            self.ledger.with(&self.maildir, |account| account.reserved = account.reserved.minus(held));
        }
    }
}

impl Ledger {
    /// Nothing is known yet.
    pub fn new() -> Ledger {
        Ledger::default()
    }

    /// Room for a message of so many octets (0 if its sender did not say). Without a quota there always is.
    pub fn reserve(&self, maildir: &Maildir, quota: Quota, octets: u64) -> Result<Reservation, QuotaError> {
        if quota.is_none() {
            self.forget(maildir);
            return Ok(self.unchecked(maildir, quota));
        }
        let held = Usage::of_message(octets);
        let (usage, full_is_sure) = self.believed(maildir, quota).map_err(QuotaError::Unknown)?;
        match self.hold(maildir, quota, usage, held) {
            Err(QuotaError::Over(_)) if !full_is_sure => {}
            outcome => return outcome,
        }
        let usage = self.recount(maildir, quota).map_err(QuotaError::Unknown)?;
        self.hold(maildir, quota, usage, held)
    }

    /// Holds more for a message that turns out to be larger than its sender said, or of which nothing was said. What was taken in
    /// [unchecked](Ledger::unchecked) is not asked.
    pub fn enlarge(&self, reservation: &mut Reservation, octets: u64) -> Result<(), QuotaError> {
        let more = octets.saturating_sub(reservation.held.octets);
        if more == 0 || reservation.held.messages == 0 {
            return Ok(());
        }
        let (maildir, quota) = (reservation.maildir.clone(), reservation.quota);
        let more = Usage { octets: more, messages: 0 };
        let (usage, full_is_sure) = self.believed(&maildir, quota).map_err(QuotaError::Unknown)?;
        let further = match self.hold(&maildir, quota, usage, more) {
            Err(QuotaError::Over(_)) if !full_is_sure => {
                let usage = self.recount(&maildir, quota).map_err(QuotaError::Unknown)?;
                self.hold(&maildir, quota, usage, more)?
            }
            outcome => outcome?,
        };
        // Both in one from here on: nothing is given back in between.
        reservation.held = reservation.held.plus(more);
        further.keep();
        Ok(())
    }

    /// A message that is taken in whatever the mailbox holds; its line is written all the same.
    pub fn unchecked(&self, maildir: &Maildir, quota: Quota) -> Reservation {
        Reservation { ledger: self.clone(), maildir: maildir.clone(), quota, held: Usage::default() }
    }

    /// Publishes a message, and writes its line in each mailbox that has it then: `stored` says with how many octets.
    ///
    /// A mailbox that does not have it (yet) is counted anew when it is next asked about. That a line cannot be written harms
    /// nobody: then, too.
    pub fn settle<T>(
        &self,
        reservations: Vec<Reservation>,
        publish: impl FnOnce() -> T,
        stored: impl Fn(&T, &Maildir) -> Option<u64>,
    ) -> T {
        let mut booked: Vec<&Reservation> = reservations.iter().filter(|one| !one.quota.is_none()).collect();
        // In one order for all, so that no two wait for each other.
        booked.sort_by(|a, b| a.maildir.path().cmp(b.maildir.path()));
        booked.dedup_by(|a, b| a.maildir.path() == b.maildir.path());
        let locks: Vec<_> = booked.iter().map(|one| self.changes(&one.maildir)).collect();
        let guards: Vec<_> =
            locks.iter().map(|lock| lock.read().unwrap_or_else(PoisonError::into_inner)).collect();
        let published = publish();
        for one in &booked {
            match stored(&published, &one.maildir) {
                Some(octets) => self.write_line(&one.maildir, Usage::of_message(octets), true),
                None => self.doubt(&one.maildir),
            }
        }
        // Now the lines say what the reservations said.
        drop(reservations);
        drop(guards);
        published
    }

    /// Removes messages, and writes one line for those that are gone: `removed` says how many and how large, or
    /// `None` if that is not known for sure.
    pub fn remove<T>(
        &self,
        maildir: &Maildir,
        quota: Quota,
        remove: impl FnOnce() -> T,
        removed: impl FnOnce(&T) -> Option<Usage>,
    ) -> T {
        if quota.is_none() {
            return remove();
        }
        let lock = self.changes(maildir);
        let changing = lock.read().unwrap_or_else(PoisonError::into_inner);
        let outcome = remove();
        match removed(&outcome) {
            None => self.doubt(maildir),
            Some(usage) if usage == Usage::default() => {}
            Some(usage) => self.write_line(maildir, usage, false),
        }
        drop(changing);
        self.is_less_full(maildir, quota);
        outcome
    }

    /// How much a mailbox holds: what its ledger says if that can be believed, else what lies there.
    pub fn usage(&self, maildir: &Maildir, quota: Quota) -> Result<Usage, Error> {
        Ok(self.believed(maildir, quota)?.0)
    }

    /// Counts what lies in the mailbox and begins its ledger anew: after an import, after a restoration, and when in doubt.
    pub fn recount(&self, maildir: &Maildir, quota: Quota) -> Result<Usage, Error> {
        let lock = self.changes(maildir);
        let _alone = lock.write().unwrap_or_else(PoisonError::into_inner);
        let mut counts = COUNTS;
        loop {
            counts = counts.saturating_sub(1);
            let before = last_change(maildir)?;
            let usage = count::count(maildir)?;
            let written = !quota.is_none() && store(maildir, quota, usage).is_ok();
            // Other processes ask for no lock of ours. What they did in between, the next count has; asked only now, since a
            // line may have gone into the ledger that was just replaced.
            if counts > 0 && last_change(maildir)? != before {
                continue;
            }
            self.with(maildir, |account| account.counted = written);
            return Ok(usage);
        }
    }

    /// The next question about this mailbox is answered by counting.
    pub fn forget(&self, maildir: &Maildir) {
        let mut accounts = self.accounts();
        if let Some(account) = accounts.get_mut(maildir.path()) {
            account.counted = false;
            if account.reserved == Usage::default() && Arc::strong_count(&account.changes) == 1 {
                accounts.remove(maildir.path());
            }
        }
    }

    /// As [`forget`](Ledger::forget), for every mailbox: messages came into some without a line.
    pub fn forget_all(&self) {
        self.accounts().values_mut().for_each(|account| account.counted = false);
    }

    /// What a mailbox holds, and whether that is sure enough to refuse a message.
    fn believed(&self, maildir: &Maildir, quota: Quota) -> Result<(Usage, bool), Error> {
        let counted = self.accounts().get(maildir.path()).is_some_and(|account| account.counted);
        match load(maildir) {
            Some(file) if counted && file.quota == quota => {
                Ok((file.usage, file.changes == 0 && is_newer_than_changes(maildir)?))
            }
            _ => Ok((self.recount(maildir, quota)?, true)),
        }
    }

    fn hold(
        &self,
        maildir: &Maildir,
        quota: Quota,
        usage: Usage,
        held: Usage,
    ) -> Result<Reservation, QuotaError> {
        self.with(maildir, |account| {
            quota.allows(usage.plus(account.reserved).plus(held))?;
            account.reserved = account.reserved.plus(held);
            Ok(())
        })
        .map_err(QuotaError::Over)?;
        let mut reservation = self.unchecked(maildir, quota);
        reservation.held = held;
        Ok(reservation)
    }

    fn write_line(&self, maildir: &Maildir, usage: Usage, added: bool) {
        let path = place(maildir);
        if maildir.files.append(&path, change(usage, added).as_bytes()).is_err() {
            self.doubt(maildir);
        }
    }

    /// Takes the ledger away, so that every process counts.
    fn doubt(&self, maildir: &Maildir) {
        let _ = maildir.files.remove(&place(maildir));
        self.forget(maildir);
    }

    fn changes(&self, maildir: &Maildir) -> Arc<RwLock<()>> {
        self.with(maildir, |account| account.changes.clone())
    }

    fn with<T>(&self, maildir: &Maildir, act: impl FnOnce(&mut Account) -> T) -> T {
        let mut accounts = self.accounts();
        match accounts.get_mut(maildir.path()) {
            Some(account) => act(account),
            None => act(accounts.entry(maildir.path().to_owned()).or_default()),
        }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<PathBuf, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the file says; `None` if it says nothing that can be believed.
fn load(maildir: &Maildir) -> Option<SizeFile> {
    let file = maildir.files.open(&place(maildir)).ok()?;
    let mut text = Vec::with_capacity(256);
    file.take(MAX_OCTETS as u64 + 1).read_to_end(&mut text).ok()?;
    SizeFile::parse(&text)
}

/// Not synced: a power cut leaves what cannot be believed, or an older ledger to a process that has not counted yet.
fn store(maildir: &Maildir, quota: Quota, usage: Usage) -> Result<(), Error> {
    let tmp = maildir.path().join("tmp").join(Namer::of_this_machine().next().as_str());
    let mut draft = Draft::create(maildir.files.clone(), tmp.clone()).during("create", &tmp)?;
    draft.write(SizeFile::counted(quota, usage).as_bytes())?;
    draft.replace(&place(maildir))
}

/// When `new/` and `cur/` changed.
fn last_change(maildir: &Maildir) -> Result<[SystemTime; 2], Error> {
    let modified = |part: &str| {
        let path = maildir.path().join(part);
        let stat = maildir.files.stat(&path).map_err(|error| maildir.missing_or(error, "look at", &path))?;
        Ok(stat.modified)
    };
    Ok([modified("new")?, modified("cur")?])
}

/// Whether the ledger was written well behind every change of the Maildir, and lately.
fn is_newer_than_changes(maildir: &Maildir) -> Result<bool, Error> {
    let path: &Path = &place(maildir);
    let written = match maildir.files.stat(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        stat => stat.during("look at", path)?.modified,
    };
    let lately = SystemTime::now().duration_since(written).is_ok_and(|age| age < OLD);
    let behind =
        |changed: SystemTime| written.duration_since(changed).is_ok_and(|gap| gap > TIME_STAMP_GRAIN);
    Ok(lately && last_change(maildir)?.into_iter().all(behind))
}
