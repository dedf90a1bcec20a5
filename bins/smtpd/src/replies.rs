//! Every reply that smtpd speaks beyond those of the protocol crate. RFC 5321 §4.2, RFC 3463, RFC 4954 §6.

use std::fmt;

use daemon_kit::log::event;
use smtp_proto::{Enhanced, Reply};

/// Our own trouble with the accounts, at RCPT.
pub(crate) const ACCOUNTS_UNAVAILABLE: Reply =
    Reply::of(451, Enhanced(4, 3, 0), "Accounts cannot be looked up now, try again later");
/// The same, with the reason in the log.
pub(crate) fn accounts_unavailable(error: impl fmt::Display) -> Reply {
    tracing::error!(event = event::ACCOUNTS_FAILED, reason = %error);
    ACCOUNTS_UNAVAILABLE
}
/// Our own trouble with the accounts, at AUTH (RFC 4954 §4.7.1): never taken for a wrong password.
pub(crate) const AUTH_UNAVAILABLE: Reply =
    Reply::of(454, Enhanced(4, 7, 0), "Authentication is not possible now, try again later");
/// The same words for an unknown user and a wrong password.
pub(crate) const AUTH_FAILED: Reply = Reply::of(535, Enhanced(5, 7, 8), "Authentication failed");
/// The password was right, but the account was closed by its owner.
pub(crate) const ACCOUNT_CLOSING: Reply = Reply::of(535, Enhanced(5, 7, 8), "This account is closed");
/// The password was right, but the account is being moved here.
pub(crate) const ACCOUNT_STAGED: Reply = Reply::of(535, Enhanced(5, 7, 8), "This account is not in use yet");
/// The password was right, and there is neither a text for this account nor one in the configuration.
pub(crate) const ACCOUNT_SUSPENDED: Reply =
    Reply::of(535, Enhanced(5, 7, 8), "Sending is suspended for this account, ask your provider");
/// The account changed while it was here: it may not send any more, or has another password.
pub(crate) const ACCOUNT_CHANGED: Reply =
    Reply::of(421, Enhanced(4, 7, 0), "Your account was changed, log in again");
/// The password was right, and the configuration has no text.
pub(crate) const SERVICE_UNREGISTERED: Reply =
    Reply::of(535, Enhanced(5, 7, 8), "SMTP AUTH is not registered for this account, ask your provider");
/// As it is spoken with the message's queue id.
pub(crate) const QUEUED: Reply = Reply::of(250, Enhanced(2, 0, 0), "Queued");
/// A domain that is known as one where nobody has mail and that has no words of its own.
pub(crate) const DOMAIN_BARRED: Reply = Reply::of(550, Enhanced(5, 1, 2), "Nobody has mail in this domain");
/// The account does not get mail: suspended or closing (RFC 3463 §3.3).
pub(crate) const MAILBOX_DISABLED: Reply = Reply::of(550, Enhanced(5, 2, 1), "This mailbox takes no mail");
/// The account is being moved here.
pub(crate) const MAILBOX_UNREADY: Reply =
    Reply::of(450, Enhanced(4, 2, 1), "This mailbox takes no mail yet, try again later");
/// RFC 5321 §4.5.1 wants this mailbox, and nobody has been appointed: never refused for good.
pub const NO_POSTMASTER: Reply =
    Reply::of(451, Enhanced(4, 3, 5), "There is no postmaster here yet, try again later");
/// The sender address of an authenticated client is not one of its account's.
pub(crate) const SENDER_NOT_OWNED: Reply =
    Reply::of(553, Enhanced(5, 7, 1), "This sender address does not belong to your account");
/// A network class that this listener turns away: its customers have other doors.
pub const BARRED: Reply =
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
pub const NOT_SENT_FROM_HERE: Reply =
    Reply::of(550, Enhanced(5, 4, 4), "Mail to other domains is not sent from here");
/// It came back, and we have sent it on from here already: a report of it says so.
pub(crate) const FORWARD_LOOP: Reply =
    Reply::of(554, Enhanced(5, 4, 6), "This message was sent on from here before, it goes round in a loop");
/// An address that we made for mail that was sent on: its time is over.
pub(crate) const RETURN_EXPIRED: Reply = Reply::of(550, Enhanced(5, 7, 1), "This address has expired");
/// The same in its time: nobody writes to it but with a report.
pub(crate) const REPORTS_ONLY: Reply =
    Reply::of(550, Enhanced(5, 7, 1), "This address takes reports only, from the empty sender");
pub(crate) const RELAY_DENIED: Reply =
    Reply::of(550, Enhanced(5, 7, 1), "Mail to other domains is not taken here");
pub(crate) const RELAY_NEEDS_AUTHENTICATION: Reply =
    Reply::of(550, Enhanced(5, 7, 1), "Mail to other domains needs SMTP AUTH, on port 465 or 587");
/// A mail program shows it, a mail server tries again.
pub(crate) const SENT_ENOUGH_THIS_HOUR: Reply =
    Reply::of(450, Enhanced(4, 7, 1), "You have sent as much as you may in one hour, try again later");
/// The same of the day.
pub(crate) const SENT_ENOUGH_TODAY: Reply =
    Reply::of(450, Enhanced(4, 7, 1), "You have sent as much as you may in one day, try again tomorrow");
pub(crate) const VRFY_OFF: Reply = Reply::of(502, Enhanced(5, 5, 1), "VRFY is not answered here");
pub(crate) const SHUTTING_DOWN: Reply =
    Reply::of(421, Enhanced(4, 3, 2), "The service is shutting down, try again later");
pub(crate) const STORE_FAILED: Reply =
    Reply::of(451, Enhanced(4, 3, 0), "The message cannot be stored now, try again later");
pub(crate) const OVERTIME: Reply =
    Reply::of(421, Enhanced(4, 4, 2), "This session took too long, try again later");
pub(crate) const TOO_SLOW: Reply = Reply::of(421, Enhanced(4, 4, 2), "You are too slow, try again later");
pub(crate) const TIMED_OUT: Reply = Reply::of(421, Enhanced(4, 4, 2), "Timed out while waiting for you");
/// RFC 3463 §3.8 knows no code of its own for it; `5.7.1` is what is usual.
pub(crate) const VIRUS_FOUND: Reply = Reply::of(554, Enhanced(5, 7, 1), "A virus was found in the message");
/// Our own trouble with the virus check.
pub(crate) const VIRUS_CHECK_FAILED: Reply =
    Reply::of(451, Enhanced(4, 7, 1), "The message cannot be checked for viruses now, try again later");
/// More than the virus check takes, where nothing is taken without it.
pub(crate) const TOO_BIG_TO_CHECK: Reply =
    Reply::of(552, Enhanced(5, 3, 4), "The message is too big to be checked for viruses");
/// A host that is only for accounts with the contract.
pub const VIRUS_CHECK_NEEDED: Reply =
    Reply::of(550, Enhanced(5, 7, 1), "This server is for customers with the virus check, use the other one");
