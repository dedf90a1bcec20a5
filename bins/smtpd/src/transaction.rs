//! One message: its envelope, its trace fields, and its way into the store.

use std::net::IpAddr;
use std::sync::Arc;

use daemon_kit::config::{self, VirusChecked};
use daemon_kit::log::event;
use daemon_kit::tls::TlsInfo;
use daemon_kit::{Share, Wire};
use delivery::outbound::SuccessReport;
use delivery::{
    Accepted, DeliveryError, Envelope, Incoming, LocalDelivery, Mailbox, Notify, Parameters, QueueId,
    Recipient, Remote, Reserved,
};
use jiff::Zoned;
use relay_policy::Sender;
use smtp_proto::{Enhanced, Hello, Mail, Rcpt, Reply};

use crate::forward::{Expansion, LOOP_FIELD, LoopScan};
use crate::recipient::Home;
use crate::sending::Budget;
use crate::trace::{Protocol, Trace, complete, header_end};
use crate::virus_check::{Check, Judgement, Scan, Scanner};
use crate::{Smtpd, parameters, replies};

/// Octets of a submitted message's header that are looked through for a `Date` and a `Message-ID`; a longer one is left as it is.
const HEADER_SEARCHED: usize = 64 << 10;

/// Who sends.
#[derive(Debug)]
pub(crate) struct Client {
    /// As whom the client greeted.
    name: String,
    /// It greeted with EHLO.
    extended: bool,
    pub(crate) address: IpAddr,
    pub(crate) tls: Option<TlsInfo>,
    /// The login that the client proved.
    pub(crate) account: Option<String>,
}

impl Client {
    /// A client that has said nothing yet.
    pub(crate) fn new(wire: &Wire) -> Self {
        Self {
            name: String::new(),
            extended: false,
            address: wire.peer().ip(),
            tls: wire.tls(),
            account: None,
        }
    }

    pub(crate) fn greeted(&mut self, hello: &Hello<'_>) {
        hello.name.as_str().clone_into(&mut self.name);
        self.extended = hello.extended;
    }

    /// How it greeted; nothing before it did.
    pub(crate) fn greeting(&self) -> &'static str {
        match (self.name.is_empty(), self.extended) {
            (true, _) => "",
            (false, true) => "EHLO",
            (false, false) => "HELO",
        }
    }
}

/// An envelope that grows, and its message.
#[derive(Debug)]
pub(crate) struct Transaction {
    reverse_path: String,
    /// Octets, as MAIL declared them (RFC 1870).
    declared: Option<u64>,
    /// What MAIL said besides, for whoever sends the message on.
    parameters: Parameters,
    recipients: Vec<Recipient>,
    /// Those elsewhere.
    remotes: Vec<Remote>,
    /// Their room, until the message is in them.
    reserved: Vec<Reserved>,
    /// Who sends, and whether a recipient here wants it looked through: what the virus check goes by.
    sender: Sender,
    for_checked: bool,
    /// It goes elsewhere because its sender may send it there.
    relays: bool,
    /// What it may cost its sender, where that is limited.
    budget: Option<Budget>,
    /// Of who has it sent on.
    marks: Vec<String>,
    message: Option<Message>,
}

#[derive(Debug)]
struct Message {
    queue_id: QueueId,
    incoming: Incoming,
    scan: Option<Scan>,
    /// The rule by which it is not looked through, where there is a virus check.
    unchecked: Option<&'static str>,
    octets: u64,
    submission: Option<Submission>,
    account: Option<String>,
    /// The sender wants to know that it is in a mailbox.
    report: Option<SuccessReport>,
    /// Whether it comes back from where it was sent on.
    loops: LoopScan,
    /// Why it waits for an operator, if it does.
    hold: Option<String>,
    /// For as much as it holds until it is on the disk.
    _memory: Share,
}

/// What came of a message at its end.
#[derive(Debug)]
struct Committed {
    /// What the log says of the virus check.
    virus_check: Option<&'static str>,
    /// Why it waits for an operator, if it does.
    hold: Option<String>,
    outcome: Result<Accepted, DeliveryError>,
}

/// A submitted message whose header is still coming in.
#[derive(Debug)]
struct Submission {
    node: String,
    now: Zoned,
    header: Vec<u8>,
}

impl Transaction {
    pub(crate) fn new(mail: &Mail<'_>) -> Self {
        Self {
            reverse_path: mail.reverse_path.to_string(),
            declared: mail.size,
            parameters: parameters::of_mail(mail),
            recipients: Vec::new(),
            remotes: Vec::new(),
            reserved: Vec::new(),
            sender: Sender::Stranger,
            for_checked: false,
            relays: false,
            budget: None,
            marks: Vec::new(),
            message: None,
        }
    }

    /// With another sender address than the client gave.
    pub(crate) fn rewritten(mut self, reverse_path: Option<String>) -> Self {
        if let Some(reverse_path) = reverse_path {
            self.reverse_path = reverse_path;
        }
        self
    }

    /// As far as the virus check goes.
    pub(crate) fn sent_by(mut self, sender: Sender) -> Self {
        self.sender = sender;
        self
    }

    /// As far as it may cost its sender no more.
    pub(crate) fn within(mut self, budget: Option<Budget>) -> Self {
        self.budget = budget;
        self
    }

    /// What it may cost its sender, where that is limited.
    pub(crate) const fn budget(&mut self) -> &mut Option<Budget> {
        &mut self.budget
    }

    /// Whether somebody elsewhere gets it: only for those it can be held while mailboxes here have it.
    pub(crate) const fn goes_elsewhere(&self) -> bool {
        !self.remotes.is_empty()
    }

    /// An operator looks at it before it leaves.
    pub(crate) fn hold(&mut self, why: String) {
        let Some(message) = &mut self.message else { return };
        message.incoming.hold(why.clone());
        message.hold = Some(why);
    }

    pub(crate) const fn declared(&self) -> Option<u64> {
        self.declared
    }

    pub(crate) fn reverse_path(&self) -> &str {
        &self.reverse_path
    }

    /// Whether a recipient so far is this mailbox.
    pub(crate) fn is_for(&self, mailbox: &Mailbox) -> bool {
        self.recipients.iter().any(|recipient| recipient.mailbox == *mailbox)
    }

    pub(crate) fn add(&mut self, rcpt: &Rcpt<'_>, Home { mailbox, reserved, checked }: Home) {
        self.for_checked |= checked;
        self.reserved.extend(reserved);
        self.recipients.push(parameters::of_rcpt(rcpt, mailbox));
    }

    pub(crate) fn add_remote(&mut self, rcpt: &Rcpt<'_>) {
        self.relays = true;
        self.remotes.push(parameters::of_remote(rcpt));
    }

    /// A report, for who is meant by the address.
    pub(crate) fn add_returned(&mut self, rcpt: &Rcpt<'_>, sender: String) {
        self.remotes.push(Remote { address: sender, ..parameters::of_remote(rcpt) });
    }

    /// Somebody who has it sent on.
    pub(crate) fn add_sent_on(&mut self, rcpt: &Rcpt<'_>, expansion: Expansion) {
        let Expansion { here, there, marks, checked, .. } = expansion;
        self.for_checked |= checked;
        for (address, mailbox, reserved) in here {
            self.reserved.extend(reserved);
            self.recipients.push(Recipient { address, ..parameters::of_rcpt(rcpt, mailbox) });
        }
        for (address, forward) in there {
            // Where it is sent on is the owner's affair: of a failure we hear, and nobody else of anything.
            let notify = match rcpt.notify.map(|notify| notify.failure) {
                Some(false) => Notify { success: false, failure: false, delay: false },
                _ => Notify { success: false, failure: true, delay: false },
            };
            let (notify, forward) = (Some(notify), Some(forward));
            self.remotes.push(Remote { address, notify, forward, ..parameters::of_remote(rcpt) });
        }
        self.marks.extend(marks);
    }

    /// The recipient as RCPT named it, if it is alone.
    fn only_recipient(&self) -> Option<&str> {
        let here = self.recipients.iter().map(|recipient| &*recipient.address);
        let there = self
            .remotes
            .iter()
            .map(|remote| remote.forward.as_ref().map_or(&*remote.address, |forward| &*forward.recipient));
        let mut all = here.chain(there);
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }

    /// The envelope is complete: whether the message is to be looked through.
    pub(crate) fn check(&self, scanner: Option<&Arc<Scanner>>, checked: VirusChecked) -> Check {
        let sender = match self.sender {
            // Who relays without a login is no stranger.
            Sender::Stranger if self.relays => Sender::Unnamed,
            sender => sender,
        };
        Check::of(scanner, checked, sender, self.for_checked)
    }

    /// The envelope is complete: the message starts with its trace fields. `node` is this machine's name in them.
    pub(crate) fn begin(
        &mut self,
        delivery: &LocalDelivery,
        client: &Client,
        node: &str,
        settings: &config::Trace,
        check: Check,
        memory: Share,
    ) {
        let (queue_id, now) = (QueueId::new(), Zoned::now());
        let trace = Trace {
            settings,
            reverse_path: &self.reverse_path,
            client_name: &client.name,
            client_address: client.address,
            node,
            protocol: Protocol {
                extended: client.extended,
                encrypted: client.tls.is_some(),
                authenticated: client.account.is_some(),
                utf8: self.parameters.utf8,
            },
            tls: client.tls.as_ref(),
            queue_id: &queue_id.to_string(),
            recipient: self.only_recipient(),
            now: &now,
        };
        let mut fields = Vec::with_capacity(512);
        trace.write_return_path(&mut fields);
        // That line is for mailboxes alone (RFC 5321 §4.4).
        let own = fields.len();
        trace.write_received(&mut fields);
        for mark in &self.marks {
            fields.extend_from_slice(format!("{LOOP_FIELD}: {mark}\r\n").as_bytes());
        }
        let envelope = Envelope {
            parameters: self.parameters.clone(),
            delivered_to: settings.delivered_to,
            remotes: self.remotes.clone(),
            account: client.account.clone(),
            ..Envelope::new(queue_id, self.reverse_path.as_str(), self.recipients.clone())
        };
        // Before duplicates go: each address of a mailbox has a NOTIFY of its own.
        let mut report = SuccessReport::wanted(&envelope);
        if let Some(report) = &mut report {
            report.read(fields.get(own..).unwrap_or_default());
        }
        // RFC 6409 §8: only who submits a message may complete it.
        let submission =
            client.account.as_ref().map(|_| Submission { node: node.to_owned(), now, header: Vec::new() });
        let (scan, unchecked) = check.begin(&fields);
        let incoming = match scan.as_ref().is_some_and(Scan::may_hold) {
            true => delivery.begin_holdable(envelope, fields),
            false => delivery.begin(envelope, fields),
        };
        self.message = Some(Message {
            queue_id,
            incoming: incoming.settling(std::mem::take(&mut self.reserved)),
            scan,
            unchecked,
            octets: 0,
            submission,
            account: client.account.clone(),
            report,
            loops: LoopScan::new(std::mem::take(&mut self.marks)),
            hold: None,
            _memory: memory,
        });
    }

    /// The next octets of the message.
    pub(crate) async fn write(&mut self, octets: &[u8]) -> Result<(), Reply> {
        let Some(message) = &mut self.message else { return Ok(()) };
        message.write(octets).await.map_err(|error| refuse(message.queue_id, &error))
    }

    /// The message is complete. When this returns a reply that accepts it, it is durable (RFC 5321 §6.1). One that is
    /// larger than was declared, and than its recipient has room for, is refused. The sender gets the report of success that it asked
    /// for, durable before the reply too.
    pub(crate) async fn commit(self, smtpd: &Smtpd) -> Result<Reply, Reply> {
        let Some(mut message) = self.message else { return Err(replies::STORE_FAILED) };
        let (queue_id, size) = (message.queue_id, message.octets);
        let refuse = |error: DeliveryError| refuse(queue_id, &error);
        if message.loops.is_loop() {
            let (from, reason) = (self.reverse_path, "forward_loop");
            tracing::warn!(event = event::MESSAGE_REFUSED, %queue_id, from, reason);
            return Err(replies::FORWARD_LOOP);
        }
        message.complete_header().await.map_err(refuse)?;
        let (account, report) = (message.account.take(), message.report.take());
        let Committed { virus_check, hold, outcome } =
            message.commit(smtpd, &self.reverse_path, account.as_deref()).await?;
        let accepted = match outcome {
            Err(DeliveryError::OverQuota(over)) => {
                let (from, reason) = (self.reverse_path, "over-quota");
                tracing::info!(event = event::MESSAGE_REFUSED, %queue_id, from, reason, %over);
                return Err(smtpd.mailbox_full());
            }
            committed => committed.map_err(refuse)?,
        };
        if let Some(reason) = hold {
            tracing::warn!(event = event::QUEUE_HELD, %queue_id, account, reason);
        }
        tracing::info!(
            event = event::MESSAGE_ACCEPTED,
            %queue_id,
            from = self.reverse_path,
            recipients = self.recipients.len() + self.remotes.len(),
            size,
            account,
            virus_check
        );
        for Recipient { mailbox, address, .. } in &self.recipients {
            tracing::info!(event = event::RECIPIENT_ACCEPTED, %queue_id, recipient = address, %mailbox);
        }
        for Remote { address, forward, .. } in &self.remotes {
            let forward_of = forward.as_ref().map(|forward| &forward.recipient);
            tracing::info!(event = event::RECIPIENT_ACCEPTED, %queue_id, recipient = address, forward_of);
        }
        // Of what is held nobody knows whether it will be in a mailbox.
        if let (Some(outbound), Some(report), false) = (&smtpd.outbound, report, accepted.held) {
            outbound.report_delivered(&accepted, report).await;
        }
        Ok(Reply::new(250, Enhanced(2, 0, 0), format!("Queued as {queue_id}")).unwrap_or(replies::QUEUED))
    }

    /// The protocol refuses the message at its end.
    pub(crate) fn refused(self, reason: &'static str) {
        let queue_id = self.message.map(|message| message.queue_id.to_string());
        tracing::info!(event = event::MESSAGE_REFUSED, queue_id, from = self.reverse_path, reason);
    }
}

impl Message {
    async fn write(&mut self, octets: &[u8]) -> Result<(), DeliveryError> {
        self.octets += octets.len() as u64;
        self.loops.take(octets);
        let Some(submission) = &mut self.submission else { return self.put(octets).await };
        let searched = submission.header.len();
        submission.header.extend_from_slice(octets);
        match header_end(&submission.header, searched) {
            None if submission.header.len() < HEADER_SEARCHED => Ok(()),
            _ => self.complete_header().await,
        }
    }

    /// The message is complete, and taken unless the virus check, if there is one for it, refuses it.
    async fn commit(mut self, smtpd: &Smtpd, from: &str, account: Option<&str>) -> Result<Committed, Reply> {
        let (queue_id, hold) = (self.queue_id, self.hold.take());
        let (judgement, stopped) = match self.scan.take() {
            Some(scan) => {
                let (judgement, stopped) = scan.judge(queue_id, from, account).await;
                (Some(judgement), stopped)
            }
            None => (None, None),
        };
        let owners = if stopped.is_some() { self.incoming.take_reserved() } else { Vec::new() };
        let tell = async {
            if let Some(stopped) = &stopped {
                smtpd.tell_of_virus(&owners, queue_id, from, stopped).await;
            }
        };
        let virus_check = match judgement {
            Some(Judgement::Refuse(reply, reason)) => {
                self.incoming.discard().await;
                tracing::info!(event = event::MESSAGE_REFUSED, %queue_id, from, reason);
                tell.await;
                return Err(reply);
            }
            Some(Judgement::Hold(reason)) => {
                let outcome = self.incoming.commit_held(reason.clone()).await;
                if outcome.is_ok() {
                    tell.await;
                }
                return Ok(Committed { virus_check: Some("held"), hold: Some(reason), outcome });
            }
            Some(Judgement::Take(word)) => Some(word),
            None => self.unchecked,
        };
        Ok(Committed { virus_check, hold, outcome: self.incoming.commit().await })
    }

    /// Adds the fields that a submitted message lacks, and lets go of its header.
    async fn complete_header(&mut self) -> Result<(), DeliveryError> {
        let Some(Submission { node, now, header }) = self.submission.take() else { return Ok(()) };
        let end = header_end(&header, 0).unwrap_or(header.len());
        let mut fields = Vec::new();
        if end < HEADER_SEARCHED {
            let header = header.get(..end).unwrap_or_default();
            complete(header, &self.queue_id.to_string(), &node, &now, &mut fields);
        }
        self.put(&fields).await?;
        self.put(&header).await
    }

    /// Octets of the message as it is stored.
    async fn put(&mut self, octets: &[u8]) -> Result<(), DeliveryError> {
        if let Some(report) = &mut self.report {
            report.read(octets);
        }
        let Some(scan) = &mut self.scan else { return self.incoming.write(octets).await };
        let (written, ()) = tokio::join!(self.incoming.write(octets), scan.feed(octets));
        written
    }
}

/// Our own trouble: nothing of the message remains, and the client keeps it.
fn refuse(queue_id: QueueId, error: &DeliveryError) -> Reply {
    tracing::error!(event = event::STORE_FAILED, %queue_id, reason = %error);
    match error {
        DeliveryError::NoSpace(_) => replies::NO_SPACE,
        _ => replies::STORE_FAILED,
    }
}
