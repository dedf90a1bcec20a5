//! Which time it is for all machines that share a database: its server's. Machines whose clocks are days apart would take each other's
//! hours and days for over, and begin to count anew in turns.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::store::now;
use crate::{Shared, limits};

/// By how much this machine's clock differs from the server's.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Seconds that the server is ahead; nothing, where it is not worth speaking of.
    ahead: AtomicI64,
    asked: Mutex<Option<Instant>>,
}

impl Clock {
    /// Seconds that the server is ahead, as far as is known.
    pub(crate) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    fn set(&self, ahead: i64) {
        let skew = i64::try_from(limits::CLOCK_SKEW.as_secs()).unwrap_or(i64::MAX);
        self.ahead.store(if ahead.abs() <= skew { 0 } else { ahead }, Ordering::Relaxed);
    }

    /// Whether it is time to ask; who is told so does.
    fn is_due(&self) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = asked.is_none_or(|at| at.elapsed() >= limits::CLOCK_ASKED_EVERY);
        if due {
            *asked = Some(Instant::now());
        }
        due
    }
}

impl Shared {
    /// The server's time at one of this machine's: seconds since 1970-01-01T00:00:00Z. A file is on one machine.
    pub(crate) async fn common_time(&self, at: i64) -> Result<i64, sqlx::Error> {
        if let Some(question) = self.store.backend().clock()
            && self.clock.is_due()
        {
            let theirs: i64 = sqlx::query_scalar(question).fetch_one(self.store.readers()).await?;
            self.clock.set(theirs - now());
        }
        Ok(at.saturating_add(self.clock.ahead()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Accounts, Counted, DatabaseConfig, Sender, Sending};

    #[tokio::test]
    async fn o_05_machines_whose_clocks_are_days_apart_have_one_budget() {
        let dir = tempfile::tempdir().unwrap();
        let config = DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"));
        let right = Accounts::create(&config).await.unwrap();
        let (who, most) = (
            Sender::Address("192.0.2.7".parse().unwrap()),
            Sending { messages_per_hour: Some(3), ..Sending::default() },
        );
        let (now, wrong) = (1_795_330_800, 30 * 3600);
        for difference in [wrong, -wrong] {
            let other = Accounts::open(&config).await.unwrap();
            other.shared.clock.set(-difference);
            let mut counted = 0;
            for turn in 0..10 {
                let now = now + difference * 1000;
                let (accounts, at) = if turn % 2 == 0 { (&right, now) } else { (&other, now + difference) };
                let count = accounts.count(&who, 1, &most, at).await.unwrap();
                counted += usize::from(matches!(count, Counted::Yes(_)));
            }
            assert_eq!(counted, 3, "{difference}");
            assert_eq!(other.clock_apart(now), Some(-30 * difference.signum()));
            assert_eq!(right.clock_apart(now), None);
        }
    }

    #[tokio::test]
    async fn a_minute_is_not_worth_speaking_of() {
        let clock = super::Clock::default();
        for (ahead, counts) in [(60, 0), (-60, 0), (61, 61), (-7200, -7200), (3, 0)] {
            clock.set(ahead);
            assert_eq!(clock.ahead(), counts);
        }
    }
}
