//! `yubin import accounts`: accounts of another system, from a table.

use std::path::PathBuf;

use accounts::{ImportError, ImportedAccounts, IncomingAccount};
use auth_sasl::Secret;
use clap::Args;
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts};
use crate::progress::Progress;
use crate::rows::{self, Row};
use crate::setting;

/// From which table.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The table: CSV in UTF-8, whose first line names the columns
    file: PathBuf,
    /// Give the names out even if they are reserved or were released a short while ago
    #[arg(long)]
    force: bool,
}

const COLUMNS: [&str; 7] = ["login", "addresses", "password", "hash", "plan", "contract", "quota"];

const HELP: &str = "\
Columns, of which only the first must be there:
  login       for ever
  addresses   beside LOGIN@(the default domain), with blanks between them
  password    or
  hash        what another program made of it: {SSHA} and others, crypt(3), Argon2
              (one that would take more than a second or so at each login is refused)
  plan        the plan that it has
  contract    your own key of the contract; needs a plan
  quota       octets that the mailbox may hold, 'none' or 'default'

Every line is looked at before anything is done. If one is bad, all bad ones are
told, and nothing is done. Stop it at any time and run it again: an account is
there whole or not at all, and one that is there is left as it is. Logins are of
--brand, unless they name theirs.

Example:
  yubin import accounts customers.csv";

/// What came of it, in output.
#[derive(Debug, Serialize)]
struct Report {
    found: usize,
    taken: usize,
    before: usize,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, arguments: Arguments, output: Output) -> Result<(), Failure> {
    let Arguments { file, force } = arguments;
    let accounts = settings.accounts().await?;
    let accounts = if force { accounts.insisting() } else { accounts };
    let (incoming, mut faults) = rows::read(&file, &COLUMNS, "login", incoming)?;
    let mut progress = Progress::new();
    let found = incoming.len();
    let mut show = |looked_at: usize, done: usize| {
        progress.show(|| match done {
            0 => format!("{looked_at} of {found} lines looked at"),
            done => format!("{done} of {found} accounts"),
        });
    };
    // With a fault in the file, the others are still wanted at once.
    let imported = if faults.is_empty() {
        accounts.account_import(&incoming, &mut show).await
    } else {
        accounts.account_import_check(&incoming, &mut show).await.map(|()| ImportedAccounts::default())
    };
    drop(progress);
    match imported {
        Err(ImportError::Lines(more)) => faults.extend(more),
        Err(ImportError::Overtaken(more, done)) => return Err(rows::overtaken(&file, more, done, found)),
        Err(ImportError::Unavailable(unavailable)) => return Err(unavailable.into()),
        Ok(ImportedAccounts { taken, before }) if faults.is_empty() => {
            return output.print(&Report { found, taken, before }, as_facts);
        }
        Ok(_) => {}
    }
    Err(rows::refused(&file, faults))
}

fn incoming(row: &Row<'_>) -> Result<IncomingAccount, String> {
    let quota = row.cell("quota").map(setting::octets).transpose()?;
    let secret = |column| row.verbatim(column).map(|text| Secret::new(text.as_bytes().to_vec()));
    Ok(IncomingAccount {
        line: row.line,
        login: row.cell("login").unwrap_or_default().to_owned(),
        addresses: row.cell("addresses").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        password: secret("password"),
        hash: secret("hash"),
        plan: row.cell("plan").map(str::to_owned),
        contract: row.cell("contract").unwrap_or_default().to_owned(),
        quota,
    })
}

fn as_facts(report: &Report) -> String {
    facts(&[
        ("imported", format!("{} accounts", report.taken)),
        ("before", format!("{} were there before", report.before)),
    ])
}
