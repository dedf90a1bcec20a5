//! The name of a message inside this system.

use std::fmt;

use mailstore::unique::{base32, micros, parse_base32, random};

/// Sixteen characters, digits and capital letters: the time in microseconds, then 25 random bits.
///
/// As text and as value the ids of one process sort by their time, and never repeat; those of several machines that share
/// their Maildirs differ by time and randomness, and their file names by the host too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    micros: u64,
    random: u64,
}

const TIME_DIGITS: u32 = 11;
const RANDOM_DIGITS: u32 = 5;

impl QueueId {
    /// A new id.
    #[expect(clippy::new_without_default, reason = "each call makes another value")]
    pub fn new() -> QueueId {
        // Eleven digits last for 1 100 years.
        QueueId {
            micros: micros() & ((1 << (5 * TIME_DIGITS)) - 1),
            random: random() & ((1 << (5 * RANDOM_DIGITS)) - 1),
        }
    }

    /// Reads an id as it is written; `None` for any other text.
    pub fn parse(text: &str) -> Option<QueueId> {
        let (time, random) = text.split_at_checked(TIME_DIGITS as usize)?;
        if random.len() != RANDOM_DIGITS as usize {
            return None;
        }
        Some(QueueId { micros: parse_base32(time)?, random: parse_base32(random)? })
    }

    /// When it was made: microseconds since 1970.
    pub fn micros(self) -> u64 {
        self.micros
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", base32(self.micros, TIME_DIGITS), base32(self.random, RANDOM_DIGITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_are_read_back() {
        let ids: Vec<QueueId> = (0..1000).map(|_| QueueId::new()).collect();
        let texts: Vec<String> = ids.iter().map(QueueId::to_string).collect();
        assert!(ids.is_sorted_by(|a, b| a < b) && texts.is_sorted_by(|a, b| a < b));
        for (id, text) in ids.iter().zip(&texts) {
            assert_eq!(text.len(), 16);
            assert_eq!(QueueId::parse(text), Some(*id));
        }
        for bad in [
            "",
            "0",
            "0123456789ABCDE",
            "0123456789ABCDEF0",
            "0123456789abcdef",
            "0123456789ABCDE/",
            "0123456789ABCDé",
        ] {
            assert_eq!(QueueId::parse(bad), None, "{bad}");
        }
    }
}
