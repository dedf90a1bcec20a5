//! `yubin bans`: who is held back for guessing passwords, and how to let them in again.

use accounts::{Ban, Budget};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts, table, time};

/// The list, or what to do with it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do with who is held back.
#[derive(Debug, Subcommand)]
enum Command {
    /// Forget the wrong passwords of somebody: they are let in on every machine within a second
    Lift {
        /// An address, a network or a login, as the list names them
        whom: String,
    },
}

const EXAMPLES: &str = "\
Too many wrong passwords shut out an address, a network, or an account for
addresses where it never logged in; each wrong one is forgotten after a while.
The list has who has no try left now, on all machines that share the database.
A name that is no login is shown as # and a hash: it may be a password.

Examples:
  yubin bans
  yubin bans lift 192.0.2.7
  yubin bans lift 192.0.2.0/24
  yubin bans lift ab4t-ash";

/// Somebody who is held back, in output.
#[derive(Debug, Serialize)]
struct Shown {
    whom: String,
    at: Option<String>,
    budget: &'static str,
    wrong: i64,
    until: String,
    over: String,
    why: &'static str,
}

#[derive(Debug, Serialize)]
struct Lifted {
    whom: String,
    budgets: u64,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, arguments: Arguments, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    match arguments.command {
        None => {
            let bans = accounts.bans().await?;
            let list: Vec<Shown> = bans.into_iter().map(Shown::from).collect();
            output.print(&list, |list| as_table(list))
        }
        Some(Command::Lift { whom }) => {
            let budgets = accounts.ban_lift(&whom).await?;
            output.print(&Lifted { whom, budgets }, |lifted| {
                facts(&[("lifted", lifted.whom.clone()), ("budgets", lifted.budgets.to_string())])
            })
        }
    }
}

fn as_table(list: &[Shown]) -> String {
    let row = |shown: &Shown| {
        let whom =
            shown.at.as_ref().map_or_else(|| shown.whom.clone(), |at| format!("{} at {at}", shown.whom));
        [whom, shown.wrong.to_string(), shown.until.clone(), shown.over.clone(), shown.why.to_owned()]
    };
    let head = ["WHOM", "WRONG", "NEXT TRY", "ALL FORGOTTEN", "WHY"];
    table(head, &list.iter().map(row).collect::<Vec<_>>())
}

impl From<Ban> for Shown {
    fn from(Ban { whom, at, budget, wrong, until, over }: Ban) -> Self {
        let why = match budget {
            Budget::Account => "wrong passwords for it from where it never logged in",
            Budget::Address => "wrong passwords from it",
            Budget::Known => "wrong passwords for it from where it did log in",
            Budget::Prefix => "wrong passwords from addresses in it",
            Budget::Busy => "too many at once",
        };
        let at = at.map(|at| at.to_string());
        Self { whom, at, budget: budget.word(), wrong, until: time(until), over: time(over), why }
    }
}
