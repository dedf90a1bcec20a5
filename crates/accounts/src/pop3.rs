//! What POP3 does with the mail of an account: how long it stays, and how often one may come.

use std::collections::HashMap;
use std::fmt;

use crate::error::{AdminError, Unavailable};
use crate::names::DomainName;
use crate::store::Change;
use crate::{AccountRow, Accounts, Allowance, admin, sql};

/// Rules of an account, or of the accounts whose issued address is in a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pop3Rules {
    /// Days after which a message goes that was read.
    pub expire_read: Allowance,
    /// Days after which any message goes.
    pub expire_all: Allowance,
    /// Seconds between two logins.
    pub login_delay: Allowance,
}

/// Changes of [`Pop3Rules`]; what is `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pop3Changes {
    /// See [`Pop3Rules::expire_read`].
    pub expire_read: Option<Allowance>,
    /// See [`Pop3Rules::expire_all`].
    pub expire_all: Option<Allowance>,
    /// See [`Pop3Rules::login_delay`].
    pub login_delay: Option<Allowance>,
}

impl Pop3Rules {
    /// Where these leave it to others, those.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        let or = |own: Allowance, other: Allowance| if own == Allowance::Configured { other } else { own };
        Self {
            expire_read: or(self.expire_read, others.expire_read),
            expire_all: or(self.expire_all, others.expire_all),
            login_delay: or(self.login_delay, others.login_delay),
        }
    }

    fn with(self, changes: Pop3Changes) -> Self {
        Self {
            expire_read: changes.expire_read.unwrap_or(self.expire_read),
            expire_all: changes.expire_all.unwrap_or(self.expire_all),
            login_delay: changes.login_delay.unwrap_or(self.login_delay),
        }
    }

    /// As it stands in the database. What no program of ours wrote there is no rule.
    pub(crate) fn from_column(text: &str) -> Self {
        let rule = |key: &str| {
            let fields = text.split(' ').filter_map(|field| field.split_once('='));
            let value = fields.filter(|(name, _)| *name == key).find_map(|(_, value)| value.parse().ok());
            value.map_or(Allowance::Configured, Allowance::from_column)
        };
        Self {
            expire_read: rule("expire_read"),
            expire_all: rule("expire_all"),
            login_delay: rule("login_delay"),
        }
    }

    fn column(self) -> String {
        let rules = [
            ("expire_read", self.expire_read),
            ("expire_all", self.expire_all),
            ("login_delay", self.login_delay),
        ];
        let said = rules.into_iter().filter(|(_, rule)| *rule != Allowance::Configured);
        said.map(|(key, rule)| format!("{key}={}", rule.column())).collect::<Vec<_>>().join(" ")
    }
}

/// `expire_read=14 expire_all=default login_delay=none`
impl fmt::Display for Pop3Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expire_read, expire_all, login_delay } = self;
        write!(f, "expire_read={expire_read} expire_all={expire_all} login_delay={login_delay}")
    }
}

impl Accounts {
    /// Changes the rules of an account. They hold from its next login on.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such account.
    pub async fn account_set_pop3(&self, login: &str, changes: Pop3Changes) -> Result<(), AdminError> {
        let login = self.login(login).await?;
        let mut change = self.begin().await?;
        let account = admin::must_find(&mut change, login.as_str()).await?;
        let rules = account.pop3.with(changes);
        set_rules(&mut change, sql::SET_ACCOUNT_POP3, account.id.get(), rules).await?;
        change.about(account.id, 0);
        Ok(self.shared.store.commit(change, "account set", &format!("{login} {rules}")).await?)
    }

    /// Changes the rules for the accounts whose issued address is in a domain, and which have none of their own.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when the domain is not ours.
    pub async fn domain_set_pop3(&self, name: &str, changes: Pop3Changes) -> Result<(), AdminError> {
        let name = DomainName::parse(name)?;
        let mut change = self.begin().await?;
        let id = admin::must_be_ours(&mut change, name.as_str()).await?.id;
        let rules: String = sqlx::query_scalar(sql::DOMAIN_POP3)
            .bind(id)
            .fetch_one(&mut *change)
            .await
            .map_err(Unavailable::when("reading rules of POP3"))?;
        let rules = Pop3Rules::from_column(&rules).with(changes);
        set_rules(&mut change, sql::SET_DOMAIN_POP3, id, rules).await?;
        Ok(self.shared.store.commit(change, "domain set", &format!("{name} {rules}")).await?)
    }

    /// All accounts, each with the rules that hold for it: its own, and where it has none its domain's.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn pop3_rules(&self) -> Result<Vec<(AccountRow, Pop3Rules)>, AdminError> {
        let of_domain: Vec<(String, String)> = sqlx::query_as(sql::POP3_OF_DOMAINS)
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("reading rules of POP3"))?;
        let of_domain: HashMap<_, _> = of_domain.into_iter().collect();
        let with_rules = |row: AccountRow| {
            let domains = of_domain.get(&row.login).map(|text| Pop3Rules::from_column(text));
            let rules = row.pop3.or(domains.unwrap_or_default());
            (row, rules)
        };
        Ok(self.account_list().await?.into_iter().map(with_rules).collect())
    }

    /// Every rule that is in use anywhere, for what is said before anybody has logged in.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn pop3_rules_in_use(&self) -> Result<Vec<Pop3Rules>, Unavailable> {
        let texts: Vec<String> = sqlx::query_scalar(sql::POP3_IN_USE)
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("reading rules of POP3"))?;
        Ok(texts.iter().map(|text| Pop3Rules::from_column(text)).collect())
    }
}

async fn set_rules(
    change: &mut Change,
    statement: &'static str,
    whose: i64,
    rules: Pop3Rules,
) -> Result<(), Unavailable> {
    sqlx::query(statement)
        .bind(whose)
        .bind(rules.column())
        .execute(&mut **change)
        .await
        .map(drop)
        .map_err(Unavailable::when("setting rules of POP3"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_and_rules_are_the_same() {
        let (seven, none) = (Allowance::Limit(7), Allowance::Unlimited);
        let own = Pop3Rules { expire_read: seven, expire_all: none, ..Pop3Rules::default() };
        assert_eq!(own.column(), "expire_read=7 expire_all=0");
        assert_eq!(Pop3Rules::from_column(&own.column()), own);
        assert_eq!(Pop3Rules::from_column("login_delay=soon other"), Pop3Rules::default());
        let domains = Pop3Rules { expire_read: none, login_delay: seven, ..own };
        assert_eq!(own.or(domains), Pop3Rules { login_delay: seven, ..own });
        assert_eq!(own.to_string(), "expire_read=7 expire_all=none login_delay=default");
    }
}
