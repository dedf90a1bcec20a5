//! `yubin domain`: whose mail is ours.

use std::str::FromStr;

use accounts::{
    Accounts, AdminError, DomainInfo, DomainKind, DomainSetting, NewAccount, Pop3Changes, ReportLanguage,
    Resolution,
};
use clap::Subcommand;
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts, table};
use crate::setting::Pop3Setting;

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
    /// Change options of a domain, and what POP3 does with the mail of the accounts whose issued address is in it
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// A domain that is ours
        domain: String,
        /// What to change, and to what
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<Setting>,
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
Keys:
  postmaster=LOGIN       who gets postmaster@ and abuse@; none: as in the default domain
  catch_all=LOGIN        who gets what nobody has; none: it is refused (so it is at first)
  separators=+           taro+anything is taro; up to four of + - = # _; none: off (so it is at first)
  quarantine=DAYS        how long a released address is given to nobody else; 0: not at all
  report_language=ja     or en: of reports to senders in it; default: as [outbound] in the configuration says
  expire_read=DAYS       after which mail goes that was read (yubin expire)
  expire_all=DAYS        after which any mail goes
  login_delay=SECONDS    between two logins by POP3
Of the last three, a value 'none' is no limit, 'default' what [pop3] in the
configuration says. An account may have its own.

Example:
  yubin domain set mx.example.jp postmaster=ab4t-ash separators=+";

/// A domain in output.
#[derive(Debug, Serialize)]
struct Shown {
    domain: String,
    kind: &'static str,
    brand: Option<String>,
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
    report_language: &'static str,
    expire_read: String,
    expire_all: String,
    login_delay: String,
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
            for setting in &settings {
                if let Setting::Domain(setting) = setting {
                    accounts.domain_set(&domain, setting).await?;
                }
            }
            let pop3 = settings.iter().filter_map(|setting| match setting {
                Setting::Pop3(setting) => Some(*setting),
                Setting::Domain(_) => None,
            });
            let pop3 = Pop3Setting::changes(pop3);
            if pop3 != Pop3Changes::default() {
                accounts.domain_set_pop3(&domain, pop3).await?;
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
        Command::List => print_list(&accounts, output).await,
    }
}

async fn print_list(accounts: &Accounts, output: Output) -> Result<(), Failure> {
    let list: Vec<Shown> = accounts.domain_list().await?.into_iter().map(Shown::from).collect();
    output.print(&list, |list| {
        let row = |shown: &Shown| {
            let kind = match (&shown.equivalent_to, shown.default) {
                (Some(home), _) => format!("equivalent to {home}"),
                (None, true) => "ours, the default".to_owned(),
                (None, false) => shown.kind.to_owned(),
            };
            let kind = match &shown.brand {
                Some(brand) => format!("{kind}, brand {brand}"),
                None => kind,
            };
            [
                shown.domain.clone(),
                shown.addresses.to_string(),
                shown.expire_read.clone(),
                shown.expire_all.clone(),
                shown.login_delay.clone(),
                kind,
            ]
        };
        let head = ["DOMAIN", "ADDRESSES", "READ MAIL GOES", "ALL MAIL GOES", "LOGIN DELAY", "KIND"];
        table(head, &list.iter().map(row).collect::<Vec<_>>())
    })
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
        let of_brand = shown.brand.as_ref().map_or(String::new(), |brand| format!(" of {brand}"));
        let mut text = format!("mail for {domain} is ours");
        if shown.default {
            text.push_str(&format!("; every account{of_brand} will have the address LOGIN@{domain}"));
        }
        if made {
            text.push_str(&format!(
                "\npostmaster@ and abuse@ go to the new account postmaster; to read it: yubin account passwd postmaster\nor let another account have them: yubin domain set {domain} postmaster=LOGIN"
            ));
        }
        text
    })
}

/// A `KEY=VALUE` of `domain set`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// What the domain's addresses are.
    Domain(DomainSetting),
    /// What POP3 does with the mail of its accounts.
    Pop3(Pop3Setting),
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let login = || (value != "none" && !value.is_empty()).then(|| value.to_owned());
        let setting = match key {
            "postmaster" => DomainSetting::Postmaster(login()),
            "catch_all" => DomainSetting::CatchAll(login()),
            "separators" => DomainSetting::Separators(login().unwrap_or_default()),
            "quarantine" => match value.parse::<u32>() {
                Ok(days) => DomainSetting::Quarantine(i64::from(days) * DAY),
                Err(_) => return Err(format!("'{value}' is no number of days; write quarantine=90")),
            },
            "report_language" => match (value, ReportLanguage::from_word(value)) {
                ("default", _) => DomainSetting::ReportLanguage(None),
                (_, Some(language)) => DomainSetting::ReportLanguage(Some(language)),
                (_, None) => {
                    return Err(format!("'{value}' is not known; write report_language=ja, en or default"));
                }
            },
            _ => {
                let others =
                    "postmaster=LOGIN, catch_all=LOGIN, separators=+, quarantine=DAYS or report_language=ja";
                return text.parse().map(Self::Pop3).map_err(|error: String| format!("{error}, {others}"));
            }
        };
        Ok(Self::Domain(setting))
    }
}

/// In seconds.
const DAY: i64 = 24 * 60 * 60;

fn as_facts(shown: &Shown) -> String {
    let or = |value: &Option<String>, none: &str| value.clone().unwrap_or_else(|| none.to_owned());
    let mut lines = vec![("domain", shown.domain.clone()), ("kind", shown.kind.to_owned())];
    if let Some(brand) = &shown.brand {
        lines.push(("brand", brand.clone()));
    }
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
            ("reports in", shown.report_language.to_owned()),
            (
                "mail goes",
                format!("{} days after it was read, {} after it came", shown.expire_read, shown.expire_all),
            ),
            ("login delay", format!("{} seconds", shown.login_delay)),
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
            brand: info.brand,
            default: info.default,
            addresses: info.addresses,
            equivalent_to,
            text,
            postmaster: info.postmaster,
            catch_all: info.catch_all,
            separators: info.separators,
            quarantine_days: info.quarantine / DAY,
            report_language: info.report_language.map_or("default", ReportLanguage::word),
            expire_read: info.pop3.expire_read.to_string(),
            expire_all: info.pop3.expire_all.to_string(),
            login_delay: info.pop3.login_delay.to_string(),
        }
    }
}
