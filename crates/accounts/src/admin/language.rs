//! In which language senders are told what became of their mail.

use crate::error::Unavailable;
use crate::names::DomainName;
use crate::{Accounts, sql};

/// A language in which reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportLanguage {
    /// `en`
    English,
    /// `ja`
    Japanese,
}

impl ReportLanguage {
    /// The word for it, in the database, the configuration and commands.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// The language of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::English, Self::Japanese].into_iter().find(|language| language.word() == word)
    }
}

impl Accounts {
    /// In which language a sender in a domain is told what became of a message; none as the configuration says, and for every domain
    /// that is not ours.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn report_language(&self, domain: &str) -> Result<Option<ReportLanguage>, Unavailable> {
        let Ok(domain) = DomainName::parse(domain) else { return Ok(None) };
        let word: Option<String> = sqlx::query_scalar(sql::REPORT_LANGUAGE)
            .bind(domain.as_str())
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up a language"))?;
        Ok(word.and_then(|word| ReportLanguage::from_word(&word)))
    }
}
