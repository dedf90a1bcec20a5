//! A session's maildrop on the disk. Everything here blocks.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use mailstore::{Error, Ledger, Mailbox, Maildir, Maildrop, Quota};

use crate::limits::{CHUNK, TOP_CHUNK};

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
pub(crate) fn open(maildirs: &Path, mailbox: &str, ledger: Ledger, quota: Quota) -> Result<Opened, Closed> {
    let trouble = |why: &dyn ToString| Closed::Trouble(why.to_string());
    let path = Mailbox::new(mailbox).map_err(|bad| trouble(&bad))?.below(maildirs);
    let maildir = match Maildir::open(&path) {
        // Not where the root itself is missing: its file system may not be mounted.
        Err(Error::NotMaildir(_)) if maildirs.is_dir() => Maildir::create(&path),
        opened => opened,
    };
    let maildrop = match maildir.and_then(|maildir| maildir.lock()) {
        Ok(maildrop) => maildrop.booked(ledger, quota),
        Err(Error::InUse) => return Err(Closed::InUse),
        Err(error) => return Err(trouble(&error)),
    };
    let id_octets = maildrop.messages().map(|message| message.unique_id.len()).sum();
    let mut listing = pop3_proto::Maildrop::with_capacity(maildrop.len(), id_octets);
    for message in maildrop.messages() {
        listing.push(message.octets, &message.unique_id).map_err(|bad| trouble(&bad))?;
    }
    Ok((maildrop, listing))
}

/// A message that is being read, a piece at a time, into one buffer.
#[derive(Debug)]
pub(crate) struct Reading {
    file: File,
    piece: Vec<u8>,
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

impl Reading {
    /// Opens a message and reads its first piece.
    pub(crate) fn start(maildrop: &mut Maildrop, index: usize, wanted: Wanted) -> Result<Self, Error> {
        let octets = maildrop.message(index).map_or(0, |message| message.octets);
        let file = maildrop.open(index)?;
        // One more than the message has, so that its end is seen without growing.
        let size = match wanted {
            Wanted::Top => TOP_CHUNK,
            Wanted::Whole => CHUNK,
        };
        let room = usize::try_from(size.min(octets.saturating_add(1))).unwrap_or(0);
        let reading = Self { file, piece: Vec::with_capacity(room), size: size / 2, at_end: false };
        reading.read_on().map_err(|source| Error::Io { action: "read", path: "a message".into(), source })
    }

    /// Reads the next piece in place of the last.
    pub(crate) fn read_on(mut self) -> io::Result<Self> {
        self.piece.clear();
        self.size = CHUNK.min(self.size * 2);
        let octets = self.file.by_ref().take(self.size).read_to_end(&mut self.piece)?;
        self.at_end = (octets as u64) < self.size;
        Ok(self)
    }

    /// What was read last.
    pub(crate) fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// Whether that was the last.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.at_end
    }
}

/// UPDATE (RFC 1939 §6): removes the messages, then gives the maildrop free. How many are gone, and why others are not.
pub(crate) fn commit(mut maildrop: Maildrop, deleted: Vec<usize>) -> (usize, Option<Error>) {
    let mut removed = 0;
    let mut trouble = None;
    for removal in maildrop.remove(deleted) {
        match removal.result {
            Ok(_) => removed += 1,
            Err(error) => trouble = Some(error),
        }
    }
    (removed, trouble)
}
