//! Mailboxes that get a message later than it was accepted, where its sender wants to know of it (RFC 3461 §4.1, SUCCESS).
//!
//! Whoever accepts a message knows which mailboxes have it at once. Of those that get it later this directory alone knows, and perhaps
//! after a restart: so whoever serves them says so here.

use std::io::Read;
use std::sync::PoisonError;

use crate::envelope::{Envelope, Recipient, Stored};
use crate::spool::Spool;

/// Octets of a message that a report may need: more than any sensible header has.
const BEGINNING: u64 = 64 * 1024;

/// A message that has come to mailboxes later than it was accepted, and whose sender wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Who sent it, and the recipients who have it now and are to be told of; nobody elsewhere.
    pub envelope: Envelope,
    /// How the message begins, without anybody's head: its header, if that is no longer than is usual.
    pub beginning: Vec<u8>,
}

impl Spool {
    /// What came late since this was asked last: also what the start found, and what was released.
    ///
    /// It is in memory alone: a crash between the mailbox and the report loses the report, and makes none of them two.
    pub fn take_late(&self) -> Vec<Late> {
        std::mem::take(&mut *self.shared.late.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How a message begins that recipient `nth` is about to get, if its sender wants to know and it waits still.
    pub(crate) fn beginning(&self, stored: &Stored, nth: usize, recipient: &Recipient) -> Option<Vec<u8>> {
        let envelope = &stored.envelope;
        let wanted = recipient.notify.is_some_and(|notify| notify.success);
        // RFC 3461 §6.1: never a report of what has no sender.
        if !wanted || envelope.reverse_path.is_empty() {
            return None;
        }
        let mut file = self.files().open(&self.body(envelope.queue_id, nth)).ok()?;
        let head = envelope.head(recipient).len() as u64;
        let mut beginning = Vec::new();
        std::io::copy(&mut (&mut file).take(head), &mut std::io::sink()).ok()?;
        file.take(BEGINNING).read_to_end(&mut beginning).ok()?;
        Some(beginning)
    }

    pub(crate) fn came_late(&self, envelope: &Envelope, came: Vec<(Recipient, Vec<u8>)>) {
        let Some((_, beginning)) = came.first() else { return };
        let beginning = beginning.clone();
        let recipients = came.into_iter().map(|(recipient, _)| recipient).collect();
        let envelope = Envelope { recipients, remotes: Vec::new(), ..envelope.clone() };
        let late = Late { envelope, beginning };
        self.shared.late.lock().unwrap_or_else(PoisonError::into_inner).push(late);
    }
}
