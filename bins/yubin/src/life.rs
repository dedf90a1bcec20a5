//! The part of `yubin account` that says what an account may do: its state and its services, and how it was issued.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use accounts::{Accounts, Order, Service, ServiceInfo, State, Stops, Which};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, on_off, time};
use crate::rows::{self, Row};

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
an account that somebody took over, whose owner goes on reading. What it sent and
what still waits in this machine's queue is held; other machines hold theirs when
they would try it.

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
    /// How many; with --request, the nth has the key REQUEST-n
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// One for each line of a table: CSV in UTF-8, with the columns contract and request
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "request", "contract"])]
    from: Option<PathBuf>,
}

const ISSUE_EXAMPLES: &str = "\
The login, its address and the password are made; the password is shown once.

Example:
  yubin account issue --plan standard --contract 4711 --request order-2026-1

Of many, each is issued whole or not at all. With keys, stop it at any time and
run it again: what was issued before is shown without its password.

  yubin account issue --plan standard --count 100 --request batch-7
  yubin account issue --plan standard --from orders.csv";

impl Issue {
    /// Whether a list is wanted.
    pub(crate) fn is_many(&self) -> bool {
        self.count.is_some() || self.from.is_some()
    }

    /// What is ordered, and on which line.
    pub(crate) fn orders(self) -> Result<Vec<(Option<u64>, Order)>, Failure> {
        let Self { plan, contract, request, count, from } = self;
        if let Some(file) = from {
            return table(&plan, &file);
        }
        let Some(count) = count else { return Ok(vec![(None, Order { plan, contract, request })]) };
        let order = |nth| {
            let request = request.as_ref().map(|request| format!("{request}-{nth}"));
            (None, Order { plan: plan.clone(), contract: contract.clone(), request })
        };
        Ok((1..=count).map(order).collect())
    }
}

/// The orders of a table; all of its faults, or none.
fn table(plan: &str, file: &Path) -> Result<Vec<(Option<u64>, Order)>, Failure> {
    let make = |row: &Row<'_>| {
        let contract = row.cell("contract").ok_or("it names no contract")?.to_owned();
        let request = row.cell("request").map(str::to_owned);
        Ok((row.line, Order { plan: plan.to_owned(), contract, request }))
    };
    let (orders, mut faults) = rows::read(file, &["contract", "request"], "contract", make)?;
    let mut requests = HashMap::new();
    for (line, order) in &orders {
        if let Some(request) = &order.request
            && let Some(earlier) = requests.insert(request, *line)
        {
            faults.push((*line, format!("the request {request} stands on line {earlier} already")));
        }
    }
    match faults.is_empty() {
        true => Ok(orders.into_iter().map(|(line, order)| (Some(line), order)).collect()),
        false => Err(rows::refused(file, faults)),
    }
}

/// Whether it stops sending.
pub(crate) async fn suspend(accounts: &Accounts, wanted: &Suspend) -> Result<bool, Failure> {
    let Suspend { login, sending, reading, receiving, all, text } = wanted;
    let stops = match (*sending, *reading, *receiving, *all) {
        (.., true) => Stops::ALL,
        (false, false, false, false) => Stops::default(),
        (sending, reading, receiving, false) => Stops { sending, reading, receiving },
    };
    accounts.account_suspend(login, stops, text).await?;
    Ok(stops.sending)
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
