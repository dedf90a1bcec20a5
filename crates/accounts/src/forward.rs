//! Where an account sends its mail on.

use crate::error::{AdminError, Unavailable};
use crate::names::Address;
use crate::standing::{Service, State};
use crate::store::{Change, now};
use crate::{AccountId, Accounts, Resolution, admin, limits, sql};

/// What becomes of mail that is sent on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forwarding {
    /// Where it goes.
    pub addresses: Vec<String>,
    /// Whether it is in the account's own mailbox, too.
    pub keeps_copy: bool,
}

impl Accounts {
    /// Where an account sends its mail on now: nowhere, unless it has the service, and may send.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn forwards(&self, account: AccountId) -> Result<Option<Forwarding>, Unavailable> {
        type Row = (i64, String, i64, String, i64, i64, Option<i64>, String);
        let rows: Vec<Row> = sqlx::query_as(sql::FORWARDS)
            .bind(account.get())
            .bind(Service::Forward.word())
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up where mail is sent on"))?;
        let mut forwarding = Forwarding::default();
        for (keeps_copy, state, stops, text, since, until, enabled, address) in rows {
            let has = enabled.map_or_else(|| Service::Forward.by_default(), |enabled| enabled != 0);
            let bar = State::from_columns(&state, stops, text, since, until).bars(Service::Forward);
            if !has || bar.is_some() {
                return Ok(None);
            }
            forwarding.keeps_copy = keeps_copy != 0;
            forwarding.addresses.push(address);
        }
        Ok((!forwarding.addresses.is_empty()).then_some(forwarding))
    }

    /// Where an account would send its mail on, whether or not it may now.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn forward_show(&self, login: &str) -> Result<Forwarding, AdminError> {
        let id = self.account_show(login).await?.account.id.get();
        let reading = || Unavailable::when("reading where mail is sent on");
        let readers = self.shared.store.readers();
        let addresses = sqlx::query_scalar(sql::FORWARD_ADDRESSES).bind(id).fetch_all(readers).await;
        let keeps: i64 =
            sqlx::query_scalar(sql::KEEPS_COPY).bind(id).fetch_one(readers).await.map_err(reading())?;
        Ok(Forwarding { addresses: addresses.map_err(reading())?, keeps_copy: keeps != 0 })
    }

    /// Sends an account's mail on to one more address.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account, the address is none or its own, or it has as many as it may.
    pub async fn forward_add(&self, login: &str, text: &str) -> Result<Forwarding, AdminError> {
        let (login, address) = (self.login(login).await?, Address::parse(text)?);
        let mut change = self.begin().await?;
        let account = admin::must_find(&mut change, login.as_str()).await?;
        match self.resolve(address.local_part(), address.domain()).await? {
            Resolution::Mailbox(mailbox) if mailbox.account == account.id => {
                return Err(AdminError::Refused(format!(
                    "{address} is an address of {login} itself; mail would go round"
                )));
            }
            Resolution::Barred(_) | Resolution::Disabled | Resolution::UnknownUser => {
                return Err(AdminError::Refused(format!(
                    "nobody here has mail at {address}; see yubin address list"
                )));
            }
            _ => {}
        }
        let has = addresses(&mut change, account.id).await?;
        let text = as_written(text, &address);
        if !has.contains(&text) && has.len() >= limits::FORWARDS {
            return Err(AdminError::Refused(format!(
                "{login} sends its mail on to {} addresses already, which is the most; remove one first",
                has.len()
            )));
        }
        sqlx::query(sql::ADD_FORWARD)
            .bind(account.id.get())
            .bind(&text)
            .bind(now())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("adding where mail is sent on"))?;
        self.forward_done(change, account.id, login.as_str(), &format!("add {text}")).await
    }

    /// Sends it there no more.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account, or it does not send its mail there.
    pub async fn forward_remove(&self, login: &str, address: &str) -> Result<Forwarding, AdminError> {
        let login = self.login(login).await?;
        let mut change = self.begin().await?;
        let account = admin::must_find(&mut change, login.as_str()).await?;
        let has = addresses(&mut change, account.id).await?;
        let known = has.into_iter().find(|known| known.eq_ignore_ascii_case(address));
        let address = known.unwrap_or_else(|| address.to_owned());
        let removed = sqlx::query(sql::REMOVE_FORWARD)
            .bind(account.id.get())
            .bind(&address)
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("removing where mail is sent on"))?;
        if removed.rows_affected() == 0 {
            return Err(AdminError::Refused(format!("{login} does not send its mail on to {address}")));
        }
        self.forward_done(change, account.id, login.as_str(), &format!("remove {address}")).await
    }

    /// Whether what is sent on is in the account's own mailbox, too.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn forward_keep(&self, login: &str, keeps_copy: bool) -> Result<Forwarding, AdminError> {
        let login = self.login(login).await?;
        let mut change = self.begin().await?;
        let account = admin::must_find(&mut change, login.as_str()).await?;
        sqlx::query(sql::SET_KEEPS_COPY)
            .bind(account.id.get())
            .bind(i64::from(keeps_copy))
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("setting whether a copy is kept"))?;
        let said = if keeps_copy { "keep" } else { "keep no copy" };
        self.forward_done(change, account.id, login.as_str(), said).await
    }

    async fn forward_done(
        &self,
        mut change: Change,
        account: AccountId,
        login: &str,
        said: &str,
    ) -> Result<Forwarding, AdminError> {
        change.about(account, 0);
        self.shared.store.commit(change, "account forward", &format!("{login} {said}")).await?;
        self.forward_show(login).await
    }
}

/// Another host's local part is its own affair: its letters stay as they are (RFC 5321 §2.4).
fn as_written(text: &str, address: &Address) -> String {
    let local_part = text.rsplit_once('@').map_or(address.local_part(), |(local_part, _)| local_part);
    format!("{local_part}@{}", address.domain())
}

async fn addresses(change: &mut Change, account: AccountId) -> Result<Vec<String>, Unavailable> {
    sqlx::query_scalar(sql::FORWARD_ADDRESSES)
        .bind(account.get())
        .fetch_all(&mut **change)
        .await
        .map_err(Unavailable::when("reading where mail is sent on"))
}
