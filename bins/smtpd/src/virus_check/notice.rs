//! Who a message with a virus was for is told of it; never whom it is said to be from, who has nothing to do with it.

use accounts::ReportLanguage;
use daemon_kit::log::event;
use delivery::outbound::Language;
use delivery::{QueueId, Reserved, VirusNotice};

use super::Stopped;
use crate::Smtpd;
use crate::domain::in_ascii;

impl Smtpd {
    /// Tells each owner, but for those who were told lately. That this cannot be done changes nothing for the message.
    pub(crate) async fn tell_of_virus(
        &self,
        owners: &[Reserved],
        queue_id: QueueId,
        sender: &str,
        stopped: &Stopped,
    ) {
        for owner in owners {
            let recipient = owner.address();
            // Every domain of ours has a postmaster, and one in its owner's brand.
            let domain = recipient.rsplit_once('@').and_then(|(_, domain)| in_ascii(domain));
            let domain = domain.as_deref().unwrap_or(&self.hostname);
            let notice = VirusNotice {
                from: format!("postmaster@{domain}"),
                language: self.language_of(domain).await,
                queue_id,
                sender: sender.to_owned(),
                virus: stopped.virus.clone(),
                held: stopped.held,
                every: stopped.every,
            };
            match self.delivery.tell_of_virus(owner, notice).await {
                Ok(true) => tracing::info!(event = event::VIRUS_NOTICE_SENT, %queue_id, recipient),
                Ok(false) => {}
                Err(reason) => {
                    tracing::warn!(event = event::VIRUS_NOTICE_FAILED, %queue_id, recipient, %reason);
                }
            }
        }
    }

    /// Rather in both than later.
    async fn language_of(&self, domain: &str) -> Option<Language> {
        Some(match self.accounts.report_language(domain).await.ok().flatten()? {
            ReportLanguage::English => Language::English,
            ReportLanguage::Japanese => Language::Japanese,
        })
    }
}
