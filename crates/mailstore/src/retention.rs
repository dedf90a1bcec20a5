//! Mail that does not stay for ever: what was read is remembered, and what is due can be told.
//!
//! That a message was read stands in its name, as Maildir programs have it: in `cur/`, with the flag `S`. A rename changes the
//! file's time of change and nothing else, so that is when it was read. Whatever else changes a file (a copy, a new owner) makes it
//! stay longer, never shorter.

use std::io;
use std::time::{Duration, SystemTime};

use crate::error::{During, Error};
use crate::maildrop::Maildrop;
use crate::name::FileName;
use crate::publish::publish;
use crate::scan::Place;

/// How long mail stays; none is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// After it was read.
    pub read: Option<Duration>,
    /// After it came, read or not.
    pub all: Option<Duration>,
}

/// Where a name has its flags: `:2,` and letters in the order of the alphabet.
const FLAGS: &[u8] = b":2,";
const SEEN: u8 = b'S';

impl Maildrop {
    /// Marks messages as read, for good: those that are not yet so move to `cur/` with the flag `S`. Says how many are marked now that
    /// were not. One that is gone meanwhile needs no mark.
    pub fn mark_read(&mut self, indices: impl IntoIterator<Item = usize>) -> Result<usize, Error> {
        let mut marked = 0;
        let mut outcome = Ok(());
        for index in indices {
            match self.mark_one(index) {
                Ok(true) => marked += 1,
                Ok(false) | Err(Error::Vanished(_)) => {}
                Err(error) => outcome = Err(error),
            }
        }
        if marked > 0 {
            // The new names first: a power cut between the two then leaves a name too many rather than none.
            for place in [Place::Cur, Place::New] {
                let dir = place.dir(&self.maildir);
                self.maildir.files.sync_dir(&dir).during("sync", &dir)?;
            }
        }
        outcome.map(|()| marked)
    }

    fn mark_one(&mut self, index: usize) -> Result<bool, Error> {
        let Some((place, name)) = self.whereabouts(index) else { return Err(Error::NoSuchIndex(index)) };
        if place == Place::Cur && is_seen(&name) {
            return Ok(false);
        }
        let cur = Place::Cur.dir(&self.maildir);
        let mut new_name = Vec::new();
        self.reach(index, "mark", |maildir, path| {
            // It may have got other flags since.
            let name = path.file_name().map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default();
            new_name = seen(name);
            match publish(&*maildir.files, path, &crate::path_of(&cur, &new_name)) {
                // By another program, a moment ago.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                outcome => outcome,
            }
        })?;
        self.moved.insert(index, (Place::Cur, new_name));
        Ok(true)
    }

    /// The messages that have been here for too long at `now`. Nothing is changed.
    pub fn due(&self, retention: Retention, now: SystemTime) -> Vec<usize> {
        let before = |age: Duration| now.checked_sub(age);
        let (read, all) = (retention.read.and_then(before), retention.all.and_then(before));
        let is_due = |index: &usize| {
            let Some((place, name)) = self.whereabouts(*index) else { return false };
            let stat = || self.maildir.files.stat(&crate::path_of(&place.dir(&self.maildir), &name)).ok();
            // Names that other programs made may have no time, or a number that is none.
            let arrival = match FileName::parse(&name).arrival {
                micros if micros < EARLIEST => stat().map(|stat| stat.modified),
                micros => Some(SystemTime::UNIX_EPOCH + Duration::from_micros(micros)),
            };
            let Some(arrival) = arrival else { return false };
            let came_before = |limit: Option<SystemTime>| limit.is_some_and(|limit| arrival <= limit);
            // Nothing is read before it comes, so that few files are asked.
            let was_read = || is_seen(&name) && stat().is_some_and(|stat| Some(stat.changed) <= read);
            came_before(all) || (came_before(read) && was_read())
        };
        (0..self.len()).filter(is_due).collect()
    }
}

/// Microseconds from 1970 to 1990: no message came before there were Maildirs.
const EARLIEST: u64 = 631_152_000_000_000;

fn is_seen(name: &[u8]) -> bool {
    flags(name).is_some_and(|(_, flags)| flags.contains(&SEEN))
}

/// What stands before the flags, and the flags.
fn flags(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = name.windows(FLAGS.len()).position(|window| window == FLAGS)?;
    Some((name.get(..at)?, name.get(at + FLAGS.len()..)?))
}

fn seen(name: &[u8]) -> Vec<u8> {
    let (base, before) =
        flags(name).unwrap_or((name.split(|&octet| octet == b':').next().unwrap_or(name), b""));
    let mut flags = [before, &[SEEN]].concat();
    flags.sort_unstable();
    flags.dedup();
    [base, FLAGS, &flags].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_marked_once_and_keeps_its_other_flags() {
        for (before, after) in [
            ("1.M2.mx,S=3", "1.M2.mx,S=3:2,S"),
            ("1.M2.mx,S=3:2,", "1.M2.mx,S=3:2,S"),
            ("1.M2.mx,S=3:2,FT", "1.M2.mx,S=3:2,FST"),
            ("1.M2.mx,S=3:2,RS", "1.M2.mx,S=3:2,RS"),
            ("1.M2.mx:1,old", "1.M2.mx:2,S"),
        ] {
            assert_eq!(seen(before.as_bytes()), after.as_bytes(), "{before}");
            assert!(is_seen(after.as_bytes()));
        }
        assert!(!is_seen(b"1.M2.mx,S=3") && !is_seen(b"1.M2.S:2,T"));
    }
}
