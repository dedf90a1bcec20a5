//! The exclusive session over a Maildir.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::{During, Error};
use crate::files::same_error;
use crate::listing::Listing;
use crate::listings::{Listings, Shape};
use crate::lock::Lock;
use crate::maildir::Maildir;
use crate::name::FileName;
use crate::quota::{Ledger, Quota, Usage};
use crate::scan::{self, Message, Place};
use crate::shared::{self, Also};
use crate::sizes;

/// A Maildir opened for one POP3 session: the messages of the moment it was opened, in the order of their arrival.
///
/// Messages that arrive later belong to the next session. `new/` and `cur/` are read together and no file is renamed, so
/// other programs find what they left. The one exception: if two different files carry the same unique part (a bad copy, a
/// restored backup), the older keeps it and the others are renamed to new unique parts when the session opens, for good. Only
/// so both can be reached and each unique id stays what it is, also after one of them is deleted. What is renamed besides is what a
/// caller wants to be [marked as read](Maildrop::mark_read).
///
/// All calls block; the session may move between threads. Dropping it ends it.
#[derive(Debug)]
pub struct Maildrop {
    pub(crate) maildir: Maildir,
    listing: Arc<Listing>,
    /// Where messages are that were not where they had been when the session began.
    pub(crate) moved: BTreeMap<usize, (Place, Vec<u8>)>,
    /// Further names of the same file, by index: left by a program that was stopped between link and unlink.
    also: Also,
    books: Option<(Ledger, Quota)>,
    _lock: Lock,
}

/// What became of one message that was to be removed.
#[derive(Debug)]
pub struct Removal {
    /// Which message.
    pub index: usize,
    /// On error the message is still there.
    pub result: Result<Removed, Error>,
}

/// The message is gone, durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// By this call.
    Now,
    /// Another program had removed it.
    Before,
}

/// How often a message that moves under our hands is looked for: each look costs a listing. On a busy machine a program that renames
/// without pause can be faster than a good many looks.
const LOOKS: usize = 256;

/// After so many listings in a row without it, a message is gone.
const MISSES: usize = 2;

/// After this time without a write, a file in `tmp/` belongs to nobody: the time that Maildir programs have agreed on.
const ABANDONED: Duration = Duration::from_secs(36 * 60 * 60);

impl Maildrop {
    pub(crate) fn open_session(maildir: &Maildir, listings: Option<&Listings>) -> Result<Maildrop, Error> {
        let lock = Lock::acquire(maildir)?;
        let (begun, mut keep) = (SystemTime::now(), None);
        if let Some(listings) = listings {
            let shape = Shape::of(maildir)?;
            if let Some(listing) = listings.find(maildir, shape) {
                return Ok(Maildrop::new(maildir, listing, Also::new(), lock));
            }
            keep = Some((listings, shape));
        }
        // Housekeeping: that it fails is no reason to refuse the session.
        let _ = maildir.sweep(ABANDONED);
        let (mut table, also) = shared::list_apart(maildir)?;
        let measured = sizes::measure(maildir, &mut table)?;
        let listing = Arc::new(Listing::pack(&table));
        if let Some((listings, shape)) = keep.filter(|_| measured && also.is_empty()) {
            listings.keep(maildir, shape, begun, &listing);
        }
        Ok(Maildrop::new(maildir, listing, also, lock))
    }

    pub(crate) fn open_known(
        maildir: &Maildir,
        listings: &Listings,
        most: usize,
    ) -> Result<Option<Maildrop>, Error> {
        if !listings.knows(maildir, most) {
            return Ok(None);
        }
        // Before the look: the session that had it until now may have changed it.
        let lock = Lock::acquire(maildir)?;
        let listing = listings.find(maildir, Shape::of(maildir)?);
        Ok(listing.map(|listing| Maildrop::new(maildir, listing, Also::new(), lock)))
    }

    fn new(maildir: &Maildir, listing: Arc<Listing>, also: Also, lock: Lock) -> Maildrop {
        Maildrop { maildir: maildir.clone(), listing, moved: BTreeMap::new(), also, books: None, _lock: lock }
    }

    /// Lets the mailbox's ledger know what is [removed](Maildrop::remove).
    #[must_use]
    pub fn booked(mut self, ledger: Ledger, quota: Quota) -> Maildrop {
        self.books = Some((ledger, quota));
        self
    }

    /// How many messages.
    pub fn len(&self) -> usize {
        self.listing.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message with this index, from 0.
    pub fn message(&self, index: usize) -> Option<Message> {
        self.listing.row(index, |row| Message { unique_id: row.id(), octets: row.octets })
    }

    /// Octets of a message on the wire; 0 where there is none.
    pub fn octets(&self, index: usize) -> u64 {
        self.listing.octets(index).unwrap_or(0)
    }

    /// All messages in order.
    pub fn messages(&self) -> impl Iterator<Item = Message> {
        (0..self.len()).map_while(|index| self.message(index))
    }

    /// The messages of this session, to be kept by whoever shows them.
    pub fn listing(&self) -> Arc<Listing> {
        self.listing.clone()
    }

    /// Opens a message for reading from its beginning.
    ///
    /// The file is as it lies on the disk: messages of other programs may have LF line endings. If it has been renamed since,
    /// it is found again; [`Error::Vanished`] if it is gone.
    pub fn open(&mut self, index: usize) -> Result<File, Error> {
        self.reach(index, "open", |maildir, path| maildir.files.open(path))
    }

    /// As [`open`](Maildrop::open), if that takes no wait for a disk: for a thread that serves others too. `None` says only that
    /// [`open`](Maildrop::open) has to be asked.
    pub fn open_cached(&self, index: usize) -> Option<File> {
        self.maildir.files.open_cached(&self.path(index)?.1).ok()
    }

    /// Removes messages. The outcome of each stands for itself; when this returns, what is gone is durably gone, and the mailbox's
    /// ledger [knows it](Maildrop::booked).
    ///
    /// Indices of the other messages stay what they are.
    pub fn remove(&mut self, indices: impl IntoIterator<Item = usize>) -> Vec<Removal> {
        match self.books.clone() {
            Some((ledger, quota)) if !quota.is_none() => self.remove_booked(&ledger, quota, indices),
            _ => self.remove_all(indices),
        }
    }

    /// One sync for all, and not none: a client that was told that its messages are gone may have gone through them one by one without
    /// keeping their unique ids, and would get all of them again after a power cut. The file system merges the syncs of many sessions.
    fn remove_all(&mut self, indices: impl IntoIterator<Item = usize>) -> Vec<Removal> {
        let mut touched = [false; 2];
        let mut removals: Vec<Removal> = indices
            .into_iter()
            .map(|index| {
                let result = self.remove_one(index, &mut touched);
                Removal { index, result }
            })
            .collect();
        for place in
            Place::ALL.into_iter().zip(touched).filter_map(|(place, touched)| touched.then_some(place))
        {
            let dir = place.dir(&self.maildir);
            if let Err(error) = self.maildir.files.sync_dir(&dir) {
                for removal in removals.iter_mut().filter(|removal| removal.result.is_ok()) {
                    removal.result = Err(same_error(&error)).during("sync", &dir);
                }
            }
        }
        removals
    }

    fn remove_booked(
        &mut self,
        ledger: &Ledger,
        quota: Quota,
        indices: impl IntoIterator<Item = usize>,
    ) -> Vec<Removal> {
        let maildir = self.maildir.clone();
        let indices: Vec<usize> = indices.into_iter().collect();
        let sizes: Vec<Option<u64>> = indices.iter().map(|&index| self.stored(index)).collect();
        let linked = !self.also.is_empty();
        let gone = |removals: &Vec<Removal>| {
            let mut usage = Usage::default();
            for (removal, size) in removals.iter().zip(sizes) {
                match (&removal.result, size) {
                    (Ok(Removed::Now), Some(octets)) if !linked => {
                        usage = usage.plus(Usage::of_message(octets))
                    }
                    (Err(Error::NoSuchIndex(_)), _) => {}
                    // Two names, another program, or a disk that may or may not have done it.
                    _ => return None,
                }
            }
            Some(usage)
        };
        ledger.remove(&maildir, quota, || self.remove_all(indices), gone)
    }

    /// Octets of a message's file.
    fn stored(&self, index: usize) -> Option<u64> {
        let (_, name) = self.whereabouts(index)?;
        let known = FileName::parse(&name).stored;
        known.or_else(|| Some(self.maildir.files.stat(&self.path(index)?.1).ok()?.octets))
    }

    fn remove_one(&mut self, index: usize, touched: &mut [bool; 2]) -> Result<Removed, Error> {
        let result = self.reach(index, "remove", |maildir, path| maildir.files.remove(path));
        let (place, _) = self.whereabouts(index).ok_or(Error::NoSuchIndex(index))?;
        let [new, cur] = touched;
        let mut touch = |place: Place| match place {
            Place::New => *new = true,
            Place::Cur => *cur = true,
        };
        let removed = match result {
            Ok(()) => Removed::Now,
            Err(Error::Vanished(_)) => Removed::Before,
            Err(error) => return Err(error),
        };
        touch(place);
        for (_, place, name) in self.also.iter().filter(|(also, ..)| *also == index) {
            let path = crate::path_of(&place.dir(&self.maildir), name);
            match self.maildir.files.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).during("remove", &path);
                }
                _ => touch(*place),
            }
        }
        Ok(removed)
    }

    /// Does something with a message's file, looking for it again where another program has renamed it.
    pub(crate) fn reach<T>(
        &mut self,
        index: usize,
        action: &'static str,
        mut act: impl FnMut(&Maildir, &std::path::Path) -> io::Result<T>,
    ) -> Result<T, Error> {
        let mut misses = 0;
        for _look in 0..LOOKS {
            let (_, path) = self.path(index).ok_or(Error::NoSuchIndex(index))?;
            match act(&self.maildir, &path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                outcome => return outcome.during(action, &path),
            }
            // A listing can miss what is renamed at that moment, so that one miss is not yet the end.
            misses = if self.look(index)? { 0 } else { misses + 1 };
            if misses == MISSES {
                let id = self.message(index).map(|message| message.unique_id);
                return Err(Error::Vanished(id.unwrap_or_default()));
            }
        }
        // It is there, and never where it was a moment ago: not gone, but not to be had now.
        Err(io::Error::from(io::ErrorKind::ResourceBusy)).during(action, self.maildir.path())
    }

    /// Where a message is, as far as we know, and its name there.
    pub(crate) fn whereabouts(&self, index: usize) -> Option<(Place, Vec<u8>)> {
        match self.moved.get(&index) {
            Some((place, name)) => Some((*place, name.clone())),
            None => self.listing.row(index, |row| (row.place, row.name())),
        }
    }

    fn path(&self, index: usize) -> Option<(Place, PathBuf)> {
        let (place, name) = self.whereabouts(index)?;
        Some((place, crate::path_of(&place.dir(&self.maildir), &name)))
    }

    /// Looks where a message is now; says whether it is listed.
    fn look(&mut self, index: usize) -> Result<bool, Error> {
        let Some((_, name)) = self.whereabouts(index) else { return Ok(false) };
        let found = scan::find(&self.maildir, FileName::parse(&name).unique)?;
        let Some(found) = found else { return Ok(false) };
        self.moved.insert(index, found);
        Ok(true)
    }
}
