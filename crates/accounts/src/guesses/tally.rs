//! Counts that leak: the part of the budgets that knows nothing of logins. `common.rs` has what all machines count together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// So many at once, and one more each time this long has passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) burst: u32,
    pub(crate) every: Duration,
}

/// Of each key, the moment at which all that was taken has leaked away. A key that never took, or whose moment has passed, is not
/// worth its memory.
#[derive(Debug)]
pub(crate) struct Tally<K> {
    most: usize,
    counts: Mutex<Counts<K>>,
}

#[derive(Debug)]
struct Counts<K> {
    empty_at: HashMap<K, Instant>,
    /// What is only reserved by claims that are being judged: it is part of what was taken.
    reserved: HashMap<K, Reserved>,
}

#[derive(Debug, Default)]
struct Reserved {
    times: u32,
    /// Dropped when one of them is judged, for who waits for that.
    judged: Option<watch::Sender<()>>,
}

/// A key has no more.
#[derive(Debug)]
pub(crate) struct Full<K> {
    pub(crate) key: K,
    /// It is only reserved, for claims of which the next will be judged when this changes or ends.
    pub(crate) judged: Option<watch::Receiver<()>>,
}

impl<K: Copy + Eq + Hash> Tally<K> {
    pub(crate) fn new(most: usize) -> Self {
        let counts = Counts { empty_at: HashMap::new(), reserved: HashMap::new() };
        Self { most, counts: Mutex::new(counts) }
    }

    fn counts(&self) -> MutexGuard<'_, Counts<K>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves one from each of these, or from none: then it is the first that has no more.
    pub(crate) fn reserve(&self, wanted: &[(K, Allowance)], now: Instant) -> Result<(), Full<K>> {
        let mut counts = self.counts();
        let Counts { empty_at, reserved } = &mut *counts;
        let taken = |at: Option<&Instant>| at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let is_full = |taken: Duration, allowance: &Allowance| {
            taken + allowance.every > allowance.every * allowance.burst
        };
        let by_failures = |(key, allowance): &&(K, Allowance)| {
            let only_reserved = reserved.get(key).map_or(0, |reserved| reserved.times);
            is_full(taken(empty_at.get(key)).saturating_sub(allowance.every * only_reserved), allowance)
        };
        if let Some((key, _)) = wanted.iter().find(by_failures) {
            return Err(Full { key: *key, judged: None });
        }
        if let Some((key, _)) =
            wanted.iter().find(|(key, allowance)| is_full(taken(empty_at.get(key)), allowance))
        {
            let judged = reserved
                .get_mut(key)
                .map(|reserved| reserved.judged.get_or_insert_with(|| watch::Sender::new(())).subscribe());
            return Err(Full { key: *key, judged });
        }
        if empty_at.len() + wanted.len() > self.most {
            make_room(empty_at, self.most, Some(now));
        }
        for (key, allowance) in wanted {
            let at = now + taken(empty_at.get(key)) + allowance.every;
            empty_at.insert(*key, at);
            reserved.entry(*key).or_default().times += 1;
        }
        Ok(())
    }

    /// Nothing was taken but what is reserved now, and that is given back or forgotten with the next.
    pub(crate) fn forget(&self) {
        self.counts().empty_at.clear();
    }

    /// What was reserved is taken for good.
    pub(crate) fn take(&self, reserved: &[(K, Allowance)]) {
        let mut counts = self.counts();
        for (key, _) in reserved {
            counts.was_judged(*key);
        }
    }

    /// What was reserved is given back.
    pub(crate) fn give_back(&self, reserved: &[(K, Allowance)]) {
        let mut counts = self.counts();
        for (key, allowance) in reserved {
            if let Some(at) = counts.empty_at.get_mut(key)
                && let Some(earlier) = at.checked_sub(allowance.every)
            {
                *at = earlier;
            }
            counts.was_judged(*key);
        }
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    fn was_judged(&mut self, key: K) {
        if let Entry::Occupied(mut entry) = self.reserved.entry(key) {
            let reserved = entry.get_mut();
            reserved.times = reserved.times.saturating_sub(1);
            reserved.judged = None;
            if reserved.times == 0 {
                entry.remove();
            }
        }
    }
}

/// Forgets at least a quarter: first what is over (has leaked away), then what ends first (those who took least).
pub(super) fn make_room<K: Copy + Eq + Hash>(
    empty_at: &mut HashMap<K, Instant>,
    most: usize,
    over: Option<Instant>,
) {
    empty_at.retain(|_, at| over.is_none_or(|over| *at > over));
    let keep = most - most / 4;
    if empty_at.len() <= keep {
        return;
    }
    let mut moments: Vec<Instant> = empty_at.values().copied().collect();
    let drop = moments.len() - keep;
    let (_, &mut border, _) = moments.select_nth_unstable(drop);
    let mut at_border = keep.saturating_sub(empty_at.values().filter(|at| **at > border).count());
    empty_at.retain(|_, at| {
        *at > border
            || *at == border && {
                let keeps = at_border > 0;
                at_border -= usize::from(keeps);
                keeps
            }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at once, as a wrong claim does when it was judged.
    fn take<K: Copy + Eq + Hash>(tally: &Tally<K>, wanted: &[(K, Allowance)], now: Instant) -> Result<(), K> {
        tally.reserve(wanted, now).map_err(|full| full.key)?;
        tally.take(wanted);
        Ok(())
    }

    const SLOW: Allowance = Allowance { burst: 3, every: Duration::from_secs(60) };

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let (tally, start) = (Tally::new(100), Instant::now());
        let take = |after| take(&tally, &[("a", SLOW)], start + Duration::from_secs(after)).is_ok();
        assert_eq!([take(0), take(0), take(0), take(0), take(59)], [true, true, true, false, false]);
        assert_eq!([take(60), take(61)], [true, false], "one has leaked away");
        assert_eq!([take(3_600), take(3_600), take(3_600), take(3_600)], [true, true, true, false]);
    }

    #[test]
    fn all_or_none() {
        let (tally, now) = (Tally::new(100), Instant::now());
        let once = Allowance { burst: 1, ..SLOW };
        assert_eq!(take(&tally, &[("a", once), ("b", SLOW)], now), Ok(()));
        for _ in 0..10 {
            assert_eq!(take(&tally, &[("b", SLOW), ("a", once)], now), Err("a"));
        }
        assert_eq!(take(&tally, &[("b", SLOW)], now), Ok(()), "what failed took nothing");
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (tally, now) = (Tally::new(100), Instant::now());
        for _ in 0..1_000 {
            assert!(tally.reserve(&[("a", SLOW)], now).is_ok());
            tally.give_back(&[("a", SLOW)]);
        }
    }

    #[test]
    fn it_is_bounded_and_forgets_those_who_took_least() {
        let (tally, now) = (Tally::new(100), Instant::now());
        for _ in 0..3 {
            take(&tally, &[(u32::MAX, SLOW)], now).unwrap();
        }
        for key in 0..10_000 {
            take(&tally, &[(key, SLOW)], now).unwrap();
        }
        assert!(tally.counts().empty_at.len() <= 100);
        assert_eq!(take(&tally, &[(u32::MAX, SLOW)], now), Err(u32::MAX));
    }

    #[test]
    fn what_is_only_reserved_can_be_waited_for_and_failures_cannot() {
        let (tally, now) = (Tally::new(100), Instant::now());
        for _ in 0..3 {
            tally.reserve(&[("a", SLOW)], now).unwrap();
        }
        let waits = || tally.reserve(&[("a", SLOW)], now).unwrap_err().judged.unwrap();
        let (first, second) = (waits(), waits());
        assert!(first.has_changed().is_ok(), "nothing is judged yet");
        tally.take(&[("a", SLOW)]);
        assert!(first.has_changed().is_err() && second.has_changed().is_err(), "all look again");
        let third = waits();
        tally.give_back(&[("a", SLOW)]);
        assert!(third.has_changed().is_err());
        tally.reserve(&[("a", SLOW)], now).unwrap();
        tally.take(&[("a", SLOW)]);
        tally.take(&[("a", SLOW)]);
        assert!(tally.reserve(&[("a", SLOW)], now).unwrap_err().judged.is_none());
        assert!(tally.counts().reserved.is_empty());
    }
}
