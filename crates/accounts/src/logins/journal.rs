//! What was noted and is not written yet, and when what was written is due again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::OK;
use crate::limits;
use crate::standing::Service;

/// A way to come in, or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) login: String,
    pub(crate) service: Service,
    pub(crate) place: String,
    pub(crate) from: IpAddr,
    pub(crate) tls: &'static str,
    pub(crate) mechanism: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) claimed: String,
}

/// A row to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) key: Key,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) times: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Key, Entry>,
    /// A task writes it.
    watched: bool,
}

#[derive(Debug)]
struct Entry {
    first: i64,
    last: i64,
    /// Those that are not written.
    times: i64,
    written: Option<Instant>,
}

impl Entry {
    fn is_due(&self, key: &Key, now: Instant) -> bool {
        self.times > 0 && (key.outcome != OK || !self.rests(now))
    }

    fn rests(&self, now: Instant) -> bool {
        self.written.is_some_and(|written| now.duration_since(written) < limits::LOGIN_RENEWED)
    }
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody writes it yet: somebody has to from now on. Where there are too many, what is new is not noted.
    pub(crate) fn note(&self, key: Key, at: i64, now: Instant) -> bool {
        let mut inner = self.lock();
        if inner.entries.len() >= limits::LOGINS_NOTED && !inner.entries.contains_key(&key) {
            inner.forget(now);
            if inner.entries.len() >= limits::LOGINS_NOTED {
                return false;
            }
        }
        let fresh = Entry { first: at, last: at, times: 0, written: None };
        let entry = inner.entries.entry(key).or_insert(fresh);
        if entry.times == 0 {
            entry.first = at;
        }
        (entry.last, entry.times) = (at, entry.times + 1);
        !std::mem::replace(&mut inner.watched, true)
    }

    /// What is to be written now, in the order of the keys: two who write the same rows must not wait for each other.
    pub(crate) fn due(&self, now: Instant) -> Vec<Due> {
        let mut inner = self.lock();
        let due = inner.take(now, Entry::is_due);
        inner.forget(now);
        due
    }

    /// Everything that is not written.
    pub(crate) fn all(&self) -> Vec<Due> {
        self.lock().take(Instant::now(), |entry, _, _| entry.times > 0)
    }
}

impl Inner {
    fn take(&mut self, now: Instant, wanted: impl Fn(&Entry, &Key, Instant) -> bool) -> Vec<Due> {
        let mut due = Vec::new();
        for (key, entry) in &mut self.entries {
            if wanted(entry, key, now) {
                let Entry { first, last, times, .. } = *entry;
                due.push(Due { key: key.clone(), first, last, times });
                (entry.times, entry.written) = (0, Some(now));
            }
        }
        due.sort_by(|one, other| one.key.cmp(&other.key));
        due
    }

    /// What is written and would be written at once if it came again.
    fn forget(&mut self, now: Instant) {
        self.entries.retain(|key, entry| entry.times > 0 || (key.outcome == OK && entry.rests(now)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(login: &str, outcome: &'static str) -> Key {
        Key {
            login: login.into(),
            service: Service::Pop,
            place: "mx.example.jp:995".into(),
            from: [192, 0, 2, 1].into(),
            tls: "TLSv1.3",
            mechanism: "password",
            outcome,
            hint: "",
            claimed: String::new(),
        }
    }

    #[test]
    fn who_polls_is_written_every_few_minutes_and_a_failure_at_once() {
        let (journal, start) = (Journal::default(), Instant::now());
        assert!(journal.note(key("a", OK), 100, start), "somebody has to write it");
        assert!(!journal.note(key("b", "wrong-secret"), 100, start));
        let due = journal.due(start);
        assert_eq!(
            due.iter().map(|due| (due.key.login.as_str(), due.times)).collect::<Vec<_>>(),
            [("a", 1), ("b", 1)]
        );

        let soon = start + Duration::from_secs(60);
        for at in [160, 161] {
            journal.note(key("a", OK), at, soon);
            journal.note(key("b", "wrong-secret"), at, soon);
        }
        assert_eq!(
            journal.due(soon),
            [Due { key: key("b", "wrong-secret"), first: 160, last: 161, times: 2 }]
        );
        let later = start + limits::LOGIN_RENEWED;
        assert_eq!(journal.due(later), [Due { key: key("a", OK), first: 160, last: 161, times: 2 }]);
        assert_eq!(journal.due(later), []);
        assert_eq!(journal.all(), []);
        journal.due(later + limits::LOGIN_RENEWED);
        assert!(journal.lock().entries.is_empty(), "nobody came again");
    }

    #[test]
    fn it_is_bounded() {
        let (journal, start) = (Journal::default(), Instant::now());
        for login in 0..limits::LOGINS_NOTED + 10 {
            journal.note(key(&login.to_string(), OK), 100, start);
        }
        assert_eq!(journal.lock().entries.len(), limits::LOGINS_NOTED);
        assert_eq!(journal.due(start).len(), limits::LOGINS_NOTED);
        // Room comes with time.
        assert!(!journal.note(key("x", "wrong-secret"), 100, start + limits::LOGIN_RENEWED));
        assert_eq!(journal.due(start + limits::LOGIN_RENEWED).len(), 1);
    }
}
