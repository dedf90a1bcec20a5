//! Where a message goes while it comes in: its one Maildir, or the queue.

use std::path::PathBuf;
use std::sync::Arc;

use mail_queue::{Envelope, Outcome};
use mailstore::{HeadStart, Mailbox, Maildir, Quota, QuotaError, Reservation, Sizes, UniqueName};

use crate::error::DeliveryError;
use crate::incoming::Accepted;
use crate::local::Inner;
use crate::outbound::Fresh;
use crate::warning::Reserved;

/// A message that has begun to be a file. All calls block.
#[derive(Debug)]
pub(crate) enum Store {
    One(mailstore::Delivery),
    Several(mail_queue::Incoming),
}

impl Store {
    /// `queued`: even a single mailbox is served through the queue. `unique`: the name in that mailbox, if it is not a new one.
    pub(crate) fn begin(
        inner: &Inner,
        envelope: &Envelope,
        queued: bool,
        unique: Option<&UniqueName>,
    ) -> Result<Store, DeliveryError> {
        match &*envelope.recipients {
            [] if envelope.remotes.is_empty() => Err(DeliveryError::NoRecipients),
            [recipient] if envelope.remotes.is_empty() && !queued => {
                Ok(Store::One(begin_in(inner, &recipient.mailbox, unique)?))
            }
            _ => Ok(Store::Several(inner.spool.begin(envelope.queue_id)?)),
        }
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), DeliveryError> {
        match self {
            Store::One(delivery) => Ok(delivery.write(piece)?),
            Store::Several(incoming) => Ok(incoming.write(piece)?),
        }
    }

    /// Sends what was written so far to the disk, from another thread.
    pub(crate) fn head_start(&self) -> Option<HeadStart> {
        match self {
            Store::One(delivery) => delivery.head_start(),
            Store::Several(incoming) => incoming.head_start(),
        }
    }

    /// Who is elsewhere waits until it is released; a mailbox does not.
    pub(crate) fn hold(&mut self, why: String) {
        if let Store::Several(incoming) = self {
            incoming.hold(why);
        }
    }

    /// `octets`: all of the message, if it goes to other hosts alone, is held by nobody, and is still at hand.
    pub(crate) fn commit(
        self,
        inner: &Inner,
        envelope: Envelope,
        reserved: Vec<Reserved>,
        octets: Option<Vec<u8>>,
    ) -> Result<Accepted, DeliveryError> {
        let owner = |one: &Reserved| {
            (one.reservation.maildir().clone(), one.reservation.quota(), one.address.clone())
        };
        let owners: Vec<(Maildir, Quota, String)> = reserved.iter().map(owner).collect();
        let mut reservations: Vec<_> = reserved.into_iter().map(|one| one.reservation).collect();
        // For one recipient the sender can still be told. Of several, each was asked at RCPT, and none is refused for another.
        if let (Store::One(delivery), Some(one)) = (&self, reservations.first_mut())
            && let Err(QuotaError::Over(over)) = inner.ledger.enlarge(one, delivery.stored())
        {
            return Err(over.into());
        }
        let accepted = self.put(inner, envelope, reservations, octets)?;
        inner.warn(&owners);
        Ok(accepted)
    }

    /// Accepts it, and gives it to nobody. What was reserved for its recipients is free again: who releases it is the operator, and
    /// what was released is never refused.
    pub(crate) fn hold_from_all(
        self,
        inner: &Inner,
        envelope: Envelope,
        why: &str,
    ) -> Result<Accepted, DeliveryError> {
        let Store::Several(incoming) = self else { return Err(mail_queue::Error::NoRecipients.into()) };
        let (queue_id, outbound) = (envelope.queue_id, !envelope.remotes.is_empty());
        let octets = incoming.accept_held(envelope, why)?.wire;
        inner.held().insert(queue_id);
        if outbound {
            inner.arrivals.push(queue_id);
        }
        Ok(Accepted { queue_id, octets, deferred: 0, waiting: Vec::new(), held: true })
    }

    fn put(
        self,
        inner: &Inner,
        envelope: Envelope,
        reservations: Vec<Reservation>,
        whole: Option<Vec<u8>>,
    ) -> Result<Accepted, DeliveryError> {
        let queue_id = envelope.queue_id;
        match self {
            Store::One(delivery) => {
                type Committed = Result<mailstore::Delivered, mailstore::Error>;
                let stored = |outcome: &Committed, _: &Maildir| outcome.as_ref().ok().map(|it| it.stored);
                let octets = inner.ledger.settle(reservations, || delivery.commit(), stored)?.octets;
                Ok(Accepted { queue_id, octets, deferred: 0, waiting: Vec::new(), held: false })
            }
            Store::Several(incoming) => {
                let accepted = incoming.accept(envelope)?;
                let octets = accepted.sizes().wire;
                let root = &inner.config.maildirs;
                let sizes: Vec<(PathBuf, Sizes)> =
                    accepted.recipients().map(|(mailbox, sizes)| (mailbox.below(root), sizes)).collect();
                let waits = |outcome: &Outcome, maildir: &Maildir| {
                    outcome.pending.iter().any(|(mailbox, _)| mailbox.below(root) == maildir.path())
                };
                let stored = |outcome: &Outcome, maildir: &Maildir| {
                    let size = || sizes.iter().find(|(path, _)| path == maildir.path());
                    if waits(outcome, maildir) { None } else { size().map(|(_, sizes)| sizes.stored) }
                };
                let outbound = accepted.is_outbound();
                let fresh = whole
                    .zip(accepted.outbound())
                    .map(|(octets, waiting)| Fresh { waiting: Arc::new(waiting), octets: octets.into() });
                let outcome = inner.ledger.settle(reservations, || accepted.deliver(), stored);
                inner.note(queue_id, &outcome);
                if outbound {
                    inner.push_fresh(queue_id, fresh);
                }
                let waiting: Vec<Mailbox> = outcome.pending.into_iter().map(|(mailbox, _)| mailbox).collect();
                Ok(Accepted { queue_id, octets, deferred: waiting.len(), waiting, held: false })
            }
        }
    }
}

fn begin_in(
    inner: &Inner,
    mailbox: &Mailbox,
    unique: Option<&UniqueName>,
) -> Result<mailstore::Delivery, mailstore::Error> {
    let path = mailbox.below(&inner.config.maildirs);
    let begin = |maildir: &Maildir| match unique {
        Some(unique) => maildir.begin_as(unique),
        None => maildir.begin(&inner.namer),
    };
    match begin(&Maildir::at(inner.files.clone(), &path)) {
        // The first message of an account.
        Err(mailstore::Error::NotMaildir(_)) => {
            begin(&Maildir::create_below(inner.files.clone(), &inner.config.maildirs, mailbox)?)
        }
        begun => begun,
    }
}
