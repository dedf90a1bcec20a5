//! The addresses from which accounts have logged in, as this process knows them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Name, tally};
use crate::limits;

/// Of each pair, when it was last noted in the database, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<(Name, IpAddr), Instant>>);

impl Known {
    /// How long ago it was noted; nothing of one that is not known, or not any more.
    pub(super) fn noted(&self, pair: (Name, IpAddr), now: Instant) -> Option<Duration> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_duration_since(*known.get(&pair)?);
        (age < limits::KNOWN_FOR).then_some(age)
    }

    pub(super) fn note(&self, pair: (Name, IpAddr), now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= limits::KNOWN_ADDRESSES {
            tally::make_room(&mut known, limits::KNOWN_ADDRESSES, now.checked_sub(limits::KNOWN_FOR));
        }
        known.insert(pair, now);
    }
}
