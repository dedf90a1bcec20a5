//! Counting what is sent, for all machines together.
//!
//! One row each, and one statement a message: it counts only what stays within the limits, so that two machines never take more than
//! one budget together. Hours and days are those of UTC's clock, not the last sixty minutes: a row is two pairs of numbers then.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::error::{AdminError, Unavailable};
use crate::readers::in_time;
use crate::sending::{Sender, Sending, SendingLimit};
use crate::{Accounts, Allowance, admin, limits, sql};

/// How it stands with somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendingStanding {
    /// The account's limits, and its plan's where it has none of its own.
    pub limits: Sending<Allowance>,
    /// What was counted in this hour and this day.
    pub sent: Sending<u64>,
}

/// Whether a message was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It was; so it stands now.
    Yes(Sending<u64>),
    /// It would have gone beyond this limit, and nothing was counted.
    Over(SendingLimit),
}

/// Hour and day since 1970.
#[derive(Clone, Copy)]
struct Moment {
    hour: i64,
    day: i64,
}

impl Moment {
    /// `at`: seconds since 1970-01-01T00:00:00Z.
    fn of(at: i64) -> Self {
        Self { hour: at.div_euclid(3600), day: at.div_euclid(24 * 3600) }
    }
}

/// Hour, day, messages and recipients of the hour, of the day.
type Row = (i64, i64, i64, i64, i64, i64);

/// The limits of an account and of its plan, and a row of what was sent.
type AccountRow =
    (String, Option<String>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// When old rows were last looked for.
#[derive(Debug, Default)]
pub(crate) struct Swept(AtomicI64);

/// How many hours ahead the last row was that is of another clock, and the hour in which that was last told.
#[derive(Debug, Default)]
pub(crate) struct ClockApart {
    hours: AtomicI64,
    told: AtomicI64,
}

impl Accounts {
    /// The limits of an account and its plan, as far as they are known without a question: who has none need not be counted.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn known_limits(&self, login: &str) -> Result<Option<Sending<Allowance>>, Unavailable> {
        let now = self.shared.as_of().await.map_err(Unavailable::when("looking up what may be sent"))?;
        Ok(now.and_then(|now| self.shared.answers.sending.find(now, login)))
    }

    /// How it stands with somebody at a time: seconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn sending(&self, who: &Sender, at: i64) -> Result<SendingStanding, Unavailable> {
        let looking = || Unavailable::when("looking up what was sent");
        let at = self.shared.common_time(at).await.map_err(looking())?;
        let (readers, moment, name) = (self.shared.store.readers(), Moment::of(at), who.to_string());
        let tally = |row: Option<Row>| row.map_or_else(Sending::default, |row| self.tally(row, moment));
        let Sender::Account(login) = who else {
            let row = sqlx::query_as(sql::SENT).bind(name).fetch_optional(readers).await.map_err(looking())?;
            return Ok(SendingStanding { limits: Sending::default(), sent: tally(row) });
        };
        let as_of = self.shared.as_of().await.map_err(looking())?;
        let row: Option<AccountRow> = sqlx::query_as(sql::SENDING)
            .bind(login)
            .bind(name)
            .fetch_optional(readers)
            .await
            .map_err(looking())?;
        let Some((own, plan, hour, day, hour_messages, hour_recipients, day_messages, day_recipients)) = row
        else {
            return Ok(SendingStanding::default());
        };
        let limits = Sending::from_column(&own).or(Sending::from_column(&plan.unwrap_or_default()));
        if let Some(as_of) = as_of {
            self.shared.answers.sending.keep(as_of, login.clone(), limits);
        }
        let number = Option::unwrap_or_default;
        let sent = hour.map(|hour| {
            let (of_hour, of_day) = ((hour_messages, hour_recipients), (day_messages, day_recipients));
            (hour, number(day), number(of_hour.0), number(of_hour.1), number(of_day.0), number(of_day.1))
        });
        Ok(SendingStanding { limits, sent: tally(sent) })
    }

    /// Counts one message to so many recipients, unless that would go beyond one of the limits. It is in the database when this is
    /// back, and is to be done before the message is accepted; one that is not accepted after all is [taken back](Accounts::uncount).
    ///
    /// # Errors
    /// [`Unavailable`]: nothing was counted, as far as can be known; `4xx`.
    pub async fn count(
        &self,
        who: &Sender,
        recipients: u64,
        most: &Sending<Option<u64>>,
        at: i64,
    ) -> Result<Counted, Unavailable> {
        if let Some(limit) = most.exceeded(&Sending::default(), 1, recipients) {
            return Ok(Counted::Over(limit));
        }
        let counting = || Unavailable::when("counting what is sent");
        let moment = Moment::of(self.shared.common_time(at).await.map_err(counting())?);
        let most_of = |limit| most.of(limit).map_or(i64::MAX, integer);
        let counters = self.shared.store.counters().await.map_err(counting())?;
        let count = sqlx::query_as(sql::COUNT)
            .bind(who.to_string())
            .bind(moment.hour)
            .bind(moment.day)
            .bind(integer(recipients))
            .bind(most_of(SendingLimit::MessagesPerHour))
            .bind(most_of(SendingLimit::RecipientsPerHour))
            .bind(most_of(SendingLimit::MessagesPerDay))
            .bind(most_of(SendingLimit::RecipientsPerDay))
            // To its end: SQLite commits there.
            .fetch_all(counters);
        let rows: Vec<Row> = in_time(limits::ANSWER_PATIENCE, count).await.map_err(counting())?;
        self.sweep(moment).await;
        if let Some(row) = rows.into_iter().next() {
            return Ok(Counted::Yes(self.tally(row, moment)));
        }
        let now = self.sending(who, at).await?;
        let limit = most.exceeded(&now.sent, 1, recipients);
        Ok(Counted::Over(limit.unwrap_or(SendingLimit::MessagesPerHour)))
    }

    /// By how many hours this machine's clock is behind the database server's, or another machine's, as what was sent shows: once in an
    /// hour, and only where it is more than one.
    #[must_use]
    pub fn clock_apart(&self, at: i64) -> Option<i64> {
        let (ClockApart { hours, told }, hour) = (&self.shared.clock_apart, Moment::of(at).hour);
        let (hours, server) = (hours.swap(0, Ordering::Relaxed), self.shared.clock.ahead() / 3600);
        let hours = if server != 0 { server } else { hours };
        (hours != 0 && told.swap(hour, Ordering::Relaxed) != hour).then_some(hours)
    }

    /// What a row says of a moment, see there; it is remembered if it is of another clock.
    fn tally(&self, row: Row, now: Moment) -> Sending<u64> {
        let ahead = row.0 - now.hour;
        if ahead > 1 {
            self.shared.clock_apart.hours.store(ahead, Ordering::Relaxed);
        }
        tally(row, now)
    }

    /// Takes back what was counted a moment ago: the message was not accepted. That it fails costs the sender one message of its budget.
    pub async fn uncount(&self, who: &Sender, recipients: u64, at: i64) {
        // It was known a moment ago.
        let moment = Moment::of(at.saturating_add(self.shared.clock.ahead()));
        let Ok(counters) = self.shared.store.counters().await else { return };
        let taking = sqlx::query(sql::UNCOUNT)
            .bind(who.to_string())
            .bind(moment.hour)
            .bind(moment.day)
            .bind(integer(recipients))
            .execute(counters);
        let _ = in_time(limits::ANSWER_PATIENCE, taking).await;
    }

    /// Whether nobody on any machine was told yet that somebody reached this limit in this hour or day; from then on somebody was.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn tell_of_limit(
        &self,
        who: &Sender,
        limit: SendingLimit,
        at: i64,
    ) -> Result<bool, Unavailable> {
        let moment = Moment::of(at.saturating_add(self.shared.clock.ahead()));
        let statement = if limit.is_daily() { sql::TELL_OF_DAY } else { sql::TELL_OF_HOUR };
        let noting = "noting that a limit is reached";
        let counters = self.shared.store.counters().await.map_err(Unavailable::when(noting))?;
        let telling =
            sqlx::query(statement).bind(who.to_string()).bind(moment.hour).bind(moment.day).execute(counters);
        let told = in_time(limits::ANSWER_PATIENCE, telling).await;
        Ok(told.map_err(Unavailable::when(noting))?.rows_affected() > 0)
    }

    /// Changes how much an account may send; what is not named stays as it is. It holds from its next message on.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn account_set_sending(
        &self,
        login: &str,
        changes: &[(SendingLimit, Allowance)],
    ) -> Result<(), AdminError> {
        let login = self.login(login).await?;
        let mut change = self.begin().await?;
        let id = admin::must_find(&mut change, login.as_str()).await?.id;
        let limits = admin::set_sending(&mut change, sql::ACCOUNT_SENDING, id.get(), changes).await?;
        change.about(id, 0);
        Ok(self.shared.store.commit(change, "account set", &format!("{login} {limits}")).await?)
    }

    /// The same for the accounts of a plan which have no limits of their own.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such plan.
    pub async fn plan_set_sending(
        &self,
        name: &str,
        changes: &[(SendingLimit, Allowance)],
    ) -> Result<(), AdminError> {
        let mut change = self.begin().await?;
        let id = admin::plan_id(&mut change, name).await?;
        let limits = admin::set_sending(&mut change, sql::PLAN_SENDING, id, changes).await?;
        Ok(self.shared.store.commit(change, "plan set", &format!("{name} {limits}")).await?)
    }

    /// How much the accounts of a plan may send which have no limits of their own.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such plan.
    pub async fn plan_sending(&self, name: &str) -> Result<Sending<Allowance>, AdminError> {
        let name = self.plan_show(name).await?.name;
        let limits: String = sqlx::query_scalar(sql::PLAN_SENDING_BY_NAME)
            .bind(name)
            .fetch_one(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("reading a plan's limits"))?;
        Ok(Sending::from_column(&limits))
    }

    /// Rows of days that are over go, some at a time, once an hour and with the messages that follow if there are many.
    async fn sweep(&self, moment: Moment) {
        let Swept(swept) = &self.shared.swept;
        if swept.swap(moment.hour, Ordering::Relaxed) == moment.hour {
            return;
        }
        let Ok(counters) = self.shared.store.counters().await else {
            return swept.store(0, Ordering::Relaxed);
        };
        let sweeping =
            sqlx::query(sql::SWEEP_SENT).bind(moment.day).bind(limits::SWEPT_AT_ONCE).execute(counters);
        match in_time(limits::ANSWER_PATIENCE, sweeping).await {
            Ok(swept)
                if i64::try_from(swept.rows_affected()).is_ok_and(|rows| rows < limits::SWEPT_AT_ONCE) => {}
            _ => swept.store(0, Ordering::Relaxed),
        }
    }
}

/// What a row says of a moment: nothing, if it is of an hour or day that is over. One of a later one counts, see [`sql::COUNT`].
fn tally(
    (hour, day, hour_messages, hour_recipients, day_messages, day_recipients): Row,
    now: Moment,
) -> Sending<u64> {
    let of = |holds: bool, count: i64| if holds { u64::try_from(count).unwrap_or(0) } else { 0 };
    let this_hour = (now.hour..=now.hour + limits::HOURS_AHEAD).contains(&hour);
    let this_day = (now.day..=now.day + limits::DAYS_AHEAD).contains(&day);
    Sending {
        messages_per_hour: of(this_hour, hour_messages),
        recipients_per_hour: of(this_hour, hour_recipients),
        messages_per_day: of(this_day, day_messages),
        recipients_per_day: of(this_day, day_recipients),
    }
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
