//! What the database has on those who logged in lately, and on those who got mail, as long as it has not changed: a client that polls
//! costs it no question, nor does a message for who had one before.
//!
//! This weakens nothing: an answer is given again only when the database says, at that moment, that nobody committed anything since it
//! was asked; or, where somebody did, that it was no change of accounts, each of which has a number (the audit log's): daemons
//! themselves write all the time what they note of logins and of what was sent. Where it cannot say so ([`Witness`]), each login and each
//! recipient asks.

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
    moment: Option<Moment>,
    /// The number of the last change of accounts before it.
    change: i64,
    known: HashMap<Q, A>,
}

impl Answers {
    pub(crate) fn new(witness: Option<Witness>) -> Self {
        Self { witness, logins: Memory::new(), owners: Memory::new() }
    }
}

impl Shared {
    /// The moment at which a question is asked whose answers are kept, to be asked before the database is: its answer is then of this
    /// moment or a later one. `None` where nothing can be kept.
    pub(crate) async fn moment<Q: Eq + Hash, A: Clone>(
        &self,
        memory: &Memory<Q, A>,
    ) -> Result<Option<Moment>, sqlx::Error> {
        let Some(now) = self.answers.witness.as_ref().and_then(Witness::now) else { return Ok(None) };
        if !memory.is_of(now) {
            memory.renew(now, self.newest_change().await?);
        }
        Ok(Some(now))
    }
}

impl<Q: Eq + Hash, A: Clone> Memory<Q, A> {
    fn new() -> Self {
        Self(Mutex::new(Kept { moment: None, change: 0, known: HashMap::new() }))
    }

    fn is_of(&self, now: Moment) -> bool {
        self.kept().moment == Some(now)
    }

    /// At a moment, or after it, `change` was the last one of accounts: what is kept still holds if it was the last one before, too.
    fn renew(&self, now: Moment, change: i64) {
        let mut kept = self.kept();
        if kept.change != change {
            kept.known.clear();
            kept.change = change;
        }
        kept.moment = Some(now);
    }

    pub(crate) fn find(&self, now: Moment, question: &Q) -> Option<A> {
        let kept = self.kept();
        (kept.moment == Some(now)).then(|| kept.known.get(question).cloned()).flatten()
    }

    /// An answer to what was asked at a moment, unless it is of another already.
    pub(crate) fn keep(&self, asked: Moment, question: Q, answer: A) {
        let mut kept = self.kept();
        if kept.moment != Some(asked) {
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
