//! `yubin audit`: who changed what, and when.

use accounts::{AdminError, AuditEntry};
use clap::Args;
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, table, time};

/// Which changes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only those of this account; also of one that is gone
    pub login: Option<String>,
    /// How many, from the newest on
    #[arg(long, default_value_t = 50)]
    pub most: u32,
}

#[derive(Debug, Serialize)]
struct Shown {
    id: i64,
    at: String,
    who: String,
    action: String,
    subject: String,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    let entries = accounts.audit(arguments.login.as_deref(), arguments.most).await?;
    if let Some(login) = arguments.login.as_deref().filter(|_| entries.is_empty() && arguments.most > 0)
        && let Err(AdminError::Refused(_)) = accounts.account_show(login).await
    {
        return Err(Failure::Refused(format!("nobody has the login {login}, and nobody had it")));
    }
    let list: Vec<Shown> = entries.into_iter().map(Shown::from).collect();
    output.print(&list, |list| {
        let row = |shown: &Shown| {
            [shown.at.clone(), shown.who.clone(), shown.action.clone(), shown.subject.clone()]
        };
        table(["AT", "WHO", "WHAT", "ON"], &list.iter().map(row).collect::<Vec<_>>())
    })
}

impl From<AuditEntry> for Shown {
    fn from(AuditEntry { id, at, who, action, subject }: AuditEntry) -> Self {
        Self { id, at: time(at), who, action, subject }
    }
}
