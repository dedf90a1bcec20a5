//! What came of a message, onto the disk: until it is there, whatever the disk says meanwhile.
//!
//! Nobody tries the message as long as its flight has not landed, so what a full disk costs is the word of it, not a second copy.

use std::sync::Arc;

use mail_queue::{Attempt, Envelope, Error, Fate, Outbound as Waiting, Progress};

use super::agent::Agent;
use super::limits;
use super::outcome::{Kind, Outcome};
use super::report::wishes;

/// What came of a message.
pub(crate) struct Tried {
    /// By the recipient's place in the envelope.
    pub(crate) results: Vec<(usize, Outcome)>,
    pub(crate) host: String,
    pub(crate) tls: String,
    /// The host reports successes itself.
    pub(crate) dsn: bool,
    /// No host answers; the others of the destination are not tried now.
    pub(crate) dead: bool,
    /// It was not tried itself, for others had found that no host answers.
    pub(crate) untried: bool,
}

impl Agent {
    /// Writes down what came of a message, again and again until the disk takes it. `None`: nobody waits for it any more.
    ///
    /// # Errors
    /// What is known of the message cannot be understood.
    pub(crate) async fn record(
        self: &Arc<Self>,
        envelope: &Envelope,
        tried: Tried,
    ) -> Result<Option<Waiting>, Error> {
        let (id, now, tried) = (envelope.queue_id, self.clock.now(), Arc::new(tried));
        let mut pause = limits::RECORD_PAUSE;
        loop {
            let (spool, agent, tried) = (self.spool().clone(), self.clone(), tried.clone());
            let record =
                move || spool.record(id, |envelope, progress| agent.change(envelope, progress, &tried, now));
            let why = match self.local.inner.pool.run(record).await {
                Ok(Err(Error::Malformed { path, malformed })) => {
                    return Err(Error::Malformed { path, malformed });
                }
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::error!(event = "queue_retry_failed", queue_id = %id, error = why);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(limits::LONGEST_RECORD_PAUSE);
        }
    }

    fn change(&self, envelope: &Envelope, progress: &mut Progress, tried: &Tried, now: u64) {
        let attempts: Vec<Attempt> = tried
            .results
            .iter()
            .map(|(nth, outcome)| Attempt {
                at: now,
                recipient: *nth,
                host: tried.host.clone(),
                tls: tried.tls.clone(),
                answer: outcome.line(),
            })
            .collect();
        // A disk that says no may have taken it down all the same; it counts once.
        if attempts.last().is_some_and(|last| progress.history.contains(last)) {
            return;
        }
        let (id, is_report) = (envelope.queue_id, envelope.reverse_path.is_empty());
        for (nth, outcome) in &tried.results {
            let (Some(remote), Some(recipient)) =
                (envelope.remotes.get(*nth), progress.recipients.get_mut(*nth))
            else {
                continue;
            };
            recipient.attempts += u32::from(!tried.untried);
            recipient.last = outcome.line();
            let nobody_asks = match &remote.forward {
                // It is in a mailbox, or will be: no stranger is told of it.
                Some(forward) => forward.kept,
                None => !is_report && !wishes(remote).failure,
            };
            let failed = if nobody_asks { Fate::Reported } else { Fate::Failed };
            match outcome.kind {
                Kind::Delivered => recipient.fate = Fate::Delivered,
                Kind::Failed => recipient.fate = failed,
                Kind::Deferred => match self.config.schedule.next(id, is_report, recipient.attempts, now) {
                    Some(next) => recipient.next = next,
                    None => recipient.fate = failed,
                },
            }
        }
        attempts.into_iter().for_each(|attempt| progress.remember(attempt));
    }
}
