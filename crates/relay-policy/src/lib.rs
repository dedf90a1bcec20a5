//! Who may send what to whom: tables only.
//!
//! The caller says what it knows as values; [`recipient`] answers with a [`Verdict`] and the row that gave it, which names the rule
//! in the log and picks the reply. Every table is an exhaustive `match`, and a golden file in `policy/` shows all of its rows, so
//! that a change of policy is a change that a reader sees.
//!
//! Relay permission is decided here and nowhere else. Whatever filter comes later can only refuse.
#![no_std]

#[cfg(test)]
extern crate std;

/// What a listener permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Listener {
    /// `relay = ["authenticated"]`: who has proved an identity may send to other domains.
    pub relay_authenticated: bool,
}

/// Who the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Nobody that we know.
    Anonymous,
    /// An account of ours, by SMTP AUTH.
    Authenticated,
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
    /// The listener relays for nobody of this kind.
    RelayDenied,
    /// Another domain, and the listener would relay for an authenticated client.
    RelayNeedsAuthentication,
    /// Another domain, for an account of ours.
    RelayForAccount,
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
            Self::RelayDenied => "relay_denied",
            Self::RelayForAccount => "relay_for_account",
            Self::RelayNeedsAuthentication => "relay_needs_authentication",
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
pub const fn recipient(listener: Listener, identity: Identity, destination: Destination) -> Verdict {
    match (destination, identity, listener.relay_authenticated) {
        (Destination::Barred,      _,                       _)     => Verdict::Refuse(Why::DomainBarred),
        (Destination::Disabled,    _,                       _)     => Verdict::Refuse(Why::MailboxDisabled),
        (Destination::Mailbox,     _,                       _)     => Verdict::Accept(Why::LocalMailbox),
        (Destination::UnknownUser, _,                       _)     => Verdict::Refuse(Why::UnknownUser),
        (Destination::Unready,     _,                       _)     => Verdict::Refuse(Why::MailboxUnready),
        (Destination::Foreign,     Identity::Authenticated, true)  => Verdict::Accept(Why::RelayForAccount),
        (Destination::Foreign,     Identity::Authenticated, false) => Verdict::Refuse(Why::RelayDenied),
        (Destination::Foreign,     Identity::Anonymous,     true)  => Verdict::Refuse(Why::RelayNeedsAuthentication),
        (Destination::Foreign,     Identity::Anonymous,     false) => Verdict::Refuse(Why::RelayDenied),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::string::String;

    use super::*;

    /// Every row, as `policy/recipient.txt` has it.
    #[test]
    fn the_golden_file_shows_every_row() {
        let mut rows = String::from("relay               identity       destination   verdict\n");
        for relay_authenticated in [false, true] {
            for identity in [Identity::Anonymous, Identity::Authenticated] {
                for destination in [
                    Destination::Barred,
                    Destination::Disabled,
                    Destination::Foreign,
                    Destination::Mailbox,
                    Destination::UnknownUser,
                    Destination::Unready,
                ] {
                    let relay = if relay_authenticated { "[\"authenticated\"]" } else { "[]" };
                    let verdict = recipient(Listener { relay_authenticated }, identity, destination);
                    let (identity, destination) =
                        (std::format!("{identity:?}"), std::format!("{destination:?}"));
                    writeln!(rows, "{relay:<19} {identity:<14} {destination:<13} {verdict:?}").unwrap();
                }
            }
        }
        assert_eq!(rows, include_str!("../policy/recipient.txt"), "\n{rows}");
    }

    /// Every row, as `policy/sender.txt` has it.
    #[test]
    fn s_16_the_golden_file_shows_every_sender() {
        let mut rows = String::from("sender_rights  owns   verdict\n");
        for rights in [SenderRights::Off, SenderRights::Warn, SenderRights::Rewrite, SenderRights::Reject] {
            for owns in [false, true] {
                let (word, verdict) = (std::format!("{rights:?}").to_lowercase(), sender(rights, owns));
                writeln!(rows, "{word:<14} {owns:<6} {verdict:?}").unwrap();
            }
        }
        assert_eq!(rows, include_str!("../policy/sender.txt"), "\n{rows}");
    }
}
