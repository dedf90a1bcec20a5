//! LIST and UIDL of a whole maildrop, written a bufferful at a time.

use alloc::vec::Vec;

use crate::command::MessageNumber;
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
        let (from, mut full) = (self.next, false);
        let mut written = |number: MessageNumber, out: &mut Vec<u8>| {
            out.extend_from_slice(b"\r\n");
            self.next = number.index() + 1;
            full = out.len() >= limits::OUTPUT;
            !full
        };
        match self.column {
            Column::Octets => maildrop.visit_octets(from, |number, octets| {
                start(number, out);
                decimal(out, octets);
                written(number, out)
            }),
            Column::UniqueId => maildrop.visit(from, |Message { number, unique_id, .. }| {
                start(number, out);
                out.extend_from_slice(unique_id.as_bytes());
                written(number, out)
            }),
        }
        if !full {
            out.extend_from_slice(b".\r\n");
        }
        !full
    }
}

/// A row begins with the message's number.
fn start(number: MessageNumber, out: &mut Vec<u8>) {
    decimal(out, number.get().into());
    out.push(b' ');
}
