//! The way in: `tmp/`, write, sync, one rename, sync of the directory.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{During, Error};
use crate::files::Files;
use crate::name::UniqueName;
use crate::publish::{Draft, HeadStart};

/// A message on its way into a Maildir. Dropped before [`commit`](Delivery::commit), it leaves nothing.
#[derive(Debug)]
#[must_use = "a message that is not committed is removed"]
pub struct Delivery {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) draft: Draft,
    pub(crate) unique: UniqueName,
    pub(crate) new: PathBuf,
}

/// What lies in the mailbox now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The message's unique id for POP3.
    pub unique_id: String,
    /// Its octets as POP3 will announce them.
    pub octets: u64,
    /// The octets of its file: what counts for the quota.
    pub stored: u64,
}

impl Delivery {
    /// Writes the next piece: one system call, so pieces should be large. After an error only dropping makes sense.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.draft.write(piece)
    }

    /// For a large message: see [`HeadStart`].
    pub fn head_start(&self) -> Option<HeadStart> {
        self.draft.head_start()
    }

    /// Octets written so far.
    pub fn stored(&self) -> u64 {
        self.draft.sizes().stored
    }

    /// Makes the message durable and visible. From `Ok` on it is accepted (S3): no crash loses it.
    ///
    /// After an error nothing is left, with one limit: if the directory cannot be synced *and* the name cannot be taken back
    /// (a dying disk), the message may turn up, once.
    pub fn commit(self) -> Result<Delivered, Error> {
        self.draft.sync()?;
        let sizes = self.draft.sizes();
        let place = self.new.join(self.unique.with_sizes(sizes));
        self.draft.publish(&place)?;
        if let Err(error) = self.files.sync_dir(&self.new) {
            let _ = self.files.remove(&place);
            return Err(error).during("sync", &self.new);
        }
        Ok(Delivered { unique_id: self.unique.to_string(), octets: sizes.wire, stored: sizes.stored })
    }
}
