//! A session's list of messages, packed: a session mostly waits, and thousands of them wait at once.
//!
//! Our own names are numbers in fixed places, most of them near those of the name before: packed, a message costs some 15 octets
//! instead of the 150 of its name, its size and its place in lists. A name of another program is kept as what differs from the
//! last one of that kind. Every [`BLOCK`] rows the packing begins anew, so that any row is found in a few steps.

use std::fmt;

use crate::name::FileName;
use crate::name::ours::Ours;
use crate::scan::{Name, Place, Table};

mod packed;
mod wire;

use wire::{Reader, Writer};

/// Rows that are packed relative to each other: more make it smaller, fewer make it quicker to find one.
const BLOCK: usize = 32;

/// Rows that lie in one allocation: so that a large listing is not copied while it grows.
const CHUNK: usize = 64 * BLOCK;

/// A name of ours seldom has more octets: it is put together from its parts, and a vector that grows with each is moved each time.
const NAME: usize = 96;

/// The messages of a session, as they were when it began: sizes, unique ids, and the names that they had then.
#[derive(Default)]
pub struct Listing {
    chunks: Vec<Chunk>,
    len: usize,
}

/// [`CHUNK`] rows, the last one fewer.
struct Chunk {
    rows: Box<[u8]>,
    /// Where each block begins in `rows`.
    blocks: Box<[u32]>,
}

/// What a row is relative to.
#[derive(Clone, Default)]
struct Last<'l> {
    ours: Ours<'l>,
    /// The last name that is not ours.
    foreign: Vec<u8>,
}

/// One message.
pub(crate) struct Row<'r> {
    pub(crate) place: Place,
    /// On the wire.
    pub(crate) octets: u64,
    name: Name<'r>,
}

// The head of a row: the kind of name it has, its place, and what is as in the last row of its kind.
const OURS: u8 = 1;
const CUR: u8 = 2;

impl Listing {
    pub(crate) fn pack(table: &Table) -> Listing {
        let mut chunks = Vec::with_capacity(table.len().div_ceil(CHUNK));
        let mut entries = table.entries();
        while entries.len() > 0 {
            chunks.push(Chunk::pack(entries.by_ref().take(CHUNK)));
        }
        Listing { chunks, len: table.len() }
    }

    /// How many messages.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Octets of memory.
    pub(crate) fn size(&self) -> usize {
        self.chunks.iter().map(Chunk::size).sum()
    }

    /// Octets of a message on the wire, every line with CRLF, without dot stuffing (RFC 1939 §11). Indices count from 0.
    pub fn octets(&self, index: usize) -> Option<u64> {
        self.row(index, |row| row.octets)
    }

    /// Shows the messages from `index` on, each with its octets on the wire and its unique id, until `each` says `false`.
    pub fn visit(&self, index: usize, each: &mut dyn FnMut(u64, &str) -> bool) {
        let mut text = Vec::new();
        self.walk(index, |row| {
            let foreign = row.unique_id(&mut text);
            // Ours are ASCII.
            let own = || str::from_utf8(&text).unwrap_or_default();
            each(row.octets, foreign.as_deref().unwrap_or_else(own))
        });
    }

    /// Shows the octets on the wire of the messages from `index` on, until `each` says `false`.
    pub fn visit_octets(&self, index: usize, each: &mut dyn FnMut(u64) -> bool) {
        self.walk(index, |row| each(row.octets));
    }

    /// What `look` makes of one row.
    pub(crate) fn row<T>(&self, index: usize, look: impl FnOnce(&Row<'_>) -> T) -> Option<T> {
        let (mut look, mut found) = (Some(look), None);
        self.walk(index, |row| {
            found = look.take().map(|look| look(row));
            false
        });
        found
    }

    fn walk(&self, from: usize, mut each: impl FnMut(&Row<'_>) -> bool) {
        let mut skipped = from % CHUNK;
        for chunk in self.chunks.get(from / CHUNK..).unwrap_or_default() {
            if !chunk.walk(skipped, &mut each) {
                return;
            }
            skipped = 0;
        }
    }
}

impl Chunk {
    fn pack<'n>(entries: impl Iterator<Item = (Place, u64, Name<'n>)>) -> Chunk {
        let (mut rows, mut blocks) = (Writer::default(), Vec::new());
        let mut last = Last::default();
        for (index, (place, octets, name)) in entries.enumerate() {
            if index.is_multiple_of(BLOCK) {
                // A row is a few hundred octets at most.
                blocks.push(rows.len() as u32);
                last = Last::default();
            }
            let place = if place == Place::Cur { CUR } else { 0 };
            let ours = match name {
                Name::Ours(ours) => Some(ours),
                // It may have a size that no row of the table has room for.
                Name::Foreign(name) => Ours::parse(name).filter(|ours| ours.octets() == octets),
            };
            match (ours, name) {
                (Some(ours), _) => {
                    packed::write(&ours, OURS | place, &last.ours, &mut rows);
                    last.ours = ours;
                }
                (None, Name::Foreign(name)) => {
                    rows.octet(place);
                    rows.number(octets);
                    rows.differing(&last.foreign, name);
                    last.foreign.clear();
                    last.foreign.extend_from_slice(name);
                }
                (None, Name::Ours(_)) => {}
            }
        }
        Chunk { rows: rows.finish(), blocks: blocks.into() }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.rows.len() + size_of_val(&*self.blocks)
    }

    /// Says whether `each` wants to see more.
    fn walk(&self, from: usize, each: &mut impl FnMut(&Row<'_>) -> bool) -> bool {
        let mut last = Last::default();
        for (nth, &start) in self.blocks.iter().enumerate().skip(from / BLOCK) {
            let end = self.blocks.get(nth + 1).map_or(self.rows.len(), |&next| next as usize);
            let mut rows = Reader::new(self.rows.get(start as usize..end).unwrap_or_default());
            last = Last { foreign: last.foreign, ..Last::default() };
            last.foreign.clear();
            let mut index = nth * BLOCK;
            while !rows.is_empty() {
                let head = rows.octet();
                let place = if head & CUR == 0 { Place::New } else { Place::Cur };
                let (octets, name) = if head & OURS == 0 {
                    let octets = rows.number();
                    rows.differing(&mut last.foreign);
                    (octets, Name::Foreign(&last.foreign))
                } else {
                    last.ours = packed::read(head, &last.ours, &mut rows);
                    (last.ours.octets(), Name::Ours(last.ours))
                };
                if index >= from && !each(&Row { place, octets, name }) {
                    return false;
                }
                index += 1;
            }
        }
        true
    }
}

impl Row<'_> {
    /// The file's name.
    pub(crate) fn name(&self) -> Vec<u8> {
        let mut name = Vec::with_capacity(NAME);
        match self.name {
            Name::Foreign(foreign) => name.extend_from_slice(foreign),
            Name::Ours(ours) => ours.name(&mut name),
        }
        name
    }

    /// Puts it into `text`, or gives it if it is none of ours.
    fn unique_id(&self, text: &mut Vec<u8>) -> Option<String> {
        match self.name {
            Name::Foreign(foreign) => Some(FileName::parse(foreign).unique_id().into_owned()),
            Name::Ours(ours) => {
                text.clear();
                ours.unique(text);
                None
            }
        }
    }

    /// What UIDL shows.
    pub(crate) fn id(&self) -> String {
        let mut text = Vec::new();
        let foreign = self.unique_id(&mut text);
        foreign.unwrap_or_else(|| String::from_utf8_lossy(&text).into_owned())
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
