//! `yubin plan`, `yubin brand`: as what accounts are issued.

use std::collections::BTreeMap;

use accounts::{Accounts, NewPlan, PlanInfo, SendingLimit};
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts, on_off, table};
use crate::setting::PlanSetting;

/// What to do with plans.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a plan
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// Its name
        name: String,
        /// The shape of logins: @ a letter, # a digit, everything else itself
        #[arg(long, default_value = "@@#@-@@@")]
        login: String,
        /// The domain of issued addresses [default: the default domain]
        #[arg(long)]
        domain: Option<String>,
        /// How many accounts a contract may have; 0 for any number
        #[arg(long, default_value_t = 0)]
        accounts: u32,
        /// What accounts have, and may send, unless something else is set for them
        #[arg(value_name = "KEY=VALUE")]
        settings: Vec<PlanSetting>,
    },
    /// Change what the accounts of a plan have unless something else is set for them; at once for all of them
    Set {
        /// Its name
        name: String,
        /// What to change, and to what
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<PlanSetting>,
    },
    /// All about one plan
    Show {
        /// Its name
        name: String,
    },
    /// All plans
    List,
}

/// What to do with brands.
#[derive(Debug, Subcommand)]
pub enum BrandCommand {
    /// Make a brand: a provider, of whom one installation may host several
    #[command(after_help = BRAND_EXAMPLES)]
    Add {
        /// Its name
        name: String,
    },
    /// All brands
    List,
}

const BRAND_EXAMPLES: &str = "\
Without a brand there is one that nobody has to name. Customers of another log in
at the listeners with its name, brand = \"asahi\", and nowhere else; the same login
may be an account of each. Commands name an account of it as asahi:LOGIN, or LOGIN
with --brand asahi.

Examples:
  yubin brand add asahi
  yubin domain add asahi-net.or.jp --brand asahi
  yubin account add ab4t-ash --brand asahi
  yubin account show asahi:ab4t-ash";

const ADD_EXAMPLES: &str = "\
Services, =on or =off: pop, smtp_auth, apop, pop_before_smtp, virus_check, forward.
Without a word, the first four are on.
Limits, =COUNT, =none or =default (as [sending_limits] in the configuration has it):
messages_per_hour, recipients_per_hour, messages_per_day, recipients_per_day.

Examples:
  yubin plan add standard --login m####@@###@
  yubin plan add asahi --login @@#@-@@@ --accounts 5 smtp_auth=off
  yubin plan set standard messages_per_hour=200 recipients_per_day=2000
  yubin account issue --plan standard --contract 4711";

#[derive(Debug, Serialize)]
struct Shown {
    plan: String,
    login: String,
    brand: Option<String>,
    domain: Option<String>,
    accounts_per_contract: i64,
    accounts: i64,
    services: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sending_limits: Option<BTreeMap<&'static str, String>>,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    match command {
        Command::Add { name, login, domain, accounts: most, settings } => {
            let (services, sending) = (PlanSetting::services(&settings), PlanSetting::sending(&settings));
            let new = NewPlan { name, pattern: login, domain, accounts: most, services };
            let name = accounts.plan_add(&new).await?.name;
            if !sending.is_empty() {
                accounts.plan_set_sending(&name, &sending).await?;
            }
            show(&accounts, &name, output).await
        }
        Command::Set { name, settings } => {
            let (services, sending) = (PlanSetting::services(&settings), PlanSetting::sending(&settings));
            if !services.is_empty() {
                accounts.plan_set(&name, &services).await?;
            }
            if !sending.is_empty() {
                accounts.plan_set_sending(&name, &sending).await?;
            }
            show(&accounts, &name, output).await
        }
        Command::Show { name } => show(&accounts, &name, output).await,
        Command::List => {
            let list: Vec<Shown> = accounts.plan_list().await?.into_iter().map(Shown::from).collect();
            output.print(&list, |list| {
                let row = |shown: &Shown| {
                    [shown.plan.clone(), shown.login.clone(), shown.accounts.to_string(), in_words(shown)]
                };
                table(["PLAN", "LOGIN", "ACCOUNTS", "SERVICES"], &list.iter().map(row).collect::<Vec<_>>())
            })
        }
    }
}

async fn show(accounts: &Accounts, name: &str, output: Output) -> Result<(), Failure> {
    let info = accounts.plan_show(name).await?;
    let sending = accounts.plan_sending(&info.name).await?;
    let limit = |limit: SendingLimit| (limit.word(), sending.of(limit).to_string());
    let limits = SendingLimit::ALL.into_iter().map(limit).collect();
    output.print(&Shown { sending_limits: Some(limits), ..Shown::from(info) }, as_facts)
}

/// Does it.
pub(crate) async fn run_brand(
    settings: &Settings,
    command: BrandCommand,
    output: Output,
) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    if let BrandCommand::Add { name } = command {
        accounts.brand_add(&name).await?;
    }
    let brands = accounts.brand_list().await?;
    output.print(&json!(brands), |_| brands.join("\n"))
}

fn in_words(shown: &Shown) -> String {
    let word = |(name, on): (&String, &serde_json::Value)| {
        format!("{name}={}", on_off(on.as_bool().unwrap_or_default()))
    };
    shown.services.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn as_facts(shown: &Shown) -> String {
    let most = match shown.accounts_per_contract {
        0 => "any number".to_owned(),
        most => most.to_string(),
    };
    let limit = |(word, limit): (&&str, &String)| format!("{word}={limit}");
    let limits = shown.sending_limits.iter().flatten().map(limit).collect::<Vec<_>>().join(" ");
    facts(&[
        ("plan", shown.plan.clone()),
        ("logins", shown.login.clone()),
        ("brand", shown.brand.clone().unwrap_or_else(|| "none".into())),
        ("domain", shown.domain.clone().unwrap_or_else(|| "the default one".into())),
        ("accounts", format!("{}, {most} a contract", shown.accounts)),
        ("services", in_words(shown)),
        ("may send", limits),
    ])
}

impl From<PlanInfo> for Shown {
    fn from(info: PlanInfo) -> Self {
        let services = info.services.into_iter().map(|(service, on)| (service.word().to_owned(), on.into()));
        Self {
            plan: info.name,
            login: info.pattern,
            brand: info.brand,
            domain: info.domain,
            accounts_per_contract: info.accounts,
            accounts: info.issued,
            services: services.collect(),
            sending_limits: None,
        }
    }
}
