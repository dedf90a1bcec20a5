//! `yubin domain`: whose mail is ours.

use accounts::{Accounts, AdminError, DomainInfo, DomainKind, DomainSetting, NewAccount, Resolution};
use clap::Subcommand;
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts, table};

/// What to do with domains.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a domain ours
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// For example mx.example.jp; an international name in its ASCII form
        domain: String,
    },
    /// Make a domain another name of one of ours: every address of the one is one in the other
    #[command(after_help = EQUIVALENT_EXAMPLES)]
    Equivalent {
        /// The other name, for example example.jp; addresses that it has as a domain of ours move over
        domain: String,
        /// The domain in which the addresses are, for example mx.example.jp
        home: String,
    },
    /// Know a domain as one where nobody has mail: it is refused at once, and no address in it can be had
    #[command(after_help = BAR_EXAMPLES)]
    Bar {
        /// The domain
        domain: String,
        /// What senders are told, in ASCII
        #[arg(long, default_value = "", hide_default_value = true)]
        text: String,
    },
    /// Set options: postmaster, catch_all, separators, quarantine
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// A domain that is ours
        domain: String,
        /// For example postmaster=ab4t-ash or separators=+
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<String>,
    },
    /// Forget a domain that nothing hangs on
    Remove {
        /// The domain
        domain: String,
    },
    /// All about one domain
    Show {
        /// The domain
        domain: String,
    },
    /// All domains that are known
    List,
}

const ADD_EXAMPLES: &str = "\
The first domain that is added is the default one: every account has the
address LOGIN@DOMAIN in it. postmaster@ and abuse@ are accepted in every domain;
where nobody is appointed to get them, an account `postmaster` is made for that.

Example:
  yubin domain add mx.example.jp";

const EQUIVALENT_EXAMPLES: &str = "\
Example: taro@mx.example.jp can be written as taro@example.jp, too
  yubin domain equivalent example.jp mx.example.jp";

const BAR_EXAMPLES: &str = "\
Example:
  yubin domain bar old.example.jp --text 'Write to the same name at mx.example.jp'";

const SET_EXAMPLES: &str = "\
  postmaster=LOGIN   who gets postmaster@ and abuse@; none: as in the default domain
  catch_all=LOGIN    who gets what nobody has; none: it is refused (so it is at first)
  separators=+       taro+anything is taro; up to four of + - = # _; none: off (so it is at first)
  quarantine=90      days that a released address is given to nobody else; 0: none

Example:
  yubin domain set mx.example.jp postmaster=ab4t-ash separators=+";

/// A domain in output.
#[derive(Debug, Serialize)]
struct Shown {
    domain: String,
    kind: &'static str,
    default: bool,
    addresses: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    equivalent_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    postmaster: Option<String>,
    catch_all: Option<String>,
    separators: String,
    quarantine_days: i64,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    match command {
        Command::Add { domain } => add(&accounts, &domain, output).await,
        Command::Equivalent { domain, home } => {
            let shown = Shown::from(accounts.domain_equivalent(&domain, &home).await?);
            output.print(&shown, |shown| format!("every address in {home} is one in {}, too", shown.domain))
        }
        Command::Bar { domain, text } => {
            let shown = Shown::from(accounts.domain_bar(&domain, &text).await?);
            output.print(&shown, |shown| format!("mail for {} is refused from now on", shown.domain))
        }
        Command::Set { domain, settings } => {
            let settings = settings.iter().map(|text| setting(text)).collect::<Result<Vec<_>, _>>()?;
            for setting in &settings {
                accounts.domain_set(&domain, setting).await?;
            }
            output.print(&Shown::from(accounts.domain_show(&domain).await?), as_facts)
        }
        Command::Remove { domain } => {
            accounts.domain_remove(&domain).await?;
            output.print(&serde_json::json!({ "removed": domain }), |_| {
                format!("{domain} is a foreign domain from now on")
            })
        }
        Command::Show { domain } => {
            output.print(&Shown::from(accounts.domain_show(&domain).await?), as_facts)
        }
        Command::List => {
            let list: Vec<Shown> = accounts.domain_list().await?.into_iter().map(Shown::from).collect();
            output.print(&list, |list| {
                let row = |shown: &Shown| {
                    let kind = match (&shown.equivalent_to, shown.default) {
                        (Some(home), _) => format!("equivalent to {home}"),
                        (None, true) => "ours, the default".to_owned(),
                        (None, false) => shown.kind.to_owned(),
                    };
                    [shown.domain.clone(), shown.addresses.to_string(), kind]
                };
                table(["DOMAIN", "ADDRESSES", "KIND"], &list.iter().map(row).collect::<Vec<_>>())
            })
        }
    }
}

/// A domain without a postmaster would be none: an account of that name is made where nobody is appointed.
async fn add(accounts: &Accounts, domain: &str, output: Output) -> Result<(), Failure> {
    let shown = Shown::from(accounts.domain_add(domain).await?);
    let appointed = accounts.resolve("postmaster", &shown.domain).await?;
    let made = appointed == Resolution::NoPostmaster;
    if made {
        let new =
            NewAccount { login: "postmaster".into(), addresses: Vec::new(), password: None, apop: false };
        match accounts.insisting().account_add(new).await {
            // Somebody else was as quick.
            Ok(_) | Err(AdminError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    output.print(&shown, |shown| {
        let domain = &shown.domain;
        let mut text = format!("mail for {domain} is ours");
        if shown.default {
            text.push_str(&format!("; every account will have the address LOGIN@{domain}"));
        }
        if made {
            text.push_str(&format!(
                "\npostmaster@ and abuse@ go to the new account postmaster; to read it: yubin account passwd postmaster\nor let another account have them: yubin domain set {domain} postmaster=LOGIN"
            ));
        }
        text
    })
}

fn setting(text: &str) -> Result<DomainSetting, Failure> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let login = || (value != "none" && !value.is_empty()).then(|| value.to_owned());
    match key {
        "postmaster" => Ok(DomainSetting::Postmaster(login())),
        "catch_all" => Ok(DomainSetting::CatchAll(login())),
        "separators" => Ok(DomainSetting::Separators(login().unwrap_or_default())),
        "quarantine" => match value.trim_end_matches('d').parse::<u32>() {
            Ok(days) => Ok(DomainSetting::Quarantine(i64::from(days) * DAY)),
            Err(_) => Err(Failure::Refused(format!("'{value}' is no number of days; write quarantine=90"))),
        },
        _ => Err(Failure::Refused(format!(
            "'{key}' is no option of a domain; those are postmaster, catch_all, separators and quarantine"
        ))),
    }
}

/// In seconds.
const DAY: i64 = 24 * 60 * 60;

fn as_facts(shown: &Shown) -> String {
    let or = |value: &Option<String>, none: &str| value.clone().unwrap_or_else(|| none.to_owned());
    let mut lines = vec![("domain", shown.domain.clone()), ("kind", shown.kind.to_owned())];
    if let Some(home) = &shown.equivalent_to {
        lines.push(("home", home.clone()));
    }
    if let Some(text) = &shown.text {
        lines.push(("text", text.clone()));
    }
    if shown.kind == DomainKind::Ours.word() {
        let separators = if shown.separators.is_empty() { "none" } else { &shown.separators };
        lines.extend([
            ("addresses", shown.addresses.to_string()),
            ("postmaster", or(&shown.postmaster, "as in the default domain")),
            ("catch-all", or(&shown.catch_all, "none")),
            ("separators", separators.to_owned()),
            ("quarantine", format!("{} days", shown.quarantine_days)),
        ]);
    }
    facts(&lines)
}

impl From<DomainInfo> for Shown {
    fn from(info: DomainInfo) -> Self {
        let kind = info.kind.word();
        let (equivalent_to, text) = match info.kind {
            DomainKind::Ours => (None, None),
            DomainKind::Equivalent(home) => (Some(home), None),
            DomainKind::Barred(text) => (None, Some(text)),
        };
        Self {
            domain: info.name,
            kind,
            default: info.default,
            addresses: info.addresses,
            equivalent_to,
            text,
            postmaster: info.postmaster,
            catch_all: info.catch_all,
            separators: info.separators,
            quarantine_days: info.quarantine / DAY,
        }
    }
}
