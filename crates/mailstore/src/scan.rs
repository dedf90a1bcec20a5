//! The list of messages, from directory entries alone.
//!
//! What other programs do meanwhile is thought of: a message that moves from `new/` to `cur/` is seen once (`new/` is listed
//! first), one that is renamed inside `cur/` can escape a listing, so that `cur/` is listed again if it changed lately.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::error::{During, Error};
use crate::files::Entry;
use crate::maildir::Maildir;
use crate::name::FileName;

mod table;

pub(crate) use table::{Name, Row, Table};

/// A message as a session knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// What UIDL shows: 1 to 70 characters from `!` to `~`, never reused, the same for ever.
    pub unique_id: String,
    /// Octets on the wire, every line with CRLF, without dot stuffing (RFC 1939 §11).
    pub octets: u64,
}

/// The directory in which a message lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    New,
    Cur,
}

impl Place {
    pub(crate) const ALL: [Place; 2] = [Place::New, Place::Cur];

    pub(crate) fn dir(self, maildir: &Maildir) -> PathBuf {
        maildir.path().join(match self {
            Place::New => "new",
            Place::Cur => "cur",
        })
    }
}

/// A directory that changed within this time may have changed again without another time stamp: some network file systems
/// count in seconds.
pub(crate) const TIME_STAMP_GRAIN: Duration = Duration::from_secs(2);

/// Where the message of this unique part is now.
pub(crate) fn find(maildir: &Maildir, unique: &[u8]) -> Result<Option<(Place, Vec<u8>)>, Error> {
    let mut found = None;
    list_names(maildir, &mut |place, name| {
        if FileName::parse(name).unique == unique {
            found = Some((place, name.to_vec()));
        }
    })?;
    Ok(found)
}

/// Calls `each` for every message file in `new/`, then in `cur/`; all of it twice if `cur/` is not at rest.
pub(crate) fn list_names(maildir: &Maildir, each: &mut dyn FnMut(Place, &[u8])) -> Result<(), Error> {
    let cur = Place::Cur.dir(maildir);
    let changed = || {
        maildir.files.stat(&cur).map(|stat| stat.modified).map_err(|e| maildir.missing_or(e, "look at", &cur))
    };
    for _pass in 0..2 {
        let before = changed()?;
        for place in Place::ALL {
            let dir = place.dir(maildir);
            let mut take = |entry: Entry<'_>| {
                if !entry.other_kind && !entry.name.starts_with(b".") {
                    each(place, entry.name);
                }
            };
            match maildir.files.list(&dir, &mut take) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(Error::NotMaildir(maildir.path().to_owned()));
                }
                outcome => outcome.during("list", &dir)?,
            }
        }
        let age = SystemTime::now().duration_since(before).unwrap_or_default();
        if age > TIME_STAMP_GRAIN && changed()? == before {
            break;
        }
    }
    Ok(())
}
