//! `[quota]`: how much a mailbox may hold where its account says nothing of its own, and what is done when it is full.

use super::fault::Wrong;
use super::section::Section;
use super::value::{Count, Percent, Scalar, Size, word};
use crate::limits;

/// `[quota]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Octets of all messages of a mailbox; none is no limit.
    pub octets: Option<u64>,
    /// Their number; none is no limit.
    pub messages: Option<u64>,
    /// What a sender is told whose recipient has no room.
    pub over: Over,
    /// From so many percent on the owner gets a message that says so, once; none is no warning.
    pub warn_percent: Option<u8>,
}

/// What a sender is told whose recipient has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// `452 4.2.2`: it is tried again, and the mail comes when there is room.
    Defer,
    /// `552 5.2.2`: it comes back to who sent it.
    Reject,
}

impl Default for Quota {
    /// No limit.
    fn default() -> Self {
        Self {
            octets: None,
            messages: None,
            over: Over::Defer,
            warn_percent: Some(limits::QUOTA_WARN_PERCENT),
        }
    }
}

pub(super) fn read(section: Section<'_>) -> Quota {
    let default = Quota::default();
    let octets = section.optional::<Size>("octets").given().and_then(|at| at.value.0);
    let messages = section.optional::<Count>("messages").given().and_then(|at| at.value.0);
    let over = section.optional("over").or(default.over);
    let warn = section.optional::<Percent>("warn_percent").given();
    section.finish();
    Quota {
        octets: octets.map(u64::from),
        messages: messages.map(u64::from),
        over,
        warn_percent: warn.map_or(default.warn_percent, |at| at.value.0),
    }
}

impl Scalar for Over {
    const EXAMPLE: &'static str = "\"defer\" (452 4.2.2) or \"reject\" (552 5.2.2)";

    fn read(value: &toml::de::DeValue<'_>) -> Result<Self, Wrong> {
        word(value, &[("defer", Self::Defer), ("reject", Self::Reject)])
    }
}
