//! All messages of a maildrop while it opens: 24 octets each, if we made their names, beside the names of others.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use super::{Place, find, list_names};
use crate::error::Error;
use crate::maildir::Maildir;
use crate::name::FileName;
use crate::name::ours::{Ours, same};
use crate::path_of;

/// All messages in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    kinds: Kinds,
    /// Names that are not ours, end to end.
    names: Vec<u8>,
    /// There are more names than can be counted here: of 4 GiB, or of 65 535 processes.
    is_full: bool,
}

/// One row. What stands in `facts` is read and written by [`Fact`]s alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Microseconds since 1970.
    arrival: u64,
    /// Of a name of ours: its size, count and random part. Of another: where it begins in [`Table::names`], its length, that of
    /// its unique part, and the octets on the wire, [`UNKNOWN`] until measured.
    facts: [u8; 14],
    /// Of a name of ours: what it shares with many, behind [`OTHERS`]; of another: its place.
    kind: u16,
}

const UNKNOWN: u64 = u64::MAX;

/// Kinds of names that are not ours: one in `new/` and one in `cur/`.
const OTHERS: u16 = 2;

/// A number of so many octets in a row.
struct Fact(Range<usize>);

const STORED: Fact = Fact(0..4);
const COUNT: Fact = Fact(4..8);
const RANDOM: Fact = Fact(8..13);
const QUEUED_RANDOM: Fact = Fact(4..14);

const START: Fact = Fact(0..4);
const NAME_LEN: Fact = Fact(4..5);
const UNIQUE_LEN: Fact = Fact(5..6);
const OCTETS: Fact = Fact(6..14);

impl Fact {
    fn read(&self, row: &Row) -> u128 {
        let octets = row.facts.get(self.0.clone()).unwrap_or_default();
        octets.iter().rev().fold(0, |number, &octet| number << 8 | u128::from(octet))
    }

    /// `None` if it is too large.
    fn write(&self, row: &mut Row, number: u128) -> Option<()> {
        let mut rest = number;
        for octet in row.facts.get_mut(self.0.clone()).unwrap_or_default() {
            *octet = rest as u8;
            rest >>= 8;
        }
        (rest == 0).then_some(())
    }
}

/// What many names share.
#[derive(Debug, Default)]
struct Kinds {
    all: Vec<Kind>,
    numbers: HashMap<Vec<u8>, u16>,
    /// Of the last name: the next one's too, most of the time.
    last: u16,
    /// Room to write a key.
    key: Vec<u8>,
}

#[derive(Debug)]
struct Kind {
    place: Place,
    process: Option<u64>,
    host: Box<[u8]>,
    flags: Box<[u8]>,
}

impl Kinds {
    /// `None` if there are too many.
    fn number(&mut self, place: Place, ours: &Ours<'_>) -> Option<u16> {
        if self.kind(self.last).is_some_and(|kind| kind.is_of(place, ours)) {
            return Some(self.last);
        }
        let number = self.looked_up(place, ours)?;
        self.last = number;
        Some(number)
    }

    fn looked_up(&mut self, place: Place, ours: &Ours<'_>) -> Option<u16> {
        let Self { all, numbers, key, .. } = self;
        key.clear();
        key.extend_from_slice(&[place as u8, u8::from(ours.process.is_some()), ours.host.len() as u8]);
        key.extend_from_slice(&ours.process.unwrap_or_default().to_le_bytes());
        key.extend_from_slice(ours.host);
        key.extend_from_slice(ours.flags);
        if let Some(&number) = numbers.get(&**key) {
            return Some(number);
        }
        let number = u16::try_from(all.len()).ok()?.checked_add(OTHERS)?;
        let (host, flags) = (ours.host.into(), ours.flags.into());
        all.push(Kind { place, process: ours.process, host, flags });
        numbers.insert(key.clone(), number);
        Some(number)
    }

    fn of(&self, row: Row) -> Option<&Kind> {
        self.kind(row.kind)
    }

    fn kind(&self, number: u16) -> Option<&Kind> {
        self.all.get(usize::from(number.checked_sub(OTHERS)?))
    }
}

impl Kind {
    fn is_of(&self, place: Place, ours: &Ours<'_>) -> bool {
        self.place == place
            && self.process == ours.process
            && same(&self.host, ours.host)
            && same(&self.flags, ours.flags)
    }
}

/// The name of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name<'n> {
    Foreign(&'n [u8]),
    Ours(Ours<'n>),
}

impl Table {
    /// Lists both directories. Names that share a unique part stay apart, next to each other.
    pub(crate) fn list(maildir: &Maildir) -> Result<Table, Error> {
        let mut table = Table::default();
        list_names(maildir, &mut |place, name| table.push(place, name))?;
        if table.is_full {
            let too_large = io::Error::from(io::ErrorKind::FileTooLarge);
            return Err(Error::new("list", maildir.path(), too_large));
        }
        let mut rows = std::mem::take(&mut table.rows);
        rows.sort_unstable_by(|a, b| table.order(*a, *b));
        // Listed twice.
        rows.dedup_by(|a, b| table.order(*a, *b).is_eq());
        table.rows = rows;
        Ok(table)
    }

    fn push(&mut self, place: Place, name: &[u8]) {
        // No file system has names of more than 255 octets; one that had would show them to other programs.
        if name.len() > 255 {
            return;
        }
        let Some(row) = self.ours(place, name).or_else(|| self.other(place, name)) else {
            self.is_full = true;
            return;
        };
        grow_little(&mut self.rows, 1);
        self.rows.push(row);
    }

    /// A row for a name of ours whose numbers have room in it.
    fn ours(&mut self, place: Place, name: &[u8]) -> Option<Row> {
        let ours = Ours::parse(name).filter(|ours| ours.wire.is_none())?;
        let mut row = Row { arrival: ours.arrival, facts: [0; 14], kind: 0 };
        STORED.write(&mut row, ours.stored.into())?;
        if ours.process.is_some() {
            COUNT.write(&mut row, ours.count.into())?;
            RANDOM.write(&mut row, ours.random)?;
        } else {
            QUEUED_RANDOM.write(&mut row, ours.random)?;
        }
        row.kind = self.kinds.number(place, &ours)?;
        Some(row)
    }

    fn other(&mut self, place: Place, name: &[u8]) -> Option<Row> {
        let parsed = FileName::parse(name);
        let mut row = Row { arrival: parsed.arrival, facts: [0; 14], kind: place as u16 };
        START.write(&mut row, self.names.len() as u128)?;
        NAME_LEN.write(&mut row, name.len() as u128)?;
        UNIQUE_LEN.write(&mut row, parsed.unique.len() as u128)?;
        OCTETS.write(&mut row, parsed.octets.unwrap_or(UNKNOWN).into())?;
        grow_little(&mut self.names, name.len());
        self.names.extend_from_slice(name);
        Some(row)
    }

    /// By arrival, then unique part, then name. Equal unique parts have equal arrivals, so they come together.
    fn order(&self, a: Row, b: Row) -> std::cmp::Ordering {
        a.arrival.cmp(&b.arrival).then_with(|| {
            let key = |row| (self.unique(row), self.name(row), self.place(row));
            key(a).cmp(&key(b))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn row(&self, index: usize) -> Option<Row> {
        self.rows.get(index).copied()
    }

    pub(crate) fn place(&self, row: Row) -> Place {
        match self.kinds.of(row) {
            Some(kind) => kind.place,
            None if row.kind == Place::New as u16 => Place::New,
            None => Place::Cur,
        }
    }

    /// Octets on the wire.
    pub(crate) fn octets(&self, row: Row) -> u64 {
        let fact = if row.kind < OTHERS { OCTETS } else { STORED };
        fact.read(&row) as u64
    }

    pub(crate) fn unique(&self, row: Row) -> Cow<'_, [u8]> {
        match self.parsed(row) {
            Name::Foreign(name) => {
                let len = UNIQUE_LEN.read(&row) as usize;
                Cow::Borrowed(name.get(..len).unwrap_or_default())
            }
            Name::Ours(ours) => {
                let mut unique = Vec::new();
                ours.unique(&mut unique);
                Cow::Owned(unique)
            }
        }
    }

    pub(crate) fn name(&self, row: Row) -> Cow<'_, [u8]> {
        match self.parsed(row) {
            Name::Foreign(name) => Cow::Borrowed(name),
            Name::Ours(ours) => {
                let mut name = Vec::new();
                ours.name(&mut name);
                Cow::Owned(name)
            }
        }
    }

    fn parsed(&self, row: Row) -> Name<'_> {
        let Some(Kind { process, host, flags, .. }) = self.kinds.of(row) else {
            let (start, len) = (START.read(&row) as usize, NAME_LEN.read(&row) as usize);
            return Name::Foreign(self.names.get(start..start + len).unwrap_or_default());
        };
        let (count, random) = match process {
            Some(_) => (COUNT.read(&row) as u64, RANDOM.read(&row)),
            None => (0, QUEUED_RANDOM.read(&row)),
        };
        let stored = STORED.read(&row) as u64;
        let (arrival, process) = (row.arrival, *process);
        Name::Ours(Ours { arrival, process, count, random, host, stored, wire: None, flags })
    }

    pub(crate) fn path(&self, maildir: &Maildir, row: Row) -> PathBuf {
        path_of(&self.place(row).dir(maildir), &self.name(row))
    }

    /// Place, octets on the wire, and name of every message.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = (Place, u64, Name<'_>)> {
        self.rows.iter().map(|&row| (self.place(row), self.octets(row), self.parsed(row)))
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
            .filter(|(_, row)| row.kind < OTHERS && OCTETS.read(row) == u128::from(UNKNOWN))
            .map(|(index, _)| index)
            .collect()
    }

    /// Of one that was [unmeasured](Table::unmeasured).
    pub(crate) fn set_octets(&mut self, index: usize, octets: u64) {
        if let Some(row) = self.rows.get_mut(index).filter(|row| row.kind < OTHERS) {
            let _ = OCTETS.write(row, octets.into());
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
    pub(crate) fn shared_names(&self) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut start = 0;
        let same = |a: &Row, b: &Row| a.arrival == b.arrival && self.unique(*a) == self.unique(*b);
        for group in self.rows.chunk_by(same) {
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
        let Some((place, name)) = find(maildir, &self.unique(row))? else { return Ok(false) };
        if let Some(mut renamed) = self.other(place, &name)
            && let Some(row) = self.rows.get_mut(index)
        {
            let _ = OCTETS.write(&mut renamed, OCTETS.read(row));
            *row = renamed;
        }
        Ok(true)
    }
}

/// Makes room by a quarter, not by half as a vector does: what is copied costs less than what lies about empty, for a moment beside what
/// it is copied from.
fn grow_little<T>(vector: &mut Vec<T>, more: usize) {
    if vector.capacity() - vector.len() < more {
        vector.reserve_exact((vector.len() / 4).max(more).max(64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_06_a_row_is_small() {
        assert!(size_of::<Row>() <= 24);
    }
}
