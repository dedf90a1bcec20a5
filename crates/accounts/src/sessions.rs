//! Live sessions, and the changes that end them.
//!
//! A daemon announces each session of an account ([`Accounts::attend`]); a task follows the changes in the database, whoever makes them
//! and on whichever machine, and ends the sessions that a change ends. It follows by the number of the last change, which is one row:
//! cheap enough to be asked about twice a second, the same on every database, and after an outage it goes on where it was, where a
//! notification would be lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::error::Unavailable;
use crate::questions::Account;
use crate::standing::{LIFTING, READING, SENDING, Service};
use crate::{AccountId, Accounts, Shared, limits, sql};

/// All live sessions of this process.
#[derive(Default)]
pub(crate) struct Sessions {
    serial: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    live: HashMap<AccountId, Vec<Live>>,
    /// Changes that ended sessions a short while ago: for a login that was judged just before one and is announced just after.
    recent: HashMap<AccountId, (Instant, Ending)>,
    /// The last change that was looked at; nothing before the first session or wrong claim.
    seen: Option<i64>,
    /// The first of them: of those before it, nobody knows whom they concern.
    began: i64,
    following: bool,
    /// The file in which changes are followed.
    file: u64,
}

struct Live {
    serial: u64,
    as_of: i64,
    /// Of the account, see there.
    file: u64,
    uses: i64,
    end: watch::Sender<bool>,
}

/// A change that ends sessions.
#[derive(Clone, Copy)]
struct Ending {
    change: i64,
    ends: i64,
}

/// A session that is announced; when this goes, so does the announcement.
#[must_use = "a session that is not held is not announced"]
pub struct Attendance {
    shared: Weak<Shared>,
    account: AccountId,
    serial: u64,
    ended: watch::Receiver<bool>,
}

impl Attendance {
    /// Waits until a change ends the session: the account may not do any more what it logged in for, or its password is another.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        if ended.wait_for(|ended| *ended).await.is_err() {
            // The accounts were closed; nobody knows of a change any more.
            std::future::pending::<()>().await;
        }
    }
}

impl std::fmt::Debug for Attendance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attendance").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut inner = shared.sessions.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = inner.live.get_mut(&self.account) {
            live.retain(|session| session.serial != self.serial);
            if live.is_empty() {
                inner.live.remove(&self.account);
            }
        }
    }
}

impl Accounts {
    /// Announces a session of an account that has just been accepted for a service. Must be called within a tokio runtime.
    pub fn attend(&self, account: &Account, service: Service) -> Attendance {
        let uses = if service == Service::SmtpAuth { SENDING } else { READING };
        let (end, ended) = watch::channel(false);
        let serial = self.shared.sessions.serial.fetch_add(1, Ordering::Relaxed);
        self.shared.follow_changes(Some(account.as_of));
        let mut inner = self.shared.sessions.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = inner.recent.get(&account.id);
        let missed = missed.is_some_and(|(_, it)| it.change > account.as_of && it.ends & uses != 0);
        let is_older = match account.file == inner.file {
            true => account.as_of < inner.began,
            false => account.file != self.shared.file(),
        };
        if missed || is_older {
            end.send_replace(true);
        }
        let Account { as_of, file, .. } = *account;
        inner.live.entry(account.id).or_default().push(Live { serial, as_of, file, uses, end });
        Attendance { shared: Arc::downgrade(&self.shared), account: account.id, serial, ended }
    }
}

/// As long as the accounts are open.
async fn follow(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(limits::FOLLOW_EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        // What cannot be asked now is asked again: the number of the last change that was seen stays.
        let _ = timeout(limits::ANSWER_PATIENCE, shared.follow()).await;
    }
}

impl Shared {
    /// The number of the last change of accounts.
    pub(crate) async fn newest_change(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(sql::NEWEST_CHANGE).fetch_one(self.store.readers()).await
    }

    /// Follows the changes from now on: those after `seen`, or those that come. Must be called within a tokio runtime.
    pub(crate) fn follow_changes(self: &Arc<Self>, seen: Option<i64>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut inner = self.sessions.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seen = inner.seen.or(seen);
        if !inner.following {
            inner.following = true;
            runtime.spawn(follow(Arc::downgrade(self)));
        }
    }

    /// Which file of the database is in use.
    fn file(&self) -> u64 {
        self.store.readers().standing().map_or(0, |standing| standing.borrow().number)
    }

    async fn follow(&self) -> Result<(), Unavailable> {
        let following = || Unavailable::when("following the changes");
        let lock = || self.sessions.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = lock().seen;
        let file = self.store.readers().current().await.map_err(following())?;
        let newest = self.newest_change().await.map_err(following())?;
        self.store.readers().look_beside();
        if lock().file != file {
            lock().begin_anew(file, newest);
            return Ok(());
        }
        let Some(seen) = seen else {
            // Unless a session was announced meanwhile, which may know less.
            let mut inner = lock();
            if inner.seen.is_none() {
                (inner.seen, inner.began) = (Some(newest), newest);
            }
            return Ok(());
        };
        if newest == seen {
            return Ok(());
        }
        let endings: Vec<(i64, i64, i64)> = sqlx::query_as(sql::ENDINGS)
            .bind(seen)
            .bind(newest)
            .fetch_all(self.store.readers())
            .await
            .map_err(following())?;
        if endings.iter().any(|(_, _, ends)| ends & LIFTING != 0) {
            self.guesses.forget_counts();
        }
        let mut inner = lock();
        inner.forget(limits::FOLLOW_REMEMBERS);
        for (change, account, ends) in endings {
            inner.end(AccountId::new(account), Ending { change, ends });
        }
        inner.seen = Some(newest);
        Ok(())
    }
}

impl Inner {
    /// Nobody knows what was changed between one file and another in its place: who is here proves anew who it is.
    fn begin_anew(&mut self, file: u64, newest: i64) {
        let is_older = |session: &&Live| session.file != file || session.as_of < newest;
        for session in self.live.values().flatten().filter(is_older) {
            session.end.send_replace(true);
        }
        self.recent.clear();
        (self.file, self.seen, self.began) = (file, Some(newest), newest);
    }

    fn end(&mut self, account: AccountId, ending: Ending) {
        for session in self.live.get(&account).into_iter().flatten() {
            if session.uses & ending.ends != 0 {
                session.end.send_replace(true);
            }
        }
        let earlier = self.recent.get(&account).map_or(0, |(_, earlier)| earlier.ends);
        self.recent.insert(account, (Instant::now(), Ending { ends: ending.ends | earlier, ..ending }));
    }

    fn forget(&mut self, age: Duration) {
        self.recent.retain(|_, (at, _)| at.elapsed() < age);
    }
}
