//! `[pop_before_smtp]`: who has fetched mail may send from the same address for a while, as it was before SMTP AUTH.

use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Date;
use toml::de::DeValue;

use super::fault::Wrong;
use super::section::Section;
use super::value::Scalar;
use crate::limits;

/// `[pop_before_smtp]`; without the section no login opens a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PopBeforeSmtp {
    /// How long a ticket holds; each login by POP3 renews it.
    pub lifetime: Duration,
    /// The last day, of this machine's zone; none is for ever.
    pub until: Option<Date>,
}

impl PopBeforeSmtp {
    /// Whether tickets are opened and hold today.
    pub fn is_on(&self) -> bool {
        self.until.is_none_or(|until| Zoned::now().date() <= until)
    }
}

pub(super) fn read(section: Section<'_>) -> PopBeforeSmtp {
    let lifetime = section.optional("lifetime").or(limits::POP_BEFORE_SMTP);
    let until = section.optional::<Date>("until").given().map(|at| at.value);
    section.finish();
    PopBeforeSmtp { lifetime, until }
}

impl Scalar for Date {
    const EXAMPLE: &'static str = "a day such as 2026-12-31";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = match value {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        given.parse().map_err(|_| Wrong::new("this is no day", Self::EXAMPLE))
    }
}
