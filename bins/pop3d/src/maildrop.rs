//! A session's maildrop on the disk. Everything here blocks.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use mailstore::{Error, Ledger, Listings, Mailbox, Maildir, Maildrop, Quota, files};

use crate::limits::{CHUNK, PAGE, SMALL_MAILDROP, TOP_CHUNK};

/// Why a maildrop cannot be had.
#[derive(Debug)]
pub(crate) enum Closed {
    InUse,
    /// In words, for the log.
    Trouble(String),
}

/// A maildrop for one session alone, and what its client is to know of it.
pub(crate) type Opened = (Maildrop, pop3_proto::Maildrop);

/// Takes the maildrop for this session. An account that never got a message has no Maildir yet: it is made, so that two sessions
/// exclude each other here as anywhere. What it removes is given back to the mailbox's quota.
pub(crate) fn open(
    maildirs: &Path,
    mailbox: &str,
    listings: &Listings,
    books: (Ledger, Quota),
) -> Result<Opened, Closed> {
    let path = Mailbox::new(mailbox).map_err(|bad| trouble(&bad))?.below(maildirs);
    let maildir = match Maildir::open(&path) {
        // Not where the root itself is missing: its file system may not be mounted.
        Err(Error::NotMaildir(_)) if maildirs.is_dir() => Maildir::create(&path),
        opened => opened,
    };
    opened(maildir.and_then(|maildir| maildir.lock_keeping(listings)), books)
}

/// As [`open`], where there is next to nothing to do: who polls finds a small maildrop as it was. `None` says only that [`open`] has to
/// be asked. It looks at two directories and a lock, in memory where the Maildirs lie on a disk of this machine; on a network file system
/// each may be a question to its server, for which the other sessions of this thread wait.
pub(crate) fn open_now(
    maildirs: &Path,
    mailbox: &str,
    listings: &Listings,
    books: (Ledger, Quota),
) -> Option<Result<Opened, Closed>> {
    let maildir = Maildir::at(Arc::new(files::Disk), Mailbox::new(mailbox).ok()?.below(maildirs));
    match maildir.lock_known(listings, SMALL_MAILDROP)? {
        Err(error) if !matches!(error, Error::InUse) => None,
        locked => Some(opened(locked, books)),
    }
}

fn opened(locked: Result<Maildrop, Error>, (ledger, quota): (Ledger, Quota)) -> Result<Opened, Closed> {
    let maildrop = match locked {
        Ok(maildrop) => maildrop.booked(ledger, quota),
        Err(Error::InUse) => return Err(Closed::InUse),
        Err(error) => return Err(trouble(&error)),
    };
    let listing = pop3_proto::Maildrop::shared(Arc::new(Listing(maildrop.listing())));
    Ok((maildrop, listing.map_err(|bad| trouble(&bad))?))
}

fn trouble(why: &dyn ToString) -> Closed {
    Closed::Trouble(why.to_string())
}

/// One copy of sizes and unique ids for the store and for the protocol.
#[derive(Debug)]
struct Listing(Arc<mailstore::Listing>);

impl pop3_proto::Listing for Listing {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn octets(&self, index: usize) -> Option<u64> {
        self.0.octets(index)
    }

    fn visit(&self, index: usize, each: &mut dyn FnMut(u64, &str) -> bool) {
        self.0.visit(index, each);
    }

    fn visit_octets(&self, index: usize, each: &mut dyn FnMut(u64) -> bool) {
        self.0.visit_octets(index, each);
    }

    /// The store hashes what would break the rules.
    fn has_sound_ids(&self) -> bool {
        true
    }
}

/// A message that is being read, a piece at a time, into one buffer.
///
/// What the kernel has in memory is read at once, where the session runs: two changes of threads would cost more than a small
/// message. Only what has to come from a disk goes the long way. Names that end in `_now` do not block.
#[derive(Debug)]
pub(crate) struct Reading {
    file: File,
    /// Of the file, behind the piece.
    offset: u64,
    /// How long the file is, as far as its name tells.
    octets: u64,
    /// As large as it ever was: what is read comes in place of what was, so that nothing has to be wiped for it.
    buffer: Vec<u8>,
    /// Octets of the piece, at the beginning of `buffer`.
    read: usize,
    /// How much is read at once.
    size: u64,
    at_end: bool,
}

/// How much of a message is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// Its beginning, most likely.
    Top,
    Whole,
}

impl Wanted {
    const fn first(self) -> u64 {
        match self {
            Self::Top => TOP_CHUNK,
            Self::Whole => CHUNK,
        }
    }
}

impl Reading {
    /// Opens a message and reads its first piece.
    pub(crate) fn start(maildrop: &mut Maildrop, index: usize, wanted: Wanted) -> Result<Self, Error> {
        let reading = Self::new(maildrop.open(index)?, maildrop, index, wanted);
        reading.read_on().map_err(|source| Error::Io { action: "read", path: "a message".into(), source })
    }

    /// As [`Reading::start`], from memory alone, or not at all.
    pub(crate) fn start_now(maildrop: &Maildrop, index: usize, wanted: Wanted) -> Option<Self> {
        let mut reading = Self::new(maildrop.open_cached(index)?, maildrop, index, wanted);
        reading.read_on_now().then_some(reading)
    }

    fn new(file: File, maildrop: &Maildrop, index: usize, wanted: Wanted) -> Self {
        let octets = maildrop.octets(index);
        Self { file, offset: 0, octets, buffer: Vec::new(), read: 0, size: wanted.first(), at_end: false }
    }

    /// Reads the next piece in place of the last.
    pub(crate) fn read_on(mut self) -> io::Result<Self> {
        let size = self.make_room();
        let mut read = 0;
        while read < size {
            let room = self.buffer.get_mut(read..size).unwrap_or_default();
            match self.file.read_at(room, self.offset + read as u64) {
                Ok(0) => break,
                Ok(octets) => read += octets,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.took(read);
        self.at_end = read < size;
        Ok(self)
    }

    /// As [`Reading::read_on`], from memory alone; whether that could be done. If not, nothing was.
    pub(crate) fn read_on_now(&mut self) -> bool {
        let size = self.make_room();
        let room = self.buffer.get_mut(..size).unwrap_or_default();
        let Ok(read) = files::read_cached(&self.file, self.offset, room) else { return false };
        self.took(read);
        // Less than asked for is the end, or only the end of what is in memory: that lies between two pages.
        let whole = self.offset == self.octets && !self.offset.is_multiple_of(PAGE);
        self.at_end = read == 0 || (read < size && whole);
        true
    }

    /// Says how much comes into the next piece, not much more than there is, and has room for it.
    fn make_room(&mut self) -> usize {
        // One more than there is, so that the end is seen.
        let left = self.octets.saturating_sub(self.offset).saturating_add(1);
        let size = usize::try_from(self.size.min(left.max(PAGE))).unwrap_or(0);
        if self.buffer.len() < size {
            // Not what was in it before: that is not copied.
            self.buffer = vec![0; size];
        }
        size
    }

    /// The next piece will be twice as large.
    fn took(&mut self, read: usize) {
        self.read = read;
        self.offset += read as u64;
        self.size = CHUNK.min(self.size * 2);
    }

    /// What was read last.
    pub(crate) fn piece(&self) -> &[u8] {
        self.buffer.get(..self.read).unwrap_or_default()
    }

    /// Whether that was the last.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.at_end
    }
}

/// What came of UPDATE.
pub(crate) struct Update {
    /// How many messages are gone.
    pub(crate) removed: usize,
    /// Why others are not.
    pub(crate) trouble: Option<Error>,
    /// Why it is not remembered what was read. The client asked for nothing there; the mail stays longer than it need.
    pub(crate) forgotten: Option<Error>,
}

/// UPDATE (RFC 1939 §6): removes messages, remembers which others were read, then gives the maildrop free.
pub(crate) fn commit(mut maildrop: Maildrop, deleted: Vec<usize>, read: BTreeSet<usize>) -> Update {
    let mut removed = 0;
    let mut trouble = None;
    for removal in maildrop.remove(deleted) {
        match removal.result {
            Ok(_) => removed += 1,
            Err(error) => trouble = Some(error),
        }
    }
    Update { removed, trouble, forgotten: maildrop.mark_read(read).err() }
}
