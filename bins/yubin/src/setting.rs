//! `KEY=VALUE`: what can be set of accounts, and part of it of domains.

use std::str::FromStr;

use accounts::{Allowance, Pop3Changes, SendingLimit, Service};

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
    /// How much it may send.
    Sending(SendingSetting),
    /// Which services it has.
    Service(ServiceSetting),
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let keys = "quota=SIZE, quota_messages=COUNT, expire_read=DAYS, expire_all=DAYS, login_delay=SECONDS, messages_per_hour=COUNT, recipients_per_hour=COUNT, messages_per_day=COUNT, recipients_per_day=COUNT or SERVICE=on|off";
        let (key, value) = text.split_once('=').ok_or_else(|| format!("write {keys}"))?;
        match key {
            "quota" => octets(value).map(Self::Quota),
            "quota_messages" => {
                allowance(key, value, |value| value.parse().ok(), "10000").map(Self::QuotaMessages)
            }
            _ => {
                let pop3 = Pop3Setting::find(key, value).map(|setting| setting.map(Self::Pop3));
                let sending = || SendingSetting::find(key, value).map(|setting| setting.map(Self::Sending));
                let service = || ServiceSetting::find(key, value).map(|setting| setting.map(Self::Service));
                let unknown = || Err(format!("there is no {key}; write {keys}"));
                pop3.or_else(sending).or_else(service).unwrap_or_else(unknown)
            }
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

/// A `KEY=VALUE` of `account set` and of `plan set`: how much may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendingSetting {
    /// Which limit.
    pub limit: SendingLimit,
    /// What it is.
    pub allowance: Allowance,
}

impl SendingSetting {
    /// None if there is no such key.
    pub(crate) fn find(key: &str, value: &str) -> Option<Result<Self, String>> {
        let limit = SendingLimit::from_word(key)?;
        let allowance = allowance(key, value, |value| value.parse().ok(), "200");
        Some(allowance.map(|allowance| Self { limit, allowance }))
    }

    pub(crate) const fn change(self) -> (SendingLimit, Allowance) {
        (self.limit, self.allowance)
    }
}

/// A `KEY=VALUE` of `plan add` and `plan set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanSetting {
    /// How much its accounts may send.
    Sending(SendingSetting),
    /// Which services they have.
    Service(ServiceSetting),
}

impl PlanSetting {
    /// Those of services.
    pub(crate) fn services(settings: &[Self]) -> Vec<(Service, bool)> {
        let service = |setting: &Self| match setting {
            Self::Service(setting) => Some((setting.service, setting.on)),
            Self::Sending(_) => None,
        };
        settings.iter().filter_map(service).collect()
    }

    /// Those of limits.
    pub(crate) fn sending(settings: &[Self]) -> Vec<(SendingLimit, Allowance)> {
        let limit = |setting: &Self| match setting {
            Self::Sending(setting) => Some(setting.change()),
            Self::Service(_) => None,
        };
        settings.iter().filter_map(limit).collect()
    }
}

impl FromStr for PlanSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        match SendingSetting::find(key, value) {
            Some(setting) => setting.map(Self::Sending),
            None => text.parse().map(Self::Service),
        }
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
