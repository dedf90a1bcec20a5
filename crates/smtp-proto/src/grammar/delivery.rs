//! When and how a message is to be delivered: DELIVERBY (RFC 2852), FUTURERELEASE (RFC 4865), MT-PRIORITY (RFC 6710), RRVS (RFC 7293).

use core::fmt;

use super::date_time::DateTime;
use super::{digits, word};

/// BY: a deadline (RFC 2852 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeliverBy {
    seconds: i32,
    mode: ByMode,
    trace: bool,
}

/// What becomes of a message that missed its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByMode {
    /// Its sender is told, and it goes on.
    Notify,
    /// It is returned.
    Return,
}

impl DeliverBy {
    /// A deadline in so many seconds, if the parameter can say it: nine digits, and for [`ByMode::Return`] in the future.
    pub fn new(seconds: i32, mode: ByMode, trace: bool) -> Option<Self> {
        let sayable = seconds.unsigned_abs() <= 999_999_999 && (mode == ByMode::Notify || seconds > 0);
        sayable.then_some(Self { seconds, mode, trace })
    }

    /// `by-value = by-time ";" by-mode [by-trace]`, `by-time = ["-" / "+"] 1*9digit`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (time, mode) = value.split_once(';')?;
        let (mode, trace) = match mode.strip_suffix(['T', 't']) {
            Some(mode) => (mode, true),
            None => (mode, false),
        };
        let (sign, time) = match time.strip_prefix('-') {
            Some(time) => (-1, time),
            None => (1, time.strip_prefix('+').unwrap_or(time)),
        };
        let seconds = sign * i32::try_from(digits(time, 9)?).ok()?;
        Self::new(seconds, word(mode, &[("N", ByMode::Notify), ("R", ByMode::Return)])?, trace)
    }

    /// Seconds from now; negative when the deadline is over.
    pub const fn seconds(&self) -> i32 {
        self.seconds
    }

    /// What becomes of a message that missed it.
    pub const fn mode(&self) -> ByMode {
        self.mode
    }

    /// Whether the sender wants to know of each relay on the way.
    pub const fn trace(&self) -> bool {
        self.trace
    }
}

impl fmt::Display for DeliverBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            ByMode::Notify => 'N',
            ByMode::Return => 'R',
        };
        write!(f, "{};{mode}{}", self.seconds, if self.trace { "T" } else { "" })
    }
}

/// HOLDFOR and HOLDUNTIL: when to release a message (RFC 4865 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hold<'i> {
    /// In so many seconds; at most nine digits.
    For(u32),
    /// At an instant.
    Until(DateTime<'i>),
}

impl<'i> Hold<'i> {
    /// `future-release-integer = 1*9DIGIT`
    pub(crate) fn parse_for(value: &str) -> Option<Self> {
        digits(value, 9).map(Self::For)
    }

    /// `future-release-date-time = Internet-style-date-time-uct`
    pub(crate) fn parse_until(value: &'i str) -> Option<Self> {
        DateTime::parse(value).filter(DateTime::is_utc).map(Self::Until)
    }
}

/// MT-PRIORITY: how urgent a message is, from -9 to 9 (RFC 6710 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(i8);

impl Priority {
    /// A priority, when it is in range.
    pub const fn new(priority: i8) -> Option<Self> {
        match priority {
            -9..=9 => Some(Self(priority)),
            _ => None,
        }
    }

    /// From -9 to 9.
    pub const fn get(self) -> i8 {
        self.0
    }

    /// `priority-value = (["-"] NZDIGIT) / "0"`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (sign, digit) = match value.strip_prefix('-') {
            Some(digit) => (-1, digit),
            None => (1, value),
        };
        let digit = i8::try_from(digits(digit, 1)?).ok()?;
        Self::new(sign * digit).filter(|_| value != "-0")
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// RRVS: the recipient must have been the mailbox's owner all the time since then (RFC 7293 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValidSince<'i> {
    /// Since when.
    pub since: DateTime<'i>,
    /// Whether a relay that cannot ask goes on without (`C`) or refuses (`R`, also when nothing is said).
    pub or_continue: bool,
}

impl<'i> ValidSince<'i> {
    /// `rrvs-param = "RRVS=" date-time [ ";" ( "C" / "R" ) ]`
    pub(crate) fn parse(value: &'i str) -> Option<Self> {
        let (since, or_continue) = match value.split_once(';') {
            Some((since, action)) => (since, word(action, &[("C", true), ("R", false)])?),
            None => (value, false),
        };
        Some(Self { since: DateTime::parse(since)?, or_continue })
    }
}

impl fmt::Display for ValidSince<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{}", self.since, if self.or_continue { 'C' } else { 'R' })
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn deadlines() {
        for (text, written) in [
            ("120;R", "120;R"),
            ("+120;rt", "120;RT"),
            ("-120;N", "-120;N"),
            ("0;NT", "0;NT"),
            ("999999999;R", "999999999;R"),
        ] {
            assert_eq!(DeliverBy::parse(text).unwrap().to_string(), written);
        }
        for bad in [
            "",
            "120",
            ";R",
            "120;",
            "120;X",
            "0;R",
            "-1;R",
            "1000000000;N",
            "--1;N",
            "1;T",
            "1;RTT",
            "1;R;T",
        ] {
            assert_eq!(DeliverBy::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn holds() {
        assert_eq!(Hold::parse_for("999999999"), Some(Hold::For(999_999_999)));
        assert!(Hold::parse_until("2030-01-01T00:00:00Z").is_some());
        for bad in ["", "-1", "1000000000", "1s"] {
            assert_eq!(Hold::parse_for(bad), None, "{bad}");
        }
        for bad in ["", "2030-01-01", "2030-01-01T00:00:00+09:00"] {
            assert_eq!(Hold::parse_until(bad), None, "{bad}");
        }
    }

    #[test]
    fn priorities() {
        for priority in -9..=9 {
            assert_eq!(Priority::parse(&priority.to_string()), Priority::new(priority));
        }
        for bad in ["", "-", "10", "-10", "+1", "-0", "01", "x"] {
            assert_eq!(Priority::parse(bad), None, "{bad}");
        }
        assert_eq!(Priority::new(10), None);
    }

    #[test]
    fn owners() {
        let since = DateTime::parse("2014-04-03T23:01:00Z").unwrap();
        for (text, or_continue) in [
            ("2014-04-03T23:01:00Z", false),
            ("2014-04-03T23:01:00Z;R", false),
            ("2014-04-03T23:01:00Z;c", true),
        ] {
            assert_eq!(ValidSince::parse(text), Some(ValidSince { since, or_continue }));
        }
        for bad in ["", ";C", "2014-04-03T23:01:00Z;", "2014-04-03T23:01:00Z;X", "yesterday"] {
            assert_eq!(ValidSince::parse(bad), None, "{bad}");
        }
    }
}
