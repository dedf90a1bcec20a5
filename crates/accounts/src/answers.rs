//! What the database has on those who logged in lately, and on those who got mail, as long as it has not changed: a client that polls
//! costs it no question, nor does a message for who had one before.
//!
//! This weakens nothing: an answer is given again only when the database says, at that moment, that nobody committed anything since it
//! was asked. Where it cannot say so ([`Witness`]), each login and each recipient asks.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits;
use crate::questions::Known;
use crate::resolving::Owner;
use crate::standing::Service;
use crate::witness::{Moment, Witness};

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

/// Answers of one moment.
pub(crate) struct Memory<Q, A>(Mutex<Kept<Q, A>>);

struct Kept<Q, A> {
    moment: Option<Moment>,
    known: HashMap<Q, A>,
}

impl Answers {
    pub(crate) fn new(witness: Option<Witness>) -> Self {
        Self { witness, logins: Memory::new(), owners: Memory::new() }
    }

    /// To be asked before the database is: its answer is then of this moment or a later one.
    pub(crate) fn now(&self) -> Option<Moment> {
        self.witness.as_ref()?.now()
    }
}

impl<Q: Eq + Hash, A: Clone> Memory<Q, A> {
    fn new() -> Self {
        Self(Mutex::new(Kept { moment: None, known: HashMap::new() }))
    }

    pub(crate) fn find(&self, now: Moment, question: &Q) -> Option<A> {
        self.at(now).known.get(question).cloned()
    }

    pub(crate) fn keep(&self, asked: Moment, question: Q, answer: A) {
        let mut kept = self.at(asked);
        if kept.known.len() >= limits::KEPT_ANSWERS {
            kept.known.clear();
        }
        kept.known.insert(question, answer);
    }

    /// What is kept of a moment; what is of another is forgotten.
    fn at(&self, moment: Moment) -> MutexGuard<'_, Kept<Q, A>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.moment != Some(moment) {
            kept.known.clear();
            kept.moment = Some(moment);
        }
        kept
    }
}
