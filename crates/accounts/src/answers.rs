//! What the database has on those who logged in lately, as long as it has not changed: a client that polls costs it no question.
//!
//! This weakens nothing: an answer is given again only when the database says, at that moment, that nobody committed anything since it
//! was asked; or, where somebody did, that it was no change of accounts, each of which has a number (the audit log's): daemons
//! themselves write all the time what they note of logins and of what was sent. Where it cannot say so ([`Witness`]), each login asks.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits;
use crate::questions::Known;
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

pub(crate) struct Answers {
    witness: Option<Witness>,
    kept: Mutex<Kept>,
}

/// Answers that hold at one moment.
#[derive(Default)]
struct Kept {
    moment: Option<Moment>,
    /// The number of the last change of accounts before it.
    change: i64,
    known: HashMap<Question, Known>,
}

impl Answers {
    pub(crate) fn new(witness: Option<Witness>) -> Self {
        Self { witness, kept: Mutex::default() }
    }

    /// To be asked before the database is: its answer is then of this moment or a later one.
    pub(crate) fn now(&self) -> Option<Moment> {
        self.witness.as_ref()?.now()
    }

    /// Whether what is kept is of that moment. Where it is not, [`Answers::renew`] may make it so.
    pub(crate) fn are_of(&self, now: Moment) -> bool {
        self.kept().moment == Some(now)
    }

    /// At a moment, or after it, `change` was the last one of accounts: what is kept still holds if it was the last one before, too.
    pub(crate) fn renew(&self, now: Moment, change: i64) {
        let mut kept = self.kept();
        if kept.change != change {
            kept.known.clear();
            kept.change = change;
        }
        kept.moment = Some(now);
    }

    pub(crate) fn find(&self, now: Moment, question: &Question) -> Option<Known> {
        let kept = self.kept();
        (kept.moment == Some(now)).then(|| kept.known.get(question).cloned()).flatten()
    }

    /// An answer to what was asked at a moment, unless it is of another already.
    pub(crate) fn keep(&self, asked: Moment, question: Question, answer: Known) {
        let mut kept = self.kept();
        if kept.moment != Some(asked) {
            return;
        }
        if kept.known.len() >= limits::KEPT_ANSWERS {
            kept.known.clear();
        }
        kept.known.insert(question, answer);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
