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
use crate::path_of;

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

/// One row: 32 octets, and its name in [`Table::names`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Microseconds since 1970.
    arrival: u64,
    /// Octets on the wire, `UNKNOWN` until measured.
    octets: u64,
    /// Where the name begins in `Table::names`.
    start: usize,
    name_len: u8,
    unique_len: u8,
    pub(crate) place: Place,
}

const UNKNOWN: u64 = u64::MAX;

/// A directory that changed within this time may have changed again without another time stamp: some network file systems
/// count in seconds.
pub(crate) const TIME_STAMP_GRAIN: Duration = Duration::from_secs(2);

/// All messages in the order of their arrival. Names lie end to end in one allocation.
#[derive(Debug, Default)]
pub(crate) struct Table {
    names: Vec<u8>,
    rows: Vec<Row>,
}

impl Table {
    /// Lists both directories. Names that share a unique part stay apart, next to each other.
    pub(crate) fn list(maildir: &Maildir) -> Result<Table, Error> {
        let mut table = Table::default();
        list_names(maildir, &mut |place, name| table.push(place, name))?;
        let Table { names, rows } = &mut table;
        rows.sort_unstable_by(|a, b| a.sort_key(names).cmp(&b.sort_key(names)));
        // Listed twice.
        rows.dedup_by(|a, b| a.sort_key(names) == b.sort_key(names));
        Ok(table)
    }

    fn push(&mut self, place: Place, name: &[u8]) {
        let parsed = FileName::parse(name);
        // No file system has names of more than 255 octets; one that had would show them to other programs.
        let (Ok(name_len), Ok(unique_len)) = (u8::try_from(name.len()), u8::try_from(parsed.unique.len()))
        else {
            return;
        };
        let octets = parsed.octets.unwrap_or(UNKNOWN);
        self.rows.push(Row {
            arrival: parsed.arrival,
            octets,
            start: self.names.len(),
            name_len,
            unique_len,
            place,
        });
        self.names.extend_from_slice(name);
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn row(&self, index: usize) -> Option<Row> {
        self.rows.get(index).copied()
    }

    pub(crate) fn unique(&self, row: Row) -> &[u8] {
        row.unique(&self.names)
    }

    pub(crate) fn name(&self, row: Row) -> &[u8] {
        row.name(&self.names)
    }

    pub(crate) fn path(&self, maildir: &Maildir, row: Row) -> PathBuf {
        path_of(&row.place.dir(maildir), self.name(row))
    }

    /// Place, octets on the wire, and name of every message.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = (Place, u64, &[u8])> {
        self.rows.iter().map(|row| (row.place, row.octets, row.name(&self.names)))
    }

    /// Of names in an order of their own.
    #[cfg(test)]
    pub(crate) fn of<'n>(names: impl Iterator<Item = (Place, &'n [u8])>) -> Table {
        let mut table = Table::default();
        names.for_each(|(place, name)| table.push(place, name));
        table
    }

    /// Indices of messages whose size no name tells.
    pub(crate) fn unmeasured(&self) -> Vec<usize> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.octets == UNKNOWN)
            .map(|(index, _)| index)
            .collect()
    }

    pub(crate) fn set_octets(&mut self, index: usize, octets: u64) {
        if let Some(row) = self.rows.get_mut(index) {
            row.octets = octets;
        }
    }

    /// Drops the rows of these indices, which rise.
    pub(crate) fn drop_rows(&mut self, gone: &[usize]) {
        let mut index = 0;
        self.rows.retain(|_| {
            index += 1;
            gone.binary_search(&(index - 1)).is_err()
        });
    }

    /// Rows that share their unique part with the row before or behind, as ranges.
    pub(crate) fn shared_names(&self) -> Vec<std::ops::Range<usize>> {
        let mut ranges = Vec::new();
        let mut start = 0;
        for group in self.rows.chunk_by(|a, b| a.unique(&self.names) == b.unique(&self.names)) {
            let end = start + group.len();
            if group.len() > 1 {
                ranges.push(start..end);
            }
            start = end;
        }
        ranges
    }

    /// Looks where a message is now, after it was not found: other programs rename them. Says whether it is listed; if not, it keeps
    /// its last name.
    pub(crate) fn refresh(&mut self, maildir: &Maildir, index: usize) -> Result<bool, Error> {
        let Some(row) = self.row(index) else { return Ok(false) };
        let Some((place, name)) = find(maildir, self.unique(row))? else { return Ok(false) };
        if let (Some(row), Ok(name_len)) = (self.rows.get_mut(index), u8::try_from(name.len())) {
            (row.start, row.name_len, row.place) = (self.names.len(), name_len, place);
            self.names.extend_from_slice(&name);
        }
        Ok(true)
    }
}

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

impl Row {
    fn name(self, names: &[u8]) -> &[u8] {
        names.get(self.start..self.start + usize::from(self.name_len)).unwrap_or_default()
    }

    fn unique(self, names: &[u8]) -> &[u8] {
        names.get(self.start..self.start + usize::from(self.unique_len)).unwrap_or_default()
    }

    /// By arrival, then name. Equal unique parts have equal arrivals, so they come together.
    fn sort_key(self, names: &[u8]) -> (u64, &[u8], &[u8], Place) {
        (self.arrival, self.unique(names), self.name(names), self.place)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_06_a_row_is_small() {
        assert!(size_of::<Row>() <= 32);
    }
}
