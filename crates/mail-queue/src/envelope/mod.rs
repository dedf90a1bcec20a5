//! The envelope: what a message is sent with, and does not say itself.

mod parameters;
mod text;

use std::collections::BTreeSet;

use mailstore::{Mailbox, Sizes};

pub use parameters::{Body, Notify, Parameters, Return};
pub use text::Malformed;
pub(crate) use text::{escape, unescape};

use crate::id::QueueId;

/// Who sent a message, and to whom it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The message's name inside this system.
    pub queue_id: QueueId,
    /// The reverse-path (RFC 5321 §4.1.1.2) without `<>`: the sender's address, or empty.
    pub reverse_path: String,
    /// What MAIL said besides.
    pub parameters: Parameters,
    /// Whether each recipient's copy begins with `Delivered-To`. Then each has a file of its own; else all have the same.
    pub delivered_to: bool,
    /// The login that submitted it.
    pub account: Option<String>,
    /// Whom of ours it goes to. A mailbox that stands here twice gets one copy.
    pub recipients: Vec<Recipient>,
    /// Whom it goes to elsewhere. An address that stands here twice gets one copy, but one more for each of ours who has it sent on there.
    pub remotes: Vec<Remote>,
}

/// A recipient whose mailbox is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// As RCPT named it, without `<>`.
    pub address: String,
    /// NOTIFY: what to report (RFC 3461 §4.1). `None`: what is usual.
    pub notify: Option<Notify>,
    /// ORCPT: the recipient as the sender named it, as it came: type, semicolon, xtext (RFC 3461 §4.2).
    pub original: Option<String>,
    /// It is somebody's of ours, who has their mail sent on to there.
    pub forward: Option<Forward>,
}

/// Mail that is sent on for somebody of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The reverse-path with which it leaves, without `<>`; or empty.
    pub reverse_path: String,
    /// The address of ours that has it sent on.
    pub recipient: String,
    /// The mailbox of that address has it, too. If not, it has it when it cannot be sent on.
    pub kept: bool,
}

impl Remote {
    /// Somebody of whom RCPT said no more than the address.
    pub fn new(address: impl Into<String>) -> Remote {
        Remote { address: address.into(), notify: None, original: None, forward: None }
    }

    /// The reverse-path with which a message of this envelope leaves for it.
    pub fn reverse_path<'e>(&'e self, envelope: &'e Envelope) -> &'e str {
        self.forward.as_ref().map_or(&envelope.reverse_path, |forward| &forward.reverse_path)
    }

    /// The domain, in small letters: what mail to it has in common.
    pub fn domain(&self) -> String {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase()
    }
}

/// Whom a message goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Where it goes.
    pub mailbox: Mailbox,
    /// As RCPT named it, without `<>`; empty where nothing is known of it.
    pub address: String,
    /// NOTIFY: what to report (RFC 3461 §4.1). `None`: what is usual.
    pub notify: Option<Notify>,
    /// ORCPT: the recipient as the sender named it, as it came: type, semicolon, xtext (RFC 3461 §4.2).
    pub original: Option<String>,
}

impl Recipient {
    /// Somebody of whom RCPT said no more than the address.
    pub fn new(mailbox: Mailbox, address: impl Into<String>) -> Recipient {
        Recipient { mailbox, address: address.into(), notify: None, original: None }
    }
}

impl Envelope {
    /// A message of which MAIL said nothing more than whose it is.
    pub fn new(queue_id: QueueId, reverse_path: impl Into<String>, recipients: Vec<Recipient>) -> Envelope {
        let (reverse_path, parameters) = (reverse_path.into(), Parameters::default());
        let (account, remotes) = (None, Vec::new());
        Envelope { queue_id, reverse_path, parameters, delivered_to: false, account, recipients, remotes }
    }

    /// Leaves each mailbox and each address standing once, at its first place; an address once for each whose mail is sent on to it,
    /// because what becomes of it is another matter for each: one keeps a copy, another's sender is told of a failure.
    pub fn without_duplicates(mut self) -> Envelope {
        let mut seen = BTreeSet::new();
        self.recipients.retain(|recipient| seen.insert(recipient.mailbox.clone()));
        let mut seen = BTreeSet::new();
        self.remotes.retain(|remote| {
            let sent_on_for = remote.forward.as_ref().map(|forward| forward.recipient.clone());
            seen.insert((remote.address.clone(), sent_on_for))
        });
        self
    }

    /// What stands before the message in a recipient's own file: nothing, or a header line.
    pub fn head(&self, recipient: &Recipient) -> String {
        match self.delivered_to {
            // An address comes from a grammar without control characters; this is no place to rely on it.
            true => format!("Delivered-To: {}\r\n", recipient.address.replace(char::is_control, "?")),
            false => String::new(),
        }
    }
}

/// What the file says: the envelope and what delivery needs beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) envelope: Envelope,
    /// The host at acceptance: part of the message's file name, which must not change with the configuration.
    pub(crate) host: String,
    /// Of the message without anybody's head.
    pub(crate) sizes: Sizes,
}

impl Stored {
    /// The sizes of a recipient's own file.
    pub(crate) fn sizes_for(&self, recipient: &Recipient) -> Sizes {
        let head = self.envelope.head(recipient).len() as u64;
        Sizes { stored: self.sizes.stored + head, wire: self.sizes.wire + head }
    }
}
