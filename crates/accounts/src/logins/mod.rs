//! How an account was logged in to lately, and how not: for the desk, which is asked by people who see "it does not work".
//!
//! Nobody waits for it. A daemon notes an attempt in memory, and a task writes what is new every moment; who comes again
//! in the same way is written four times an hour, and all of them at once, so that a poll costs no write. What was noted and not written is lost with the process, which is no loss. Each account
//! has so many rows at most; attempts at logins that nobody has are not kept at all, but for those whose owner is known by the hint.

mod journal;

use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Instant;

use auth_sasl::Claim;

pub(crate) use journal::Journal;
use journal::{Due, Key};

use crate::error::Unavailable;
use crate::guesses::Budget;
use crate::hint::{Hint, shown_login};
use crate::names::{AccountName, Login, login_of};
use crate::questions::{Account, Why};
use crate::readers::in_time;
use crate::standing::{Bar, Service};
use crate::store::now;
use crate::{Accounts, Shared, limits, sql};

/// The word for a login that succeeded.
const OK: &str = "ok";

/// A login that is being judged: from where it came and how. What became of it is said once, by one of its methods.
#[derive(Debug, Clone)]
pub struct Attempt {
    claimed: String,
    service: Service,
    place: String,
    from: IpAddr,
    tls: &'static str,
    mechanism: &'static str,
}

/// What became of a login, for [`Accounts::note_login`].
#[derive(Debug, Clone)]
pub struct Outcome(Option<Key>);

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
            claimed: claim.login().chars().filter(|c| !c.is_control()).take(limits::LOGIN).collect(),
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

    /// It succeeded.
    pub fn accepted(self, account: &Account) -> Outcome {
        self.filed_under(account.login.clone(), OK, "")
    }

    /// The claim is true, and the account may not.
    pub fn barred(self, account: &Account, bar: &Bar) -> Outcome {
        self.filed_under(account.login.clone(), bar.word(), bar.hint().word())
    }

    /// Too many wrong ones came before it.
    pub fn deferred(self, budget: Budget) -> Outcome {
        match Login::parse(&self.claimed) {
            Ok(login) => self.filed_under(login.as_str().to_owned(), budget.word(), ""),
            Err(_) => Outcome(None),
        }
    }

    /// It is not true. One that names no login is its whom the hint names.
    pub fn rejected(self, why: Why, hint: Option<&Hint>) -> Outcome {
        let owner = match hint {
            Some(Hint::Address(login) | Hint::Alias(login)) => Some(login.clone()),
            // `server:user`: whose mail program says so is behind the colon.
            Some(Hint::PseudoUserName) => {
                let user = self.claimed.rsplit(':').next().unwrap_or_default();
                Login::parse(user).ok().map(|login| login.as_str().to_owned())
            }
            _ if why == Why::UnknownLogin => None,
            _ => Login::parse(&self.claimed).ok().map(|login| login.as_str().to_owned()),
        };
        match owner {
            Some(owner) => self.filed_under(owner, why.word(), hint.map_or("", Hint::word)),
            None => Outcome(None),
        }
    }

    fn filed_under(self, login: String, outcome: &'static str, hint: &'static str) -> Outcome {
        let same = Login::parse(&self.claimed).is_ok_and(|claimed| claimed.as_str() == login_of(&login));
        // A password may have been typed there.
        let claimed = if same { String::new() } else { shown_login(&self.claimed).into_owned() };
        let Self { service, place, from, tls, mechanism, .. } = self;
        Outcome(Some(Key { login, service, place, from, tls, mechanism, outcome, hint, claimed }))
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
    /// Remembers what became of a login. It costs no question to the database and waits for nothing. Must be called within a tokio
    /// runtime.
    pub fn note_login(&self, outcome: Outcome) {
        let Outcome(Some(mut key)) = outcome else { return };
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
