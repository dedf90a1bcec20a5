//! How an account was logged in to lately, and how not: for the desk, which is asked by people who see "it does not work".
//!
//! Nobody waits for it. A daemon notes an attempt in memory, and a task writes what is new every moment; who comes again in the same way
//! is written four times an hour, and all of them at once, so that a poll costs no write. What was noted and not written is lost with the
//! process, which is no loss. Each account has so many rows at most; attempts at logins that nobody has are not kept at all, but for those
//! whose owner is known by the hint.

mod journal;

use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Instant;

use auth_sasl::Claim;

pub(crate) use journal::Journal;
use journal::{Due, Key};

use crate::error::Unavailable;
use crate::guesses::Budget;
use crate::hint::{Hint, shown_name};
use crate::names::{AccountName, Login, login_of};
use crate::questions::{Verdict, Why};
use crate::readers::in_time;
use crate::standing::Service;
use crate::store::now;
use crate::{Accounts, Shared, limits, sql};

/// The word for a login that succeeded.
const OK: &str = "ok";

/// A login that is being judged: from where it came and how.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// As it was said.
    name: String,
    service: Service,
    place: String,
    from: IpAddr,
    tls: &'static str,
    mechanism: &'static str,
}

/// What became of a login, as it may stand in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// The login. Of a name that is nobody's only what can be no password: how long it is.
    pub login: String,
    /// A stable word for it: `ok`, or the reason.
    pub outcome: &'static str,
    /// What may have been the mistake.
    pub hint: Option<Hint>,
}

impl Attempt {
    /// `place` is the listener's name and port, `tls` the version where there is TLS.
    pub fn new(
        claim: &Claim,
        service: Service,
        place: &str,
        from: IpAddr,
        tls: Option<&'static str>,
    ) -> Self {
        Self {
            name: claim.login().to_owned(),
            service,
            place: place.to_owned(),
            from: from.to_canonical(),
            tls: tls.unwrap_or_default(),
            mechanism: match claim {
                Claim::Apop { .. } => "apop",
                Claim::Password { .. } => "password",
            },
        }
    }

    /// The login that was claimed; none where the name can be none.
    fn claimed(&self) -> Option<String> {
        Login::parse(&self.name).ok().map(|login| login.as_str().to_owned())
    }

    /// Whom a claim concerns that is not true: one that names no login is its whom the hint names.
    fn concerns(&self, why: Why, hint: Option<&Hint>) -> Option<String> {
        match hint {
            Some(Hint::Address(login) | Hint::Alias(login)) => Some(login.clone()),
            // `server:user`: whose mail program says so is behind the colon.
            Some(Hint::PseudoUserName) => {
                let user = self.name.rsplit(':').next().unwrap_or_default();
                Login::parse(user).ok().map(|login| login.as_str().to_owned())
            }
            _ if why == Why::UnknownLogin => None,
            _ => self.claimed(),
        }
    }

    fn filed_under(self, login: String, noted: &Noted) -> Key {
        let same = self.claimed().is_some_and(|claimed| claimed == login_of(&login));
        let claimed = match same {
            true => String::new(),
            false => noted.login.chars().filter(|c| !c.is_control()).take(limits::LOGIN).collect(),
        };
        let (outcome, hint) = (noted.outcome, noted.hint.as_ref().map_or("", Hint::word));
        let Self { service, place, from, tls, mechanism, .. } = self;
        Key { login, service, place, from, tls, mechanism, outcome, hint, claimed }
    }
}

/// A way in which somebody logged in to an account, or tried to. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAttempt {
    /// For what.
    pub service: Service,
    /// The listener's name and port.
    pub place: String,
    /// The client's address.
    pub from: String,
    /// The version of TLS; none is clear text.
    pub tls: Option<String>,
    /// `password` or `apop`.
    pub mechanism: String,
    /// `ok`, or the reason, as in the log.
    pub outcome: String,
    /// The word of a [`Hint`].
    pub hint: Option<String>,
    /// The name that was said, where it was not the login.
    pub claimed: Option<String>,
    /// The first time.
    pub first: i64,
    /// The last time.
    pub last: i64,
    /// How often. Of a client that polls, the last quarter of an hour may be missing.
    pub times: i64,
}

impl LoginAttempt {
    /// Whether it succeeded.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome == OK
    }
}

type Row = (String, String, String, String, String, String, String, String, i64, i64, i64);

impl Accounts {
    /// Remembers what became of a login, and says what of it may stand in a log. Must be called within a tokio runtime.
    ///
    /// Of a login that was rejected it asks the database for a [hint](Accounts::hint); of all else it asks nothing, and waits for nothing.
    pub async fn note_login(&self, attempt: Attempt, verdict: &Verdict) -> Noted {
        let noted = |login: &str, outcome, hint| Noted { login: login.to_owned(), outcome, hint };
        let name = &attempt.name;
        let (whose, noted) = match verdict {
            Verdict::Accepted(account) => (Some(account.login.clone()), noted(&account.login, OK, None)),
            Verdict::Barred(account, bar) => {
                (Some(account.login.clone()), noted(&account.login, bar.word(), Some(bar.hint())))
            }
            // Only where an account has logged in before there is one for sure.
            Verdict::Deferred(Budget::Known) => (attempt.claimed(), noted(name, Budget::Known.word(), None)),
            Verdict::Deferred(budget) => {
                (attempt.claimed(), noted(&shown_name(name, None), budget.word(), None))
            }
            Verdict::Rejected(why) => {
                let hint = self.hint(name, *why).await;
                let shown = match why {
                    Why::UnknownLogin => shown_name(name, hint.as_ref()),
                    _ => name.clone(),
                };
                (attempt.concerns(*why, hint.as_ref()), noted(&shown, why.word(), hint))
            }
        };
        if let Some(login) = whose {
            self.file(attempt.filed_under(login, &noted));
        }
        noted
    }

    fn file(&self, mut key: Key) {
        let Ok(name) = AccountName::parse(&key.login, &self.brand) else { return };
        name.as_str().clone_into(&mut key.login);
        if self.shared.journal.note(key, now()) {
            tokio::spawn(write_on(Arc::downgrade(&self.shared)));
        }
    }

    /// Writes what was noted and is not in the database yet, as at the end of a daemon. What cannot be written is lost.
    pub async fn write_logins(&self) {
        self.shared.write_logins(self.shared.journal.all()).await;
    }

    /// How an account was logged in to lately, and how not: the last ways first, as far as there is room for them.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn login_attempts(&self, login: &str) -> Result<Vec<LoginAttempt>, Unavailable> {
        let Ok(name) = AccountName::parse(login, &self.brand) else { return Ok(Vec::new()) };
        let rows: Vec<Row> = sqlx::query_as(sql::LOGIN_ATTEMPTS)
            .bind(name.as_str())
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("reading the last logins"))?;
        let some = |text: String| (!text.is_empty()).then_some(text);
        let attempt = |row: Row| {
            let (service, place, from, tls, mechanism, outcome, hint, claimed, first, last, times) = row;
            Some(LoginAttempt {
                service: Service::from_word(&service)?,
                place,
                from,
                tls: some(tls),
                mechanism,
                outcome,
                hint: some(hint),
                claimed: some(claimed),
                first,
                last,
                times,
            })
        };
        Ok(rows.into_iter().filter_map(attempt).collect())
    }
}

/// As long as the accounts are open.
async fn write_on(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(limits::LOGINS_WRITTEN_EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.write_logins(shared.journal.due(Instant::now())).await;
    }
}

impl Shared {
    async fn write_logins(&self, due: Vec<Due>) {
        for batch in due.chunks(limits::LOGINS_BATCH) {
            // A machine that cannot write now has other troubles, and the log tells of every login.
            let _ = self.write_batch(batch).await;
        }
    }

    /// One change for many, so that each costs the disk little; short, for other changes wait meanwhile.
    async fn write_batch(&self, batch: &[Due]) -> Result<(), Unavailable> {
        let mut change = self.store.begin_plain().await?;
        let written = in_time(limits::ANSWER_PATIENCE, async {
            for Due { key, first, last, times } in batch {
                sqlx::query(sql::NOTE_LOGIN)
                    .bind(&key.login)
                    .bind(key.service.word())
                    .bind(&key.place)
                    .bind(key.from.to_string())
                    .bind(key.tls)
                    .bind(key.mechanism)
                    .bind(key.outcome)
                    .bind(key.hint)
                    .bind(&key.claimed)
                    .bind(*first)
                    .bind(*last)
                    .bind(*times)
                    .execute(&mut *change)
                    .await?;
                let forget = if key.outcome == OK { sql::FORGET_LOGINS } else { sql::FORGET_FAILED_LOGINS };
                sqlx::query(forget).bind(&key.login).bind(limits::LOGINS_KEPT).execute(&mut *change).await?;
            }
            change.commit().await
        });
        written.await.map_err(Unavailable::when("writing the last logins"))
    }
}
