//! Room in a recipient's mailbox, asked at RCPT.

use mailstore::{Mailbox, Maildir, Quota, QuotaError, Reservation, Usage};

use crate::error::DeliveryError;
use crate::local::{Inner, LocalDelivery};
use crate::warning::Reserved;

impl LocalDelivery {
    /// Room for a message in a mailbox with this quota, of as many octets as its sender declared: to be asked at RCPT, and handed to
    /// [`Incoming::settling`](crate::Incoming::settling). Dropped before, it is free again. Without a quota it costs nothing.
    /// `address` is the owner's, for the warning.
    ///
    /// [`DeliveryError::OverQuota`] if the mailbox is full; any other error is our own trouble, in which the mail may be taken all
    /// the same: [`unchecked`](LocalDelivery::unchecked).
    pub async fn reserve(
        &self,
        mailbox: &Mailbox,
        address: &str,
        quota: Quota,
        octets: Option<u64>,
    ) -> Result<Reserved, DeliveryError> {
        if quota.is_none() {
            return Ok(self.unchecked(mailbox, address, quota));
        }
        let (inner, mailbox) = (self.inner.clone(), mailbox.clone());
        let job = move || inner.reserve(&mailbox, quota, octets.unwrap_or(0));
        let reservation = self.inner.pool.run(job).await??;
        Ok(Reserved { reservation, address: address.to_owned() })
    }

    /// A message that is taken though nobody could say how full the mailbox is; it is counted there all the same.
    pub fn unchecked(&self, mailbox: &Mailbox, address: &str, quota: Quota) -> Reserved {
        let reservation = self.inner.ledger.unchecked(&self.inner.maildir(mailbox), quota);
        Reserved { reservation, address: address.to_owned() }
    }

    /// How much a mailbox holds, counted anew: after an import, after a restoration, and when in doubt.
    pub async fn recount(&self, mailbox: &Mailbox, quota: Quota) -> Result<Usage, DeliveryError> {
        let (inner, mailbox) = (self.inner.clone(), mailbox.clone());
        Ok(self.inner.pool.run(move || inner.ledger.recount(&inner.maildir(&mailbox), quota)).await??)
    }
}

impl Inner {
    fn reserve(&self, mailbox: &Mailbox, quota: Quota, octets: u64) -> Result<Reservation, QuotaError> {
        let maildir = self.maildir(mailbox);
        match self.ledger.reserve(&maildir, quota, octets) {
            // The first message of an account.
            Err(QuotaError::Unknown(mailstore::Error::NotMaildir(_))) => {
                let created = Maildir::create_below(self.files.clone(), &self.config.maildirs, mailbox);
                self.ledger.reserve(&created.map_err(QuotaError::Unknown)?, quota, octets)
            }
            reserved => reserved,
        }
    }

    fn maildir(&self, mailbox: &Mailbox) -> Maildir {
        Maildir::at(self.files.clone(), mailbox.below(&self.config.maildirs))
    }
}
