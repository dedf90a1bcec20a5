//! `[sending_limits]`: how much customers may send, where neither their account nor its plan says something else.

use toml::de::DeValue;

use super::fault::Wrong;
use super::listener::words;
use super::section::Section;
use super::value::{Count, Scalar, word};

/// `[sending_limits]`; without it only accounts and plans with limits of their own have any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendingLimits {
    /// Of an account: what it submits, with a login or as the only one who has fetched mail from its address.
    pub account: SendingRates,
    /// `[sending_limits.address]`: of an address from which one may send to other domains without a login, by IPv6 of its /64. What is
    /// not said there is as for an account.
    pub address: SendingRates,
    /// What becomes of more.
    pub over: OverLimit,
}

/// In each hour of the clock and in each day of UTC; none is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendingRates {
    /// `messages_per_hour`
    pub messages_per_hour: Option<u64>,
    /// `recipients_per_hour`
    pub recipients_per_hour: Option<u64>,
    /// `messages_per_day`
    pub messages_per_day: Option<u64>,
    /// `recipients_per_day`
    pub recipients_per_day: Option<u64>,
}

/// What becomes of a message beyond a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverLimit {
    /// `"defer"`: `450 4.7.1`; a mail program says so, a mail server tries again.
    #[default]
    Defer,
    /// `"hold"`: it is accepted, and held in the queue until an operator has looked at it; up to as much again, for what is held lies on
    /// the disk. Beyond that, and for mailboxes here, which no queue stands before, it is `450 4.7.1`.
    Hold,
}

words!(OverLimit, "\"defer\" (450 4.7.1) or \"hold\" (for an operator to look at)": "defer" = Defer, "hold" = Hold);

pub(super) fn read(section: Section<'_>) -> SendingLimits {
    let account = rates(&section, SendingRates::default());
    let address = match section.table("address").given() {
        Some(at) => {
            let address = rates(&at.value, account);
            at.value.finish();
            address
        }
        None => account,
    };
    let over = section.optional("over").or(OverLimit::default());
    section.finish();
    SendingLimits { account, address, over }
}

fn rates(section: &Section<'_>, unsaid: SendingRates) -> SendingRates {
    let rate =
        |key, unsaid| section.optional::<Count>(key).given().map_or(unsaid, |at| at.value.0.map(u64::from));
    SendingRates {
        messages_per_hour: rate("messages_per_hour", unsaid.messages_per_hour),
        recipients_per_hour: rate("recipients_per_hour", unsaid.recipients_per_hour),
        messages_per_day: rate("messages_per_day", unsaid.messages_per_day),
        recipients_per_day: rate("recipients_per_day", unsaid.recipients_per_day),
    }
}
