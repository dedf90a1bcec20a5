//! Whether a recipient is taken, asked at RCPT and never later: there is no report to a forged sender (RFC 5321 §6.2).

use std::net::IpAddr;

use accounts::{Resolution, Sender};
use daemon_kit::config;
use daemon_kit::config::{Over, VirusChecked};
use daemon_kit::log::event;
use delivery::{DeliveryError, Mailbox, Quota, Reserved};
use relay_policy::{Destination, Identity, Listener, Network, Verdict, Why};
use smtp_proto::{Domain, Enhanced, ForwardPath, Reply};

use crate::domain::in_ascii;
use crate::forward::Expansion;
use crate::transaction::Transaction;
use crate::{Smtpd, replies};

/// Where a recipient is that was taken.
pub(crate) enum Taken {
    Here(Home),
    /// Elsewhere, for who is known by its address alone, if it is.
    Elsewhere(Option<Sender>),
    /// In these places: the mailbox has its mail sent on.
    SentOn(Expansion),
    /// Elsewhere, at this address: it is a report of what we have sent on.
    Returned(String),
}

/// What the policy is told of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) listener: Listener,
    /// `None` where only a balancer's is known.
    pub(crate) address: Option<IpAddr>,
    pub(crate) network: Network,
    pub(crate) identity: Identity,
    /// Whose mail is looked through for viruses.
    pub(crate) checked: VirusChecked,
}

/// A recipient's mailbox here, with room for the message; that of a mailbox that gets it already is reserved.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) mailbox: Mailbox,
    pub(crate) reserved: Option<Reserved>,
    /// Its mail is looked through for viruses.
    pub(crate) checked: bool,
}

impl Smtpd {
    /// Where a recipient of a transaction is; or the reply that refuses it.
    pub(crate) async fn recipient(
        &self,
        standing: Standing,
        at: &config::Listener,
        path: ForwardPath<'_>,
        transaction: Option<&Transaction>,
    ) -> Result<Taken, Reply> {
        let reverse_path = transaction.map_or("", Transaction::reverse_path);
        let returned = self.returned(path, reverse_path).map_err(|(refusal, reason)| {
            tracing::info!(event = event::RECIPIENT_REFUSED, recipient = %path, reason);
            refusal
        })?;
        let sender = returned.as_deref().and_then(smtp_proto::Mailbox::parse);
        let path = sender.map_or(path, ForwardPath::Mailbox);
        let resolution = self.resolve(&at.hostname, at.brand.as_deref(), path).await?;
        let destination = match resolution {
            Resolution::Barred(_) => Destination::Barred,
            Resolution::Disabled => Destination::Disabled,
            Resolution::Mailbox(_) => Destination::Mailbox,
            Resolution::NoPostmaster | Resolution::Unready => Destination::Unready,
            Resolution::NotOurs if returned.is_some() => Destination::Returned,
            Resolution::NotOurs => Destination::Foreign,
            Resolution::UnknownUser => Destination::UnknownUser,
        };
        let (identity, holders) = match destination {
            Destination::Foreign => self.identity(standing, at.brand.as_deref()).await?,
            _ => (standing.identity, Vec::new()),
        };
        let verdict = relay_policy::recipient(standing.listener, standing.network, identity, destination);
        // What is taken for another reason used no ticket.
        if verdict == Verdict::Accept(Why::RelayAfterPop) {
            tracing::info!(event = event::TICKET_USED, holders = holders.join(" "));
        }
        let (why, refusal) = match (verdict, resolution) {
            (Verdict::Accept(_), Resolution::Mailbox(found)) => {
                return self.take_here(found, &path.to_string(), standing, at, transaction).await;
            }
            (Verdict::Accept(_), Resolution::NotOurs) if self.outbound.is_some() => {
                if let Some(sender) = returned {
                    return Ok(Taken::Returned(sender));
                }
                // Whose it is, if only one can have it.
                let holder = match &holders[..] {
                    [holder] => Some(Sender::Account(holder.clone())),
                    _ => None,
                };
                return Ok(Taken::Elsewhere(holder.or_else(|| standing.address.map(Sender::Address))));
            }
            (Verdict::Accept(why), _) => (why, replies::NOT_SENT_FROM_HERE),
            (Verdict::Refuse(why), Resolution::Barred(text)) => (why, barred(text)),
            (Verdict::Refuse(why), Resolution::NoPostmaster) => {
                tracing::error!(event = event::NO_POSTMASTER, recipient = %path);
                (why, replies::NO_POSTMASTER)
            }
            (Verdict::Refuse(why), _) => (why, refusal_of(why)),
        };
        tracing::info!(event = event::RECIPIENT_REFUSED, recipient = %path, reason = why.name());
        Err(refusal)
    }

    /// Into a mailbox, or to where its owner has it sent on.
    async fn take_here(
        &self,
        found: accounts::Mailbox,
        address: &str,
        standing: Standing,
        at: &config::Listener,
        transaction: Option<&Transaction>,
    ) -> Result<Taken, Reply> {
        if let Some(srs) = self.forwarding.as_ref().filter(|_| found.forwards) {
            let relays = self.relays(standing, at).await?;
            let mut expansion = self.expand(srs, found, address, transaction, relays).await?;
            for account in expansion.accounts.iter().copied() {
                expansion.checked |= self.checked_recipient(standing.checked, account).await?;
            }
            return Ok(Taken::SentOn(expansion));
        }
        let checked = self.checked_recipient(standing.checked, found.account).await?;
        let (mailbox, reserved) = self.reserve(&found, address, transaction).await?;
        Ok(Taken::Here(Home { mailbox, reserved, checked }))
    }

    /// Whether the client may send to other domains as well.
    async fn relays(&self, standing: Standing, at: &config::Listener) -> Result<bool, Reply> {
        let (identity, _) = self.identity(standing, at.brand.as_deref()).await?;
        let elsewhere =
            relay_policy::recipient(standing.listener, standing.network, identity, Destination::Foreign);
        Ok(identity == Identity::Authenticated || matches!(elsewhere, Verdict::Accept(_)))
    }

    /// Who the client is where it matters whether it may relay: one without a login may have a ticket, and whose that may be.
    async fn identity(
        &self,
        standing: Standing,
        brand: Option<&str>,
    ) -> Result<(Identity, Vec<String>), Reply> {
        let tickets = self.pop_before_smtp.filter(|tickets| tickets.is_on());
        let asked = standing.identity == Identity::Anonymous && standing.listener.relay_pop_before_smtp;
        let (Some(address), Some(tickets)) = (standing.address.filter(|_| asked), tickets) else {
            return Ok((standing.identity, Vec::new()));
        };
        let accounts = self.accounts.at_brand(brand);
        let holders = accounts
            .ticket_holders(address, tickets.lifetime)
            .await
            .map_err(replies::accounts_unavailable)?;
        let identity = if holders.is_empty() { Identity::Anonymous } else { Identity::Ticket };
        Ok((identity, holders))
    }

    /// What a sender is told whose recipient has no room.
    pub(crate) fn mailbox_full(&self) -> Reply {
        match self.quota.over {
            Over::Defer => replies::MAILBOX_FULL,
            Over::Reject => replies::MAILBOX_FULL_FOR_GOOD,
        }
    }

    /// Room for the message. That it cannot be counted is our trouble, and the mail is taken. A mailbox that has the message by another
    /// of its addresses gets it once, and needs no more room.
    pub(crate) async fn reserve(
        &self,
        found: &accounts::Mailbox,
        address: &str,
        transaction: Option<&Transaction>,
    ) -> Result<(Mailbox, Option<Reserved>), Reply> {
        let mailbox = key(&found.key)?;
        if transaction.is_some_and(|transaction| transaction.is_for(&mailbox)) {
            return Ok((mailbox, None));
        }
        let quota = quota(found, &self.quota);
        let octets = transaction.and_then(Transaction::declared);
        let reserved = match self.delivery.reserve(&mailbox, address, quota, octets).await {
            Ok(reserved) => reserved,
            Err(DeliveryError::OverQuota(over)) => {
                tracing::info!(event = event::RECIPIENT_REFUSED, recipient = address, reason = "over-quota", %over);
                return Err(self.mailbox_full());
            }
            Err(error) => {
                tracing::error!(event = event::QUOTA_UNKNOWN, recipient = address, reason = %error);
                self.delivery.unchecked(&mailbox, address, quota)
            }
        };
        Ok((mailbox, Some(reserved)))
    }

    /// The answer of VRFY to who may have one: an address of ours, or a local part at this host (RFC 5321 §3.5.1). `None` for other
    /// domains, of which nothing is known.
    pub(crate) async fn verify(&self, hostname: &str, whom: &str) -> Result<Option<Reply>, Reply> {
        let whom = whom.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(whom);
        let whole = if whom.contains('@') { whom.to_owned() } else { format!("{whom}@{hostname}") };
        let mailbox = smtp_proto::Mailbox::parse(&whole).ok_or(replies::NO_SUCH_USER)?;
        match self.resolve(hostname, None, ForwardPath::Mailbox(mailbox)).await? {
            Resolution::Mailbox(_) => Ok(Reply::new(250, Enhanced(2, 1, 5), format!("<{mailbox}>")).ok()),
            Resolution::UnknownUser => Err(replies::NO_SUCH_USER),
            Resolution::Disabled => Err(replies::MAILBOX_DISABLED),
            Resolution::Barred(_) | Resolution::NoPostmaster | Resolution::NotOurs | Resolution::Unready => {
                Ok(None)
            }
        }
    }

    async fn resolve(
        &self,
        hostname: &str,
        brand: Option<&str>,
        path: ForwardPath<'_>,
    ) -> Result<Resolution, Reply> {
        let resolved = match path {
            // RFC 5321 §4.1.1.3: without a domain, this host's own.
            ForwardPath::Postmaster => self.accounts.at_brand(brand).postmaster(hostname).await,
            ForwardPath::Mailbox(mailbox) => match mailbox.domain() {
                Domain::Literal(_) => return Ok(Resolution::NotOurs),
                domain @ Domain::Name(_) => {
                    let Some(domain) = in_ascii(domain.as_str()) else { return Ok(Resolution::NotOurs) };
                    self.accounts.resolve(&mailbox.local_part().unquoted(), &domain).await
                }
            },
        };
        resolved.map_err(replies::accounts_unavailable)
    }
}

/// The accounts' name of a Maildir, checked once more: it becomes a path.
fn key(key: &str) -> Result<Mailbox, Reply> {
    Mailbox::new(key).map_err(replies::accounts_unavailable)
}

/// What a client is told whose recipient a row of the policy refuses.
pub fn refusal_of(why: Why) -> Reply {
    match why {
        Why::DomainBarred => replies::DOMAIN_BARRED,
        Why::MailboxDisabled => replies::MAILBOX_DISABLED,
        Why::MailboxUnready => replies::MAILBOX_UNREADY,
        Why::UnknownUser => replies::NO_SUCH_USER,
        Why::RelayNeedsAuthentication => replies::RELAY_NEEDS_AUTHENTICATION,
        Why::LocalMailbox
        | Why::RelayAfterPop
        | Why::RelayDenied
        | Why::RelayForAccount
        | Why::RelayForNetwork
        | Why::ReportReturned => replies::RELAY_DENIED,
    }
}

/// In the domain's own words, where it has some.
fn barred(text: String) -> Reply {
    if text.is_empty() {
        return replies::DOMAIN_BARRED;
    }
    Reply::new(550, Enhanced(5, 1, 2), text).unwrap_or(replies::DOMAIN_BARRED)
}

/// How much a mailbox may hold: its own limits, and where it has none those of all.
pub(crate) fn quota(found: &accounts::Mailbox, general: &config::Quota) -> Quota {
    Quota {
        octets: found.quota.octets.or(general.octets),
        messages: found.quota.messages.or(general.messages),
    }
}
