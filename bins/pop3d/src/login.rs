//! Who may have which maildrop.

use std::net::IpAddr;
use std::time::Instant;

use accounts::{Account, Attempt, Attendance, Noted, Service, Verdict};
use auth_sasl::Claim;
use daemon_kit::WireError;
use daemon_kit::config::PopBeforeSmtp;
use daemon_kit::log::event;
use mailstore::{Maildrop, Quota};
use pop3_proto::{Language, Refusal};
use tokio::time::sleep;

use crate::maildrop::{self, Closed, Opened};
use crate::rules::Policy;
use crate::words::barred;
use crate::{Pop3d, limits};

/// A maildrop for the session, and the rules for it.
pub(crate) struct Entered {
    pub(crate) maildrop: Maildrop,
    pub(crate) listing: pop3_proto::Maildrop,
    pub(crate) policy: Policy,
    /// As long as the account may have it.
    pub(crate) attendance: Attendance,
}

/// From where somebody logs in.
#[derive(Clone, Copy)]
pub(crate) struct Visitor<'v> {
    /// Whose customers do here.
    pub(crate) brand: Option<&'v str>,
    pub(crate) address: IpAddr,
    /// Whether that is the client's own address, and not its balancer's.
    pub(crate) is_client: bool,
    /// The version, or clear text.
    pub(crate) tls: Option<&'static str>,
    pub(crate) place: &'v str,
    pub(crate) language: Language,
}

/// Who does not come in.
pub(crate) enum Denied {
    /// In the protocol's words.
    Refusal(Refusal),
    /// Who proved who it is, in the operator's words.
    Account(String),
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl Pop3d {
    /// The maildrop of who claims truly; or what to say. A wrong claim is answered alike, and after the same time, whatever is wrong
    /// with it.
    pub(crate) async fn login(
        &self,
        claim: &Claim,
        visitor: Visitor<'_>,
    ) -> Result<Result<Entered, Denied>, WireError> {
        let accounts = self.accounts.at_brand(visitor.brand);
        let mechanism = match claim {
            Claim::Apop { .. } => "apop",
            Claim::Password { .. } => "password",
        };
        let Visitor { address, tls, place, language, .. } = visitor;
        let attempt = Attempt::new(claim, Service::Pop, place, address, tls);
        let verdict = match accounts.authenticate_from(claim, address, Service::Pop).await {
            Ok(verdict) => verdict,
            Err(unavailable) => {
                tracing::error!(event = event::AUTH_UNAVAILABLE, reason = %unavailable);
                return Ok(Err(Refusal::Temporary.into()));
            }
        };
        let log = async {
            let Noted { login, outcome, hint } = accounts.note_login(attempt, &verdict).await;
            let (encrypted, hint) = (tls.is_some(), hint.as_ref().map(tracing::field::display));
            match &verdict {
                Verdict::Accepted(_) => {
                    tracing::info!(event = event::AUTH_OK, login, mechanism, encrypted, tls);
                }
                _ => {
                    let reason = outcome;
                    tracing::info!(
                        event = event::AUTH_FAILED,
                        login,
                        mechanism,
                        encrypted,
                        tls,
                        reason,
                        hint
                    );
                }
            }
        };
        match &verdict {
            Verdict::Accepted(_) | Verdict::Barred(..) => log.await,
            // The client waits meanwhile: its answer does not tell by its time whether there was a hint.
            Verdict::Deferred(_) | Verdict::Rejected(_) => {
                let pause = (self.pause)(daemon_kit::limits::FAILED_LOGIN_DELAY);
                tokio::join!(log, pause);
            }
        }
        match verdict {
            Verdict::Accepted(account) => self.enter(account, visitor).await,
            Verdict::Barred(_, bar) => {
                let texts = self.texts.now();
                Ok(Err(Denied::Account(barred(&bar, &texts.0, &texts.1, language))))
            }
            Verdict::Deferred(_) => Ok(Err(Refusal::Temporary.into())),
            Verdict::Rejected(_) => Ok(Err(Refusal::Credentials.into())),
        }
    }

    async fn enter(
        &self,
        account: Account,
        visitor: Visitor<'_>,
    ) -> Result<Result<Entered, Denied>, WireError> {
        if visitor.is_client {
            self.open_ticket(&account, visitor.address).await;
        }
        let policy = self.rules.policy(account.pop3);
        self.rules.learn(policy);
        if !self.pace.admit(account.id, policy.login_delay(), Instant::now()) {
            return Ok(Err(Refusal::LoginDelay.into()));
        }
        let taken = self.take_maildrop(&account).await?;
        if taken.is_err() {
            self.pace.forget(account.id);
        }
        match taken {
            Ok((maildrop, listing)) => {
                let totals = listing.totals();
                tracing::info!(
                    event = event::MAILDROP_OPENED,
                    messages = totals.messages,
                    octets = totals.octets
                );
                let attendance = self.accounts.attend(&account, Service::Pop);
                Ok(Ok(Entered { maildrop, listing, policy, attendance }))
            }
            Err(Closed::InUse) => Ok(Err(Refusal::InUse.into())),
            Err(Closed::Trouble(reason)) => {
                tracing::error!(event = event::STORE_FAILED, reason);
                Ok(Err(Refusal::Temporary.into()))
            }
        }
    }

    /// POP before SMTP. Mail can be read without it.
    async fn open_ticket(&self, account: &Account, from: IpAddr) {
        let Some(tickets) = self.pop_before_smtp.filter(PopBeforeSmtp::is_on) else { return };
        if let Err(reason) = self.accounts.ticket_open(account, from, tickets.lifetime).await {
            tracing::error!(event = event::TICKET_FAILED, login = account.login, %reason);
        }
    }

    /// Waits a moment for a maildrop that is in use.
    async fn take_maildrop(&self, account: &Account) -> Result<Result<Opened, Closed>, WireError> {
        let quota = Quota {
            octets: account.quota.octets.or(self.quota.octets),
            messages: account.quota.messages.or(self.quota.messages),
        };
        let since = Instant::now();
        loop {
            let books = (self.ledger.clone(), quota);
            let known = maildrop::open_now(&self.maildirs, &account.mailbox, &self.listings, books.clone());
            let taken = match known {
                Some(taken) => taken,
                None => {
                    let (maildirs, mailbox) = (self.maildirs.clone(), account.mailbox.clone());
                    let listings = self.listings.clone();
                    self.disk.run(move || maildrop::open(&maildirs, &mailbox, &listings, books)).await?
                }
            };
            match taken {
                Err(Closed::InUse) if since.elapsed() < limits::IN_USE_WAIT => {
                    sleep(limits::IN_USE_LOOK).await;
                }
                taken => return Ok(taken),
            }
        }
    }
}
