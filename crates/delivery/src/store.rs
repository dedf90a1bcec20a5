//! Where a message goes while it comes in: its one Maildir, or the queue.

use mail_queue::Envelope;
use mailstore::{Mailbox, Maildir};

use crate::error::DeliveryError;
use crate::incoming::Accepted;
use crate::local::Inner;

/// A message that has begun to be a file. All calls block.
#[derive(Debug)]
pub(crate) enum Store {
    One(mailstore::Delivery),
    Several(mail_queue::Incoming),
}

impl Store {
    pub(crate) fn begin(inner: &Inner, envelope: &Envelope) -> Result<Store, DeliveryError> {
        match &*envelope.mailboxes {
            [] => Err(DeliveryError::NoRecipients),
            [mailbox] => Ok(Store::One(begin_in(inner, mailbox)?)),
            _ => Ok(Store::Several(inner.spool.begin(envelope.queue_id)?)),
        }
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), DeliveryError> {
        match self {
            Store::One(delivery) => Ok(delivery.write(piece)?),
            Store::Several(incoming) => Ok(incoming.write(piece)?),
        }
    }

    pub(crate) fn commit(self, inner: &Inner, envelope: Envelope) -> Result<Accepted, DeliveryError> {
        let queue_id = envelope.queue_id;
        match self {
            Store::One(delivery) => {
                let octets = delivery.commit()?.octets;
                Ok(Accepted { queue_id, octets, deferred: 0 })
            }
            Store::Several(incoming) => {
                let accepted = incoming.accept(envelope)?;
                let octets = accepted.sizes().wire;
                let outcome = accepted.deliver();
                inner.note(queue_id, &outcome);
                Ok(Accepted { queue_id, octets, deferred: outcome.pending.len() })
            }
        }
    }
}

fn begin_in(inner: &Inner, mailbox: &Mailbox) -> Result<mailstore::Delivery, mailstore::Error> {
    let path = mailbox.below(&inner.config.maildirs);
    match Maildir::at(inner.files.clone(), &path).begin(&inner.namer) {
        // The first message of an account.
        Err(mailstore::Error::NotMaildir(_)) => {
            Maildir::create_on(inner.files.clone(), path)?.begin(&inner.namer)
        }
        begun => begun,
    }
}
