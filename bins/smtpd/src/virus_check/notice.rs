//! Who a message with a virus was for is told of it; never whom it is said to be from, who has nothing to do with it.

use accounts::ReportLanguage;
use daemon_kit::limits;
use daemon_kit::log::event;
use delivery::outbound::Language;
use delivery::{DeliveryError, QueueId, Reserved, VirusNotice};
use tokio::time::{Instant, timeout_at};

use super::Stopped;
use crate::Smtpd;
use crate::domain::in_ascii;

impl Smtpd {
    /// Tells each owner, but for those who were told lately. That this cannot be done, or not soon, changes nothing for the message.
    pub(crate) async fn tell_of_virus(
        &self,
        owners: &[Reserved],
        queue_id: QueueId,
        sender: &str,
        stopped: &Stopped,
    ) {
        let end = Instant::now() + limits::VIRUS_NOTICE_PATIENCE;
        for owner in owners {
            let recipient = owner.address();
            let told = match timeout_at(end, self.tell_owner(owner, queue_id, sender, stopped)).await {
                Ok(told) => told.map_err(|reason| reason.to_string()),
                Err(_) => Err(String::from("the mailbox, or one before it, took too long")),
            };
            match told {
                Ok(true) => tracing::info!(event = event::VIRUS_NOTICE_SENT, %queue_id, recipient),
                Ok(false) => {}
                Err(reason) => {
                    tracing::warn!(event = event::VIRUS_NOTICE_FAILED, %queue_id, recipient, reason);
                }
            }
        }
    }

    /// Whether this owner was told.
    async fn tell_owner(
        &self,
        owner: &Reserved,
        queue_id: QueueId,
        sender: &str,
        stopped: &Stopped,
    ) -> Result<bool, DeliveryError> {
        let Stopped { virus, held, every } = stopped;
        let Some(due) = self.delivery.virus_notice_due(owner, *every).await? else { return Ok(false) };
        // Every domain of ours has a postmaster, who is of its owner's brand.
        let domain = owner.address().rsplit_once('@').and_then(|(_, domain)| in_ascii(domain));
        let domain = domain.as_deref().unwrap_or(&self.hostname);
        let notice = VirusNotice {
            from: format!("postmaster@{domain}"),
            language: self.language_of(domain).await,
            queue_id,
            sender: sender.to_owned(),
            virus: virus.clone(),
            held: *held,
            every: *every,
        };
        due.tell(notice).await.map(|()| true)
    }

    /// Rather in both than later.
    async fn language_of(&self, domain: &str) -> Option<Language> {
        Some(match self.accounts.report_language(domain).await.ok().flatten()? {
            ReportLanguage::English => Language::English,
            ReportLanguage::Japanese => Language::Japanese,
        })
    }
}
