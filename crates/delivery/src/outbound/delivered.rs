//! Reports of success for mailboxes here (RFC 3461 §6.2.3, action "delivered").

use std::sync::Arc;

use mail_queue::{Envelope, Late, Recipient, Remote};

use super::agent::{Agent, Outbound};
use super::dsn::{self, About, Line};
use super::letter;
use super::limits;
use super::report::{Addressee, Occasion};
use crate::incoming::Accepted;

/// What the sender of a message wants to be told of the mailboxes that it goes to.
#[derive(Debug, Clone)]
pub struct SuccessReport {
    envelope: Envelope,
    header: Vec<u8>,
}

impl SuccessReport {
    /// For a message whose recipients here stand in the envelope as RCPT named them: each address has a NOTIFY of its own, even if two
    /// are of one mailbox. `None` if nobody is to be told: the sender asked for nothing, or has no address.
    pub fn wanted(envelope: &Envelope) -> Option<Self> {
        let asked = |recipient: &&Recipient| recipient.notify.is_some_and(|notify| notify.success);
        let recipients: Vec<Recipient> = envelope.recipients.iter().filter(asked).cloned().collect();
        // RFC 3461 §6.1: never a report of what has no sender.
        if envelope.reverse_path.is_empty() || recipients.is_empty() {
            return None;
        }
        let envelope = Envelope { recipients, remotes: Vec::new(), ..envelope.clone() };
        Some(Self { envelope, header: Vec::new() })
    }

    /// The message's octets as they come in: its header is given back with the report (RFC 3461 §4.3).
    pub fn read(&mut self, octets: &[u8]) {
        let room = limits::REPORTED_HEADER.saturating_sub(self.header.len());
        self.header.extend(octets.iter().take(room));
    }
}

impl Outbound {
    /// Tells the sender of a message which mailboxes have it now. Once this is over the report is as durable as the message, so whoever
    /// says 250 afterwards has promised both.
    ///
    /// A crash between the message and its report loses the report, never the message, and makes none of them two: the report is a
    /// message of its own, written once. A mailbox that could not be served yet is reported when it is, also after a restart.
    pub async fn report_delivered(&self, accepted: &Accepted, report: SuccessReport) {
        let waits = |recipient: &Recipient| accepted.waiting.contains(&recipient.mailbox);
        let SuccessReport { envelope, header } = &report;
        let (late, now): (Vec<_>, Vec<_>) = envelope.recipients.iter().cloned().partition(waits);
        let of = |recipients: Vec<Recipient>| SuccessReport {
            envelope: Envelope { recipients, ..envelope.clone() },
            header: header.clone(),
        };
        if !now.is_empty() {
            self.agent.delivered(&of(now)).await;
        }
        if !late.is_empty() {
            tokio::spawn(when_served(&self.agent, of(late)));
        }
    }
}

/// Reports each mailbox as soon as it has it: who waited for the last would lose the others' reports by a restart in between. Holds
/// nothing of the agent while it waits.
fn when_served(agent: &Arc<Agent>, report: SuccessReport) -> impl Future<Output = ()> + Send + use<> {
    let (agent, served) = (Arc::downgrade(agent), agent.local.inner.served.clone());
    let SuccessReport { envelope, header } = report;
    async move {
        let mut waiting = envelope.recipients.clone();
        while !waiting.is_empty() {
            let change = served.notified();
            tokio::pin!(change);
            // From here on nothing is missed.
            change.as_mut().enable();
            {
                let Some(agent) = agent.upgrade() else { return };
                let waits = |recipient: &Recipient| {
                    agent.local.inner.waits_for(envelope.queue_id, &recipient.mailbox)
                };
                let (late, recipients): (Vec<_>, Vec<_>) = waiting.into_iter().partition(waits);
                waiting = late;
                if !recipients.is_empty() {
                    let envelope = Envelope { recipients, ..envelope.clone() };
                    agent.delivered(&SuccessReport { envelope, header: header.clone() }).await;
                    continue;
                }
            }
            change.await;
        }
    }
}

impl Agent {
    async fn delivered(&self, report: &SuccessReport) -> bool {
        let id = report.envelope.queue_id;
        let done = self.try_delivered(report).await;
        if let Err((to, reason)) = &done {
            tracing::error!(event = "report_failed", queue_id = %id, to, reason);
        }
        done.is_ok()
    }

    /// Tells of mailboxes that were served out of the queue: of messages that an earlier process accepted, or that were held.
    pub(crate) async fn report_late(self: Arc<Self>, late: Vec<Late>) {
        for late in late {
            let Some(mut report) = SuccessReport::wanted(&late.envelope) else { continue };
            report.read(late.beginning.get(letter::skipped(&late.beginning)..).unwrap_or_default());
            if self.delivered(&report).await {
                continue;
            }
            // Who knows our addresses may not be there yet.
            let agent = Arc::downgrade(&self);
            tokio::spawn(async move {
                tokio::time::sleep(limits::LONGEST_RECORD_PAUSE).await;
                if let Some(agent) = agent.upgrade() {
                    agent.local.inner.report_late(late);
                }
            });
        }
    }

    async fn try_delivered(&self, report: &SuccessReport) -> Result<(), (String, String)> {
        let envelope = &report.envelope;
        let Addressee::To(to, reported, reserved) = self.addressee(envelope, Occasion::Delivered).await?
        else {
            return Ok(());
        };
        let remote = |recipient: &Recipient| Remote {
            notify: recipient.notify,
            original: recipient.original.clone(),
            ..Remote::new(recipient.address.as_str())
        };
        let remotes: Vec<Remote> = envelope.recipients.iter().map(remote).collect();
        let line = |remote| Line { remote, text: "2.0.0 Delivered to the mailbox", host: "" };
        let language = self.homes.language(&to).await.unwrap_or(self.config.language);
        let about = About {
            hostname: &self.config.hostname,
            language,
            now: self.clock.now(),
            to: &to,
            envelope,
            occasion: Occasion::Delivered,
            lines: remotes.iter().map(line).collect(),
            original: letter::header(&report.header),
            whole: false,
        };
        let text = dsn::compose(&about).map_err(|error| (to.clone(), error.to_string()))?;
        self.send_report(envelope.queue_id, Occasion::Delivered, &to, (reported, reserved), &text).await
    }
}
