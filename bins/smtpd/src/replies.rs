//! Every reply that smtpd speaks beyond those of the protocol crate. RFC 5321 §4.2, RFC 3463, RFC 4954 §6.

use smtp_proto::{Enhanced, Reply};

/// Our own trouble with the accounts, at RCPT.
pub(crate) const ACCOUNTS_UNAVAILABLE: Reply =
    Reply::of(451, Enhanced(4, 3, 0), "Accounts cannot be looked up now, try again later");
/// Our own trouble with the accounts, at AUTH (RFC 4954 §4.7.1): never taken for a wrong password.
pub(crate) const AUTH_UNAVAILABLE: Reply =
    Reply::of(454, Enhanced(4, 7, 0), "Authentication is not possible now, try again later");
/// The same words for an unknown user and a wrong password.
pub(crate) const AUTH_FAILED: Reply = Reply::of(535, Enhanced(5, 7, 8), "Authentication failed");
/// As it is spoken with the message's queue id.
pub(crate) const QUEUED: Reply = Reply::of(250, Enhanced(2, 0, 0), "Queued");
/// A network class that this listener turns away: its customers have other doors.
pub(crate) const BARRED: Reply =
    Reply::of(554, Enhanced(5, 7, 1), "Not from your network on this port, use SMTP AUTH on port 465 or 587");
pub(crate) const CONNECTIONS: Reply =
    Reply::of(421, Enhanced(4, 7, 0), "Too many connections, try again later");
pub(crate) const CONNECTIONS_OF_ADDRESS: Reply =
    Reply::of(421, Enhanced(4, 7, 0), "Too many connections from your address, try again later");
pub(crate) const CONNECTIONS_OF_NETWORK: Reply =
    Reply::of(421, Enhanced(4, 7, 0), "Too many connections from your network, try again later");
pub(crate) const NO_MEMORY: Reply = Reply::of(421, Enhanced(4, 3, 2), "Too busy now, try again later");
pub(crate) const NO_MEMORY_FOR_MESSAGE: Reply =
    Reply::of(452, Enhanced(4, 3, 1), "Too busy for the message now, try again later");
/// RFC 5321 §4.2.3 and RFC 3463 §3.3: the recipient's mailbox is full, and may have room later.
pub(crate) const MAILBOX_FULL: Reply =
    Reply::of(452, Enhanced(4, 2, 2), "The recipient's mailbox is full, try again later");
/// The same where the operator wants the sender to know at once.
pub(crate) const MAILBOX_FULL_FOR_GOOD: Reply =
    Reply::of(552, Enhanced(5, 2, 2), "The recipient's mailbox is full");
pub(crate) const NO_SPACE: Reply =
    Reply::of(452, Enhanced(4, 3, 1), "Not enough space for the message now, try again later");
pub(crate) const NO_SUCH_USER: Reply = Reply::of(550, Enhanced(5, 1, 1), "No such user here");
/// There is no way out of this installation: permanent, for waiting would not make one.
pub(crate) const NOT_SENT_FROM_HERE: Reply =
    Reply::of(550, Enhanced(5, 4, 4), "Mail to other domains is not sent from here");
pub(crate) const RELAY_DENIED: Reply =
    Reply::of(550, Enhanced(5, 7, 1), "Mail to other domains is not taken here");
pub(crate) const RELAY_NEEDS_AUTHENTICATION: Reply =
    Reply::of(550, Enhanced(5, 7, 1), "Mail to other domains needs SMTP AUTH, on port 465 or 587");
pub(crate) const VRFY_OFF: Reply = Reply::of(502, Enhanced(5, 5, 1), "VRFY is not answered here");
pub(crate) const SHUTTING_DOWN: Reply =
    Reply::of(421, Enhanced(4, 3, 2), "The service is shutting down, try again later");
pub(crate) const STORE_FAILED: Reply =
    Reply::of(451, Enhanced(4, 3, 0), "The message cannot be stored now, try again later");
pub(crate) const OVERTIME: Reply =
    Reply::of(421, Enhanced(4, 4, 2), "This session took too long, try again later");
pub(crate) const TOO_SLOW: Reply = Reply::of(421, Enhanced(4, 4, 2), "You are too slow, try again later");
pub(crate) const TIMED_OUT: Reply = Reply::of(421, Enhanced(4, 4, 2), "Timed out while waiting for you");
