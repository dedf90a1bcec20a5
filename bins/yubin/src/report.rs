//! `yubin report`: which accounts still use what the operator would like to end, from the daemons' logs.
//!
//! The customers in this list are those to write to before a setting changes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use daemon_kit::log::event;
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::metrics::{self, Figure};
use crate::output::{Output, table};

/// Who still does what.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What is looked for
    what: Habit,
    /// Logs of smtpd and pop3d in JSON [default: stdin]
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Also write figures for a Prometheus text-file collector
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

const EXAMPLES: &str = "\
It counts logins that succeeded; for pbs, recipients that were taken by a
ticket. Where several accounts have a ticket at one address, each is listed.
For tls-old, those below TLS 1.3: who logged in, by login, and who could not
even agree on a version, of whom no more than the address is known.
The logs must be in JSON: format = \"json\" in [log].

Examples:
  yubin report clear-text /var/log/yubin/*.log
  journalctl -u smtpd -u pop3d -o cat --since -30d | yubin report pbs
  yubin report tls-old /var/log/yubin/*.log
  yubin report clear-text /var/log/yubin/*.log --metrics /var/lib/prometheus/clear-text.prom";

/// What the operator would like to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Habit {
    /// Passwords that crossed the network in clear text
    ClearText,
    /// Sending by POP before SMTP
    Pbs,
    /// Logging in by APOP
    Apop,
    /// TLS 1.2 and what is older: who uses it, and who is not let in with it
    TlsOld,
}

/// Who, as far as it is known; the order is that of output.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct User {
    /// An account.
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    /// Of whom nothing else is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The highest that it offers, or uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl User {
    fn account(login: &str) -> Self {
        Self { login: Some(login.to_owned()), address: None, version: None }
    }
}

/// How often, and when at last, in output.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    #[serde(flatten)]
    user: User,
    times: u64,
    last: String,
}

/// Reads the logs and prints who it is, the most frequent first.
pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let mut users = BTreeMap::new();
    let mut events = 0;
    let failed = |name: &str, error: &io::Error| Failure::Refused(format!("cannot read {name}: {error}"));
    if arguments.logs.is_empty() {
        events +=
            read(io::stdin().lock(), arguments.what, &mut users).map_err(|error| failed("stdin", &error))?;
    }
    for log in &arguments.logs {
        let name = log.display().to_string();
        let file = File::open(log).map_err(|error| failed(&name, &error))?;
        events +=
            read(BufReader::new(file), arguments.what, &mut users).map_err(|error| failed(&name, &error))?;
    }
    // An empty list from a log in another format would be good news that is not true.
    if events == 0 {
        let why = "there is no event in JSON in what was read; write format = \"json\" in [log]";
        return Err(Failure::Refused(why.to_owned()));
    }
    let mut list: Vec<Row> =
        users.into_iter().map(|(user, (times, last))| Row { user, times, last }).collect();
    list.sort_by(|one, other| other.times.cmp(&one.times).then_with(|| one.user.cmp(&other.user)));
    if let Some(file) = &arguments.metrics {
        metrics::write(file, &figures(arguments.what, &list))?;
    }
    output.print(&list, |list| match arguments.what {
        Habit::TlsOld => versions(list),
        Habit::ClearText | Habit::Pbs | Habit::Apop => accounts(list),
    })
}

/// How many there are, also if there is none: an end that is near can be seen, and a new beginning told.
fn figures(what: Habit, list: &[Row]) -> Vec<Figure<'_>> {
    let what = match what {
        Habit::ClearText => "clear-text",
        Habit::Pbs => "pbs",
        Habit::Apop => "apop",
        Habit::TlsOld => "tls-old",
    };
    let users = ("yubin_report_users", vec![("what", what)], list.len() as u64);
    let times = list.iter().map(|Row { user, times, .. }| {
        let known = [("login", &user.login), ("address", &user.address), ("version", &user.version)];
        let known = known.into_iter().filter_map(|(label, of)| Some((label, of.as_deref()?)));
        ("yubin_report_times", [("what", what)].into_iter().chain(known).collect(), *times)
    });
    [users].into_iter().chain(times).collect()
}

fn accounts(list: &[Row]) -> String {
    let row = |Row { user, times, last }: &Row| {
        [user.login.clone().unwrap_or_default(), times.to_string(), last.clone()]
    };
    table(["LOGIN", "TIMES", "LAST"], &list.iter().map(row).collect::<Vec<_>>())
}

fn versions(list: &[Row]) -> String {
    let row = |Row { user, times, last }: &Row| {
        let who = user.login.clone().or_else(|| user.address.clone()).unwrap_or_default();
        let let_in = if user.login.is_some() { "yes" } else { "no" };
        let version = user.version.clone().unwrap_or_default();
        [who, version, let_in.to_owned(), times.to_string(), last.clone()]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    table(["LOGIN OR ADDRESS", "VERSION", "LET IN", "TIMES", "LAST"], &rows)
}

/// How often, and when at last.
type Users = BTreeMap<User, (u64, String)>;

/// How many lines were events. What else is in a journal is passed over.
fn read(log: impl BufRead, what: Habit, users: &mut Users) -> io::Result<u64> {
    let mut events = 0;
    for line in log.split(b'\n') {
        let Ok(event) = serde_json::from_slice::<Value>(&line?) else { continue };
        let Some(name) = event.get("event").and_then(Value::as_str) else { continue };
        events += 1;
        let at = event.get("timestamp").and_then(Value::as_str).unwrap_or_default();
        for user in found(what, name, &event) {
            let (times, last) = users.entry(user).or_default();
            *times += 1;
            // In one format and in UTC, they are in the order of their texts.
            if at > last.as_str() {
                *last = at.to_owned();
            }
        }
    }
    Ok(events)
}

/// Whom an event is about, if it is what is looked for.
fn found(what: Habit, name: &str, event: &Value) -> Vec<User> {
    let text = |field: &str| event.get(field).and_then(Value::as_str);
    // SMTP has only mechanisms that show the password.
    let apop = text("mechanism") == Some("apop");
    let clear = event.get("encrypted").and_then(Value::as_bool) == Some(false);
    let field = match what {
        Habit::ClearText if name == event::AUTH_OK && clear && !apop => text("login"),
        Habit::Apop if name == event::AUTH_OK && apop => text("login"),
        Habit::Pbs if name == event::TICKET_USED => text("holders"),
        Habit::TlsOld => return old_tls(name, event).into_iter().collect(),
        _ => None,
    };
    field.into_iter().flat_map(str::split_whitespace).map(User::account).collect()
}

/// Who is below TLS 1.3, if the event tells of one.
fn old_tls(name: &str, event: &Value) -> Option<User> {
    let text = |field: &str| event.get(field).and_then(Value::as_str);
    match name {
        event::AUTH_OK => {
            let version = text("tls").filter(|version| *version != "TLSv1.3")?;
            Some(User { version: Some(version.to_owned()), ..User::account(text("login")?) })
        }
        event::TLS_FAILED if matches!(text("reason"), Some("no_common_version" | "no_common_cipher")) => {
            let peer = event.pointer("/span/peer").and_then(Value::as_str)?;
            // The port is another one each time.
            let address =
                peer.parse().map_or_else(|_| peer.to_owned(), |peer: SocketAddr| peer.ip().to_string());
            let version = text("version").unwrap_or("unknown").to_owned();
            Some(User { login: None, address: Some(address), version: Some(version) })
        }
        _ => None,
    }
}
