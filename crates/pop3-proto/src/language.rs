//! The languages of the replies (RFC 6856 §3).

/// What RFC 2277 §4.5 calls the language that nobody chose.
const DEFAULT_TAG: &str = "i-default";

/// A language that the session speaks. Response codes and keywords are the same in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// What every session starts with, and what RFC 2277 §4.5 calls `i-default`.
    English,
    /// In UTF-8.
    Japanese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The tag of RFC 5646.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// Its name, in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Japanese => "日本語",
        }
    }

    /// The tag with which the wish for this language is answered (RFC 6856 §3.2): who wants the default is told that it is that.
    pub(crate) fn answering(self, range: &str) -> &'static str {
        if range.eq_ignore_ascii_case(DEFAULT_TAG) { DEFAULT_TAG } else { self.tag() }
    }

    /// What fits a client's wish best (RFC 4647 §3.4): `ja-JP` is Japanese. English is always there.
    pub(crate) fn find(range: &str, offered: &[Self]) -> Option<Self> {
        if range == "*" {
            return offered.first().copied();
        }
        if range.eq_ignore_ascii_case(DEFAULT_TAG) {
            return Some(Self::English);
        }
        let primary = range.split('-').next().unwrap_or_default();
        let fits = |language: &Self| primary.eq_ignore_ascii_case(language.tag());
        offered.iter().copied().chain([Self::English]).find(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, English, Japanese};

    #[test]
    fn wishes() {
        for (range, offered, wanted) in [
            ("*", &[Japanese, English][..], Some(Japanese)),
            ("*", &[English], Some(English)),
            ("JA-jp", &[English, Japanese], Some(Japanese)),
            ("ja", &[English], None),
            ("en-US", &[Japanese], Some(English)),
            ("I-Default", &[Japanese], Some(English)),
            ("jaa", &[Japanese], None),
            ("fr", &[English, Japanese], None),
            ("-", &[English], None),
        ] {
            assert_eq!(Language::find(range, offered), wanted, "{range}");
        }
    }
}
