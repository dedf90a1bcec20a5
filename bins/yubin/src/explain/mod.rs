//! `yubin explain`: what a client may do at a port, each rule that it passes, and what to change.
//!
//! It asks the same tables and the same database as the daemons, and speaks to no daemon: what it says holds for the configuration
//! as it stands in the file.

mod pop3;
mod smtp;
mod virus_check;

use std::net::IpAddr;

use accounts::{AccountDetails, Accounts, Address, AdminError, Resolution, Service};
use clap::Args;
use daemon_kit::config::{Config, INSIDE, Listener, PopBeforeSmtp, Protocol, TlsMode};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::output::{Output, facts};

/// Who comes, to which port, and what for.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The client's address, IPv4 or IPv6
    #[arg(long, value_name = "IP")]
    from: IpAddr,
    /// The port that it comes to
    #[arg(long)]
    port: u16,
    /// The login that it uses [default: it does not log in]
    #[arg(long, value_name = "LOGIN")]
    account: Option<String>,
    /// Whom it writes to [default: somebody here, and somebody elsewhere]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
}

const EXAMPLES: &str = "\
It looks at the configuration and at the accounts as they are now. A daemon
uses the configuration that it read at its start or at SIGHUP.

Examples:
  yubin explain --from 192.0.2.7 --port 25 --to someone@example.com
  yubin explain --from 192.0.2.7 --port 465 --account ab4t-ash";

/// All that is found out, in output.
#[derive(Debug, Serialize)]
struct Explained {
    from: IpAddr,
    classes: Vec<String>,
    inside: bool,
    port: u16,
    account: Option<String>,
    to: Option<String>,
    listeners: Vec<Walk>,
}

/// The way of a client through one listener.
#[derive(Debug, Default, Serialize)]
struct Walk {
    listener: String,
    rules: Vec<Rule>,
    verdicts: Vec<Verdict>,
    change: Vec<String>,
}

/// A rule, and whether the client passes it.
#[derive(Debug, Serialize)]
struct Rule {
    rule: &'static str,
    passed: bool,
    says: String,
}

/// How it ends.
#[derive(Debug, Serialize)]
struct Verdict {
    what: String,
    accepted: bool,
    rule: &'static str,
    reply: Option<String>,
}

/// What is known of the client.
struct Client<'c> {
    config: &'c Config,
    from: IpAddr,
    classes: Vec<(&'c str, u8)>,
    login: Option<Login>,
    /// The logins whose tickets hold at its address.
    tickets: Vec<String>,
    to: Option<(String, Resolution)>,
    /// That mailbox has the contract for the virus check.
    to_has_contract: bool,
}

/// Who logs in.
enum Login {
    Known(Box<AccountDetails>),
    /// There is no such account; why it may have been typed.
    Unknown(String),
}

impl Walk {
    fn pass(&mut self, rule: &'static str, says: impl Into<String>) {
        self.rules.push(Rule { rule, passed: true, says: says.into() });
    }

    fn fail(&mut self, rule: &'static str, says: impl Into<String>) {
        self.rules.push(Rule { rule, passed: false, says: says.into() });
    }

    fn end(
        &mut self,
        what: impl Into<String>,
        accepted: bool,
        rule: &'static str,
        reply: impl Into<Option<String>>,
    ) {
        self.verdicts.push(Verdict { what: what.into(), accepted, rule, reply: reply.into() });
    }

    fn change(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.change.contains(&what) {
            self.change.push(what);
        }
    }
}

/// Finds it out and prints it.
pub(crate) async fn run(settings: &Settings, arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let config = &settings.config;
    let at_port = |listener: &&Listener| ports_of(listener).any(|port| port == arguments.port);
    let listeners: Vec<&Listener> = config.listeners.iter().map(AsRef::as_ref).filter(at_port).collect();
    if listeners.is_empty() {
        let (port, ports) = (arguments.port, ports(config, |_| true));
        return Err(Failure::Refused(format!("nothing listens at port {port}; the ports are {ports}")));
    }
    let accounts = settings.accounts().await?;
    let mut clients = Vec::new();
    for listener in listeners {
        let accounts = accounts.at_brand(listener.brand.as_deref());
        clients.push((listener, Client::find(config, arguments, &accounts, listener).await?));
    }
    accounts.close().await;
    let Some((_, client)) = clients.first() else { return Ok(()) };
    let explained = Explained {
        from: client.from,
        classes: client.classes.iter().map(|(name, _)| (*name).to_owned()).collect(),
        inside: client.is_inside(),
        port: arguments.port,
        account: arguments.account.clone(),
        to: arguments.to.clone(),
        listeners: clients.iter().map(|(listener, client)| client.walk(listener)).collect(),
    };
    output.print(&explained, as_text)
}

impl<'c> Client<'c> {
    /// As the server says it there.
    fn worded(&self, listener: &Listener, usual: smtpd::Reply) -> smtpd::Reply {
        smtpd::Words::of(self.config).say(listener.brand.as_deref(), usual)
    }

    async fn find(
        config: &'c Config,
        arguments: &Arguments,
        accounts: &Accounts,
        listener: &Listener,
    ) -> Result<Client<'c>, Failure> {
        let from = arguments.from.to_canonical();
        let login = match &arguments.account {
            Some(login) => Some(Login::find(login, accounts, listener.brand.as_deref()).await?),
            None => None,
        };
        let to = match &arguments.to {
            Some(to) => {
                let address = Address::parse(to).map_err(|fault| Failure::Refused(fault.to_string()))?;
                Some((to.clone(), accounts.resolve(address.local_part(), address.domain()).await?))
            }
            None => None,
        };
        let to_has_contract = match &to {
            Some((_, Resolution::Mailbox(mailbox))) => {
                accounts.has_service(mailbox.account, Service::VirusCheck).await?
            }
            _ => false,
        };
        Ok(Self {
            config,
            from,
            classes: config.networks.classes_of(from).collect(),
            login,
            tickets: match config.pop_before_smtp {
                Some(tickets) => accounts.ticket_holders(from, tickets.lifetime).await?,
                None => Vec::new(),
            },
            to,
            to_has_contract,
        })
    }

    fn is_inside(&self) -> bool {
        self.config.networks.contains(INSIDE, self.from)
    }

    fn walk(&self, listener: &Listener) -> Walk {
        let sockets: Vec<_> = listener.addresses.iter().map(|at| at.socket.to_string()).collect();
        let name = format!("{} {} at {}", listener.protocol, listener.hostname, sockets.join(" "));
        let mut walk = Walk { listener: name, ..Walk::default() };
        if !self.may_connect(listener, &mut walk) {
            return walk;
        }
        walk.pass("tls", encryption(listener));
        match listener.protocol {
            Protocol::Pop3 => pop3::walk(self, listener, &mut walk),
            Protocol::Smtp => smtp::walk(self, listener, &mut walk),
        }
        walk
    }

    fn may_connect(&self, listener: &Listener, walk: &mut Walk) -> bool {
        if !listener.proxy_protocol.is_empty() {
            let balancers: Vec<_> = listener.proxy_protocol.iter().map(ToString::to_string).collect();
            walk.pass(
                "proxy",
                format!("only through a balancer ({}), which says for whom", balancers.join(" ")),
            );
        }
        match self.classes.is_empty() {
            true => walk.pass("network", "the address belongs to no class"),
            false => {
                let classes = self.classes.iter().map(|(name, length)| format!("{name} (by a /{length})"));
                walk.pass("network", classes.collect::<Vec<_>>().join(", "));
            }
        }
        let Some(class) = listener.barred.iter().find(|class| self.is_member(class)) else { return true };
        walk.fail("barred", format!("the class {class} is turned away here"));
        let reply = match listener.protocol {
            Protocol::Smtp => Some(spoken(&self.worded(listener, smtpd::BARRED))),
            Protocol::Pop3 => None,
        };
        walk.end("anything", false, "barred", reply);
        let open = ports(self.config, |other| {
            (other.protocol, &other.brand) == (listener.protocol, &listener.brand)
                && !other.barred.iter().any(|class| self.is_member(class))
        });
        walk.change(format!("the client: another port, of {open}"));
        walk.change(format!(
            "the operator: {class} out of `barred` here, or the address out of {class} in [networks]"
        ));
        false
    }

    fn is_member(&self, class: &str) -> bool {
        self.classes.iter().any(|(name, _)| *name == class)
    }

    /// POP before SMTP, if it is on today.
    fn tickets(&self) -> Option<PopBeforeSmtp> {
        self.config.pop_before_smtp.filter(PopBeforeSmtp::is_on)
    }
}

impl Login {
    async fn find(login: &str, accounts: &Accounts, brand: Option<&str>) -> Result<Self, Failure> {
        match accounts.account_show(login).await {
            Ok(found) if found.account.brand() != brand => Ok(Self::Unknown(format!(
                "{} is an account of another brand than those who log in here",
                found.account.login
            ))),
            Ok(account) => Ok(Self::Known(Box::new(account))),
            Err(AdminError::Unavailable(error)) => Err(error.into()),
            Err(AdminError::Refused(reason)) => Ok(Self::Unknown(match accounts.hint_of_name(login).await {
                Some(hint) => hint.to_string(),
                None => reason,
            })),
        }
    }
}

/// What of a session is encrypted.
fn encryption(listener: &Listener) -> &'static str {
    match (listener.tls, listener.clear_text_auth) {
        (TlsMode::Implicit, _) => "TLS from the first byte; clear text gets no answer",
        (TlsMode::StarttlsRequired, _) => "nothing before STARTTLS or STLS",
        (TlsMode::Starttls, true) => "STARTTLS or STLS at will, passwords before it too",
        (TlsMode::Starttls, false) => "STARTTLS or STLS at will, and no password before it",
        (TlsMode::None, true) => "no TLS; passwords cross the network in clear text",
        (TlsMode::None, false) => "no TLS, and no passwords in clear text",
    }
}

fn ports_of(listener: &Listener) -> impl Iterator<Item = u16> {
    listener.addresses.iter().map(|address| address.socket.port())
}

/// The ports of some listeners, as a sentence has them.
fn ports(config: &Config, wanted: impl Fn(&Listener) -> bool) -> String {
    let listeners = config.listeners.iter().filter(|listener| wanted(listener));
    let mut ports: Vec<u16> = listeners.flat_map(|listener| ports_of(listener)).collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        return "none".to_owned();
    }
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A reply as it goes over the wire.
fn spoken(reply: &smtpd::Reply) -> String {
    let mut wire = Vec::new();
    reply.write(&mut wire);
    String::from_utf8_lossy(&wire).trim_end().to_owned()
}

fn as_text(explained: &Explained) -> String {
    let none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let mut lines =
        vec![("from", explained.from.to_string()), ("classes", none(explained.classes.join(", ")))];
    for Walk { listener, rules, verdicts, change } in &explained.listeners {
        let rule = |Rule { rule, passed, says }: &Rule| {
            format!("{} {rule}: {says}", if *passed { "passed" } else { "FAILED" })
        };
        let verdict = |Verdict { what, accepted, rule, reply }: &Verdict| {
            let word = if *accepted { "accepted" } else { "REFUSED" };
            let reply = reply.as_ref().map(|reply| format!(": {reply}")).unwrap_or_default();
            format!("{what} {word} by {rule}{reply}")
        };
        lines.push(("listener", listener.clone()));
        lines.push(("  rules", rules.iter().map(rule).collect::<Vec<_>>().join("\n")));
        lines.push(("  verdict", verdicts.iter().map(verdict).collect::<Vec<_>>().join("\n")));
        if !change.is_empty() {
            lines.push(("  change", change.join("\n")));
        }
    }
    facts(&lines)
}
