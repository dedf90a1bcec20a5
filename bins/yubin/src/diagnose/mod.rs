//! `yubin diagnose`: how an account was logged in to lately, and what may be wrong, for the desk with a customer on the telephone.
//!
//! It reads what the daemons noted in the account database, on whichever machine they are, and speaks to no daemon.

mod finding;

use accounts::{AccountDetails, Accounts, AdminError, Hint, LoginAttempt};
use clap::Args;
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::language::Language;
use crate::output::{Output, facts, on_off, table, time};
use finding::Finding;

/// Whose troubles.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The login; an alias or an address of the account will do
    login: String,
    /// In which language the findings are told
    #[arg(long, value_enum, default_value_t)]
    lang: Language,
}

const EXAMPLES: &str = "\
It shows the last ways in which somebody logged in, and 20 in which somebody
tried to and failed; a new way and a failure are there within seconds, the
count of a program that polls within minutes. Every login is in the logs.

Examples:
  yubin diagnose ab4t-ash
  yubin diagnose taro@mx.example.jp --lang ja";

/// What there is to see, in output.
#[derive(Debug, Serialize)]
struct Diagnosis {
    login: String,
    state: &'static str,
    services: Vec<(&'static str, bool)>,
    attempts: Vec<Shown>,
    findings: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Shown {
    last: String,
    first: String,
    times: i64,
    service: &'static str,
    place: String,
    from: String,
    tls: Option<String>,
    mechanism: String,
    outcome: String,
    hint: Option<String>,
    claimed: Option<String>,
}

#[derive(Debug, Serialize)]
struct Told {
    finding: &'static str,
    text: String,
}

impl From<LoginAttempt> for Shown {
    fn from(attempt: LoginAttempt) -> Self {
        Self {
            last: time(attempt.last),
            first: time(attempt.first),
            times: attempt.times,
            service: attempt.service.word(),
            place: attempt.place,
            from: attempt.from,
            tls: attempt.tls,
            mechanism: attempt.mechanism,
            outcome: attempt.outcome,
            hint: attempt.hint,
            claimed: attempt.claimed,
        }
    }
}

/// Looks and prints.
pub(crate) async fn run(settings: &Settings, arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    let details = find(&accounts, &arguments.login).await?;
    let login = details.account.login.clone();
    let attempts = accounts.login_attempts(&login).await?;
    let findings = finding::all(&settings.config, &details, &attempts);
    let told =
        |finding: &Finding| Told { finding: finding.word(), text: finding.text(&login, arguments.lang) };
    let diagnosis = Diagnosis {
        state: details.account.state.word(),
        services: details.services.iter().map(|info| (info.service.word(), info.enabled)).collect(),
        findings: findings.iter().map(told).collect(),
        attempts: attempts.into_iter().map(Shown::from).collect(),
        login,
    };
    output.print(&diagnosis, |diagnosis| as_text(diagnosis, arguments.lang))
}

/// The account of a login, or of what people take for it.
async fn find(accounts: &Accounts, name: &str) -> Result<AccountDetails, Failure> {
    match accounts.account_show(name).await {
        Err(AdminError::Refused(refusal)) => match accounts.hint_of_name(name).await {
            Some(Hint::Address(login) | Hint::Alias(login)) => Ok(accounts.account_show(&login).await?),
            Some(hint) => Err(Failure::Refused(format!("{refusal}: {hint}"))),
            None => Err(Failure::Refused(refusal)),
        },
        shown => Ok(shown?),
    }
}

fn as_text(diagnosis: &Diagnosis, language: Language) -> String {
    let services: Vec<_> =
        diagnosis.services.iter().map(|(service, on)| format!("{service} {}", on_off(*on))).collect();
    let mut text = facts(&[
        ("account", format!("{} ({})", diagnosis.login, diagnosis.state)),
        ("services", services.join(", ")),
    ]);
    if !diagnosis.attempts.is_empty() {
        let row = |shown: &Shown| {
            let outcome = match &shown.claimed {
                Some(claimed) => format!("{} ({claimed})", shown.outcome),
                None => shown.outcome.clone(),
            };
            [
                shown.last.clone(),
                shown.times.to_string(),
                shown.service.to_owned(),
                shown.place.clone(),
                shown.from.clone(),
                shown.tls.clone().unwrap_or_else(|| "-".to_owned()),
                shown.mechanism.clone(),
                outcome,
            ]
        };
        let rows: Vec<_> = diagnosis.attempts.iter().map(row).collect();
        text.push('\n');
        text += &table(["LAST", "TIMES", "SERVICE", "WHERE", "FROM", "TLS", "BY", "OUTCOME"], &rows);
    }
    text.push('\n');
    if diagnosis.findings.is_empty() {
        text += language
            .of("nothing is wrong that can be seen from here\n", "ここから見える範囲では問題はありません\n");
    }
    for Told { text: told, .. } in &diagnosis.findings {
        text += &format!("- {told}\n");
    }
    text
}
