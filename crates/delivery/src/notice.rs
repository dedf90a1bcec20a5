//! What all messages have in common that tell the owner of a mailbox something.
//!
//! In Japanese and in English where we do not know who reads it; in UTF-8 and, beyond ASCII, in base64, so that no program on its way to
//! the screen can spoil it, and with an encoded subject (RFC 2047).

use std::time::{SystemTime, UNIX_EPOCH};

use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use mailstore::{Maildir, Quota};

use crate::error::DeliveryError;
use crate::local::Inner;
use crate::outbound::Language;

/// The same in Japanese and in English.
pub(crate) struct Both<'t>(pub(crate) &'t str, pub(crate) &'t str);

impl Both<'_> {
    pub(crate) fn on_one_line(&self, language: Option<Language>) -> String {
        self.with_between(language, " / ")
    }

    pub(crate) fn one_below_the_other(&self, language: Option<Language>) -> String {
        self.with_between(language, "--------\r\n\r\n")
    }

    fn with_between(&self, language: Option<Language>, between: &str) -> String {
        let Self(japanese, english) = self;
        match language {
            Some(Language::Japanese) => (*japanese).to_owned(),
            Some(Language::English) => (*english).to_owned(),
            None => format!("{japanese}{between}{english}"),
        }
    }
}

/// The whole message, with CRLF.
pub(crate) fn compose(
    from: &str,
    to: &str,
    id: &str,
    subject: String,
    text: String,
) -> Result<Vec<u8>, DeliveryError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let domain = from.rsplit('@').next().unwrap_or_default();
    MessageBuilder::new()
        .header("Return-Path", Raw::new("<>"))
        .from(from)
        .to(to)
        .subject(subject)
        .date(i64::try_from(now).unwrap_or_default())
        .message_id(format!("{id}@{domain}"))
        // RFC 3834 §5: nobody's holiday message answers.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body(text)
        .write_to_vec()
        .map_err(|error| DeliveryError::Io(error.into()))
}

impl Inner {
    /// Straight into the mailbox, and counted there, however full it is.
    pub(crate) fn put_notice(
        &self,
        maildir: &Maildir,
        quota: Quota,
        message: &[u8],
    ) -> Result<(), DeliveryError> {
        let mut delivery = maildir.begin(&self.namer)?;
        delivery.write(message)?;
        let reservation = self.ledger.unchecked(maildir, quota);
        let committed = self.ledger.settle(
            vec![reservation],
            || delivery.commit(),
            |outcome, _| outcome.as_ref().ok().map(|delivered| delivered.stored),
        );
        Ok(committed.map(drop)?)
    }
}
