//! What the database has on those who logged in lately, as long as it has not changed: a client that polls costs it no question.
//!
//! This weakens nothing: an answer is given again only when the database says, at that moment, that nobody committed anything since it
//! was asked. Where it cannot say so ([`Witness`]), each login asks.

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

/// Answers of one moment.
#[derive(Default)]
struct Kept {
    moment: Option<Moment>,
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

    pub(crate) fn find(&self, now: Moment, question: &Question) -> Option<Known> {
        self.at(now).known.get(question).cloned()
    }

    pub(crate) fn keep(&self, asked: Moment, question: Question, answer: Known) {
        let mut kept = self.at(asked);
        if kept.known.len() >= limits::KEPT_ANSWERS {
            kept.known.clear();
        }
        kept.known.insert(question, answer);
    }

    /// What is kept of a moment; what is of another is forgotten.
    fn at(&self, moment: Moment) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.moment != Some(moment) {
            kept.known.clear();
            kept.moment = Some(moment);
        }
        kept
    }
}
