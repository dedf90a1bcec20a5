//! Mail that was to be sent on and cannot be.
//!
//! Its sender wrote to somebody here, who has it then: in the mailbox, where it was put at once or is put now. So nobody is told by a
//! report who may never have written it; of forged mail, which the next host knows better than we do, there would be many.

use std::io::Read;

use mail_queue::{Envelope, Forward, Octets, Outbound as Waiting, QueueId, Recipient};

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
            match self.keep(waiting, forward).await {
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
        // It was accepted: it comes whatever there is room for, and counts.
        let reserved = vec![self.local.unchecked(&mailbox, &forward.recipient, quota)];
        let recipients = vec![Recipient::new(mailbox, forward.recipient.as_str())];
        let envelope = Envelope::new(QueueId::new(), waiting.envelope.reverse_path.as_str(), recipients);
        let mut incoming = self.local.begin(envelope, Vec::new()).settling(reserved);
        let (spool, id) = (self.spool().clone(), waiting.envelope.queue_id);
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
