//! LIST and UIDL of a whole maildrop, written a bufferful at a time.

use alloc::vec::Vec;

use crate::decimal::decimal;
use crate::limits;
use crate::maildrop::{Maildrop, Message};

/// A listing under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    column: Column,
    /// The index of the message to go on with.
    next: usize,
}

/// What stands behind the message number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// LIST
    Octets,
    /// UIDL
    UniqueId,
}

impl Listing {
    pub(crate) const fn new(column: Column) -> Self {
        Self { column, next: 0 }
    }

    /// Appends rows until `out` is full enough to be sent, or the end; says whether it came to the end.
    pub(crate) fn write(&mut self, maildrop: &Maildrop, out: &mut Vec<u8>) -> bool {
        let (column, mut next, mut full) = (self.column, self.next, false);
        maildrop.visit(next, |message| {
            column.write(message, out);
            next = message.number.index() + 1;
            full = out.len() >= limits::OUTPUT;
            !full
        });
        self.next = next;
        if !full {
            out.extend_from_slice(b".\r\n");
        }
        !full
    }
}

impl Column {
    fn write(self, message: Message<'_>, out: &mut Vec<u8>) {
        decimal(out, message.number.get().into());
        out.push(b' ');
        match self {
            Self::Octets => decimal(out, message.octets),
            Self::UniqueId => out.extend_from_slice(message.unique_id.as_bytes()),
        }
        out.extend_from_slice(b"\r\n");
    }
}
