//! The languages of what customers read.

use clap::ValueEnum;

/// In which language something is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    #[default]
    En,
    /// Japanese
    Ja,
}

impl Language {
    /// Its tag (RFC 5646).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The text in it.
    #[must_use]
    pub const fn of<'t>(self, english: &'t str, japanese: &'t str) -> &'t str {
        match self {
            Self::En => english,
            Self::Ja => japanese,
        }
    }
}
