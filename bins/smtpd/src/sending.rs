//! How much a customer may send: asked at MAIL and at each RCPT, and counted when the message is complete, before it is accepted.
//!
//! Who has logged in is counted with all that it submits, to whomever. Who may send by its address alone, from inside or after POP, is
//! counted with what it sends to other domains: to ours everybody may send. Behind a ticket the account is counted if it is the only
//! one with a ticket at that address; of several nobody knows which it is, and the address is.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use accounts::{Counted, Sender, Sending, SendingLimit};
use daemon_kit::config::{OverLimit, SendingRates};
use daemon_kit::log::event;
use smtp_proto::Reply;

use crate::{Smtpd, replies};

/// Seconds since 1970-01-01T00:00:00Z.
pub(crate) struct Clock(Box<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    pub(crate) fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Box::new(now))
    }

    pub(crate) fn now(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// What was said in this hour by this process; the database knows it of all.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<(i64, HashSet<String>)>);

impl Told {
    fn is_new(&self, what: String, hour: i64) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.0 != hour {
            *told = (hour, HashSet::new());
        }
        told.1.insert(what)
    }
}

/// What a transaction may still cost.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    who: Sender,
    most: Sending<Option<u64>>,
    /// As it stood when the transaction began.
    sent: Sending<u64>,
    /// Recipients of this message that count.
    recipients: u64,
}

impl Smtpd {
    /// The budget of who has none in this transaction yet; `None` where nothing limits them.
    pub(crate) async fn budget(&self, who: Sender) -> Result<Option<Budget>, Reply> {
        let configured = match &who {
            Sender::Account(_) => rates(&self.sending_limits.account),
            Sender::Address(_) => rates(&self.sending_limits.address),
        };
        if matches!(who, Sender::Address(_)) && configured.is_none() {
            return Ok(None);
        }
        if let Sender::Account(login) = &who
            && let Some(limits) =
                self.accounts.known_limits(login).await.map_err(replies::accounts_unavailable)?
            && limits.map(|limit, own| own.or(configured.of(limit))).is_none()
        {
            return Ok(None);
        }
        let standing =
            self.accounts.sending(&who, self.clock.now()).await.map_err(replies::accounts_unavailable)?;
        let most = standing.limits.map(|limit, own| own.or(configured.of(limit)));
        Ok((!most.is_none()).then_some(Budget { who, most, sent: standing.sent, recipients: 0 }))
    }

    /// Whether a message may be begun, at MAIL.
    pub(crate) async fn may_begin(&self, budget: &Budget) -> Result<(), Reply> {
        match budget.most.exceeded(&budget.sent, 1, 1) {
            Some(limit) if !self.holds(budget, 1) => Err(self.enough(budget, limit).await),
            _ => Ok(()),
        }
    }

    /// Whether it may have one more recipient, elsewhere or here, who counts from then on.
    pub(crate) async fn may_add(&self, budget: &mut Budget, elsewhere: bool) -> Result<(), Reply> {
        let recipients = budget.recipients + 1;
        if let Some(limit) = budget.most.exceeded(&budget.sent, 1, recipients)
            && !(elsewhere && self.holds(budget, recipients))
        {
            return Err(self.enough(budget, limit).await);
        }
        budget.recipients = recipients;
        Ok(())
    }

    /// Counts the message, before it is accepted; why it is to be held, if it is and may be.
    pub(crate) async fn count(
        &self,
        budget: &Budget,
        may_hold: bool,
        at: i64,
    ) -> Result<Option<String>, Reply> {
        let Budget { who, most, recipients, .. } = budget;
        let count = async |most: &Sending<Option<u64>>| {
            self.accounts.count(who, *recipients, most, at).await.map_err(replies::accounts_unavailable)
        };
        let counted = count(most).await?;
        if let Some(hours) = self.accounts.clock_apart(self.clock.now()) {
            tracing::error!(event = event::CLOCKS_APART, hours);
        }
        let limit = match counted {
            Counted::Yes(_) => return Ok(None),
            Counted::Over(limit) => limit,
        };
        if may_hold
            && self.sending_limits.over == OverLimit::Hold
            && let Counted::Yes(_) = count(&doubled(most)).await?
        {
            self.tell(budget, limit, "held").await;
            let most = most.of(limit).unwrap_or_default();
            return Ok(Some(format!("{who} is over its limit: {}={most}", limit.word())));
        }
        Err(self.enough(budget, limit).await)
    }

    /// The message was counted at that time and not accepted.
    pub(crate) async fn take_back(&self, budget: &Budget, at: i64) {
        self.accounts.uncount(&budget.who, budget.recipients, at).await;
    }

    /// Whether a message beyond the limits is held for so many recipients.
    fn holds(&self, budget: &Budget, recipients: u64) -> bool {
        self.sending_limits.over == OverLimit::Hold
            && doubled(&budget.most).exceeded(&budget.sent, 1, recipients).is_none()
    }

    /// What is said to who wants to send more; and to the operator, once.
    async fn enough(&self, budget: &Budget, limit: SendingLimit) -> Reply {
        self.tell(budget, limit, "deferred").await;
        let (who, reason) = (&budget.who, limit.word());
        tracing::info!(event = event::MESSAGE_REFUSED, %who, reason);
        if limit.is_daily() { replies::SENT_ENOUGH_TODAY } else { replies::SENT_ENOUGH_THIS_HOUR }
    }

    async fn tell(&self, Budget { who, most, .. }: &Budget, limit: SendingLimit, done: &str) {
        let (now, word) = (self.clock.now(), limit.word());
        if !self.told.is_new(format!("{who} {word}"), now.div_euclid(3600)) {
            return;
        }
        // Where nobody can say whether it was told, it is told.
        if self.accounts.tell_of_limit(who, limit, now).await.unwrap_or(true) {
            let most = most.of(limit).unwrap_or_default();
            tracing::error!(event = event::SENDING_LIMIT_REACHED, %who, limit = word, most, done);
        }
    }
}

/// The limits of a configuration.
#[must_use]
pub fn rates(rates: &SendingRates) -> Sending<Option<u64>> {
    let SendingRates { messages_per_hour, recipients_per_hour, messages_per_day, recipients_per_day } =
        *rates;
    Sending { messages_per_hour, recipients_per_hour, messages_per_day, recipients_per_day }
}

/// Up to where messages beyond the limits are held.
fn doubled(most: &Sending<Option<u64>>) -> Sending<Option<u64>> {
    most.map(|_, most| most.map(|most| most.saturating_mul(2)))
}
