//! How much an account may send, and has sent, in what `yubin account` shows.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use accounts::{Accounts, Sender, SendingLimit};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;

/// One limit, in output.
#[derive(Debug, Serialize)]
struct Limit {
    /// What holds; none is no limit.
    limit: Option<u64>,
    /// In this hour or day; counted only where there is a limit.
    sent: u64,
    /// `default`, `none` or a number: what the account has, or its plan.
    set: String,
}

/// What an account may send and has sent.
#[derive(Debug, Serialize)]
pub(crate) struct Shown(BTreeMap<&'static str, Limit>);

impl Shown {
    pub(crate) async fn of(settings: &Settings, accounts: &Accounts, login: &str) -> Result<Self, Failure> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let who = Sender::Account(login.to_owned());
        let standing = accounts.sending(&who, i64::try_from(at).unwrap_or(i64::MAX)).await?;
        let configured = smtpd::sending_rates(&settings.config.sending_limits.account);
        let limit = |which: SendingLimit| {
            let own = standing.limits.of(which);
            let limit = own.or(configured.of(which));
            (which.word(), Limit { limit, sent: standing.sent.of(which), set: own.to_string() })
        };
        Ok(Self(SendingLimit::ALL.into_iter().map(limit).collect()))
    }

    /// A line for each limit that holds.
    pub(crate) fn in_words(&self) -> String {
        let line = |(word, limit): (&&str, &Limit)| {
            let most = limit.limit?;
            let (what, period) = word.split_once("_per_")?;
            Some(format!("{} of {most} {what} in this {period}", limit.sent))
        };
        let lines: Vec<String> = self.0.iter().filter_map(line).collect();
        if lines.is_empty() { String::from("not limited, and not counted") } else { lines.join("\n") }
    }
}
