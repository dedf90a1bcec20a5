//! How much an account may hold.

use std::fmt;

/// One limit of an account, or a time for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allowance {
    /// As the configuration says for all.
    #[default]
    Configured,
    /// No limit, whatever the configuration says.
    Unlimited,
    /// So many octets, messages, days or seconds; not 0.
    Limit(u64),
}

/// Both limits of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowances {
    /// Octets of all messages.
    pub octets: Allowance,
    /// Their number.
    pub messages: Allowance,
}

impl Allowance {
    /// The limit that holds, with what the configuration says for all; none is no limit.
    #[must_use]
    pub fn or(self, configured: Option<u64>) -> Option<u64> {
        match self {
            Self::Configured => configured,
            Self::Unlimited => None,
            Self::Limit(limit) => Some(limit),
        }
    }

    /// As it stands in the database; what no program of ours wrote there is a limit of nothing that anybody set.
    pub(crate) fn from_column(value: i64) -> Self {
        match u64::try_from(value) {
            Ok(0) => Self::Unlimited,
            Ok(limit) => Self::Limit(limit),
            Err(_) => Self::Configured,
        }
    }

    pub(crate) fn column(self) -> i64 {
        match self {
            Self::Configured => -1,
            Self::Unlimited | Self::Limit(0) => 0,
            Self::Limit(limit) => i64::try_from(limit).unwrap_or(i64::MAX),
        }
    }
}

impl Allowances {
    pub(crate) fn from_columns(octets: i64, messages: i64) -> Self {
        Self { octets: Allowance::from_column(octets), messages: Allowance::from_column(messages) }
    }
}

/// `default`, `none`, or the number.
impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured => f.write_str("default"),
            Self::Unlimited => f.write_str("none"),
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_and_an_allowance_are_the_same() {
        for allowance in [Allowance::Configured, Allowance::Unlimited, Allowance::Limit(7)] {
            assert_eq!(Allowance::from_column(allowance.column()), allowance);
        }
        assert_eq!(Allowance::Limit(u64::MAX).column(), i64::MAX);
        assert_eq!(
            [Allowance::Configured, Allowance::Unlimited, Allowance::Limit(7)].map(|it| it.or(Some(5))),
            [Some(5), None, Some(7)]
        );
    }
}
