//! When a message is tried again: a pure function of its age.

use std::time::Duration;

use mail_queue::QueueId;

/// The times of the queue. RFC 5321 §4.5.4.1: half an hour between tries at least, four or five days in all; most today begin sooner,
/// since a greylisting host lets a message in after some minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The pause behind the first try; each further one is twice as long.
    pub minimal_backoff: Duration,
    /// No pause is longer.
    pub maximal_backoff: Duration,
    /// How long a message is tried.
    pub queue_lifetime: Duration,
    /// How long a message without a sender, such as a report, is tried.
    pub bounce_lifetime: Duration,
    /// The sender is told, once, of a message that waits for so long.
    pub delay_warning: Option<Duration>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            minimal_backoff: Duration::from_secs(5 * 60),
            maximal_backoff: Duration::from_secs(4000),
            queue_lifetime: Duration::from_secs(5 * 24 * 3600),
            bounce_lifetime: Duration::from_secs(5 * 24 * 3600),
            delay_warning: Some(Duration::from_secs(4 * 3600)),
        }
    }
}

impl Schedule {
    /// When a message that has been tried `attempts` times is tried next; `None` if its time is over. Times are seconds since 1970.
    ///
    /// The last try is at the end of its lifetime, whatever the pauses were.
    pub fn next(&self, id: QueueId, is_report: bool, attempts: u32, now: u64) -> Option<u64> {
        let end = self.end(id, is_report);
        (now < end).then(|| now.saturating_add(self.pause(id, attempts)).min(end))
    }

    /// When its time is over.
    pub fn end(&self, id: QueueId, is_report: bool) -> u64 {
        let lifetime = if is_report { self.bounce_lifetime } else { self.queue_lifetime };
        arrived(id).saturating_add(lifetime.as_secs())
    }

    /// When its sender is to be told that it waits.
    pub fn warning(&self, id: QueueId) -> Option<u64> {
        self.delay_warning.map(|after| arrived(id).saturating_add(after.as_secs()))
    }

    /// Seconds from one try to the next: twice as long each time, and up to a quarter more, so that messages that came together do
    /// not come back together. The id says how much: the same whenever it is asked.
    fn pause(&self, id: QueueId, attempts: u32) -> u64 {
        let doubled = 1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
        let pause = self.minimal_backoff.as_secs().max(1).saturating_mul(doubled);
        let jitter = mix(id.micros() ^ u64::from(attempts)) % (pause / 4 + 1).max(1);
        pause.saturating_add(jitter).min(self.maximal_backoff.as_secs().max(1))
    }

    /// Seconds before a host or a domain that could not be reached `failures` times in a row is asked again.
    pub fn dead_for(&self, failures: u32) -> u64 {
        let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
        self.minimal_backoff
            .as_secs()
            .max(1)
            .saturating_mul(doubled)
            .min(self.maximal_backoff.as_secs().max(1))
    }
}

/// When a message came: seconds since 1970.
pub(crate) fn arrived(id: QueueId) -> u64 {
    id.micros() / 1_000_000
}

/// Spreads near numbers far (the finaliser of SplitMix64).
pub(crate) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every try of a message that nobody takes, in seconds after it came.
    fn tries(schedule: &Schedule, id: QueueId, is_report: bool) -> Vec<u64> {
        let (mut now, mut tries) = (arrived(id), vec![0]);
        while let Some(next) = schedule.next(id, is_report, tries.len() as u32, now) {
            assert!(next > now);
            now = next;
            tries.push(now - arrived(id));
        }
        tries
    }

    #[test]
    fn o_01_pauses_grow_to_the_longest_and_the_last_try_is_at_the_end() {
        let (schedule, id) = (Schedule::default(), QueueId::new());
        let tries = tries(&schedule, id, false);
        let pauses: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!((300..=375).contains(&pauses[0]), "{pauses:?}");
        assert!((600..=750).contains(&pauses[1]), "{pauses:?}");
        assert!(pauses[4..pauses.len() - 1].iter().all(|pause| *pause == 4000), "{pauses:?}");
        assert_eq!(*tries.last().unwrap(), 5 * 24 * 3600);
        assert_eq!(super::Schedule::default().next(id, false, 1, schedule.end(id, false)), None);
    }

    #[test]
    fn reports_have_a_lifetime_of_their_own() {
        let schedule = Schedule { bounce_lifetime: Duration::from_secs(3600), ..Schedule::default() };
        assert_eq!(*tries(&schedule, QueueId::new(), true).last().unwrap(), 3600);
    }

    #[test]
    fn messages_that_came_together_spread() {
        let schedule = Schedule::default();
        let ids: Vec<QueueId> = (0..100).map(|_| QueueId::new()).collect();
        let mut pauses: Vec<u64> = ids.iter().map(|id| schedule.pause(*id, 1)).collect();
        assert_eq!(
            pauses,
            ids.iter().map(|id| schedule.pause(*id, 1)).collect::<Vec<_>>(),
            "a pure function"
        );
        pauses.sort_unstable();
        pauses.dedup();
        assert!(pauses.len() > 30, "{pauses:?}");
    }

    #[test]
    fn no_number_overflows() {
        let schedule = Schedule {
            minimal_backoff: Duration::MAX,
            maximal_backoff: Duration::MAX,
            queue_lifetime: Duration::MAX,
            ..Schedule::default()
        };
        let id = QueueId::new();
        for attempts in [0, 1, 64, u32::MAX] {
            assert!(schedule.next(id, false, attempts, arrived(id)).is_some());
            assert!(schedule.dead_for(attempts) > 0);
        }
    }
}
