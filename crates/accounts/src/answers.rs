//! What the database has on those who logged in lately, and on those who got mail, as long as it has not changed: a client that polls
//! costs it no question, nor does a message for who had one before.
//!
//! An answer is given again only when the database says, at that moment, that nobody committed anything since it was asked; or, where
//! somebody did, that it was no change of accounts, each of which has a number (the audit log's): daemons themselves write all the time
//! what they note of logins and of what was sent. Where it cannot say so ([`Witness`]), each login and each recipient asks. Only what
//! somebody writes into the tables by hand, which has no number, is not seen before the next change that has one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::questions::Known;
use crate::resolving::Owner;
use crate::standing::Service;
use crate::witness::{Moment, Witness};
use crate::{Shared, limits};

/// What is asked at a login.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) login: String,
    /// Of the credential.
    pub(crate) kind: &'static str,
    pub(crate) service: Service,
}

/// An address: local part and domain.
pub(crate) type Address = (String, String);

pub(crate) struct Answers {
    witness: Option<Witness>,
    pub(crate) logins: Memory<Question, Known>,
    pub(crate) owners: Memory<Address, Owner>,
}

/// Answers that hold at one moment.
pub(crate) struct Memory<Q, A>(Mutex<Kept<Q, A>>);

struct Kept<Q, A> {
    as_of: Option<AsOf>,
    known: HashMap<Q, A>,
}

impl Answers {
    pub(crate) fn new(witness: Option<Witness>) -> Self {
        Self { witness, logins: Memory::new(), owners: Memory::new() }
    }
}

/// As of when something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AsOf {
    moment: Moment,
    /// Which file says so: the changes of another are not to be compared with it.
    file: u64,
    /// The number of the last change of accounts, at that moment or behind it.
    change: i64,
}

impl Shared {
    /// As of when a question is asked whose answers are kept, to be asked before the database is: its answer is then of this moment or a
    /// later one. `None` where nothing can be kept.
    pub(crate) async fn as_of<Q: Eq + Hash, A: Clone>(
        &self,
        memory: &Memory<Q, A>,
    ) -> Result<Option<AsOf>, sqlx::Error> {
        let file = self.store.readers().current().await?;
        let Some(moment) = self.answers.witness.as_ref().and_then(Witness::now) else { return Ok(None) };
        if let Some(as_of) = memory.of(moment, file) {
            return Ok(Some(as_of));
        }
        let as_of = AsOf { moment, file, change: self.newest_change().await? };
        memory.renew(as_of);
        Ok(Some(as_of))
    }
}

impl<Q: Eq + Hash, A: Clone> Memory<Q, A> {
    fn new() -> Self {
        Self(Mutex::new(Kept { as_of: None, known: HashMap::new() }))
    }

    fn of(&self, moment: Moment, file: u64) -> Option<AsOf> {
        self.kept().as_of.filter(|as_of| (as_of.moment, as_of.file) == (moment, file))
    }

    /// What is kept still holds if no accounts changed since.
    fn renew(&self, as_of: AsOf) {
        let mut kept = self.kept();
        if kept.as_of.is_some_and(|before| (before.file, before.change) != (as_of.file, as_of.change)) {
            kept.known.clear();
        }
        kept.as_of = Some(as_of);
    }

    pub(crate) fn find(&self, as_of: AsOf, question: &Q) -> Option<A> {
        let kept = self.kept();
        (kept.as_of == Some(as_of)).then(|| kept.known.get(question).cloned()).flatten()
    }

    /// An answer to what was asked then. What is kept may be of later by now, after a change that the answer does not know of.
    pub(crate) fn keep(&self, as_of: AsOf, question: Q, answer: A) {
        let mut kept = self.kept();
        if kept.as_of != Some(as_of) {
            return;
        }
        if kept.known.len() >= limits::KEPT_ANSWERS {
            kept.known.clear();
        }
        kept.known.insert(question, answer);
    }

    fn kept(&self) -> MutexGuard<'_, Kept<Q, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Accounts, DatabaseConfig};

    #[tokio::test]
    async fn an_answer_from_before_a_change_is_not_kept_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let config = DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"));
        let accounts = Accounts::create(&config).await.unwrap();
        accounts.domain_add("example.jp").await.unwrap();
        let (shared, memory) = (&accounts.shared, Memory::new());
        let before = shared.as_of(&memory).await.unwrap().unwrap();
        accounts.domain_add("example.com").await.unwrap();
        // Another looked at the same moment, and got the number behind the change.
        memory.renew(AsOf { change: shared.newest_change().await.unwrap(), ..before });
        memory.keep(before, "login", "old");
        let later = shared.as_of(&memory).await.unwrap().unwrap();
        assert_eq!(memory.find(later, &"login"), None);
    }

    #[tokio::test]
    async fn what_daemons_note_themselves_ends_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        let config = DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"));
        let accounts = Accounts::create(&config).await.unwrap();
        let (shared, memory) = (&accounts.shared, Memory::new());
        let before = shared.as_of(&memory).await.unwrap().unwrap();
        memory.keep(before, "login", "known");
        let mut note = shared.store.begin_plain().await.unwrap();
        sqlx::query("DELETE FROM guess").execute(&mut *note).await.unwrap();
        sqlx::query("INSERT INTO guess (subject, empty_at) VALUES ('a', 1)")
            .execute(&mut *note)
            .await
            .unwrap();
        note.commit().await.unwrap();
        let later = shared.as_of(&memory).await.unwrap().unwrap();
        assert_ne!(later, before);
        assert_eq!(memory.find(later, &"login"), Some("known"));
        accounts.domain_add("example.com").await.unwrap();
        let changed = shared.as_of(&memory).await.unwrap().unwrap();
        assert_eq!(memory.find(changed, &"login"), None);
    }
}
