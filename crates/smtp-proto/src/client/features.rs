//! What a server offers, as its answer to EHLO says (RFC 5321 §4.1.1.1).

use alloc::vec::Vec;
use core::str;

use auth_sasl::Mechanism;

use crate::extension::{Extension, Extensions};

use super::answer::Answer;

/// What a server offers. Before EHLO, and after HELO: nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// The extensions that this crate knows.
    pub extensions: Extensions,
    /// The biggest message that it takes (RFC 1870). `None`: it says no number, or 0.
    pub size: Option<u64>,
    /// The mechanisms of AUTH that this crate speaks.
    pub mechanisms: Vec<Mechanism>,
    /// Transactions in one session (RFC 9422 §4.1).
    pub transactions: Option<u32>,
    /// Recipients of one message (RFC 9422 §4.2).
    pub recipients: Option<u32>,
}

impl Features {
    /// None at all.
    pub const NONE: Self = Self {
        extensions: Extensions::NONE,
        size: None,
        mechanisms: Vec::new(),
        transactions: None,
        recipients: None,
    };

    /// `ehlo-line = ehlo-keyword *( SP ehlo-param )`, from the second line on.
    pub(super) fn parse(answer: &Answer<'_>) -> Self {
        let mut features = Self::NONE;
        for line in answer.texts().skip(1).filter_map(|line| str::from_utf8(line).ok()) {
            // Servers of the last century say `AUTH=`.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            let keyword = words.next().unwrap_or_default();
            let known = Extension::ALL.iter().find(|known| known.keyword().eq_ignore_ascii_case(keyword));
            if let Some(&extension) = known {
                features.extensions = features.extensions.with(extension);
                features.take(extension, words);
            }
        }
        features
    }

    fn take<'w>(&mut self, extension: Extension, words: impl Iterator<Item = &'w str>) {
        match extension {
            Extension::Auth => {
                for mechanism in words.filter_map(|word| Mechanism::parse(word.as_bytes())) {
                    if !self.mechanisms.contains(&mechanism) {
                        self.mechanisms.push(mechanism);
                    }
                }
            }
            // The limits' values stand behind an equals sign, which parted the words.
            Extension::Limits => {
                let words: Vec<_> = words.collect();
                for pair in words.chunks_exact(2) {
                    match pair {
                        ["MAILMAX", value] => self.transactions = value.parse().ok(),
                        ["RCPTMAX", value] => self.recipients = value.parse().ok(),
                        _ => {}
                    }
                }
            }
            Extension::Size => {
                let mut words = words;
                self.size = words.next().and_then(|word| word.parse().ok()).filter(|&size| size > 0);
            }
            _ => {}
        }
    }
}
