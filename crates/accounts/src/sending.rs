//! How much may be sent: the limits, and whom they count.

use std::fmt;
use std::net::IpAddr;

use crate::Allowance;
use crate::tickets::line;

/// One of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendingLimit {
    /// Messages in a clock hour.
    MessagesPerHour,
    /// Their recipients in a clock hour.
    RecipientsPerHour,
    /// Messages in a day of UTC.
    MessagesPerDay,
    /// Their recipients in a day of UTC.
    RecipientsPerDay,
}

impl SendingLimit {
    /// Every one, those of the day first: who is over both has to wait for the day.
    pub const ALL: [Self; 4] =
        [Self::MessagesPerDay, Self::RecipientsPerDay, Self::MessagesPerHour, Self::RecipientsPerHour];

    /// The word for it, in the database, the configuration, commands and the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::MessagesPerHour => "messages_per_hour",
            Self::RecipientsPerHour => "recipients_per_hour",
            Self::MessagesPerDay => "messages_per_day",
            Self::RecipientsPerDay => "recipients_per_day",
        }
    }

    /// The limit of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.word() == word)
    }

    /// Whether it is one of the day.
    #[must_use]
    pub fn is_daily(self) -> bool {
        matches!(self, Self::MessagesPerDay | Self::RecipientsPerDay)
    }
}

/// One value for each limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sending<T> {
    /// See [`SendingLimit::MessagesPerHour`].
    pub messages_per_hour: T,
    /// See [`SendingLimit::RecipientsPerHour`].
    pub recipients_per_hour: T,
    /// See [`SendingLimit::MessagesPerDay`].
    pub messages_per_day: T,
    /// See [`SendingLimit::RecipientsPerDay`].
    pub recipients_per_day: T,
}

impl<T: Copy> Sending<T> {
    /// That of one limit.
    #[must_use]
    pub fn of(&self, limit: SendingLimit) -> T {
        match limit {
            SendingLimit::MessagesPerHour => self.messages_per_hour,
            SendingLimit::RecipientsPerHour => self.recipients_per_hour,
            SendingLimit::MessagesPerDay => self.messages_per_day,
            SendingLimit::RecipientsPerDay => self.recipients_per_day,
        }
    }

    /// Changes that of one limit.
    pub fn set(&mut self, limit: SendingLimit, value: T) {
        let place = match limit {
            SendingLimit::MessagesPerHour => &mut self.messages_per_hour,
            SendingLimit::RecipientsPerHour => &mut self.recipients_per_hour,
            SendingLimit::MessagesPerDay => &mut self.messages_per_day,
            SendingLimit::RecipientsPerDay => &mut self.recipients_per_day,
        };
        *place = value;
    }

    /// Something else for each.
    #[must_use]
    pub fn map<U>(&self, make: impl Fn(SendingLimit, T) -> U) -> Sending<U> {
        let make = |limit| make(limit, self.of(limit));
        Sending {
            messages_per_hour: make(SendingLimit::MessagesPerHour),
            recipients_per_hour: make(SendingLimit::RecipientsPerHour),
            messages_per_day: make(SendingLimit::MessagesPerDay),
            recipients_per_day: make(SendingLimit::RecipientsPerDay),
        }
    }
}

impl Sending<Allowance> {
    /// Where these leave it to others, those.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        self.map(|limit, own| if own == Allowance::Configured { others.of(limit) } else { own })
    }

    pub(crate) fn with(mut self, changes: &[(SendingLimit, Allowance)]) -> Self {
        for (limit, allowance) in changes {
            self.set(*limit, *allowance);
        }
        self
    }

    /// As it stands in the database. What no program of ours wrote there is no limit of its own.
    pub(crate) fn from_column(text: &str) -> Self {
        let mut limits = Self::default();
        for (word, value) in text.split(' ').filter_map(|field| field.split_once('=')) {
            if let (Some(limit), Ok(value)) = (SendingLimit::from_word(word), value.parse()) {
                limits.set(limit, Allowance::from_column(value));
            }
        }
        limits
    }

    pub(crate) fn column(self) -> String {
        let said = SendingLimit::ALL.into_iter().filter(|limit| self.of(*limit) != Allowance::Configured);
        let field = |limit: SendingLimit| format!("{}={}", limit.word(), self.of(limit).column());
        said.map(field).collect::<Vec<_>>().join(" ")
    }
}

/// `messages_per_day=default recipients_per_day=none …`
impl fmt::Display for Sending<Allowance> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, limit) in SendingLimit::ALL.into_iter().enumerate() {
            let blank = if nth == 0 { "" } else { " " };
            write!(f, "{blank}{}={}", limit.word(), self.of(limit))?;
        }
        Ok(())
    }
}

impl Sending<Option<u64>> {
    /// Whether there is a limit at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The limit that so much more would go beyond, if it would go beyond one.
    #[must_use]
    pub fn exceeded(&self, sent: &Sending<u64>, messages: u64, recipients: u64) -> Option<SendingLimit> {
        SendingLimit::ALL.into_iter().find(|limit| {
            let more = match limit {
                SendingLimit::MessagesPerHour | SendingLimit::MessagesPerDay => messages,
                SendingLimit::RecipientsPerHour | SendingLimit::RecipientsPerDay => recipients,
            };
            self.of(*limit).is_some_and(|most| sent.of(*limit).saturating_add(more) > most)
        })
    }
}

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// An account, by its login.
    Account(String),
    /// An address from which one may send without a login: an IPv4 address, or the /64 of an IPv6 one.
    Address(IpAddr),
}

/// As it stands in the database, and in the log.
impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(login) => write!(f, "account {login}"),
            Self::Address(address) => write!(f, "address {}", line(*address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_were_written() {
        let mut limits = Sending::default();
        assert_eq!(limits.column(), "");
        limits.set(SendingLimit::MessagesPerHour, Allowance::Limit(200));
        limits.set(SendingLimit::RecipientsPerDay, Allowance::Unlimited);
        assert_eq!(Sending::from_column(&limits.column()), limits);
        let others = Sending::default().map(|_, _: Allowance| Allowance::Limit(7));
        let both = limits.or(others);
        assert_eq!(both.of(SendingLimit::MessagesPerHour), Allowance::Limit(200));
        assert_eq!(both.of(SendingLimit::MessagesPerDay), Allowance::Limit(7));
    }

    #[test]
    fn o_05_the_limit_of_the_day_is_named_before_that_of_the_hour() {
        let most = Sending { messages_per_hour: Some(2), recipients_per_hour: Some(9), ..Sending::default() };
        let sent = Sending { messages_per_hour: 1, recipients_per_hour: 8, ..Sending::default() };
        assert_eq!(most.exceeded(&sent, 1, 1), None);
        assert_eq!(most.exceeded(&sent, 2, 1), Some(SendingLimit::MessagesPerHour));
        assert_eq!(most.exceeded(&sent, 1, 2), Some(SendingLimit::RecipientsPerHour));
        let most = Sending { messages_per_day: Some(0), ..most };
        assert_eq!(most.exceeded(&sent, 2, 2), Some(SendingLimit::MessagesPerDay));
    }

    #[test]
    fn an_ipv6_line_is_its_64() {
        let one = Sender::Address("2001:db8:1:2::7".parse().unwrap());
        let other = Sender::Address("2001:db8:1:2:ffff::1".parse().unwrap());
        assert_eq!(one.to_string(), other.to_string());
        assert_eq!(one.to_string(), "address 2001:db8:1:2::/64");
    }
}
