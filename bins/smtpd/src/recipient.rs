//! Whether a recipient is taken, asked at RCPT and never later: there is no report to a forged sender (RFC 5321 §6.2).

use accounts::Resolution;
use daemon_kit::config::Over;
use daemon_kit::log::event;
use delivery::{DeliveryError, Mailbox, Quota, Reserved};
use relay_policy::{Destination, Identity, Listener, Verdict, Why};
use smtp_proto::{Domain, Enhanced, ForwardPath, Reply};

use crate::{Smtpd, replies};

impl Smtpd {
    /// The mailbox behind a forward-path with room for the message, or the reply that refuses it.
    pub(crate) async fn recipient(
        &self,
        policy: Listener,
        identity: Identity,
        hostname: &str,
        path: ForwardPath<'_>,
        octets: Option<u64>,
    ) -> Result<(Mailbox, Reserved), Reply> {
        let resolution = self.resolve(hostname, path).await?;
        let destination = match resolution {
            Resolution::Mailbox(_) => Destination::Mailbox,
            Resolution::UnknownUser => Destination::UnknownUser,
            Resolution::NotOurs => Destination::Foreign,
        };
        let (why, refusal) = match (relay_policy::recipient(policy, identity, destination), resolution) {
            (Verdict::Accept(_), Resolution::Mailbox(mailbox)) => {
                return self.reserve(&mailbox, &path.to_string(), octets).await;
            }
            (Verdict::Accept(why), _) => (why, replies::NOT_SENT_FROM_HERE),
            (Verdict::Refuse(why), _) => (why, reply(why)),
        };
        tracing::info!(event = event::RECIPIENT_REFUSED, recipient = %path, reason = why.name());
        Err(refusal)
    }

    /// Room for the message. That it cannot be counted is our trouble, and the mail is taken.
    async fn reserve(
        &self,
        found: &accounts::Mailbox,
        address: &str,
        octets: Option<u64>,
    ) -> Result<(Mailbox, Reserved), Reply> {
        let mailbox = key(&found.key)?;
        let quota = Quota {
            octets: found.quota.octets.or(self.quota.octets),
            messages: found.quota.messages.or(self.quota.messages),
        };
        let reserved = match self.delivery.reserve(&mailbox, address, quota, octets).await {
            Ok(reserved) => reserved,
            Err(DeliveryError::OverQuota(over)) => {
                tracing::info!(event = event::RECIPIENT_REFUSED, recipient = address, reason = "over-quota", %over);
                return Err(match self.quota.over {
                    Over::Defer => replies::MAILBOX_FULL,
                    Over::Reject => replies::MAILBOX_FULL_FOR_GOOD,
                });
            }
            Err(error) => {
                tracing::error!(event = event::QUOTA_UNKNOWN, recipient = address, reason = %error);
                self.delivery.unchecked(&mailbox, address, quota)
            }
        };
        Ok((mailbox, reserved))
    }

    /// The answer of VRFY to who may have one: an address of ours, or a local part at this host (RFC 5321 §3.5.1). `None` for other
    /// domains, of which nothing is known.
    pub(crate) async fn verify(&self, hostname: &str, whom: &str) -> Result<Option<Reply>, Reply> {
        let whom = whom.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(whom);
        let whole = if whom.contains('@') { whom.to_owned() } else { format!("{whom}@{hostname}") };
        let mailbox = smtp_proto::Mailbox::parse(&whole).ok_or(replies::NO_SUCH_USER)?;
        match self.resolve(hostname, ForwardPath::Mailbox(mailbox)).await? {
            Resolution::Mailbox(_) => Ok(Reply::new(250, Enhanced(2, 1, 5), format!("<{mailbox}>")).ok()),
            Resolution::UnknownUser => Err(replies::NO_SUCH_USER),
            Resolution::NotOurs => Ok(None),
        }
    }

    async fn resolve(&self, hostname: &str, path: ForwardPath<'_>) -> Result<Resolution, Reply> {
        let resolved = match path {
            // RFC 5321 §4.1.1.3: without a domain, this host's own.
            ForwardPath::Postmaster => self.accounts.resolve("postmaster", hostname).await,
            ForwardPath::Mailbox(mailbox) => match mailbox.domain() {
                Domain::Literal(_) => return Ok(Resolution::NotOurs),
                domain @ Domain::Name(_) => {
                    self.accounts.resolve(&mailbox.local_part().unquoted(), domain.as_str()).await
                }
            },
        };
        resolved.map_err(|error| {
            tracing::error!(event = event::ACCOUNTS_FAILED, reason = %error);
            replies::ACCOUNTS_UNAVAILABLE
        })
    }
}

/// The accounts' name of a Maildir, checked once more: it becomes a path.
fn key(key: &str) -> Result<Mailbox, Reply> {
    Mailbox::new(key).map_err(|error| {
        tracing::error!(event = event::ACCOUNTS_FAILED, reason = %error);
        replies::ACCOUNTS_UNAVAILABLE
    })
}

fn reply(why: Why) -> Reply {
    match why {
        Why::UnknownUser => replies::NO_SUCH_USER,
        Why::RelayNeedsAuthentication => replies::RELAY_NEEDS_AUTHENTICATION,
        Why::LocalMailbox | Why::RelayDenied | Why::RelayForAccount => replies::RELAY_DENIED,
    }
}
