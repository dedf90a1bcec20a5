//! Who may send what to whom: tables only.
//!
//! The caller says what it knows as values; [`recipient`] answers with a [`Verdict`] and the row that gave it, which names the rule
//! in the log and picks the reply. Every table is an exhaustive `match`, and a golden file in `policy/` shows all of its rows, so
//! that a change of policy is a change that a reader sees; `policy/<profile>.txt` shows each listener of a shipped profile by them.
//!
//! Relay permission is decided here and nowhere else. Whatever filter comes later can only refuse.
#![no_std]

#[cfg(test)]
extern crate std;

mod virus_check;

pub use virus_check::{Because, Check, Checked, Sender, virus_check};

/// What a listener permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Listener {
    /// `relay` has `"authenticated"`: who has proved an identity may send to other domains.
    pub relay_authenticated: bool,
    /// `relay` has `"inside"`: so may who comes from the network class of that name.
    pub relay_inside: bool,
    /// `relay` has `"pop-before-smtp"`: so may who has fetched mail from the same address a short while ago.
    pub relay_pop_before_smtp: bool,
}

/// Where the client comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// An address of the class `inside`.
    Inside,
    /// Any other.
    Outside,
}

/// Who the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Nobody that we know.
    Anonymous,
    /// An account of ours, by SMTP AUTH.
    Authenticated,
    /// Somebody at an address from which an account of ours has fetched mail: a POP-before-SMTP ticket.
    Ticket,
}

/// Whom the message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A domain that is known as one where nobody has mail.
    Barred,
    /// A mailbox of ours that gets no mail.
    Disabled,
    /// A domain that is not ours.
    Foreign,
    /// A mailbox of ours.
    Mailbox,
    /// The sender elsewhere of a message that we have sent on: a report comes back to the address that we made of its own.
    Returned,
    /// A domain of ours that has no such user.
    UnknownUser,
    /// A mailbox of ours that gets no mail yet.
    Unready,
}

/// Whether a recipient is taken, and by which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The message may go there.
    Accept(Why),
    /// It may not.
    Refuse(Why),
}

/// The row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Nobody has mail in that domain; said in the words of the domain.
    DomainBarred,
    /// Mail for a mailbox of ours is taken from everyone: this is its MX.
    LocalMailbox,
    /// The mailbox is there and gets no mail: its account is suspended or closing.
    MailboxDisabled,
    /// The mailbox is there and will get mail later: who sends shall try again.
    MailboxUnready,
    /// The listener relays for nobody of this kind, and nothing that the client could prove would help.
    RelayDenied,
    /// Another domain, for who holds a ticket.
    RelayAfterPop,
    /// Another domain, for an account of ours.
    RelayForAccount,
    /// Another domain, for a client in our own network.
    RelayForNetwork,
    /// Another domain, and the listener would relay for an authenticated client.
    RelayNeedsAuthentication,
    /// A report of what we have sent on, taken from everyone: we have promised its sender to bring it back.
    ReportReturned,
    /// Said at RCPT, never by a report later: no backscatter.
    UnknownUser,
}

impl Why {
    /// The rule's name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DomainBarred => "domain_barred",
            Self::LocalMailbox => "local_mailbox",
            Self::MailboxDisabled => "mailbox_disabled",
            Self::MailboxUnready => "mailbox_unready",
            Self::RelayAfterPop => "relay_after_pop",
            Self::RelayDenied => "relay_denied",
            Self::RelayForAccount => "relay_for_account",
            Self::RelayForNetwork => "relay_for_network",
            Self::RelayNeedsAuthentication => "relay_needs_authentication",
            Self::ReportReturned => "report_returned",
            Self::UnknownUser => "unknown_user",
        }
    }
}

/// May a client that has logged in write as an address? Asked at MAIL, of senders that are not empty.
#[rustfmt::skip]
pub const fn sender(rights: SenderRights, owns: bool) -> SenderVerdict {
    match (owns, rights) {
        (true,  _)                     => SenderVerdict::Accept,
        (false, SenderRights::Off)     => SenderVerdict::Accept,
        (false, SenderRights::Warn)    => SenderVerdict::AcceptAndLog,
        (false, SenderRights::Rewrite) => SenderVerdict::Rewrite,
        (false, SenderRights::Reject)  => SenderVerdict::Refuse,
    }
}

/// What a listener demands of the sender address of a client that has logged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SenderRights {
    /// Nothing.
    #[default]
    Off,
    /// Nothing, but an address that is not its own is logged.
    Warn,
    /// One of its own; any other becomes its primary address.
    Rewrite,
    /// One of its own.
    Reject,
}

/// What becomes of a sender address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SenderVerdict {
    /// It stands.
    Accept,
    /// It stands, and the operator hears of it.
    AcceptAndLog,
    /// The account's primary address stands instead.
    Rewrite,
    /// `553 5.7.1`.
    Refuse,
}

/// May this client send to this recipient through this listener?
#[rustfmt::skip]
pub const fn recipient(listener: Listener, network: Network, identity: Identity, destination: Destination) -> Verdict {
    use {Identity as I, Network as N};
    let Listener { relay_authenticated: accounts, relay_pop_before_smtp: tickets, relay_inside: inside } = listener;
    match destination {
        Destination::Barred      => Verdict::Refuse(Why::DomainBarred),
        Destination::Disabled    => Verdict::Refuse(Why::MailboxDisabled),
        Destination::Mailbox     => Verdict::Accept(Why::LocalMailbox),
        Destination::Returned    => Verdict::Accept(Why::ReportReturned),
        Destination::UnknownUser => Verdict::Refuse(Why::UnknownUser),
        Destination::Unready     => Verdict::Refuse(Why::MailboxUnready),
        Destination::Foreign     => match (identity,   accounts, tickets, network,   inside) {
            (I::Authenticated,             true,  _,    _,         _)    => Verdict::Accept(Why::RelayForAccount),
            (I::Ticket,                    _,     true, _,         _)    => Verdict::Accept(Why::RelayAfterPop),
            (_,                            _,     _,    N::Inside, true) => Verdict::Accept(Why::RelayForNetwork),
            (I::Anonymous | I::Ticket,     true,  _,    _,         _)    => Verdict::Refuse(Why::RelayNeedsAuthentication),
            (_,                            false, _,    _,         _)    => Verdict::Refuse(Why::RelayDenied),
        },
    }
}

#[cfg(test)]
mod tests;
