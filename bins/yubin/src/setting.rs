//! `KEY=VALUE`: what can be set of accounts, and part of it of domains.

use std::str::FromStr;

use accounts::{Allowance, Pop3Changes};

use crate::life::ServiceSetting;

/// A `KEY=VALUE` of `account set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `quota=`: octets.
    Quota(Allowance),
    /// `quota_messages=`
    QuotaMessages(Allowance),
    /// What POP3 does with its mail.
    Pop3(Pop3Setting),
    /// Which services it has.
    Service(ServiceSetting),
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let keys = "quota=SIZE, quota_messages=COUNT, expire_read=DAYS, expire_all=DAYS, login_delay=SECONDS or SERVICE=on|off";
        let (key, value) = text.split_once('=').ok_or_else(|| format!("write {keys}"))?;
        match key {
            "quota" => octets(value).map(Self::Quota),
            "quota_messages" => {
                allowance(key, value, |value| value.parse().ok(), "10000").map(Self::QuotaMessages)
            }
            _ => match (Pop3Setting::find(key, value), ServiceSetting::find(key, value)) {
                (Some(setting), _) => setting.map(Self::Pop3),
                (None, Some(setting)) => setting.map(Self::Service),
                (None, None) => Err(format!("there is no {key}; write {keys}")),
            },
        }
    }
}

/// A `KEY=VALUE` of `account set` and of `domain set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pop3Setting {
    /// `expire_read=`: days.
    ExpireRead(Allowance),
    /// `expire_all=`: days.
    ExpireAll(Allowance),
    /// `login_delay=`: seconds.
    LoginDelay(Allowance),
}

impl Pop3Setting {
    /// None if there is no such key.
    fn find(key: &str, value: &str) -> Option<Result<Self, String>> {
        let (make, example): (fn(Allowance) -> Self, _) = match key {
            "expire_read" => (Self::ExpireRead, "30"),
            "expire_all" => (Self::ExpireAll, "180"),
            "login_delay" => (Self::LoginDelay, "60"),
            _ => return None,
        };
        let number = |value: &str| value.parse::<u32>().ok().map(u64::from);
        Some(allowance(key, value, number, example).map(make))
    }

    /// Of several, the last of each key.
    pub(crate) fn changes(settings: impl Iterator<Item = Self>) -> Pop3Changes {
        let mut changes = Pop3Changes::default();
        for setting in settings {
            match setting {
                Self::ExpireRead(days) => changes.expire_read = Some(days),
                Self::ExpireAll(days) => changes.expire_all = Some(days),
                Self::LoginDelay(seconds) => changes.login_delay = Some(seconds),
            }
        }
        changes
    }
}

impl FromStr for Pop3Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let keys = "expire_read=DAYS, expire_all=DAYS or login_delay=SECONDS";
        let (key, value) = text.split_once('=').ok_or_else(|| format!("write {keys}"))?;
        Self::find(key, value).unwrap_or_else(|| Err(format!("there is no {key}; write {keys}")))
    }
}

/// What stands behind `quota=`.
pub(crate) fn octets(value: &str) -> Result<Allowance, String> {
    allowance("quota", value, daemon_kit::config::octets, "10GiB")
}

fn allowance(
    key: &str,
    value: &str,
    number: impl Fn(&str) -> Option<u64>,
    example: &str,
) -> Result<Allowance, String> {
    match value {
        "default" => Ok(Allowance::Configured),
        "none" | "0" => Ok(Allowance::Unlimited),
        value => number(value)
            .filter(|number| *number <= i64::MAX as u64)
            .map(Allowance::Limit)
            .ok_or_else(|| format!("write {key}={example}, {key}=none or {key}=default")),
    }
}
