//! The maildrop of one session: sizes, unique-ids and deletion marks, and the arithmetic over them (RFC 1939 §5 and §7).

use alloc::vec::Vec;

use crate::command::MessageNumber;

/// The longest unique-id, RFC 1939 §7.
const UNIQUE_ID: usize = 70;

/// The messages as they were at login, in their order. What arrives later is the next session's.
///
/// A message costs 12 octets, its unique-id and a bit; the unique-ids lie in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Maildrop {
    octets: Vec<u64>,
    ids: Vec<u8>,
    /// Where each unique-id ends in `ids`.
    ends: Vec<u32>,
    /// One bit a message.
    deleted: Vec<u64>,
    all: Totals,
    left: Totals,
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
        Self {
            octets: Vec::with_capacity(messages),
            ids: Vec::with_capacity(id_octets),
            ends: Vec::with_capacity(messages),
            deleted: Vec::with_capacity(messages.div_ceil(64)),
            all: Totals::default(),
            left: Totals::default(),
        }
    }

    /// Adds the next message, before the session starts: nothing is marked as deleted yet. `octets`: its size with CRLF line endings, before dot-stuffing. Unique-ids differ from each other;
    /// that is the store's to see to.
    pub fn push(&mut self, octets: u64, unique_id: &str) -> Result<(), BadMessage> {
        if !(1..=UNIQUE_ID).contains(&unique_id.len()) || !unique_id.bytes().all(|o| o.is_ascii_graphic()) {
            return Err(BadMessage::UniqueId);
        }
        let end = u32::try_from(self.ids.len() + unique_id.len()).map_err(|_| BadMessage::TooMany)?;
        let number = MessageNumber::at(self.octets.len()).ok_or(BadMessage::TooMany)?;
        let sum = self.left.octets.checked_add(octets).ok_or(BadMessage::TooMany)?;
        if self.octets.len().is_multiple_of(64) {
            self.deleted.push(0);
        }
        self.octets.push(octets);
        self.ids.extend_from_slice(unique_id.as_bytes());
        self.ends.push(end);
        self.all = Totals { messages: number.get(), octets: sum };
        self.left = self.all;
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

    /// The message, if it is there and not deleted.
    pub(crate) fn find(&self, message: MessageNumber) -> Result<Message<'_>, NoMessage> {
        let index = message.index();
        let octets = *self.octets.get(index).ok_or(NoMessage::TooLarge)?;
        if self.is_deleted(message) {
            return Err(NoMessage::Deleted);
        }
        Ok(Message { number: message, octets, unique_id: self.unique_id(index) })
    }

    /// The messages that are not deleted, from `index` on.
    pub(crate) fn listing(&self, index: usize) -> impl Iterator<Item = Message<'_>> {
        self.numbers(index).filter_map(|message| self.find(message).ok())
    }

    /// DELE
    pub(crate) fn delete(&mut self, message: MessageNumber) -> Result<(), NoMessage> {
        let octets = self.find(message)?.octets;
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
        (from..self.octets.len()).map_while(MessageNumber::at)
    }

    fn unique_id(&self, index: usize) -> &str {
        let end = |index: usize| self.ends.get(index).map_or(0, |&end| end as usize);
        let start = index.checked_sub(1).map_or(0, end);
        // Only ASCII was let in.
        self.ids.get(start..end(index)).and_then(|id| core::str::from_utf8(id).ok()).unwrap_or_default()
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
