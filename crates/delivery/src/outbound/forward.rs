//! Mail that was to be sent on and cannot be.
//!
//! Its sender wrote to somebody here, who has it then: in the mailbox, where it was put at once or is put now. So nobody is told by a
//! report who may never have written it; of forged mail, which the next host knows better than we do, there would be many.

use std::io::Read;

use mail_queue::{Envelope, Fate, Forward, Octets, Outbound as Waiting, QueueId, Recipient, Remote};
use mailstore::Maildir;

use super::agent::{Agent, Home};
use super::limits;
use super::report::Told;

impl Agent {
    /// Puts what could not be sent on into the mailboxes of who wanted it; which recipients those were, and whom the sender is to be told
    /// of all the same: there is no such mailbox any more. `None`: it could not be done now, and will be tried again.
    pub(crate) async fn keep_forwards(
        self: &std::sync::Arc<Self>,
        waiting: &Waiting,
        told: Vec<Told>,
    ) -> Option<(Vec<usize>, Vec<Told>)> {
        let (queue_id, mut kept, mut others) = (waiting.envelope.queue_id, Vec::new(), Vec::new());
        for one in told {
            let remote = waiting.envelope.remotes.get(one.nth);
            let Some((remote, forward)) = remote.and_then(|remote| Some((remote, remote.forward.as_ref()?)))
            else {
                others.push(one);
                continue;
            };
            let of_the_same = |other: &Remote| {
                other
                    .forward
                    .as_ref()
                    .is_some_and(|other| !other.kept && other.recipient == forward.recipient)
            };
            let done = |nth: usize, fate: Fate| fate == Fate::Reported || kept.contains(&nth);
            let mut others_of_it =
                waiting.envelope.remotes.iter().zip(&waiting.progress.recipients).enumerate();
            // Who has it sent on to several has it once, also after it was read and removed.
            let is_kept =
                others_of_it.any(|(nth, (other, standing))| of_the_same(other) && done(nth, standing.fate));
            let keeping = if is_kept { Ok(true) } else { self.keep(waiting, forward).await };
            match keeping {
                Ok(true) => {
                    let (recipient, to) = (&forward.recipient, &remote.address);
                    tracing::warn!(event = "forward_failed", %queue_id, recipient, to, answer = one.line);
                    kept.push(one.nth);
                }
                Ok(false) => others.push(one),
                Err(error) => {
                    tracing::error!(event = "queue_retry_failed", %queue_id, error);
                    self.look_again(queue_id);
                    return None;
                }
            }
        }
        Some((kept, others))
    }

    /// `false`: there is no such mailbox.
    async fn keep(&self, waiting: &Waiting, forward: &Forward) -> Result<bool, String> {
        let Home::Mailbox(mailbox, quota) = self.homes.find(&forward.recipient).await? else {
            return Ok(false);
        };
        // The same each time: after a crash it may be there, and nobody has written that down.
        let (inner, id) = (self.local.inner.clone(), waiting.envelope.queue_id);
        let unique = inner.namer.for_queued(id.micros(), &id.to_string());
        let maildir = Maildir::at(inner.files.clone(), mailbox.below(&inner.config.maildirs));
        let (pool, name) = (&self.local.inner.pool, unique.clone());
        let holds = pool.run(move || maildir.holds(&name)).await;
        if holds.map_err(|error| error.to_string())?.map_err(|error| error.to_string())? {
            return Ok(true);
        }
        // It was accepted: it comes whatever there is room for, and counts.
        let reserved = vec![self.local.unchecked(&mailbox, &forward.recipient, quota)];
        let recipients = vec![Recipient::new(mailbox, forward.recipient.as_str())];
        let envelope = Envelope::new(QueueId::new(), waiting.envelope.reverse_path.as_str(), recipients);
        let mut incoming = self.local.begin(envelope, Vec::new()).settling(reserved).named(unique);
        let spool = self.spool().clone();
        let opened = self.local.inner.pool.run(move || spool.open_body(id)).await;
        let mut file = opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        loop {
            let read = self.local.inner.pool.run(move || piece(file)).await;
            let (rest, octets) =
                read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
            if octets.is_empty() {
                break;
            }
            incoming.write(&octets).await.map_err(|error| error.to_string())?;
            file = rest;
        }
        incoming.commit().await.map(|_| true).map_err(|error| error.to_string())
    }
}

fn piece(mut file: Octets) -> std::io::Result<(Octets, Vec<u8>)> {
    let mut octets = Vec::with_capacity(limits::PIECE);
    (&mut file).take(limits::PIECE as u64).read_to_end(&mut octets)?;
    Ok((file, octets))
}
