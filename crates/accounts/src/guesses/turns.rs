//! Taking turns: where an account's budget at an address it knows is used up, passwords are still compared with the one that is
//! remembered, one after the other at a pace. Whoever guesses from there gets no further than that, and does not shut the owner out:
//! turns are given in the order in which they were asked for, and who is right keeps nobody waiting.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::{sleep, timeout};

use super::Name;
use crate::limits;

#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<Pair, Arc<Turn<()>>>>);

/// An account and where it is known.
type Pair = (Name, IpAddr);

impl Turns {
    /// The turn of one claim; nothing where too many are before it.
    pub(super) async fn wait(&self, pair: Pair) -> Option<OwnedMutexGuard<()>> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody waits for these, and nobody has them.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(pair).or_default())
        };
        timeout(limits::COMPARISON_WAITS, turn.lock_owned()).await.ok()
    }
}

/// The password was not the one that is remembered: the next turn comes after a while.
pub(super) fn end_slowly(turn: OwnedMutexGuard<()>) {
    tokio::spawn(async move {
        sleep(limits::COMPARED_EVERY).await;
        drop(turn);
    });
}
