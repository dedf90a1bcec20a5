//! The states of an account, and the services that it has.

use std::collections::HashMap;

use crate::error::{AdminError, Unavailable};
use crate::names::AccountName;
use crate::standing::{READING, SENDING, Service, State, Stops};
use crate::store::{Change, now};
use crate::{Accounts, sql};

use super::{account, domain, refusal};

/// A service of an account. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceInfo {
    /// Which.
    pub service: Service,
    /// Whether the account has it.
    pub enabled: bool,
    /// When it was set for this account, and by whom; nothing where its plan or the program decides.
    pub set: Option<(i64, String)>,
}

/// Whose services are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'n> {
    /// That of one login.
    Login(&'n str),
    /// Those of a plan.
    Plan(&'n str),
    /// Every account.
    All,
}

impl Accounts {
    /// Stops an account, in the named parts. What it stops ends at once: live sessions too, on every machine.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account, nothing would be stopped, or the text cannot be a reply.
    pub async fn account_suspend(&self, login: &str, stops: Stops, text: &str) -> Result<State, AdminError> {
        domain::check_reply_text(text)?;
        if stops.bits() == 0 {
            return Err(refusal::nothing_to_stop());
        }
        let state = State::Suspended { stops, text: text.to_owned(), since: now() };
        self.set_state(login, state, "account suspend", stops.bits() & (SENDING | READING)).await
    }

    /// Ends a suspension, a staging or a closing: everything is as it was before.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn account_resume(&self, login: &str) -> Result<State, AdminError> {
        self.set_state(login, State::Active, "account resume", 0).await
    }

    /// Keeps an account from all but import, until it is resumed: mail from outside waits outside.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn account_stage(&self, login: &str) -> Result<State, AdminError> {
        self.set_state(login, State::Staged, "account stage", SENDING | READING).await
    }

    /// Begins the end of an account: it gets and sends nothing more, and its owner can fetch what is there for so many seconds.
    /// [`Accounts::account_remove`] is the end.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account, or it is a postmaster or a catch-all.
    pub async fn account_close(&self, login: &str, grace: i64) -> Result<State, AdminError> {
        let (since, grace) = (now(), grace.max(0));
        let ends = if grace == 0 { SENDING | READING } else { SENDING };
        self.set_state(
            login,
            State::Closing { since, until: since.saturating_add(grace) },
            "account close",
            ends,
        )
        .await
    }

    async fn set_state(
        &self,
        login: &str,
        state: State,
        action: &str,
        ends: i64,
    ) -> Result<State, AdminError> {
        let login = self.login(login).await?;
        let mut change = self.begin().await?;
        let account = account::must_find(&mut change, login.as_str()).await?;
        let (mut said, mut stops, mut words, mut until) = (login.to_string(), 0, String::new(), 0);
        match &state {
            State::Active | State::Staged => {}
            State::Suspended { stops: stopped, text, .. } => {
                (stops, words) = (stopped.bits(), text.clone());
                let parts = [
                    (stopped.sending, "sending"),
                    (stopped.reading, "reading"),
                    (stopped.receiving, "receiving"),
                ];
                for (_, part) in parts.iter().filter(|(stopped, _)| *stopped) {
                    said.push_str(&format!(" {part}"));
                }
            }
            State::Closing { until: end, .. } => {
                if let Some((domain, option)) = domain::duty(&mut change, account.id).await? {
                    return Err(refusal::account_has_a_duty(&login, &domain, option));
                }
                until = *end;
            }
        }
        sqlx::query(sql::SET_STATE)
            .bind(account.id.get())
            .bind(state.word())
            .bind(stops)
            .bind(words)
            .bind(now())
            .bind(until)
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("changing the state of an account"))?;
        change.about(account.id, ends);
        self.shared.store.commit(change, action, &said).await?;
        Ok(state)
    }

    /// Turns services on or off, for one account or for many in one change. How many accounts it was.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account or plan.
    pub async fn services_set(
        &self,
        which: Which<'_>,
        services: &[(Service, bool)],
    ) -> Result<u64, AdminError> {
        let mut change = self.begin().await?;
        let accounts = chosen(&mut change, which).await?;
        let words: Vec<String> = services
            .iter()
            .map(|(service, on)| format!("{}={}", service.word(), if *on { "on" } else { "off" }))
            .collect();
        let words = words.join(" ");
        let ends = services.iter().filter(|(_, on)| !on).fold(0, |ends, (service, _)| ends | service.ends());
        for (id, login) in &accounts {
            for (service, on) in services {
                sqlx::query(sql::SET_SERVICE)
                    .bind(*id)
                    .bind(service.word())
                    .bind(i64::from(*on))
                    .bind(now())
                    .bind(&*self.who)
                    .execute(&mut *change)
                    .await
                    .map_err(Unavailable::when("setting a service"))?;
            }
            change.note("account set", &format!("{login} {words}"), crate::AccountId::new(*id), ends).await?;
        }
        let subject = match which {
            Which::Login(login) => format!("{login} {words}"),
            Which::Plan(plan) => format!("plan {plan}: {words}, {} accounts", accounts.len()),
            Which::All => format!("all: {words}, {} accounts", accounts.len()),
        };
        self.shared.store.commit(change, "services set", &subject).await?;
        Ok(accounts.len() as u64)
    }

    /// Every service of an account.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn services(&self, login: &str) -> Result<Vec<ServiceInfo>, AdminError> {
        let login = AccountName::parse(login, &self.brand)?;
        let readers = self.shared.store.readers();
        let reading = || Unavailable::when("reading the services of an account");
        let by_plan: Vec<(String, i64)> = sqlx::query_as(sql::PLAN_SERVICES_OF)
            .bind(login.as_str())
            .fetch_all(readers)
            .await
            .map_err(reading())?;
        let by_plan: HashMap<String, i64> = by_plan.into_iter().collect();
        let set: Vec<(String, i64, i64, String)> = sqlx::query_as(sql::SERVICES_OF)
            .bind(login.as_str())
            .fetch_all(readers)
            .await
            .map_err(reading())?;
        let info = |service: Service| {
            let own = set.iter().find(|(name, ..)| name == service.word());
            let enabled = match (own, by_plan.get(service.word())) {
                (Some((_, enabled, ..)), _) | (None, Some(enabled)) => *enabled != 0,
                (None, None) => service.by_default(),
            };
            ServiceInfo { service, enabled, set: own.map(|(_, _, at, who)| (*at, who.clone())) }
        };
        Ok(Service::ALL.into_iter().map(info).collect())
    }
}

/// Number and login of each.
async fn chosen(change: &mut Change, which: Which<'_>) -> Result<Vec<(i64, String)>, AdminError> {
    let looking = || Unavailable::when("looking up accounts");
    Ok(match which {
        Which::Login(login) => {
            let account = account::must_find(change, login).await?;
            vec![(account.id.get(), account.login)]
        }
        Which::Plan(plan) => {
            let id = super::plan::must_find(change, plan).await?.id;
            sqlx::query_as(sql::ACCOUNTS_OF_PLAN).bind(id).fetch_all(&mut **change).await.map_err(looking())?
        }
        Which::All => sqlx::query_as(sql::ALL_LOGINS).fetch_all(&mut **change).await.map_err(looking())?,
    })
}
