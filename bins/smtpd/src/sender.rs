//! As whom a client writes that has logged in.

use accounts::{Account, Bar};
use daemon_kit::config;
use daemon_kit::log::event;
use relay_policy::{SenderRights, SenderVerdict};
use smtp_proto::{Domain, Enhanced, Reply, ReversePath};

use crate::domain::in_ascii;
use crate::{Smtpd, replies};

impl Smtpd {
    /// The sender address that stands instead of the given one, if another one shall; or the reply that refuses it.
    ///
    /// The empty address, of reports, is nobody's and everybody's.
    pub(crate) async fn sender(
        &self,
        account: &Account,
        rights: config::SenderRights,
        path: &ReversePath<'_>,
    ) -> Result<Option<String>, Reply> {
        let rights = match rights {
            config::SenderRights::Off => return Ok(None),
            config::SenderRights::Warn => SenderRights::Warn,
            config::SenderRights::Rewrite => SenderRights::Rewrite,
            config::SenderRights::Reject => SenderRights::Reject,
        };
        let ReversePath::Mailbox(mailbox) = path else { return Ok(None) };
        let unavailable = replies::accounts_unavailable;
        let owns = match mailbox.domain() {
            Domain::Literal(_) => false,
            domain @ Domain::Name(_) => {
                let local_part = mailbox.local_part().unquoted();
                match in_ascii(domain.as_str()) {
                    Some(domain) => {
                        self.accounts.owns(account, &local_part, &domain).await.map_err(unavailable)?
                    }
                    None => false,
                }
            }
        };
        let log = |done| {
            tracing::warn!(event = event::SENDER_NOT_OWNED, login = account.login, sender = %mailbox, done);
        };
        match relay_policy::sender(rights, owns) {
            SenderVerdict::Accept => Ok(None),
            SenderVerdict::AcceptAndLog => {
                log("accepted");
                Ok(None)
            }
            SenderVerdict::Rewrite => {
                match self.accounts.primary_address(account).await.map_err(unavailable)? {
                    Some(primary) => {
                        log("rewritten");
                        Ok(Some(primary))
                    }
                    None => {
                        log("refused");
                        Err(replies::SENDER_NOT_OWNED)
                    }
                }
            }
            SenderVerdict::Refuse => {
                log("refused");
                Err(replies::SENDER_NOT_OWNED)
            }
        }
    }

    /// What the owner of an account is told that may not send: the password was right.
    pub(crate) fn barred(&self, bar: &Bar) -> Reply {
        let texts = self.texts.now();
        let text = match bar {
            Bar::Suspended(text) if !text.is_empty() => Some(text),
            Bar::Suspended(_) => texts.suspended_text.as_ref(),
            Bar::ServiceOff(_) => texts.unregistered_text.as_ref(),
            Bar::Staged | Bar::Closing => None,
        };
        let default = match bar {
            Bar::Suspended(_) => replies::ACCOUNT_SUSPENDED,
            Bar::ServiceOff(_) => replies::SERVICE_UNREGISTERED,
            Bar::Staged => replies::ACCOUNT_STAGED,
            Bar::Closing => replies::ACCOUNT_CLOSING,
        };
        text.and_then(|text| Reply::new(535, Enhanced(5, 7, 8), text.clone()).ok()).unwrap_or(default)
    }
}
