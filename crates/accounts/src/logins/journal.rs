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
    /// When those that came again in the same way were written.
    renewed: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    first: i64,
    last: i64,
    /// Those that are not written.
    times: i64,
    /// The way is in the database.
    written: bool,
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody writes it yet: somebody has to from now on. Where there are too many, what is new is not noted.
    pub(crate) fn note(&self, key: Key, at: i64) -> bool {
        let mut inner = self.lock();
        if inner.entries.len() >= limits::LOGINS_NOTED && !inner.entries.contains_key(&key) {
            inner.forget();
            if inner.entries.len() >= limits::LOGINS_NOTED {
                return false;
            }
        }
        let fresh = Entry { first: at, last: at, times: 0, written: false };
        let entry = inner.entries.entry(key).or_insert(fresh);
        if entry.times == 0 {
            entry.first = at;
        }
        (entry.last, entry.times) = (at, entry.times + 1);
        !std::mem::replace(&mut inner.watched, true)
    }

    /// What is to be written now, in the order of the keys: two who write the same rows must not wait for each other.
    ///
    /// A failure and a new way are due at once. Those who come again are due all at the same time, now and then: between these times the
    /// database stays as it is, and what is known of it holds ([`crate::answers`]).
    pub(crate) fn due(&self, now: Instant) -> Vec<Due> {
        let mut inner = self.lock();
        let since = *inner.renewed.get_or_insert(now);
        let renews = now.duration_since(since) >= limits::LOGINS_RENEWED;
        if renews {
            inner.renewed = Some(now);
            // Who did not come for a whole while is new when it comes again.
            inner.forget();
        }
        let due = inner.take(|entry, key| renews || key.outcome != OK || !entry.written);
        inner.entries.retain(|key, entry| entry.times > 0 || key.outcome == OK);
        due
    }

    /// Everything that is not written.
    pub(crate) fn all(&self) -> Vec<Due> {
        self.lock().take(|_, _| true)
    }
}

impl Inner {
    fn take(&mut self, wanted: impl Fn(&Entry, &Key) -> bool) -> Vec<Due> {
        let mut due = Vec::new();
        for (key, entry) in &mut self.entries {
            if entry.times > 0 && wanted(entry, key) {
                let Entry { first, last, times, .. } = *entry;
                due.push(Due { key: key.clone(), first, last, times });
                (entry.times, entry.written) = (0, true);
            }
        }
        due.sort_by(|one, other| one.key.cmp(&other.key));
        due
    }

    /// What is written.
    fn forget(&mut self) {
        self.entries.retain(|_, entry| entry.times > 0);
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
    fn who_polls_is_written_now_and_then_and_a_failure_at_once() {
        let (journal, start) = (Journal::default(), Instant::now());
        assert!(journal.note(key("a", OK), 100), "somebody has to write it");
        assert!(!journal.note(key("b", "wrong-secret"), 100));
        let due = journal.due(start);
        let shown: Vec<_> = due.iter().map(|due| (due.key.login.as_str(), due.times)).collect();
        assert_eq!(shown, [("a", 1), ("b", 1)]);

        for at in [160, 161] {
            journal.note(key("a", OK), at);
            journal.note(key("b", "wrong-secret"), at);
        }
        journal.note(key("c", OK), 161);
        let of = |login: &str, outcome, first| Due {
            key: key(login, outcome),
            first,
            last: 161,
            times: if login == "c" { 1 } else { 2 },
        };
        let soon = start + Duration::from_secs(60);
        assert_eq!(journal.due(soon), [of("b", "wrong-secret", 160), of("c", OK, 161)]);
        assert_eq!(journal.due(soon), []);
        let later = start + limits::LOGINS_RENEWED;
        assert_eq!(journal.due(later), [of("a", OK, 160)]);
        assert_eq!(journal.due(later), []);
        assert_eq!(journal.all(), []);
        journal.due(later + limits::LOGINS_RENEWED);
        assert!(journal.lock().entries.is_empty(), "nobody came again");
    }

    #[test]
    fn it_is_bounded() {
        let (journal, start) = (Journal::default(), Instant::now());
        for login in 0..limits::LOGINS_NOTED + 10 {
            journal.note(key(&login.to_string(), OK), 100);
        }
        assert_eq!(journal.lock().entries.len(), limits::LOGINS_NOTED);
        assert_eq!(journal.due(start).len(), limits::LOGINS_NOTED);
        // What is written makes room.
        assert!(!journal.note(key("x", "wrong-secret"), 100));
        assert_eq!(journal.due(start).len(), 1);
    }
}
