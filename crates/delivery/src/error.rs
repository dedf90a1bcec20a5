//! Why a message was not accepted.

use std::error::Error;

use mailstore::{Over, QuotaError};

/// The message was not accepted, and nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The disk is full: `452 4.3.1`.
    #[error("no space for the message: {0}")]
    NoSpace(#[source] Box<dyn Error + Send + Sync>),
    /// The file system failed, or the server is stopping: `451 4.3.0`.
    #[error("cannot store the message: {0}")]
    Io(#[source] Box<dyn Error + Send + Sync>),
    /// The mailbox is full: `452 4.2.2` or `552 5.2.2`, as the operator likes.
    #[error(transparent)]
    OverQuota(#[from] Over),
    /// The caller named no mailbox.
    #[error("a message without recipients cannot be accepted")]
    NoRecipients,
}

impl From<mail_queue::Error> for DeliveryError {
    fn from(error: mail_queue::Error) -> DeliveryError {
        match error {
            mail_queue::Error::NoRecipients => DeliveryError::NoRecipients,
            _ if error.is_no_space() => DeliveryError::NoSpace(error.into()),
            _ => DeliveryError::Io(error.into()),
        }
    }
}

impl From<QuotaError> for DeliveryError {
    fn from(error: QuotaError) -> DeliveryError {
        match error {
            QuotaError::Over(over) => over.into(),
            QuotaError::Unknown(error) => error.into(),
        }
    }
}

impl From<mailstore::Error> for DeliveryError {
    fn from(error: mailstore::Error) -> DeliveryError {
        mail_queue::Error::from(error).into()
    }
}
