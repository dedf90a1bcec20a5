//! A set that is bounded in number and in time.

use std::collections::HashSet;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was seen lately. An item is forgotten between `age` and twice `age` after it was last seen, and earlier only when there are
/// more of them than the set holds: then the longest unseen half goes.
///
/// Two sets take turns, so that nothing is ever searched for what is old.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    age: Duration,
    most: usize,
    turns: Mutex<Turns<T>>,
}

#[derive(Debug)]
struct Turns<T> {
    young: HashSet<T>,
    old: HashSet<T>,
    since: Instant,
}

impl<T: Copy + Eq + Hash> Recent<T> {
    pub(crate) fn new(age: Duration, most: usize, now: Instant) -> Self {
        let turns = Turns { young: HashSet::new(), old: HashSet::new(), since: now };
        Self { age, most, turns: Mutex::new(turns) }
    }

    /// Whether the item was seen lately; if so, it is seen again by this.
    pub(crate) fn knows(&self, item: T, now: Instant) -> bool {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn(&mut turns, now);
        if turns.young.contains(&item) {
            return true;
        }
        let known = turns.old.contains(&item);
        if known {
            turns.young.insert(item);
        }
        known
    }

    pub(crate) fn learn(&self, item: T, now: Instant) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn(&mut turns, now);
        turns.young.insert(item);
    }

    fn turn(&self, turns: &mut Turns<T>, now: Instant) {
        let passed = now.saturating_duration_since(turns.since);
        if passed < self.age && turns.young.len() < self.most / 2 {
            return;
        }
        turns.old = mem::take(&mut turns.young);
        if passed >= self.age * 2 {
            turns.old.clear();
        }
        turns.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_seen_stays_and_what_is_not_goes() {
        let start = Instant::now();
        let recent = Recent::new(AGE, 100, start);
        recent.learn("seen", start);
        recent.learn("unseen", start);
        for minute in 1..=3 {
            assert!(recent.knows("seen", start + AGE * minute), "{minute}");
        }
        assert!(!recent.knows("unseen", start + AGE * 3));
        assert!(!recent.knows("seen", start + AGE * 5), "nobody came for two ages");
    }

    #[test]
    fn it_is_bounded() {
        let start = Instant::now();
        let recent = Recent::new(AGE, 100, start);
        for item in 0..100_000 {
            recent.learn(item, start);
        }
        let turns = recent.turns.lock().unwrap();
        assert!(turns.young.len() + turns.old.len() <= 100);
        assert!(turns.young.contains(&99_999));
    }
}
