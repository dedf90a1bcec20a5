//! `yubin account`: the life of a mail account.

mod suspension;

use std::path::PathBuf;

use accounts::{AccountDetails, AccountRow, Accounts, Apop, IssuedAccount, NewAccount, Pop3Changes, Which};
use clap::Subcommand;
use serde::Serialize;

use crate::address;
use crate::config::Settings;
use crate::failure::Failure;
use crate::forward;
use crate::life::{self, ShownService, ShownState};
use crate::output::{Output, facts, on_off, table, time};
use crate::password::NewPassword;
use crate::progress::Progress;
use crate::sending;
use crate::setting::{Pop3Setting, Setting};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account, with a password that is shown once
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// Letters, digits, '-', '.' and '_'; in any case, kept in lower case
        login: String,
        /// One more address beside LOGIN@(the default domain); may be given several times
        #[arg(long = "address", value_name = "ADDRESS")]
        addresses: Vec<String>,
        /// Take the password from the first line of stdin instead of making one
        #[arg(long)]
        password_stdin: bool,
        /// Let the account log in by APOP too, for which its password is kept sealed
        #[arg(long)]
        apop: bool,
        /// Give the names out even if they are reserved or were released a short while ago, and take a password that would soon be guessed
        #[arg(long)]
        force: bool,
    },
    /// All about one account, but its password
    Show {
        /// The login, not an address
        login: String,
    },
    /// All accounts, or those of --brand
    List {
        /// Those of a contract
        #[arg(long)]
        contract: Option<String>,
    },
    /// Make an account as a plan says, with login and password made for it
    Issue(life::Issue),
    /// Stop an account, in parts; what it stops ends at once
    Suspend(life::Suspend),
    /// End a suspension, a staging or a closing
    #[command(after_help = RESUME_EXAMPLES)]
    Resume {
        /// The login, not an address
        login: String,
        /// Let what its suspension held in this machine's queue leave, too
        #[arg(long)]
        release_queue: bool,
    },
    /// Keep an account from all but import, until it is resumed
    Stage {
        /// The login, not an address
        login: String,
    },
    /// Begin the end of an account: it gets and sends nothing, and its owner fetches what is there
    Close {
        /// The login, not an address
        login: String,
        /// For how long
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        grace: u32,
    },
    /// Turn services on or off for many accounts
    Services(life::Services),
    /// Set a new password; the old one ends at once
    #[command(after_help = PASSWD_EXAMPLES)]
    Passwd {
        /// The login, not an address
        login: String,
        /// Take the password from the first line of stdin instead of making one
        #[arg(long)]
        password_stdin: bool,
        /// From now on the account can log in by APOP too
        #[arg(long, conflicts_with = "no_apop")]
        apop: bool,
        /// From now on the account cannot log in by APOP; the sealed password is deleted
        #[arg(long)]
        no_apop: bool,
        /// Take another program's hash of the password from the first line of stdin
        #[arg(long, conflicts_with_all = ["password_stdin", "apop"])]
        hash_stdin: bool,
        /// Take a password that would soon be guessed
        #[arg(long, requires = "password_stdin")]
        force: bool,
    },
    /// Change what an account may do
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// The login, not an address
        login: String,
        /// What to change, and to what
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<Setting>,
    },
    /// Where an account sends its mail on: add, remove, keep, show
    #[command(subcommand)]
    Forward(forward::Command),
    /// Remove an account and its addresses; its mail stays on the disk
    Remove {
        /// The login, not an address
        login: String,
    },
}

const ADD_EXAMPLES: &str = "\
The account receives mail at once, at LOGIN@(the default domain) and at each
--address. It logs in with LOGIN, never with an address.

Examples:
  yubin account add ab4t-ash
  yubin account add ab4t-ash --address taro@mx.example.jp --address taro@example.co.jp
  printf '%s\\n' \"$PASSWORD\" | yubin account add ab4t-ash --password-stdin";

const PASSWD_EXAMPLES: &str = "\
APOP needs the password itself, so turning it on asks for a new one.

Examples:
  yubin account passwd ab4t-ash
  printf '%s\\n' \"$PASSWORD\" | yubin account passwd ab4t-ash --password-stdin --apop";

const RESUME_EXAMPLES: &str = "\
What a suspension held in the queue stays there until somebody has looked at it:
  yubin queue list --account ab4t-ash --held
  yubin queue drop --account ab4t-ash --held --reason spam
  yubin account resume ab4t-ash --release-queue";

const SET_EXAMPLES: &str = "\
Keys:
  quota=SIZE             octets that the mailbox may hold
  quota_messages=COUNT   messages that it may hold
  expire_read=DAYS       after which mail goes that was read (yubin expire)
  expire_all=DAYS        after which any mail goes
  login_delay=SECONDS    between two logins by POP3
  messages_per_hour=COUNT, messages_per_day=COUNT, recipients_per_hour=COUNT,
  recipients_per_day=COUNT  that it may send, by the clock of UTC
  SERVICE=on|off         pop, smtp_auth, apop, pop_before_smtp, virus_check, forward
A value 'none' is no limit (and so is 0, as Dovecot and Maildir++ read it),
'default' what [quota], [pop3] and [sending_limits] in the configuration say, or
its domain, or its plan. Who shall get no mail at all is suspended: yubin
account suspend --help

Examples:
  yubin account set ab4t-ash quota=10GiB
  yubin account set ab4t-ash quota=default quota_messages=none";

/// An account in output. Times are RFC 3339 in UTC. No `Debug`: it may hold a new password.
#[derive(Serialize)]
struct Shown {
    login: String,
    id: i64,
    mailbox: String,
    maildir: PathBuf,
    created_at: String,
    password_changed_at: Option<String>,
    apop: bool,
    quota: String,
    quota_messages: String,
    expire_read: String,
    expire_all: String,
    login_delay: String,
    #[serde(flatten)]
    state: ShownState,
    plan: Option<String>,
    contract: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sending: Option<sending::Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_messages: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    services: Option<Vec<ShownService>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<address::Shown>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// An account that is gone, in output.
#[derive(Debug, Serialize)]
struct Removed {
    login: String,
    addresses: Vec<String>,
    maildir: PathBuf,
    maildir_exists: bool,
}

/// Does it.
pub(crate) async fn run(settings: &Settings, command: Command, output: Output) -> Result<(), Failure> {
    let accounts = settings.accounts().await?;
    match command {
        Command::Add { login, addresses, password_stdin, apop, force } => {
            let accounts = if force { accounts.insisting() } else { accounts };
            let password = NewPassword::get(password_stdin)?;
            password.must_be_good(&login, settings, force)?;
            let new = NewAccount { login, addresses, password: Some(password.secret.clone()), apop };
            let details = accounts.account_add(new).await?;
            print_with_password(settings, &accounts, details, &password, output).await
        }
        Command::Show { login } => show(settings, &accounts, &login, output).await,
        Command::List { contract } => {
            let mut list = accounts.account_list().await?;
            if let Some(contract) = contract {
                list.retain(|row| row.contract == contract);
            }
            if let Some(brand) = &settings.brand {
                list.retain(|row| row.brand().is_some_and(|own| own.eq_ignore_ascii_case(brand)));
            }
            let list: Vec<Shown> = list.into_iter().map(|row| Shown::row(settings, row)).collect();
            output.print(&list, |list| as_table(list))
        }
        Command::Issue(wanted) => issue(settings, &accounts, wanted, output).await,
        Command::Suspend(wanted) => suspension::suspend(settings, &accounts, &wanted, output).await,
        Command::Resume { login, release_queue } => {
            suspension::resume(settings, &accounts, &login, release_queue, output).await
        }
        Command::Stage { login } => {
            accounts.account_stage(&login).await?;
            show(settings, &accounts, &login, output).await
        }
        Command::Close { login, grace } => {
            accounts.account_close(&login, i64::from(grace) * 24 * 60 * 60).await?;
            show(settings, &accounts, &login, output).await
        }
        Command::Services(wanted) => life::services(&accounts, &wanted, output).await,
        Command::Passwd { login, hash_stdin: true, .. } => {
            accounts.account_set_hash(&login, &NewPassword::get(true)?.secret).await?;
            show(settings, &accounts, &login, output).await
        }
        Command::Passwd { login, password_stdin, apop, no_apop, force, hash_stdin: false } => {
            let apop = match (apop, no_apop) {
                (true, _) => Apop::On,
                (_, true) => Apop::Off,
                _ => Apop::Keep,
            };
            let password = NewPassword::get(password_stdin)?;
            password.must_be_good(&login, settings, force)?;
            // Before: what was made must be printed, whatever cannot be asked afterwards.
            let before = accounts.account_show(&login).await?;
            accounts.account_passwd(&login, &password.secret, apop).await?;
            let details = accounts.account_show(&login).await.unwrap_or(before);
            print_with_password(settings, &accounts, details, &password, output).await
        }
        Command::Set { login, settings: changes } => set(settings, &accounts, &login, &changes, output).await,
        Command::Forward(command) => forward::run(settings, &accounts, command, output).await,
        Command::Remove { login } => remove(settings, &accounts, &login, output).await,
    }
}

/// What was issued is printed even if the rest cannot be: nobody would ever see those passwords again.
async fn issue(
    settings: &Settings,
    accounts: &Accounts,
    wanted: life::Issue,
    output: Output,
) -> Result<(), Failure> {
    let many = wanted.is_many();
    let shown = |issued: IssuedAccount| {
        let password = issued.password.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
        Shown { password, ..Shown::whole(settings, issued.details) }
    };
    let orders = wanted.orders()?;
    let (mut list, mut progress, mut outcome) = (Vec::new(), Progress::new(), Ok(()));
    for (line, order) in &orders {
        match accounts.issue(order).await {
            Ok(issued) => list.push(shown(issued)),
            Err(error) => {
                let place = line.map_or(String::new(), |line| format!("line {line}: "));
                let rest = orders.len() - list.len();
                let rest = if many { format!("; {rest} were not issued") } else { String::new() };
                outcome = Err(Failure::Refused(format!("{place}{error}{rest}")));
                break;
            }
        }
        progress.show(|| format!("{} of {} accounts", list.len(), orders.len()));
    }
    drop(progress);
    match list.pop() {
        Some(only) if !many => output.print(&only, as_facts)?,
        Some(last) => {
            list.push(last);
            output.print(&list, |list| issued_table(list))?;
        }
        None => {}
    }
    outcome
}

/// The password is shown whatever else cannot be: nobody would ever see it again.
async fn print_with_password(
    settings: &Settings,
    accounts: &Accounts,
    details: AccountDetails,
    password: &NewPassword,
    output: Output,
) -> Result<(), Failure> {
    let sending = sending::Shown::of(settings, accounts, &details.account.login).await.ok();
    let shown = Shown { sending, password: password.to_show(), ..Shown::whole(settings, details) };
    output.print(&shown, as_facts)
}

async fn whole(settings: &Settings, accounts: &Accounts, login: &str) -> Result<Shown, Failure> {
    let details = accounts.account_show(login).await?;
    let sending = Some(sending::Shown::of(settings, accounts, &details.account.login).await?);
    Ok(Shown { sending, ..Shown::whole(settings, details) })
}

async fn show(settings: &Settings, accounts: &Accounts, login: &str, output: Output) -> Result<(), Failure> {
    output.print(&whole(settings, accounts, login).await?, as_facts)
}

async fn set(
    settings: &Settings,
    accounts: &Accounts,
    login: &str,
    changes: &[Setting],
    output: Output,
) -> Result<(), Failure> {
    let (mut octets, mut messages) = (None, None);
    for change in changes {
        match *change {
            Setting::Quota(allowance) => octets = Some(allowance),
            Setting::QuotaMessages(allowance) => messages = Some(allowance),
            Setting::Pop3(_) | Setting::Sending(_) | Setting::Service(_) => {}
        }
    }
    let services: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Setting::Service(setting) => Some((setting.service, setting.on)),
            _ => None,
        })
        .collect();
    if !services.is_empty() {
        accounts.services_set(Which::Login(login), &services).await?;
    }
    let pop3 = Pop3Setting::changes(changes.iter().filter_map(|change| match change {
        Setting::Pop3(setting) => Some(*setting),
        _ => None,
    }));
    let sending: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Setting::Sending(setting) => Some(setting.change()),
            _ => None,
        })
        .collect();
    if !sending.is_empty() {
        accounts.account_set_sending(login, &sending).await?;
    }
    if octets.is_some() || messages.is_some() {
        accounts.account_set_quota(login, octets, messages).await?;
    }
    if pop3 != Pop3Changes::default() {
        accounts.account_set_pop3(login, pop3).await?;
    }
    show(settings, accounts, login, output).await
}

async fn remove(
    settings: &Settings,
    accounts: &Accounts,
    login: &str,
    output: Output,
) -> Result<(), Failure> {
    let removed = accounts.account_remove(login).await?;
    let maildir = settings.maildir(&removed.mailbox);
    let removed = Removed {
        login: removed.login,
        addresses: removed.addresses,
        maildir_exists: maildir.exists(),
        maildir,
    };
    output.print(&removed, |removed| {
        let mail = if removed.maildir_exists {
            format!(
                "its mail is still in {}\nnobody else will get this directory; when nobody needs the mail, delete it",
                removed.maildir.display()
            )
        } else {
            format!("it had no mail on the disk ({} does not exist)", removed.maildir.display())
        };
        facts(&[
            ("removed", removed.login.clone()),
            ("addresses", removed.addresses.join("\n")),
            ("mail", mail),
        ])
    })
}

impl Shown {
    fn row(settings: &Settings, row: AccountRow) -> Self {
        Self {
            maildir: settings.maildir(&row.mailbox),
            login: row.login,
            id: row.id.get(),
            mailbox: row.mailbox,
            created_at: time(row.created_at),
            password_changed_at: row.password_changed_at.map(time),
            apop: row.apop,
            quota: row.quota.octets.to_string(),
            quota_messages: row.quota.messages.to_string(),
            expire_read: row.pop3.expire_read.to_string(),
            expire_all: row.pop3.expire_all.to_string(),
            login_delay: row.pop3.login_delay.to_string(),
            state: row.state.into(),
            plan: row.plan,
            contract: row.contract,
            sending: None,
            held_messages: None,
            services: None,
            addresses: None,
            password: None,
        }
    }

    fn whole(settings: &Settings, details: AccountDetails) -> Self {
        let addresses = details.addresses.into_iter().map(address::Shown::from).collect();
        let services = details.services.into_iter().map(ShownService::from).collect();
        Self { addresses: Some(addresses), services: Some(services), ..Self::row(settings, details.account) }
    }
}

fn as_facts(shown: &Shown) -> String {
    let addresses = shown.addresses.iter().flatten();
    let mut lines = vec![
        ("login", shown.login.clone()),
        ("state", shown.state.in_words()),
        ("addresses", addresses.map(address::Shown::in_words).collect::<Vec<_>>().join("\n")),
        ("maildir", shown.maildir.display().to_string()),
        ("created", shown.created_at.clone()),
        ("password", shown.password_changed_at.as_ref().map_or("none".into(), |at| format!("set {at}"))),
        ("APOP", on_off(shown.apop).to_owned()),
        ("quota", format!("{} octets, {} messages", shown.quota, shown.quota_messages)),
        (
            "mail goes",
            format!("{} days after it was read, {} after it came", shown.expire_read, shown.expire_all),
        ),
        ("login delay", format!("{} seconds", shown.login_delay)),
    ];
    if let Some(plan) = &shown.plan {
        lines.push(("plan", plan.clone()));
    }
    if !shown.contract.is_empty() {
        lines.push(("contract", shown.contract.clone()));
    }
    if let Some(sending) = &shown.sending {
        lines.push(("sent", sending.in_words()));
    }
    let services = shown.services.iter().flatten();
    lines.push(("services", services.map(ShownService::in_words).collect::<Vec<_>>().join("\n")));
    if let Some(password) = &shown.password {
        lines.push(("new password", format!("{password}\n(shown this once)")));
    }
    facts(&lines)
}

fn issued_table(list: &[Shown]) -> String {
    let row = |shown: &Shown| {
        let password = shown.password.clone().unwrap_or_else(|| "(issued before)".into());
        [shown.login.clone(), shown.contract.clone(), password]
    };
    table(["LOGIN", "CONTRACT", "PASSWORD"], &list.iter().map(row).collect::<Vec<_>>())
}

fn as_table(list: &[Shown]) -> String {
    let row = |shown: &Shown| {
        [
            shown.login.clone(),
            shown.created_at.clone(),
            shown.password_changed_at.clone().unwrap_or_else(|| "none".into()),
            on_off(shown.apop).to_owned(),
            shown.state.in_words(),
        ]
    };
    table(["LOGIN", "CREATED", "PASSWORD SET", "APOP", "STATE"], &list.iter().map(row).collect::<Vec<_>>())
}
