//! How much a mailbox holds, and how much it may: Maildir++ `maildirsize`, kept as a ledger.
//!
//! The ledger is a file beside the messages, which other programs read and write too: its first line is the quota, its second a
//! total, and each further line what was added or taken away. What lies in the Maildir is the truth; the ledger saves listing it:
//!
//! - It is believed as long as it is well-formed, short, made for the same quota, and once compared with the Maildir by this
//!   process. So a crash between a message and its line is forgotten with the process that crashed.
//! - Nobody is refused by the ledger's word alone: if it says "full" and anything changed since the last count, or that was a
//!   quarter of an hour ago, the Maildir is counted first.
//! - What is on its way counts too, from RCPT to the end of the message: that is a [`Reservation`].
//! - Counting that fails refuses nothing for good: see [`QuotaError`].
//!
//! A mailbox without a quota has no ledger, and costs nothing.
//!
//! ```
//! use mailstore::{Ledger, Maildir, Namer, Quota, QuotaError};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! let maildir = Maildir::create(scratch.path().join("tanaka"))?;
//! let (ledger, quota) = (Ledger::new(), Quota { octets: Some(100), messages: None });
//!
//! let reservation = ledger.reserve(&maildir, quota, 60)?; // at RCPT, with what MAIL declared
//! assert!(matches!(ledger.reserve(&maildir, quota, 60), Err(QuotaError::Over(_)))); // 452 4.2.2 or 552 5.2.2
//! let mut delivery = maildir.begin(&Namer::new("mx"))?;
//! delivery.write(b"Hello.\r\n")?;
//! ledger.settle(vec![reservation], || delivery.commit(), |delivered, _| Some(delivered.as_ref().ok()?.stored))?;
//! assert_eq!(ledger.usage(&maildir, quota)?.octets, 8);
//! # Ok(())
//! # }
//! ```

mod count;
mod ledger;
mod size_file;
mod warning;

use std::path::PathBuf;

pub use ledger::{Ledger, Reservation};

use crate::error::Error;

/// How much a mailbox may hold. `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Octets of all files.
    pub octets: Option<u64>,
    /// Messages.
    pub messages: Option<u64>,
}

/// How much a mailbox holds: its messages and those of its folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Octets of all files, as they lie on the disk.
    pub octets: u64,
    /// Messages.
    pub messages: u64,
}

/// Which limit a message would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    /// The octets of all messages.
    #[error("the mailbox would hold {would} octets and may hold {limit}")]
    Octets {
        /// With this message, and with those that are on their way.
        would: u64,
        /// The quota.
        limit: u64,
    },
    /// Their number.
    #[error("the mailbox would hold {would} messages and may hold {limit}")]
    Messages {
        /// With this message, and with those that are on their way.
        would: u64,
        /// The quota.
        limit: u64,
    },
}

/// Why there is no reservation.
#[derive(Debug, thiserror::Error)]
pub enum QuotaError {
    /// The mailbox is full: `452 4.2.2` or `552 5.2.2`, as the operator likes.
    #[error(transparent)]
    Over(#[from] Over),
    /// It could not be counted. That is our trouble: accept, or `451 4.3.0`, but never a reply that begins with 5.
    #[error("the mailbox cannot be counted: {0}")]
    Unknown(#[source] Error),
}

impl Quota {
    /// No limit.
    pub const NONE: Quota = Quota { octets: None, messages: None };

    /// Whether there is no limit at all.
    pub fn is_none(&self) -> bool {
        *self == Quota::NONE
    }

    /// Whether a mailbox may hold so much.
    pub fn allows(&self, usage: Usage) -> Result<(), Over> {
        match (self.octets, self.messages) {
            (Some(limit), _) if usage.octets > limit => Err(Over::Octets { would: usage.octets, limit }),
            (_, Some(limit)) if usage.messages > limit => {
                Err(Over::Messages { would: usage.messages, limit })
            }
            _ => Ok(()),
        }
    }
}

impl Usage {
    /// One message of so many octets.
    pub fn of_message(octets: u64) -> Usage {
        Usage { octets, messages: 1 }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Usage) -> Usage {
        Usage {
            octets: self.octets.saturating_add(other.octets),
            messages: self.messages.saturating_add(other.messages),
        }
    }

    fn minus(self, other: Usage) -> Usage {
        Usage {
            octets: self.octets.saturating_sub(other.octets),
            messages: self.messages.saturating_sub(other.messages),
        }
    }
}

impl crate::Maildir {
    /// Counts what lies in the mailbox and in its folders; the ledger is neither asked nor written.
    pub fn measure(&self) -> Result<Usage, Error> {
        count::count(self)
    }
}

/// The ledger of a Maildir.
fn place(maildir: &crate::Maildir) -> PathBuf {
    maildir.path().join("maildirsize")
}
