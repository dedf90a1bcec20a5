//! What the database has on those who logged in lately, on those who got mail, on how much somebody may send, and on domains that are
//! not ours, as long as it has not changed: a client that polls costs it no question, nor does a message for who had one before, nor one
//! on its way through.
//!
//! An answer is given again only when the database says, at that moment, that nobody committed anything since it was asked; or, where
//! somebody did, that it was no change of accounts, each of which has a number (the audit log's): daemons themselves write all the time
//! what they note of logins and of what was sent. Where it cannot say so ([`Witness`]), each login and each recipient asks. Only what
//! somebody writes into the tables by hand, which has no number, is not seen before the next change that has one.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::questions::Known;
use crate::resolving::Owner;
use crate::sending::Sending;
use crate::standing::Service;
use crate::witness::{Moment, Witness};
use crate::{Allowance, Shared, limits};

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
    latest: Mutex<Option<AsOf>>,
    pub(crate) logins: Memory<Question, Known>,
    pub(crate) owners: Memory<Address, Owner>,
    /// Domains whose mail is not ours to keep. Strangers can make up any number, so they have a place of their own.
    pub(crate) foreign: Memory<String, ()>,
    /// The limits of accounts, by login, with their plans'.
    pub(crate) sending: Memory<String, Sending<Allowance>>,
}

/// Answers that hold as long as no accounts change.
pub(crate) struct Memory<Q, A>(Mutex<Kept<Q, A>>);

struct Kept<Q, A> {
    epoch: u64,
    known: HashMap<Q, A>,
}

impl Answers {
    pub(crate) fn new(witness: Option<Witness>) -> Self {
        Self {
            witness,
            latest: Mutex::default(),
            logins: Memory::new(),
            owners: Memory::new(),
            foreign: Memory::new(),
            sending: Memory::new(),
        }
    }

    fn latest(&self) -> MutexGuard<'_, Option<AsOf>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At a moment at which, or a little behind which, this was the number of the last change.
    fn renew(&self, moment: Moment, file: u64, change: i64) -> AsOf {
        let mut latest = self.latest();
        let epoch = match *latest {
            None => 1,
            Some(before) => before.epoch + u64::from((before.file, before.change) != (file, change)),
        };
        let as_of = AsOf { moment, file, change, epoch };
        *latest = Some(as_of);
        as_of
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
    /// One more each time that number was another. The number itself may come again: a database can be put back.
    epoch: u64,
}

impl Shared {
    /// As of when a question is asked whose answer is kept, to be asked before the database is: its answer is then of this moment or a
    /// later one. `None` where nothing can be kept.
    pub(crate) async fn as_of(&self) -> Result<Option<AsOf>, sqlx::Error> {
        let file = self.store.readers().current().await?;
        let Some(moment) = self.answers.witness.as_ref().and_then(Witness::now) else { return Ok(None) };
        if let Some(as_of) =
            self.answers.latest().filter(|as_of| (as_of.moment, as_of.file) == (moment, file))
        {
            return Ok(Some(as_of));
        }
        let change = self.newest_change().await?;
        Ok(Some(self.answers.renew(moment, file, change)))
    }
}

impl<Q: Eq + Hash, A: Clone> Memory<Q, A> {
    fn new() -> Self {
        Self(Mutex::new(Kept { epoch: 0, known: HashMap::new() }))
    }

    pub(crate) fn find<K>(&self, as_of: AsOf, question: &K) -> Option<A>
    where
        Q: Borrow<K>,
        K: Eq + Hash + ?Sized,
    {
        let kept = self.kept();
        if kept.epoch == as_of.epoch { kept.known.get(question).cloned() } else { None }
    }

    /// An answer to what was asked then. What is kept may be of later by now, after a change that the answer does not know of.
    pub(crate) fn keep(&self, as_of: AsOf, question: Q, answer: A) {
        let mut kept = self.kept();
        if kept.epoch > as_of.epoch {
            return;
        }
        if kept.epoch < as_of.epoch || kept.known.len() >= limits::KEPT_ANSWERS {
            kept.known.clear();
        }
        kept.epoch = as_of.epoch;
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
        let before = shared.as_of().await.unwrap().unwrap();
        accounts.domain_add("example.com").await.unwrap();
        // Another looked at the same moment, and got the number behind the change.
        let change = shared.newest_change().await.unwrap();
        let renewed = shared.answers.renew(before.moment, before.file, change);
        memory.keep(before, "login", "old");
        assert_eq!(memory.find(renewed, "login"), None);
        let later = shared.as_of().await.unwrap().unwrap();
        assert_eq!(memory.find(later, "login"), None);
        memory.keep(later, "login", "new");
        memory.keep(before, "login", "old");
        assert_eq!(memory.find(later, "login"), Some("new"));
    }

    #[tokio::test]
    async fn what_daemons_note_themselves_ends_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        let config = DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"));
        let accounts = Accounts::create(&config).await.unwrap();
        let (shared, memory) = (&accounts.shared, Memory::new());
        let before = shared.as_of().await.unwrap().unwrap();
        memory.keep(before, "login", "known");
        let mut note = shared.store.begin_plain().await.unwrap();
        sqlx::query("DELETE FROM guess").execute(&mut *note).await.unwrap();
        sqlx::query("INSERT INTO guess (subject, empty_at) VALUES ('a', 1)")
            .execute(&mut *note)
            .await
            .unwrap();
        note.commit().await.unwrap();
        let later = shared.as_of().await.unwrap().unwrap();
        assert_ne!(later, before);
        assert_eq!(memory.find(later, "login"), Some("known"));
        accounts.domain_add("example.com").await.unwrap();
        let changed = shared.as_of().await.unwrap().unwrap();
        assert_eq!(memory.find(changed, "login"), None);
    }
}
