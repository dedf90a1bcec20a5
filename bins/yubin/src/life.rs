//! The part of `yubin account` that says what an account may do: its state and its services, and how it was issued.

use std::str::FromStr;

use accounts::{Accounts, Order, Service, ServiceInfo, State, Stops, Which};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, on_off, time};

/// `SERVICE=on|off`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceSetting {
    /// Which.
    pub service: Service,
    /// Whether it is on.
    pub on: bool,
}

impl ServiceSetting {
    /// None if there is no such service.
    pub(crate) fn find(key: &str, value: &str) -> Option<Result<Self, String>> {
        let service = Service::from_word(key)?;
        Some(match value {
            "on" => Ok(Self { service, on: true }),
            "off" => Ok(Self { service, on: false }),
            _ => Err(format!("write {key}=on or {key}=off")),
        })
    }
}

impl FromStr for ServiceSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        Self::find(key, value).unwrap_or_else(|| {
            let words: Vec<_> = Service::ALL.iter().map(|service| service.word()).collect();
            Err(format!("there is no service {key}; those are {}", words.join(", ")))
        })
    }
}

/// What to stop.
#[derive(Debug, Args)]
#[command(after_help = SUSPEND_EXAMPLES)]
pub struct Suspend {
    /// The login, not an address
    login: String,
    /// Stop sending; so it is without a word
    #[arg(long)]
    sending: bool,
    /// Stop reading by POP3
    #[arg(long)]
    reading: bool,
    /// Stop getting mail: it is refused
    #[arg(long)]
    receiving: bool,
    /// Stop everything
    #[arg(long)]
    all: bool,
    /// What its owner is told who logs in with the right password, in ASCII
    #[arg(long, default_value = "", hide_default_value = true)]
    text: String,
}

const SUSPEND_EXAMPLES: &str = "\
What is stopped ends at once, live sessions too. Without a word it is sending: for
an account that somebody took over, whose owner goes on reading.

Examples:
  yubin account suspend ab4t-ash
  yubin account suspend ab4t-ash --sending --reading --text 'See https://example.jp/help'
  yubin account resume ab4t-ash";

/// Which accounts.
#[derive(Debug, Args)]
#[command(after_help = SERVICES_EXAMPLES)]
pub struct Services {
    /// Those of a plan
    #[arg(long, conflicts_with = "all", required_unless_present = "all")]
    plan: Option<String>,
    /// Every account
    #[arg(long)]
    all: bool,
    /// What to change, and to what
    #[arg(required = true, value_name = "SERVICE=on|off")]
    services: Vec<ServiceSetting>,
}

const SERVICES_EXAMPLES: &str = "\
Example: what was set for single accounts is overwritten
  yubin account services --plan standard smtp_auth=off";

/// What to issue.
#[derive(Debug, Args)]
#[command(after_help = ISSUE_EXAMPLES)]
pub struct Issue {
    /// As what
    #[arg(long)]
    plan: String,
    /// Your own key of the contract
    #[arg(long, default_value = "", hide_default_value = true)]
    contract: String,
    /// Your own key of this order: the same order again issues nothing again
    #[arg(long)]
    request: Option<String>,
}

const ISSUE_EXAMPLES: &str = "\
The login, its address and the password are made; the password is shown once.

Example:
  yubin account issue --plan standard --contract 4711 --request order-2026-1";

impl Issue {
    pub(crate) fn order(self) -> Order {
        Order { plan: self.plan, contract: self.contract, request: self.request }
    }
}

pub(crate) async fn suspend(accounts: &Accounts, wanted: &Suspend) -> Result<(), Failure> {
    let Suspend { login, sending, reading, receiving, all, text } = wanted;
    let stops = match (*sending, *reading, *receiving, *all) {
        (.., true) => Stops::ALL,
        (false, false, false, false) => Stops::default(),
        (sending, reading, receiving, false) => Stops { sending, reading, receiving },
    };
    accounts.account_suspend(login, stops, text).await?;
    Ok(())
}

impl Suspend {
    pub(crate) fn login(&self) -> &str {
        &self.login
    }
}

pub(crate) async fn services(accounts: &Accounts, wanted: &Services, output: Output) -> Result<(), Failure> {
    let which = wanted.plan.as_deref().map_or(Which::All, Which::Plan);
    let services: Vec<_> = wanted.services.iter().map(|setting| (setting.service, setting.on)).collect();
    let count = accounts.services_set(which, &services).await?;
    output.print(&json!({ "accounts": count }), |_| format!("changed for {count} accounts"))
}

/// A state in output.
#[derive(Debug, Serialize)]
pub(crate) struct ShownState {
    state: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl ShownState {
    pub(crate) fn in_words(&self) -> String {
        let mut words = self.state.to_owned();
        if !self.stopped.is_empty() {
            words.push_str(&format!(", without {}", self.stopped.join(", ")));
        }
        for (name, value) in [("since", &self.since), ("until", &self.until), ("told", &self.text)] {
            if let Some(value) = value {
                words.push_str(&format!(", {name} {value}"));
            }
        }
        words
    }
}

impl From<State> for ShownState {
    fn from(state: State) -> Self {
        let word = state.word();
        let shown = Self { state: word, stopped: Vec::new(), text: None, since: None, until: None };
        match state {
            State::Active | State::Staged => shown,
            State::Suspended { stops, text, since } => {
                let parts =
                    [(stops.sending, "sending"), (stops.reading, "reading"), (stops.receiving, "receiving")];
                let stopped =
                    parts.into_iter().filter(|(stopped, _)| *stopped).map(|(_, part)| part).collect();
                let text = (!text.is_empty()).then_some(text);
                Self { stopped, text, since: Some(time(since)), ..shown }
            }
            State::Closing { since, until } => {
                Self { since: Some(time(since)), until: Some(time(until)), ..shown }
            }
        }
    }
}

/// A service in output.
#[derive(Debug, Serialize)]
pub(crate) struct ShownService {
    service: &'static str,
    enabled: bool,
    set_at: Option<String>,
    set_by: Option<String>,
}

impl ShownService {
    pub(crate) fn in_words(&self) -> String {
        let set = match (&self.set_at, &self.set_by) {
            (Some(at), Some(who)) => format!(" (set {at} by {who})"),
            _ => String::new(),
        };
        format!("{} {}{set}", self.service, on_off(self.enabled))
    }
}

impl From<ServiceInfo> for ShownService {
    fn from(ServiceInfo { service, enabled, set }: ServiceInfo) -> Self {
        let (set_at, set_by) = set.map(|(at, who)| (time(at), who)).unzip();
        Self { service: service.word(), enabled, set_at, set_by }
    }
}
