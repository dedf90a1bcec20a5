//! The maildrop of one session: sizes, unique-ids and deletion marks, and the arithmetic over them (RFC 1939 §5 and §7).

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::command::MessageNumber;

/// The longest unique-id, RFC 1939 §7.
const UNIQUE_ID: usize = 70;

/// Sizes and unique-ids where the caller keeps them, packed as it likes: a session mostly waits, and need not hold a copy meanwhile.
///
/// It never changes. Indices count from 0.
pub trait Listing: fmt::Debug + Send + Sync {
    /// How many messages.
    fn count(&self) -> usize;
    /// A message's size with CRLF line endings, before dot-stuffing.
    fn octets(&self, index: usize) -> Option<u64>;
    /// Shows size and unique-id of the messages from `index` on, until `each` says `false`.
    fn visit(&self, index: usize, each: &mut dyn FnMut(u64, &str) -> bool);
    /// As [`visit`](Listing::visit), for what needs no unique-ids: to unpack them may be most of the work.
    fn visit_octets(&self, index: usize, each: &mut dyn FnMut(u64) -> bool) {
        self.visit(index, &mut |octets, _| each(octets));
    }
    /// Whether it is sure by construction that every unique-id has 1 to 70 characters of 0x21 to 0x7E (RFC 1939 §7). Where not, all
    /// are looked at when the session begins.
    fn has_sound_ids(&self) -> bool {
        false
    }
}

/// The messages as they were at login, in their order. What arrives later is the next session's.
#[derive(Clone, Debug, Default)]
pub struct Maildrop {
    rows: Rows,
    /// One bit a message.
    deleted: Vec<u64>,
    all: Totals,
    left: Totals,
}

#[derive(Clone, Debug)]
enum Rows {
    Copied(Copied),
    Shared(Arc<dyn Listing>),
}

/// A message costs 12 octets and its unique-id; the unique-ids lie in one buffer.
#[derive(Clone, Debug, Default)]
struct Copied {
    octets: Vec<u64>,
    ids: Vec<u8>,
    /// Where each unique-id ends in `ids`.
    ends: Vec<u32>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages.
    pub messages: u32,
    /// Octets, as sent on the wire before dot-stuffing.
    pub octets: u64,
}

/// Why a message cannot be added to a maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// More than 2³² − 1 messages, 4 GiB of unique-ids, or 2⁶⁴ − 1 octets.
    #[error("too many messages for one session")]
    TooMany,
    /// The messages of this maildrop are kept elsewhere.
    #[error("a shared maildrop cannot grow")]
    Shared,
    /// RFC 1939 §7: one to 70 characters of 0x21 to 0x7E.
    #[error("a unique-id has 1 to 70 printable ASCII characters")]
    UniqueId,
}

/// Why a message number does not name a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoMessage {
    /// It is marked as deleted.
    Deleted,
    /// There are fewer messages.
    TooLarge,
}

impl Maildrop {
    /// An empty maildrop with room for `messages`, whose unique-ids have `id_octets` in all. Both are hints.
    pub fn with_capacity(messages: usize, id_octets: usize) -> Self {
        let copied = Copied {
            octets: Vec::with_capacity(messages),
            ids: Vec::with_capacity(id_octets),
            ends: Vec::with_capacity(messages),
        };
        Self { rows: Rows::Copied(copied), ..Self::default() }
    }

    /// Of messages that are kept elsewhere.
    pub fn shared(listing: Arc<dyn Listing>) -> Result<Self, BadMessage> {
        let mut sum = Ok(Totals::default());
        if listing.has_sound_ids() {
            listing.visit_octets(0, &mut |octets| {
                sum = sum.and_then(|all| all.and(octets));
                sum.is_ok()
            });
        } else {
            listing.visit(0, &mut |octets, unique_id| {
                sum = sum.and_then(|all| all.and(octets)).and_then(|all| check(unique_id).map(|()| all));
                sum.is_ok()
            });
        }
        let all = sum?;
        let deleted = vec![0; listing.count().div_ceil(64)];
        Ok(Self { rows: Rows::Shared(listing), deleted, all, left: all })
    }

    /// Adds the next message, before the session starts: nothing is marked as deleted yet. `octets`: its size with CRLF line
    /// endings, before dot-stuffing. Unique-ids differ from each other; that is the store's to see to. To a [shared](Self::shared)
    /// maildrop nothing can be added.
    pub fn push(&mut self, octets: u64, unique_id: &str) -> Result<(), BadMessage> {
        check(unique_id)?;
        let all = self.all.and(octets)?;
        let Rows::Copied(rows) = &mut self.rows else { return Err(BadMessage::Shared) };
        let end = u32::try_from(rows.ids.len() + unique_id.len()).map_err(|_| BadMessage::TooMany)?;
        if rows.octets.len().is_multiple_of(64) {
            self.deleted.push(0);
        }
        rows.octets.push(octets);
        rows.ids.extend_from_slice(unique_id.as_bytes());
        rows.ends.push(end);
        (self.all, self.left) = (all, all);
        Ok(())
    }

    /// What is left: all messages but those marked as deleted.
    pub const fn totals(&self) -> Totals {
        self.left
    }

    /// The messages marked as deleted, in their order.
    pub fn deleted(&self) -> impl Iterator<Item = MessageNumber> + '_ {
        self.numbers(0).filter(|&message| self.is_deleted(message))
    }

    /// How many messages there are, deleted ones included.
    pub(crate) const fn messages(&self) -> u32 {
        self.all.messages
    }

    /// The size of a message, if it is there and not deleted.
    pub(crate) fn find(&self, message: MessageNumber) -> Result<u64, NoMessage> {
        let octets = self.rows.listing().octets(message.index()).ok_or(NoMessage::TooLarge)?;
        if self.is_deleted(message) { Err(NoMessage::Deleted) } else { Ok(octets) }
    }

    /// Shows the messages that are not deleted, from `index` on, until `each` says `false`.
    pub(crate) fn visit(&self, index: usize, mut each: impl FnMut(Message<'_>) -> bool) {
        let mut numbers = self.numbers(index);
        self.rows.listing().visit(index, &mut |octets, unique_id| match numbers.next() {
            Some(number) => self.is_deleted(number) || each(Message { number, octets, unique_id }),
            None => false,
        });
    }

    /// As [`visit`](Self::visit), for sizes alone.
    pub(crate) fn visit_octets(&self, index: usize, mut each: impl FnMut(MessageNumber, u64) -> bool) {
        let mut numbers = self.numbers(index);
        self.rows.listing().visit_octets(index, &mut |octets| match numbers.next() {
            Some(number) => self.is_deleted(number) || each(number, octets),
            None => false,
        });
    }

    /// DELE
    pub(crate) fn delete(&mut self, message: MessageNumber) -> Result<(), NoMessage> {
        let octets = self.find(message)?;
        let index = message.index();
        if let Some(word) = self.deleted.get_mut(index / 64) {
            *word |= bit(index);
        }
        self.left.messages -= 1;
        self.left.octets -= octets;
        Ok(())
    }

    /// RSET
    pub(crate) fn reset(&mut self) {
        self.deleted.fill(0);
        self.left = self.all;
    }

    fn is_deleted(&self, message: MessageNumber) -> bool {
        let index = message.index();
        self.deleted.get(index / 64).is_some_and(|word| word & bit(index) != 0)
    }

    fn numbers(&self, from: usize) -> impl Iterator<Item = MessageNumber> + use<> {
        (from..self.rows.listing().count()).map_while(MessageNumber::at)
    }
}

impl Totals {
    /// With one message more.
    fn and(self, octets: u64) -> Result<Self, BadMessage> {
        let messages = self.messages.checked_add(1);
        let octets = self.octets.checked_add(octets);
        messages.zip(octets).map(|(messages, octets)| Self { messages, octets }).ok_or(BadMessage::TooMany)
    }
}

fn check(unique_id: &str) -> Result<(), BadMessage> {
    let fits = (1..=UNIQUE_ID).contains(&unique_id.len());
    let printable = unique_id.bytes().all(|octet| octet.is_ascii_graphic());
    if fits && printable { Ok(()) } else { Err(BadMessage::UniqueId) }
}

impl Default for Rows {
    fn default() -> Self {
        Self::Copied(Copied::default())
    }
}

impl Rows {
    fn listing(&self) -> &dyn Listing {
        match self {
            Self::Copied(copied) => copied,
            Self::Shared(listing) => &**listing,
        }
    }
}

impl Copied {
    fn unique_id(&self, index: usize) -> &str {
        let end = |index: usize| self.ends.get(index).map_or(0, |&end| end as usize);
        let start = index.checked_sub(1).map_or(0, end);
        // Only ASCII was let in.
        self.ids.get(start..end(index)).and_then(|id| core::str::from_utf8(id).ok()).unwrap_or_default()
    }
}

impl Listing for Copied {
    fn count(&self) -> usize {
        self.octets.len()
    }

    fn octets(&self, index: usize) -> Option<u64> {
        self.octets.get(index).copied()
    }

    fn visit(&self, index: usize, each: &mut dyn FnMut(u64, &str) -> bool) {
        for (at, octets) in self.octets.iter().enumerate().skip(index) {
            if !each(*octets, self.unique_id(at)) {
                return;
            }
        }
    }
}

const fn bit(index: usize) -> u64 {
    1 << (index % 64)
}

/// One message that is not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'m> {
    pub(crate) number: MessageNumber,
    pub(crate) octets: u64,
    pub(crate) unique_id: &'m str,
}

#[cfg(test)]
mod tests;
