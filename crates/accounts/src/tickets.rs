//! POP before SMTP: an address from which an account has fetched mail may send for a while.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::error::Unavailable;
use crate::names::brand_of;
use crate::questions::Account;
use crate::readers::in_time;
use crate::store::now;
use crate::{Accounts, limits, sql};

/// A renewal is written when less than so much of a ticket is left, in quarters: polls would be writes otherwise.
const RENEWED_BELOW: u64 = 3;

impl Accounts {
    /// Opens or renews the ticket of an account at an address: an IPv4 address, or the /64 of an IPv6 one, which is what a customer's
    /// line has. It is in the database when this is back, for every machine. What was changed since the login was judged holds: where
    /// that ended sending, there is no ticket.
    ///
    /// # Errors
    /// [`Unavailable`]: there is no ticket then.
    pub async fn ticket_open(
        &self,
        account: &Account,
        from: IpAddr,
        lifetime: Duration,
    ) -> Result<(), Unavailable> {
        let (address, now) = (line(from), now());
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let fresh = now.saturating_add(seconds(lifetime.as_secs() / 4 * RENEWED_BELOW));
        let store = &self.shared.store;
        let known: Option<i64> = sqlx::query_scalar(sql::TICKET)
            .bind(&address)
            .bind(account.id.get())
            .fetch_optional(store.readers())
            .await
            .map_err(Unavailable::when("looking for a ticket"))?;
        let latest = latest_expiry(now, lifetime);
        if known.is_some_and(|expires| expires > fresh && expires <= latest) {
            return Ok(());
        }
        store.drop_expired(store.backend().drop_tickets(), now, 1).await?;
        let mut change = store.begin_plain().await?;
        let written = in_time(limits::ANSWER_PATIENCE, async {
            if let Some(lock) = store.backend().lock_account() {
                sqlx::query(lock).bind(account.id.get()).execute(&mut *change).await?;
            }
            sqlx::query(sql::SET_TICKET)
                .bind(&address)
                .bind(account.id.get())
                .bind(now.saturating_add(seconds(lifetime.as_secs())))
                .bind(account.as_of)
                .execute(&mut *change)
                .await?;
            // What clients do by the thousand is no change of an administrator's: it is not audited.
            change.commit().await
        });
        written.await.map_err(Unavailable::when("writing a ticket"))
    }

    /// The logins of the accounts whose tickets hold at an address now, the latest first: several where customers share an address.
    /// One that holds longer than a new one of this `lifetime` would was given by a clock that was wrong, and is none.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn ticket_holders(&self, from: IpAddr, lifetime: Duration) -> Result<Vec<String>, Unavailable> {
        let now = now();
        let mut holders: Vec<String> = sqlx::query_scalar(sql::TICKET_HOLDERS)
            .bind(line(from))
            .bind(now)
            .bind(latest_expiry(now, lifetime))
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking for tickets"))?;
        // Another brand's customers have no business here.
        holders.retain(|name| brand_of(name) == &*self.brand);
        Ok(holders)
    }
}

/// When a ticket expires at the latest that some machine's clock, if it is right, can have given by now.
fn latest_expiry(now: i64, lifetime: Duration) -> i64 {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    now.saturating_add(seconds(lifetime)).saturating_add(seconds(limits::CLOCK_SKEW))
}

/// How a ticket, or what was sent, names an address.
pub(crate) fn line(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}
