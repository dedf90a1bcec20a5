//! LOGIN-DELAY (RFC 2449 §6.5): how often an account may log in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use accounts::AccountId;

use crate::limits;

/// When each account logged in last, in this process.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    delay: Duration,
    last: Mutex<HashMap<AccountId, Instant>>,
}

impl Pace {
    pub(crate) fn new(delay: Duration) -> Self {
        Self { delay, last: Mutex::default() }
    }

    /// Whether it is time; if so, it is counted from now.
    pub(crate) fn admit(&self, account: AccountId, now: Instant) -> bool {
        if self.delay.is_zero() {
            return true;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |since: &Instant| now.saturating_duration_since(*since) >= self.delay;
        if !last.get(&account).is_none_or(over) {
            return false;
        }
        if last.len() >= limits::REMEMBERED_LOGINS {
            last.retain(|_, since| !over(since));
        }
        last.insert(account, now);
        true
    }

    /// The login came to nothing: it does not count.
    pub(crate) fn forget(&self, account: AccountId) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(&account);
    }
}
