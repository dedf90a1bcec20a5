//! `yubin report`: which accounts still use what the operator would like to end, from the daemons' logs.
//!
//! The customers in this list are those to write to before a setting changes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use daemon_kit::log::event;
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;
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
}

const EXAMPLES: &str = "\
It counts logins that succeeded; for pbs, recipients that were taken by a
ticket. Where several accounts have a ticket at one address, each is listed.
The logs must be in JSON: format = \"json\" in [log].

Examples:
  yubin report clear-text /var/log/yubin/*.log
  journalctl -u smtpd -u pop3d -o cat --since -30d | yubin report pbs";

/// What the operator would like to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Habit {
    /// Passwords that crossed the network in clear text
    ClearText,
    /// Sending by POP before SMTP
    Pbs,
    /// Logging in by APOP
    Apop,
}

/// An account, in output.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct User {
    login: String,
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
    let mut list: Vec<User> =
        users.into_iter().map(|(login, (times, last))| User { login, times, last }).collect();
    list.sort_by(|one, other| other.times.cmp(&one.times).then_with(|| one.login.cmp(&other.login)));
    output.print(&list, |list| {
        let row = |user: &User| [user.login.clone(), user.times.to_string(), user.last.clone()];
        table(["LOGIN", "TIMES", "LAST"], &list.iter().map(row).collect::<Vec<_>>())
    })
}

/// How often, and when at last, by login.
type Users = BTreeMap<String, (u64, String)>;

/// How many lines were events. What else is in a journal is passed over.
fn read(log: impl BufRead, what: Habit, users: &mut Users) -> io::Result<u64> {
    let mut events = 0;
    for line in log.split(b'\n') {
        let Ok(event) = serde_json::from_slice::<Value>(&line?) else { continue };
        let Some(name) = event.get("event").and_then(Value::as_str) else { continue };
        events += 1;
        let at = event.get("timestamp").and_then(Value::as_str).unwrap_or_default();
        for login in found(what, name, &event) {
            let (times, last) = users.entry(login.to_owned()).or_default();
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
fn found<'e>(what: Habit, name: &str, event: &'e Value) -> Vec<&'e str> {
    let text = |field: &str| event.get(field).and_then(Value::as_str);
    // SMTP has only mechanisms that show the password.
    let apop = text("mechanism") == Some("apop");
    let clear = event.get("encrypted").and_then(Value::as_bool) == Some(false);
    let field = match what {
        Habit::ClearText if name == event::AUTH_OK && clear && !apop => text("login"),
        Habit::Apop if name == event::AUTH_OK && apop => text("login"),
        Habit::Pbs if name == event::TICKET_USED => text("holders"),
        _ => None,
    };
    field.into_iter().flat_map(str::split_whitespace).collect()
}
