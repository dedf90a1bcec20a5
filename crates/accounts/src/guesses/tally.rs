//! Counts that leak: the part of the budgets that knows nothing of logins. `common.rs` has what all machines count together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    empty_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Copy + Eq + Hash> Tally<K> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, empty_at: Mutex::default() }
    }

    /// Takes one from each of these, or from none: then it is the first that has no more.
    pub(crate) fn take(&self, wanted: &[(K, Allowance)], now: Instant) -> Result<(), K> {
        let mut empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = |at: Option<&Instant>| at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        if let Some((key, _)) = wanted.iter().find(|(key, allowance)| {
            taken(empty_at.get(key)) + allowance.every > allowance.every * allowance.burst
        }) {
            return Err(*key);
        }
        if empty_at.len() + wanted.len() > self.most {
            make_room(&mut empty_at, self.most, Some(now));
        }
        for (key, allowance) in wanted {
            let at = now + taken(empty_at.get(key)) + allowance.every;
            empty_at.insert(*key, at);
        }
        Ok(())
    }

    pub(crate) fn give_back(&self, taken: &[(K, Allowance)]) {
        let mut empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, allowance) in taken {
            if let Some(at) = empty_at.get_mut(key)
                && let Some(earlier) = at.checked_sub(allowance.every)
            {
                *at = earlier;
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

    const SLOW: Allowance = Allowance { burst: 3, every: Duration::from_secs(60) };

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let (tally, start) = (Tally::new(100), Instant::now());
        let take = |after| tally.take(&[("a", SLOW)], start + Duration::from_secs(after)).is_ok();
        assert_eq!([take(0), take(0), take(0), take(0), take(59)], [true, true, true, false, false]);
        assert_eq!([take(60), take(61)], [true, false], "one has leaked away");
        assert_eq!([take(3_600), take(3_600), take(3_600), take(3_600)], [true, true, true, false]);
    }

    #[test]
    fn all_or_none() {
        let (tally, now) = (Tally::new(100), Instant::now());
        let once = Allowance { burst: 1, ..SLOW };
        assert_eq!(tally.take(&[("a", once), ("b", SLOW)], now), Ok(()));
        for _ in 0..10 {
            assert_eq!(tally.take(&[("b", SLOW), ("a", once)], now), Err("a"));
        }
        assert_eq!(tally.take(&[("b", SLOW)], now), Ok(()), "what failed took nothing");
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (tally, now) = (Tally::new(100), Instant::now());
        for _ in 0..1_000 {
            assert_eq!(tally.take(&[("a", SLOW)], now), Ok(()));
            tally.give_back(&[("a", SLOW)]);
        }
    }

    #[test]
    fn it_is_bounded_and_forgets_those_who_took_least() {
        let (tally, now) = (Tally::new(100), Instant::now());
        for _ in 0..3 {
            tally.take(&[(u32::MAX, SLOW)], now).unwrap();
        }
        for key in 0..10_000 {
            tally.take(&[(key, SLOW)], now).unwrap();
        }
        assert!(tally.empty_at.lock().unwrap().len() <= 100);
        assert_eq!(tally.take(&[(u32::MAX, SLOW)], now), Err(u32::MAX));
    }
}
