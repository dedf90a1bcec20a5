//! LOGIN-DELAY (RFC 2449 §6.5): how often an account may log in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use accounts::AccountId;

use crate::limits;

/// When each account may log in again, in this process.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    next: Mutex<HashMap<AccountId, Instant>>,
}

impl Pace {
    /// Whether it is time; if so, the account is to come again after `delay` only.
    pub(crate) fn admit(&self, account: AccountId, delay: Duration, now: Instant) -> bool {
        if delay.is_zero() {
            return true;
        }
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        // A delay that was made shorter holds at once.
        if next.get(&account).is_some_and(|next| *next > now && *next <= now + delay) {
            return false;
        }
        if next.len() >= limits::REMEMBERED_LOGINS {
            next.retain(|_, next| *next > now);
        }
        next.insert(account, now + delay);
        true
    }

    /// The login came to nothing: it does not count.
    pub(crate) fn forget(&self, account: AccountId) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).remove(&account);
    }
}
