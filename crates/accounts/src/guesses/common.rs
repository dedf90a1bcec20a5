//! What all processes on one database count together, and where accounts are known.
//!
//! It is asked before a claim costs a hash, in one question, and when this process by itself would not look at a claim. It is written
//! when a claim was wrong, and when an account logs in from where it was not lately: what comes within a tenth of a second is one
//! transaction. A wrong claim is answered when it is written, so that whoever guesses at the next machine is counted there; of those that
//! are judged at the same moment elsewhere nothing is known yet.
//!
//! A database that is slow or away makes no login wrong: the count of this process holds alone until it is back.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{sleep, timeout, timeout_at};

use super::{Admitted, Allowance, Budget, Full, Guesses, Key, place, prefix, turns};
use crate::error::Unavailable;
use crate::readers::in_time;
use crate::store::now;
use crate::{AccountId, Shared, limits, sql};

/// What has to be written.
#[derive(Default)]
pub(crate) struct Common {
    pending: Mutex<Pending>,
    /// The number of the last batch that was written, or could not be.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct Pending {
    /// By subject, so that all processes take their rows in one order.
    taken: BTreeMap<String, (u32, Allowance)>,
    known: BTreeSet<(AccountId, String)>,
    /// The number of the batch that these will be.
    batch: u64,
    writing: bool,
    cleaned: Option<Instant>,
}

impl Common {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the database says to a claim before it is judged.
enum Looked {
    /// It was not asked.
    NotYet,
    /// It does not answer.
    Failed,
    /// When the account was last seen there, if it is known there.
    At(Option<i64>),
}

/// A claim that is being judged. One that nobody waits for any more counts as wrong.
pub(crate) struct Visit<'s> {
    shared: &'s Arc<Shared>,
    claimed: &'s str,
    from: IpAddr,
    admitted: Admitted,
    looked: Looked,
    settled: bool,
}

impl<'s> Visit<'s> {
    /// Lets a claim through to be judged, or says which budget has no more.
    pub(crate) async fn begin(
        shared: &'s Arc<Shared>,
        claimed: &'s str,
        from: IpAddr,
    ) -> Result<Self, Budget> {
        let from = from.to_canonical();
        let (until, mut asked) = (tokio::time::Instant::now() + limits::CLAIM_WAITS, false);
        let admitted = loop {
            let full = match shared.guesses.admit(claimed, from, Instant::now()) {
                Ok(admitted) => break admitted,
                Err(full) => full,
            };
            // The owner may have been elsewhere so far; whoever guesses from there as well has its own budget.
            if full.key.budget() != Budget::Known && !asked {
                asked = true;
                if shared.is_known(claimed, from).await {
                    shared.guesses.learn(claimed, from, Instant::now());
                    continue;
                }
            }
            full.wait(until).await?;
        };
        Ok(Self { shared, claimed, from, admitted, looked: Looked::NotYet, settled: false })
    }

    /// Whether all machines together have some of the budgets left, asked before the claim costs a hash.
    pub(crate) async fn look(&mut self, account: AccountId) -> Result<(), Budget> {
        let rows = match self.shared.standing(self.claimed, self.from, account).await {
            Ok(rows) => rows,
            Err(_) => {
                self.looked = Looked::Failed;
                return Ok(());
            }
        };
        let row = |subject: &str| rows.iter().find(|(name, _)| name == subject).map(|(_, value)| *value);
        let seen_at = row(sql::KNOWN_HERE);
        self.looked = Looked::At(seen_at);
        let guesses = &self.shared.guesses;
        if seen_at.is_some() && guesses.known.noted(self.admitted.pair, Instant::now()).is_none() {
            guesses.learn(self.claimed, self.from, Instant::now());
            guesses.was_not_judged(&mut self.admitted);
            let until = tokio::time::Instant::now() + limits::CLAIM_WAITS;
            self.admitted = loop {
                match guesses.admit_known(self.admitted.pair, Instant::now()) {
                    Ok(admitted) => break admitted,
                    Err(full) => full.wait(until).await?,
                }
            };
        }
        let now = now();
        let used_up = |(key, allowance): &&(Key, Allowance)| {
            let row = row(&subject(*key, self.claimed));
            row.is_some_and(|empty_at| used_up_until(empty_at, now, *allowance).is_some())
        };
        match self.admitted.took.iter().find(used_up) {
            Some((key, _)) => Err(key.budget()),
            None => Ok(()),
        }
    }

    /// The claim was true.
    pub(crate) fn was_true(mut self, account: AccountId) {
        self.settled = true;
        let noted = self.shared.guesses.was_true(&mut self.admitted, Instant::now());
        let lately = |seen_at: i64| now() - seen_at < seconds(limits::KNOWN_NOTED_EVERY);
        let write = match (noted, &self.looked) {
            (Some(noted), _) if noted < limits::KNOWN_NOTED_EVERY => false,
            (_, Looked::At(Some(seen_at))) => !lately(*seen_at),
            // Remembered as good, so it was noted when it was not.
            (None, Looked::NotYet) => false,
            _ => true,
        };
        if write {
            let place = place(self.from).to_string();
            self.shared.common.pending().known.insert((account, place));
            write_soon(self.shared);
        }
    }

    /// Whether the account is known to come from there: a remembered password of its is no guess.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.admitted.took.as_slice(), [(Key::Known(..), _)])
    }

    /// The machines together have no more. This one does not give back what it took: a guesser would be told for nothing that a password
    /// is not the one that is remembered.
    pub(crate) fn was_deferred(mut self) {
        self.settled = true;
        self.shared.guesses.was_wrong(&mut self.admitted);
    }

    /// The claim could not be judged.
    pub(crate) fn was_not_judged(mut self) {
        self.settled = true;
        self.shared.guesses.was_not_judged(&mut self.admitted);
    }

    /// The claim was wrong. Back when all machines can know it, or the database takes too long.
    pub(crate) async fn was_wrong(mut self) {
        self.settled = true;
        let mut written = self.shared.common.written.subscribe();
        let batch = self.count();
        let _ = timeout(limits::GUESS_WRITTEN_IN, written.wait_for(|written| *written > batch)).await;
    }

    /// The batch in which it will be written.
    fn count(&mut self) -> u64 {
        let mut pending = self.shared.common.pending();
        for (key, allowance) in &self.admitted.took {
            let taken = pending.taken.entry(subject(*key, self.claimed)).or_insert((0, *allowance));
            taken.0 = taken.0.saturating_add(1);
        }
        let batch = pending.batch;
        drop(pending);
        self.shared.guesses.was_wrong(&mut self.admitted);
        // Who lifts what was counted tells it by a change.
        self.shared.follow_changes(None);
        write_soon(self.shared);
        batch
    }
}

impl Full<Key> {
    /// Until a claim was judged, where nothing else stands in the way.
    async fn wait(self, until: tokio::time::Instant) -> Result<(), Budget> {
        let Some(mut judged) = self.judged else { return Err(self.key.budget()) };
        // An error says the same: somebody was judged.
        timeout_at(until, judged.changed()).await.map(drop).map_err(|_| Budget::Busy)
    }
}

impl Guesses {
    /// Whether a claim from a known address that has no more comes true by what is remembered, in its turn: `compare` says it.
    pub(crate) async fn in_turn<T, E>(
        &self,
        claimed: &str,
        from: IpAddr,
        compare: impl Future<Output = Result<Option<T>, E>>,
    ) -> Result<Option<T>, E> {
        let pair = (self.names.hash_one(claimed), place(from.to_canonical()));
        let Some(turn) = self.turns.wait(pair).await else { return Ok(None) };
        let compared = compare.await;
        if !matches!(compared, Ok(Some(_))) {
            turns::end_slowly(turn);
        }
        compared
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.count();
        }
    }
}

/// Begins to write, unless somebody writes already.
fn write_soon(shared: &Arc<Shared>) {
    let Ok(runtime) = Handle::try_current() else { return };
    let mut pending = shared.common.pending();
    if !pending.writing {
        pending.writing = true;
        runtime.spawn(write(Arc::clone(shared)));
    }
}

/// Until there is nothing more.
async fn write(shared: Arc<Shared>) {
    loop {
        sleep(limits::GUESSES_GATHERED_FOR).await;
        let (taken, known, batch, clean) = {
            let mut pending = shared.common.pending();
            if pending.taken.is_empty() && pending.known.is_empty() {
                pending.writing = false;
                return;
            }
            let clean = pending.cleaned.is_none_or(|cleaned| cleaned.elapsed() >= limits::CLEAN_EVERY);
            if clean {
                pending.cleaned = Some(Instant::now());
            }
            pending.batch += 1;
            (std::mem::take(&mut pending.taken), std::mem::take(&mut pending.known), pending.batch, clean)
        };
        // What cannot be written now is known to this process alone.
        if !taken.is_empty() {
            let _ = shared.write_taken(taken).await;
        }
        if !known.is_empty() {
            let _ = shared.write_known(known).await;
        }
        shared.common.written.send_replace(batch);
        if clean {
            let _ = shared.clean().await;
        }
    }
}

impl Shared {
    /// Whether an account has logged in from there, by any machine; not, where that cannot be asked.
    async fn is_known(&self, claimed: &str, from: IpAddr) -> bool {
        let found: Result<Option<i64>, _> = sqlx::query_scalar(sql::IS_KNOWN)
            .bind(claimed)
            .bind(place(from).to_string())
            .bind(now() - seconds(limits::KNOWN_FOR))
            .fetch_optional(self.store.readers())
            .await;
        matches!(found, Ok(Some(_)))
    }

    async fn standing(
        &self,
        claimed: &str,
        from: IpAddr,
        account: AccountId,
    ) -> Result<Vec<(String, i64)>, sqlx::Error> {
        let of = |key| subject(key, claimed);
        let place = place(from);
        sqlx::query_as(sql::STANDING)
            .bind(account.get())
            .bind(place.to_string())
            .bind(now() - seconds(limits::KNOWN_FOR))
            .bind(of(Key::Address(from)))
            .bind(of(Key::Prefix(prefix(from))))
            .bind(of(Key::Account(0)))
            .bind(of(Key::Known(0, place)))
            .fetch_all(self.store.readers())
            .await
    }

    async fn write_taken(&self, taken: BTreeMap<String, (u32, Allowance)>) -> Result<(), Unavailable> {
        let now = now();
        let mut change = self.store.begin_plain().await?;
        let written = in_time(limits::ANSWER_PATIENCE, async {
            for (subject, (times, allowance)) in taken {
                let (every, full) = in_seconds(allowance, times);
                sqlx::query(sql::TAKE_GUESSES)
                    .bind(subject)
                    .bind(now)
                    .bind(every.min(full))
                    .bind(full)
                    .execute(&mut *change)
                    .await?;
            }
            change.commit().await
        });
        written.await.map_err(Unavailable::when("counting wrong claims"))
    }

    async fn write_known(&self, known: BTreeSet<(AccountId, String)>) -> Result<(), Unavailable> {
        let now = now();
        let mut change = self.store.begin_plain().await?;
        let written = in_time(limits::ANSWER_PATIENCE, async {
            for (account, place) in known {
                let noting = sqlx::query(sql::NOTE_KNOWN).bind(account.get()).bind(place).bind(now);
                noting.execute(&mut *change).await?;
                let bounding = sqlx::query(sql::BOUND_KNOWN).bind(account.get()).bind(limits::KNOWN_PLACES);
                bounding.execute(&mut *change).await?;
            }
            change.commit().await
        });
        written.await.map_err(Unavailable::when("noting where accounts log in"))
    }

    /// Drops what is over, a bounded number at a time.
    async fn clean(&self) -> Result<(), Unavailable> {
        let backend = self.store.backend();
        let ends =
            [(backend.drop_guesses(), now()), (backend.drop_known(), now() - seconds(limits::KNOWN_FOR))];
        for (statement, before) in ends {
            self.store.drop_expired(statement, before, limits::CLEAN_TIMES).await?;
        }
        Ok(())
    }
}

/// The name of a budget's row. What was claimed may be a password in the wrong place: a hash of it stands there.
pub(super) fn subject(key: Key, claimed: &str) -> String {
    let hash = || {
        let hash = digest(&SHA256, format!("yubin guess {claimed}").as_bytes());
        hash.as_ref().iter().take(16).map(|octet| format!("{octet:02x}")).collect::<String>()
    };
    match key {
        Key::Account(_) => format!("account {}", hash()),
        Key::Address(address) => format!("address {address}"),
        Key::Known(_, place) => format!("known {} {place}", hash()),
        Key::Prefix(prefix) => format!("prefix {prefix}"),
    }
}

/// Until when a budget has no more, if it has no more now, by its row.
pub(super) fn used_up_until(empty_at: i64, now: i64, allowance: Allowance) -> Option<i64> {
    let (every, full) = in_seconds(allowance, 1);
    let taken = empty_at - now;
    // What is further ahead than anything can be was written by a clock that was wrong.
    (taken + every > full && taken <= full * 2).then(|| empty_at + every - full)
}

/// For how long so many claims count, and how long all that can be had at once does.
fn in_seconds(allowance: Allowance, times: u32) -> (i64, i64) {
    (seconds(allowance.every.saturating_mul(times)), seconds(allowance.every.saturating_mul(allowance.burst)))
}

pub(super) fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
