//! Which messages are looked through for viruses. Nothing here lets a message go anywhere: it can only keep one out.

/// Whose messages a listener has looked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Checked {
    /// Nobody's.
    #[default]
    Off,
    /// Those to a mailbox of ours whose account has the contract.
    Received,
    /// And those that an account with the contract sends.
    Contract,
    /// And an account without it sends nothing here.
    ContractOnly,
    /// Everybody's.
    Always,
}

/// Who sends a message, as far as the contract goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Anybody who sends mail to us.
    Stranger,
    /// Somebody who may relay without a login, by network or ticket: a customer, and nobody knows which.
    Unnamed,
    /// An account without the contract, by SMTP AUTH.
    WithoutContract,
    /// An account that has it.
    WithContract,
}

/// What becomes of a message, and by which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// It is looked through before it is taken.
    Yes(Because),
    /// It is taken as it is.
    No(Because),
    /// The sender is told to use another host: `550 5.7.1`, at MAIL.
    Refuse(Because),
}

/// The row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Because {
    /// The listener has nothing looked through.
    CheckOff,
    /// The listener has everything looked through.
    EveryMessage,
    /// Neither the sender nor a recipient here has the contract, or the sender's does not count here.
    NoContract,
    /// A recipient here has the contract.
    RecipientsContract,
    /// The sender has it.
    SendersContract,
    /// The host is for those who have it, and who this is nobody knows.
    UnnamedCustomer,
}

impl Because {
    /// The rule's name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckOff => "check_off",
            Self::EveryMessage => "every_message",
            Self::NoContract => "no_contract",
            Self::RecipientsContract => "recipients_contract",
            Self::SendersContract => "senders_contract",
            Self::UnnamedCustomer => "unnamed_customer",
        }
    }
}

/// Is a message looked through for viruses that came to this listener? `recipient`: one of its recipients here has the contract.
///
/// One message has one answer for all of its recipients: nobody wants a virus, so one whose contract finds it spares the others, too.
#[rustfmt::skip]
pub const fn virus_check(checked: Checked, sender: Sender, recipient: bool) -> Check {
    use {Because as B, Checked as C, Sender as S};
    match (checked,                  sender,             recipient) {
        (C::Off,                      _,                  _)     => Check::No(B::CheckOff),
        (C::Always,                   _,                  _)     => Check::Yes(B::EveryMessage),
        (C::ContractOnly,             S::WithoutContract, _)     => Check::Refuse(B::NoContract),
        (C::Contract|C::ContractOnly, S::WithContract,    _)     => Check::Yes(B::SendersContract),
        (_,                           _,                  true)  => Check::Yes(B::RecipientsContract),
        (C::Contract|C::ContractOnly, S::Unnamed,         false) => Check::Yes(B::UnnamedCustomer),
        (C::Contract,                 S::WithoutContract, false) => Check::No(B::NoContract),
        (C::Contract|C::ContractOnly, S::Stranger,        false) => Check::No(B::NoContract),
        (C::Received,                 _,                  false) => Check::No(B::NoContract),
    }
}
