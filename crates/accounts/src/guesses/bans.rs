//! The budgets that have no more now, for the operator: who is held back, and how to let them in again.
//!
//! Who lifts one takes its row away, in a change like any other. Daemons follow the changes, and drop what they counted by themselves:
//! all of it, for what still counts is in the database, where they look before a claim costs a hash.

use std::collections::HashMap;
use std::net::IpAddr;

use super::common::{seconds, subject, used_up_until};
use super::{Budget, Key, claimed};
use crate::error::{AdminError, Unavailable};
use crate::standing::LIFTING;
use crate::store::now;
use crate::{AccountId, Accounts, sql};

/// A budget that has no more. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Whom it holds back: an address, a network as `192.0.2.0/24`, or an account; one that is guessed at and does not exist is
    /// `#` and a hash of the name that was said, which may be a password.
    pub whom: String,
    /// The address, or the first one of an IPv6 /64, where the account is held back, of a budget of its own for that.
    pub at: Option<IpAddr>,
    /// Which budget.
    pub budget: Budget,
    /// How many wrong claims count now.
    pub wrong: i64,
    /// When the next claim is looked at.
    pub until: i64,
    /// When none counts any more, if none is added.
    pub over: i64,
}

impl Accounts {
    /// The budgets that have no more now, of all machines together; by whom they hold back.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn bans(&self) -> Result<Vec<Ban>, Unavailable> {
        let listing = || Unavailable::when("listing who is held back");
        let readers = self.shared.store.readers();
        let now = now();
        let rows: Vec<(String, i64)> =
            sqlx::query_as(sql::GUESSES).bind(now).fetch_all(readers).await.map_err(listing())?;
        let held: Vec<_> = rows.iter().filter_map(|(name, empty_at)| held(name, *empty_at, now)).collect();
        let mut names = HashMap::new();
        if held.iter().any(|(whom, _)| whom.starts_with('#')) {
            let logins: Vec<(i64, String)> =
                sqlx::query_as(sql::ALL_LOGINS).fetch_all(readers).await.map_err(listing())?;
            let hashed = logins.into_iter().map(|(_, login)| (hashed(&login), login));
            names.extend(hashed);
        }
        let named = |(whom, ban): (String, Ban)| match names.get(&whom) {
            Some(login) => Ban { whom: login.clone(), ..ban },
            None => Ban { whom, ..ban },
        };
        let mut bans: Vec<Ban> = held.into_iter().map(named).collect();
        bans.sort_by(|a, b| (&a.whom, a.at).cmp(&(&b.whom, b.at)));
        Ok(bans)
    }

    /// Lifts what holds somebody back, as [`Ban::whom`] names them: all wrong claims of theirs are forgotten, on every machine within a
    /// second. How many budgets they were counted in.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when nothing is counted of them.
    pub async fn ban_lift(&self, whom: &str) -> Result<u64, AdminError> {
        let mut change = self.begin().await?;
        let lifting = || Unavailable::when("lifting what holds somebody back");
        let rows: Vec<(String, i64)> =
            sqlx::query_as(sql::GUESSES).bind(now()).fetch_all(&mut *change).await.map_err(lifting())?;
        let (whom, names) = self.subjects(whom, rows);
        let mut lifted = 0;
        // In the order in which daemons take their rows.
        for name in names {
            let dropped = sqlx::query(sql::DROP_GUESS).bind(name).execute(&mut *change).await;
            lifted += dropped.map_err(lifting())?.rows_affected();
        }
        if lifted == 0 {
            return Err(AdminError::Refused(format!("nothing holds {whom} back; see: yubin bans")));
        }
        change.about(AccountId::NOBODY, LIFTING);
        self.shared.store.commit(change, "ban lift", &whom).await?;
        Ok(lifted)
    }

    /// The rows of somebody, and how they are called.
    fn subjects(&self, whom: &str, rows: Vec<(String, i64)>) -> (String, Vec<String>) {
        let (whom, hash) = match whom.parse::<IpAddr>() {
            Ok(address) => (address.to_canonical().to_string(), String::new()),
            Err(_) if whom.contains('/') || whom.starts_with('#') => (whom.to_owned(), whom.to_owned()),
            Err(_) => {
                let name = claimed(&self.brand, whom);
                let hash = hashed(&name);
                (name, hash)
            }
        };
        let is_theirs = |name: &str| described(name).is_some_and(|(of, ..)| of == whom || of == hash);
        let mut names: Vec<_> =
            rows.into_iter().map(|(name, _)| name).filter(|name| is_theirs(name)).collect();
        // Of its octets, whatever the order of texts is at the server.
        names.sort_unstable();
        (whom, names)
    }
}

/// How an account's rows name it, with the mark that it is no login.
fn hashed(name: &str) -> String {
    let subject = subject(Key::Account(0), name);
    subject.replacen("account ", "#", 1)
}

/// Whose row it is, at which address, and of which budget.
fn described(subject: &str) -> Option<(String, Option<IpAddr>, Key)> {
    let (kind, rest) = subject.split_once(' ')?;
    Some(match kind {
        "account" => (format!("#{rest}"), None, Key::Account(0)),
        "address" => {
            let address: IpAddr = rest.parse().ok()?;
            (address.to_string(), None, Key::Address(address))
        }
        "known" => {
            let (hash, place) = rest.split_once(' ')?;
            let place = place.parse().ok()?;
            (format!("#{hash}"), Some(place), Key::Known(0, place))
        }
        "prefix" => {
            let first: IpAddr = rest.parse().ok()?;
            let length = if first.is_ipv4() { 24 } else { 64 };
            (format!("{first}/{length}"), None, Key::Prefix(first))
        }
        _ => return None,
    })
}

/// What a row holds back now, if it does.
fn held(name: &str, empty_at: i64, now: i64) -> Option<(String, Ban)> {
    let (whom, at, key) = described(name)?;
    let (_, allowance) = key.allowance();
    let until = used_up_until(empty_at, now, allowance)?;
    let wrong = (empty_at - now + seconds(allowance.every) - 1) / seconds(allowance.every);
    Some((whom.clone(), Ban { whom, at, budget: key.budget(), wrong, until, over: empty_at }))
}
