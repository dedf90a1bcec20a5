//! Telling the sender: who is told of what, and where a report goes.

use std::io::Read;
use std::sync::Arc;

use mail_queue::{Envelope, Fate, Notify, Outbound as Waiting, QueueId, Recipient, Remote, Return};

use super::agent::{Agent, Home};
use super::dsn::{self, About, Line};
use super::letter::examine;
use super::limits;
use super::outcome::Outcome;
use crate::Reserved;

/// Why a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Some recipients will never have the message.
    Failed,
    /// Some do not have it yet.
    Delayed {
        /// How long it will be tried: seconds since 1970.
        until: u64,
    },
    /// A mailbox here has it, and the sender wanted to know (RFC 3461 §6.2.3).
    Delivered,
    /// It was given to a host that will say no more, and the sender wanted to know (RFC 3461 §6.2.2).
    Relayed,
}

impl Occasion {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed { .. } => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
        }
    }
}

/// Why a message is held that can be neither delivered nor given back.
const NOBODY_TOLD: &str =
    "it failed, and neither its sender nor a postmaster can be told: appoint one, then release it";

/// To whom a report goes.
#[derive(Debug)]
pub(crate) enum Addressee {
    /// To this address, in this envelope, with its room in a mailbox here.
    To(String, Envelope, Vec<Reserved>),
    /// None is to be written.
    NotWanted,
    /// There is nobody, not even a postmaster.
    Nobody,
}

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    /// It is on its way, or need not be.
    Done,
    /// It could not be written now.
    Later,
    /// There is nobody who could be told.
    Nobody,
}

/// What is told of a recipient.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) nth: usize,
    pub(crate) line: String,
    pub(crate) host: String,
}

impl Told {
    pub(crate) fn of((nth, outcome): &(usize, Outcome), host: &str) -> Self {
        Self { nth: *nth, line: outcome.line(), host: host.to_owned() }
    }
}

/// What a sender wants to know of a recipient; without a word, failure and delay (RFC 3461 §4.1).
pub(crate) fn wishes(remote: &Remote) -> Notify {
    remote.notify.unwrap_or(Notify { success: false, failure: true, delay: true })
}

impl Agent {
    /// Tells of the recipients that have failed, and remembers it.
    pub(crate) async fn report_failures(self: &Arc<Self>, id: QueueId) {
        let _telling = self.telling.lock().await;
        let spool = self.spool().clone();
        let Ok(Ok(Some(waiting))) = self.local.inner.pool.run(move || spool.outbound(id)).await else {
            return;
        };
        let told = told(&waiting, |fate| fate == Fate::Failed);
        if told.is_empty() {
            return;
        }
        let Some((kept, told)) = self.keep_forwards(&waiting, told).await else { return };
        let reported = match told.is_empty() {
            true => Reported::Done,
            false => self.report(&waiting.envelope, Occasion::Failed, &told).await,
        };
        if reported == Reported::Later && kept.is_empty() {
            return;
        }
        let spool = self.spool().clone();
        let record = move || {
            spool.record(id, |_, progress| {
                for nth in kept {
                    if let Some(recipient) = progress.recipients.get_mut(nth) {
                        recipient.fate = Fate::Reported;
                    }
                }
                if reported == Reported::Later {
                    return;
                }
                if reported == Reported::Nobody {
                    // Nobody may lose it unseen. Those who wait still have their turns first.
                    if !progress.recipients.iter().any(|it| it.fate == Fate::Waiting) {
                        progress.hold = Some(String::from(NOBODY_TOLD));
                    }
                    return;
                }
                for Told { nth, .. } in &told {
                    if let Some(recipient) = progress.recipients.get_mut(*nth) {
                        recipient.fate = Fate::Reported;
                    }
                }
            })
        };
        match self.local.inner.pool.run(record).await {
            Ok(Ok(Some(Waiting { progress, .. }))) if progress.hold.is_some() => {
                self.local.inner.held().insert(id);
            }
            Ok(Err(error)) => tracing::error!(event = "queue_retry_failed", queue_id = %id, %error),
            _ => {}
        }
    }

    /// Tells of the recipients that wait for long, and remembers it.
    pub(crate) async fn report_delay(self: &Arc<Self>, waiting: &Waiting) {
        let id = waiting.envelope.queue_id;
        let mut told = told(waiting, |fate| fate == Fate::Waiting);
        told.retain(|Told { nth, .. }| waiting.envelope.remotes.get(*nth).is_some_and(|it| wishes(it).delay));
        let until = self.config.schedule.end(id, false);
        if !waiting.envelope.reverse_path.is_empty() && !told.is_empty() {
            self.report(&waiting.envelope, Occasion::Delayed { until }, &told).await;
        }
        let spool = self.spool().clone();
        let record = move || spool.record(id, |_, progress| progress.warned = true);
        if let Ok(Err(error)) = self.local.inner.pool.run(record).await {
            tracing::error!(event = "queue_retry_failed", queue_id = %id, %error);
        }
    }

    /// Writes a report and sends it.
    pub(crate) async fn report(
        self: &Arc<Self>,
        envelope: &Envelope,
        occasion: Occasion,
        told: &[Told],
    ) -> Reported {
        let id = envelope.queue_id;
        let done = match self.addressee(envelope, occasion).await {
            Ok(Addressee::NotWanted) => return Reported::Done,
            Ok(Addressee::Nobody) => return Reported::Nobody,
            Ok(Addressee::To(to, reported, reserved)) => {
                match self.compose(envelope, occasion, told, &to).await {
                    Ok(text) => self.send_report(id, occasion, &to, (reported, reserved), &text).await,
                    Err(reason) => Err((to, reason)),
                }
            }
            Err(trouble) => Err(trouble),
        };
        match done {
            Ok(()) => Reported::Done,
            Err((to, reason)) => {
                tracing::error!(event = "report_failed", queue_id = %id, to, reason);
                self.look_again(id);
                Reported::Later
            }
        }
    }

    /// To whom a report goes, and in what envelope. An error is whom it was for, and why it cannot be known now.
    pub(crate) async fn addressee(
        &self,
        envelope: &Envelope,
        occasion: Occasion,
    ) -> Result<Addressee, (String, String)> {
        let (queue_id, from) = (envelope.queue_id, &envelope.reverse_path);
        // RFC 5321 §4.5.5: nobody is told of a report; but somebody here should know that one was lost.
        let postmaster = format!("postmaster@{}", self.config.hostname);
        let home = match from.is_empty() || *from == postmaster {
            true if from.is_empty() && occasion != Occasion::Failed => return Ok(Addressee::NotWanted),
            true => Home::Nobody,
            false => self.homes.find(from).await.map_err(|reason| (from.clone(), reason))?,
        };
        let (to, home) = match home {
            // Whom a success concerns is not there.
            Home::Nobody if occasion == Occasion::Delivered && *from != postmaster => {
                return Ok(Addressee::NotWanted);
            }
            Home::Nobody => {
                if *from != postmaster {
                    tracing::warn!(event = "double_bounce", %queue_id, from, occasion = occasion.word());
                }
                let home = self.homes.postmaster().await;
                (postmaster.clone(), home.map_err(|reason| (postmaster.clone(), reason))?)
            }
            home => (from.clone(), home),
        };
        let mut reported = Envelope::new(QueueId::new(), "", Vec::new());
        // RFC 6531 §3.2: or it could not be said to any host whom it is for.
        reported.parameters.utf8 = dsn::is_wide(&to);
        Ok(match home {
            Home::Mailbox(mailbox, quota) => {
                // It counts there, and comes whatever there is room for.
                let reserved = vec![self.local.unchecked(&mailbox, &to, quota)];
                let recipients = vec![Recipient::new(mailbox, to.as_str())];
                Addressee::To(to, Envelope { recipients, ..reported }, reserved)
            }
            Home::Elsewhere if to != postmaster => {
                let remotes = vec![Remote::new(to.as_str())];
                Addressee::To(to, Envelope { remotes, ..reported }, Vec::new())
            }
            // Not to another host: that would be a loop.
            Home::Elsewhere | Home::Nobody => {
                tracing::error!(event = "report_undeliverable", %queue_id, %to);
                Addressee::Nobody
            }
        })
    }

    /// Makes a report durable, on its way to `to`.
    pub(crate) async fn send_report(
        &self,
        queue_id: QueueId,
        occasion: Occasion,
        to: &str,
        (reported, reserved): (Envelope, Vec<Reserved>),
        text: &[u8],
    ) -> Result<(), (String, String)> {
        let report = reported.queue_id;
        // The mailbox's own line, as any message has (RFC 5321 §4.4); it does not leave this host.
        let mut incoming = self.local.begin(reported, b"Return-Path: <>\r\n".to_vec()).settling(reserved);
        let accepted = match incoming.write(text).await {
            Ok(()) => incoming.commit().await.map(drop),
            Err(error) => Err(error),
        };
        accepted.map_err(|error| (to.to_owned(), error.to_string()))?;
        tracing::info!(event = "report_sent", %queue_id, %report, to, occasion = occasion.word());
        Ok(())
    }

    async fn compose(
        &self,
        envelope: &Envelope,
        occasion: Occasion,
        told: &[Told],
        to: &str,
    ) -> Result<Vec<u8>, String> {
        let (spool, id) = (self.spool().clone(), envelope.queue_id);
        let whole = occasion == Occasion::Failed && envelope.parameters.ret == Some(Return::Full);
        let read = move || original(&spool, id, whole);
        let read = self.local.inner.pool.run(read).await.map_err(|error| error.to_string())?;
        let (original, whole) = read.map_err(|error| error.to_string())?;
        let language = self.homes.language(to).await.unwrap_or(self.config.language);
        let lines = told.iter().filter_map(|told| {
            let remote = envelope.remotes.get(told.nth)?;
            Some(Line { remote, text: &told.line, host: &told.host })
        });
        let about = About {
            hostname: &self.config.hostname,
            language,
            now: self.clock.now(),
            to,
            envelope,
            occasion,
            lines: lines.collect(),
            original: &original,
            whole,
        };
        dsn::compose(&about).map_err(|error| error.to_string())
    }
}

/// The last that is known of the recipients with a fate.
fn told(waiting: &Waiting, which: impl Fn(Fate) -> bool) -> Vec<Told> {
    let history = &waiting.progress.history;
    let host = |nth: usize| {
        let last = history.iter().rev().find(|attempt| attempt.recipient == nth);
        last.map(|attempt| attempt.host.clone()).unwrap_or_default()
    };
    let each = waiting.progress.recipients.iter().enumerate();
    each.filter(|(_, recipient)| which(recipient.fate))
        .map(|(nth, recipient)| Told { nth, line: recipient.last.clone(), host: host(nth) })
        .collect()
}

/// The message as it is given back, and whether that is all of it.
fn original(spool: &mail_queue::Spool, id: QueueId, whole: bool) -> std::io::Result<(Vec<u8>, bool)> {
    let mut message = spool.open_body(id).map_err(std::io::Error::other)?;
    let facts = examine(&mut message)?;
    let whole = whole && facts.octets <= limits::REPORTED_MESSAGE;
    let octets = if whole { facts.octets } else { facts.header.min(limits::REPORTED_HEADER as u64) };
    let mut text = Vec::new();
    message.take(octets).read_to_end(&mut text)?;
    Ok((text, whole))
}
