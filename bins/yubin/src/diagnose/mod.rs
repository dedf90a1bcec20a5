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

/// Ways to log in that a page shows, the latest; JSON has all.
const WAYS: usize = 30;
/// Findings of a kind that a page shows.
const OF_A_KIND: usize = 3;

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
        let mut latest: Vec<_> = diagnosis.attempts.iter().collect();
        latest.sort_by(|one, other| other.last.cmp(&one.last));
        let rows: Vec<_> = latest.into_iter().take(WAYS).map(row).collect();
        text.push('\n');
        text += &table(["LAST", "TIMES", "SERVICE", "WHERE", "FROM", "TLS", "BY", "OUTCOME"], &rows);
        let more = diagnosis.attempts.len() - rows.len();
        if more > 0 {
            text += &match language {
                Language::En => format!("{more} older ones: --json\n"),
                Language::Ja => format!("それ以前の{more}件は --json で表示できます\n"),
            };
        }
    }
    text.push('\n');
    if diagnosis.findings.is_empty() {
        text += language
            .of("nothing is wrong that can be seen from here\n", "ここから見える範囲では問題はありません\n");
    }
    text + &told(&diagnosis.findings, language)
}

/// A line each; of one kind, such as wrong passwords from a thousand addresses, the first and how many there are besides.
fn told(findings: &[Told], language: Language) -> String {
    let mut text = String::new();
    for kind in findings.chunk_by(|one, other| one.finding == other.finding) {
        for Told { text: told, .. } in kind.iter().take(OF_A_KIND) {
            text += &format!("- {told}\n");
        }
        let (more, word) = (kind.len().saturating_sub(OF_A_KIND), kind.first().map_or("", |it| it.finding));
        if more > 0 {
            text += &match language {
                Language::En => format!("- {more} more like these ({word}): --json\n"),
                Language::Ja => format!(
                    "- 同様のものがほかに{more}件あります（{word}）。すべては --json で表示できます\n"
                ),
            };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_of_a_kind_are_a_few_lines_and_their_number() {
        let shown = |at: i64| Shown {
            last: time(at),
            first: time(0),
            times: 1,
            service: "pop",
            place: "mx.example.jp:110".into(),
            from: format!("192.0.2.{at}"),
            tls: None,
            mechanism: "user".into(),
            outcome: "wrong-secret".into(),
            hint: None,
            claimed: None,
        };
        let wrong = |at| Told { finding: "wrong-password", text: format!("wrong from 192.0.2.{at}") };
        let clear = Told { finding: "clear-text", text: "in clear text".into() };
        let diagnosis = Diagnosis {
            login: "ab4t-ash".into(),
            state: "active",
            services: Vec::new(),
            attempts: (0..1000).map(shown).collect(),
            findings: (0..1000).map(wrong).chain([clear]).collect(),
        };
        for language in [Language::En, Language::Ja] {
            let text = as_text(&diagnosis, language);
            assert!(text.lines().count() < 45, "{text}");
            assert!(text.contains("997") && text.contains("970") && text.contains("in clear text"), "{text}");
            assert!(text.contains("192.0.2.999 ") && !text.contains("192.0.2.900 "), "the latest: {text}");
        }
    }
}
