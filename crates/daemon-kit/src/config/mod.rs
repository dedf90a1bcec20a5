//! The one TOML file of both daemons and of the command: strict, and every fault told at once.
//!
//! ```toml
//! hostname = "mx.example.jp"            # the service's name, in greetings
//! client_authority = "clients.pem"      # clients are asked for a certificate of this authority; none: they are not asked
//! node = "mx1.example.jp"               # this machine's own, in Received, Message-ID and file names; without it: hostname
//!
//! [store]
//! maildirs = "mail"                     # relative to this file, like every path here
//! queue = "queue"                       # beside the other, not in it
//! reserve_space = "64MiB"               # what stays free on the disk; below it no mail is taken
//! reserve_inodes = 1000
//!
//! [quota]                               # of every account that has none of its own; nothing is limited by default, nor by 0 or "none"
//! octets = "10GiB"
//! messages = 100000
//! over = "defer"                        # 452 4.2.2 and another try, or "reject": 552 5.2.2
//! warn_percent = 90                     # the owner is told, once; "none" for never
//!
//! [pop3]                                # of every account and domain that has no rule of its own; none by default
//! expire_read = 30                      # days: mail that was read goes so long after it was read, by `yubin expire`
//! expire_all = 180                      # days: any mail goes so long after it came
//! login_delay = "30s"                   # between two logins
//!
//! [accounts]
//! database = "sqlite:accounts.sqlite"   # or postgres://…
//! apop_key = "apop.key"                 # only where a listener offers APOP
//! password_min_length = 8               # characters of a password that an operator gives; "none" takes every one, also the commonest
//! suspended_text = "See https://example.jp/suspended"     # for who logs in to a suspended account with the right password
//! unregistered_text = "See https://example.jp/services"   # the same for a service that the account does not have
//!
//! [log]
//! format = "text"                       # or "json"
//! level = "info"
//!
//! [backup]                              # what `yubin backup` does where it is not told
//! directory = "/backup/yubin"
//! exclude_above = "none"               # a mailbox of more octets is left out, and reported
//!
//! [limits]                              # 0 or "none" = no limit; these, but for the first group, may also stand in [listener.limits]
//! connections = 2000                    # of a daemon; more are told "try again later"
//! memory = "512MiB"                     # of all buffers of a daemon together
//! ipv4_network = 24                     # what counts as one network
//! ipv6_network = 48
//! drain = "30s"
//!
//! connections_per_address = 100         # IPv6: per /64
//! connections_per_network = 500
//! patience = "5m"                       # for a whole command line, and for each silence in a message
//! min_data_rate = 50                    # octets a second in a message, sent or taken, averaged over `patience`
//! session_time = "none"                 # how long a session may last, whatever it does
//! handshake = "30s"                     # for a whole TLS handshake
//! auth_failures = 3                     # failed logins of a session, then it ends
//! message_size = "100MiB"
//!
//! [trace]                               # what is written before a message
//! received = "rfc"                      # or "sendmail"
//! software = "Yubin"                    # a comment in Received; or "none"
//! client = "shown"                      # or "hidden": not of who has logged in
//! delivered_to = false
//!
//! [pop_before_smtp]                     # without it, no login opens a ticket
//! lifetime = "10m"                      # of a ticket; each login by POP3 renews it
//! until = 2026-12-31                    # the last day
//!
//! [replies]                             # what clients are told, by event (`ReplyEvent` lists them); the codes stay
//! relay_needs_authentication = { url = "https://example.jp/help" }                  # behind the usual text
//! unknown_user = { en = "Nobody has this address", ja = "このアドレスはありません" }   # Japanese to who asked for it: LANG, SMTPUTF8
//!
//! [sending_limits]                      # of each account that has none of its own; none by default
//! messages_per_hour = 200               # of what it submits, to whomever; hours of the clock, days of UTC
//! recipients_per_hour = "none"
//! messages_per_day = 1000
//! recipients_per_day = 2000
//! over = "hold"                         # in the queue, for an operator to look at; or "defer": 450 4.7.1
//! address = { messages_per_hour = 50 }  # of each address that sends to other domains without a login; what is not said: as above
//!
//! [virus_check]                         # without it, nothing is looked through for viruses
//! clamd = "unix:/run/clamav/clamd.ctl"  # or "127.0.0.1:3310"
//! timeout = "1m"                        # how long clamd may keep a message waiting, in all
//! connections = 100                     # messages that clamd has at once
//! max_size = "25MB"                     # of more octets clamd sees nothing: stays below its StreamMaxLength, MaxFileSize and MaxScanSize,
//!                                       # above which it says "clean" unlooked, unless clamd.conf has AlertExceedsMax yes
//! over_size = "accept"                  # what becomes of such a message; or "reject": 552 5.3.4, "hold"
//! on_virus = "reject"                   # 554 5.7.1; or "hold": yubin queue list --held
//! on_fail = "tempfail"                  # 451 4.7.1 where clamd says nothing of use; or "accept", "hold"
//! owner_notice = "none"                 # or "1d": who has a mailbox here is told that a virus was stopped, at most once a day
//!
//! [forwarding]                          # without it nobody's mail is sent on
//! srs_key = "srs.key"                   # proves which senders' addresses are ours; the same on every machine
//! srs_domain = "mx.example.jp"          # in which they are; hostname by default
//!
//! [networks]                            # classes of clients by address; the longest prefix decides
//! wimax = ["10.8.0.0/13"]
//! inside = ["10.0.0.0/8", "2001:db8::/32", "!wimax"]
//!
//! [outbound]                            # how mail leaves for other hosts
//! enabled = true                        # false: nobody may send to other domains
//! minimal_backoff = "5m"                # behind the first try; twice as long each time
//! maximal_backoff = "4000s"
//! queue_lifetime = "5d"                 # then the sender has it back
//! bounce_lifetime = "5d"                # of reports
//! delay_warning = "4h"                  # or "none"
//! sessions = 200
//! sessions_per_destination = 20
//! sessions_per_host = 20
//! tls = "verify"                        # beside a login nothing less; else "may" by default, or "none", "encrypt"
//! tls_ca_file = "ca.pem"                # for "verify"; the system's by default
//! smarthost = "smtp.example.jp:587"     # everything goes there that has no route
//! smarthost_login = "relay"
//! smarthost_password_file = "smarthost.password"
//! name_servers = ["127.0.0.1:53"]       # the system's by default
//! mx_port = 25
//! report_language = "en"                # or "ja"; for senders in a domain of ours, what `yubin domain set` says
//!
//! [[route]]
//! domain = "example.com"                # or ".example.com" for all below it
//! host = "mx.example.net:25"            # without it: the domain's MX hosts
//! login = "relay"
//! password_file = "route.password"
//! tls = "verify"
//!
//! [[certificate]]
//! chain = "cert.pem"
//! key = "key.pem"
//!
//! [[listener]]
//! protocol = "smtp"
//! address = ["0.0.0.0:465", "[::]:465"]
//! tls = "implicit"
//! auth = "required"
//! trace = { client = "hidden" }         # [limits] and [trace] can be overridden for a listener
//!
//! [[listener]]
//! protocol = "smtp"
//! address = "192.0.2.1:25"
//! brand = "asahi"                       # whose customers log in here (`yubin brand add`); the default brand's without it
//! tls = "starttls"                      # or "none", "starttls-required", "implicit"
//! auth = "optional"                     # or "off", "required"
//! mechanisms = ["PLAIN", "LOGIN"]
//! clear_text_auth = false
//! legacy_auth_line = false              # EHLO also says AUTH=, for clients of the last century
//! relay = ["authenticated", "inside", "pop-before-smtp"]   # who may send to other domains
//! barred = ["wimax"]                    # who is turned away
//! disable = ["SMTPUTF8"]                # extensions that are not offered, by EHLO's keywords
//! bare_line_endings = "refuse"          # or "normalise", for old devices that are trusted
//! sender_rights = "reject"              # of who has logged in; or "off", "warn", "rewrite"
//! vrfy = "neutral"                      # or "off", "authenticated"
//! virus_check = "received"              # mail to accounts with the service virus_check; "contract": and of such accounts; "contract-only":
//!                                       # and 550 5.7.1 to accounts without; "always": all mail; "off": none; the default without [virus_check]
//! limits = { message_size = "none", recipients = 1000, transactions = 1000, idle_commands = 100, errors = 20 }
//!
//! [[listener]]
//! protocol = "smtp"
//! address = "10.0.0.5:2525"
//! proxy_protocol = ["10.0.0.1", "fd00::/64"]   # only these may connect: balancers that say for whom (PROXY protocol, v1 or v2)
//! ```
//!
//! [`crate::limits`] holds every default with its reason.

mod accounts;
mod certificate;
mod fault;
mod forwarding;
mod limits;
mod listener;
mod log;
mod networks;
mod outbound;
mod pop3;
mod pop_before_smtp;
mod quota;
mod reference;
mod replies;
mod section;
mod sending_limits;
mod smtp;
mod store;
mod trace;
mod value;
mod virus_check;
mod written;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

pub use accounts::Accounts;
pub use certificate::Certificate;
pub use fault::{Fault, Faults, Position};
pub use forwarding::Forwarding;
pub use limits::{Limits, SessionLimits};
pub use listener::{Address, Auth, Listener, Mechanism, Protocol, Relay, TlsMode};
pub use log::{Log, LogFormat};
pub use networks::{INSIDE, Networks};
pub use outbound::{Outbound, OutboundRoute, OutboundTls, RelayHost, ReportLanguage};
pub use pop_before_smtp::PopBeforeSmtp;
pub use pop3::Pop3;
pub use quota::{Over, Quota};
pub use reference::reference;
pub use replies::{Replies, ReplyEvent, ReplyText, on_one_line};
pub use sending_limits::{OverLimit, SendingLimits, SendingRates};
pub use smtp::{BareLineEndings, Extension, SenderRights, Smtp, VirusChecked, Vrfy};
pub use store::Store;
pub use trace::{ClientShown, Received, Trace};
pub use value::octets;
pub use virus_check::{Clamd, OnFail, OnVirus, OverSize, VirusCheck};

use crate::tls::ClientAuthority;
use fault::{Collector, Wrong};
use section::{Read, Section};
use value::{HostName, Size};
use written::Written;

/// The whole file, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file as it was named.
    pub file: PathBuf,
    /// The service's name in greetings, where a listener has none of its own.
    pub hostname: String,
    /// This machine's own name, in `Received`, in a `Message-ID`, in the names of files. Several machines may serve under one `hostname`.
    pub node: String,
    /// Where mail is.
    pub store: Store,
    /// How much of it a mailbox may hold.
    pub quota: Quota,
    /// How mail leaves for other hosts.
    pub outbound: Outbound,
    /// Where it is kept a second time.
    pub backup: Backup,
    /// What POP3 does with it.
    pub pop3: Pop3,
    /// Where accounts are.
    pub accounts: Accounts,
    /// How events are written.
    pub log: Log,
    /// What concerns a daemon as a whole.
    pub limits: Limits,
    /// Who signs certificates of clients; where somebody does, clients are asked for one, and none is demanded.
    pub client_authority: Option<ClientAuthority>,
    /// In the order of the file; the first is shown to clients that name no host or an unknown one.
    pub certificates: Vec<Certificate>,
    /// Whether and how long a login by POP3 lets an address send; none is never.
    pub pop_before_smtp: Option<PopBeforeSmtp>,
    /// Who looks mail through for viruses; none is nobody.
    pub virus_check: Option<VirusCheck>,
    /// What clients are told in the operator's words.
    pub replies: Replies,
    /// How much customers may send.
    pub sending_limits: SendingLimits,
    /// Mail that accounts have sent on; none is sent on without it.
    pub forwarding: Option<Forwarding>,
    /// Classes of clients by their addresses.
    pub networks: Networks,
    /// In the order of the file; at least one.
    pub listeners: Vec<Arc<Listener>>,
    /// The file itself.
    pub(crate) written: Written,
}

/// `[backup]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// Where backups are.
    pub directory: Option<PathBuf>,
    /// A mailbox of more octets is left out; none is left out by default.
    pub exclude_above: Option<u64>,
}

impl Config {
    /// Reads the file, the certificates and the keys that it names.
    ///
    /// # Errors
    /// Every fault of the file, in the order of its lines.
    pub fn load(file: impl AsRef<Path>) -> Result<Self, Faults> {
        let file = file.as_ref();
        let unreadable = |why: String| {
            Faults::whole_file(
                file,
                format!("cannot be read: {why}"),
                "the path of a readable TOML file after --config",
            )
        };
        let mut bytes = Vec::new();
        let most = crate::limits::CONFIGURATION;
        let read = File::open(file).and_then(|open| open.take(most + 1).read_to_end(&mut bytes));
        read.map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > most {
            return Err(unreadable(format!("it has more than {most} octets, which is no configuration")));
        }
        let text = String::from_utf8(bytes).map_err(|_| unreadable(String::from("it is not UTF-8")))?;
        Self::parse(&text, file)
    }

    /// Reads `text` as if it stood in `file`: faults are told with that name, and relative paths are relative to its directory.
    ///
    /// # Errors
    /// Every fault of the text, in the order of its lines.
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, Faults> {
        let file = file.as_ref();
        let (table, syntax) = DeTable::parse_recoverable(text);
        let faults = Collector::new(text, !syntax.is_empty());
        for error in syntax {
            let remedy = match error.message().contains("duplicate key") {
                true => "each name once; a second section of a kind as [[section]]",
                false => "name = value, or [section]",
            };
            let wrong = Wrong::new(format!("this is not TOML: {}", error.message()), remedy);
            faults.report(&error.span().unwrap_or_default(), wrong);
        }
        let config = read(Section::root(table.into_inner(), &faults), file);
        if let (Some(config), 0) = (config, faults.count()) {
            return Ok(Config { written: Written::new(text), ..config });
        }
        Err(Faults { file: file.to_owned(), faults: faults.into_faults() })
    }

    /// The certificates that end within [`limits::CERTIFICATE_WARNING_DAYS`](crate::limits::CERTIFICATE_WARNING_DAYS).
    pub fn expiring(&self) -> impl Iterator<Item = &Certificate> {
        let soon = |certificate: &&Certificate| {
            certificate.identity.is_valid()
                && certificate.identity.days_left() < crate::limits::CERTIFICATE_WARNING_DAYS
        };
        self.certificates.iter().filter(soon)
    }

    /// The listeners of one daemon.
    pub fn listeners(&self, protocol: Protocol) -> impl Iterator<Item = &Arc<Listener>> {
        self.listeners.iter().filter(move |listener| listener.protocol == protocol)
    }
}

/// None means that a fault was reported.
fn read(root: Section<'_>, file: &Path) -> Option<Config> {
    let faults = root.faults();
    let base = file.parent().unwrap_or(Path::new(""));
    let hostname = root.required::<HostName>("hostname", "\"mx.example.jp\"").map(|at| at.value.0);
    let node = root.optional::<HostName>("node").given().map(|at| at.value.0);
    let store = needed(&root, "store", "maildirs = \"mail\" and queue = \"queue\"")
        .and_then(|section| store::store(section, base));
    let quota = root.table("quota").given().map_or_else(Quota::default, |at| quota::read(at.value));
    let backup = root.table("backup").given().map_or_else(Backup::default, |at| backup(at.value, base));
    let pop3 = root.table("pop3").given().map_or_else(Pop3::default, |at| pop3::read(at.value));
    let accounts = needed(&root, "accounts", "database = \"sqlite:accounts.sqlite\"")
        .and_then(|section| accounts::accounts(section, base));
    let log = root.table("log").given().map_or_else(Log::default, |at| log::read(at.value));
    let (limits, defaults) = limits::server(root.table("limits").given().map(|at| at.value));
    let outbound =
        outbound::read(root.table("outbound").given().map(|at| at.value), root.tables("route"), base);
    let trace = root.table("trace").given();
    let trace = trace.map_or_else(Trace::default, |at| trace::read(at.value, &Trace::default()));
    let client_authority = certificate::read_client_authority(&root, base);
    let certificates: Vec<_> =
        root.tables("certificate").into_iter().map(|section| certificate::read(section, base)).collect();
    let networks = match root.table("networks") {
        Read::Given(at) => networks::read(at.value),
        Read::Absent => Some(Networks::default()),
        Read::Faulty => None,
    };
    let replies = root.table("replies").given();
    let replies = replies.map_or_else(Replies::default, |at| replies::read(at.value, accounts.as_ref()));
    let pop_before_smtp = root.table("pop_before_smtp").given().map(|at| pop_before_smtp::read(at.value));
    let virus_check =
        root.table("virus_check").given().map(|at| virus_check::read(at.value, base, outbound.enabled));
    let sending_limits = root.table("sending_limits").given();
    let sending_limits =
        sending_limits.map_or_else(SendingLimits::default, |at| sending_limits::read(at.value));
    let forwarding = match root.table("forwarding") {
        Read::Given(at) => {
            let place = made_file("srs.key", accounts.as_ref(), store.as_ref());
            forwarding::read(at.value, hostname.as_deref(), base, &place).map(Some)
        }
        Read::Absent => Some(None),
        Read::Faulty => None,
    };
    let given = listener::Given {
        virus_check: virus_check.is_some(),
        pop_before_smtp: pop_before_smtp.is_some(),
        networks: networks.as_ref(),
        hostname: hostname.as_deref(),
        limits: &defaults,
        trace: &trace,
        certificates: !certificates.is_empty(),
        apop_key: accounts.as_ref().is_none_or(|accounts| accounts.apop_key.is_some()),
        apop_key_place: made_file("apop.key", accounts.as_ref(), store.as_ref()),
    };
    let sections = root.tables("listener");
    if sections.is_empty() {
        let what = "there is no listener, nobody could connect";
        let remedy = "[[listener]] with protocol = \"smtp\" and address = \"0.0.0.0:25\"";
        faults.report_absence(root.span(), Wrong::new(what, remedy));
    }
    let listeners = listener::read_all(sections, &given);
    root.finish();
    Some(Config {
        file: file.to_owned(),
        node: node.or_else(|| hostname.clone())?,
        hostname: hostname?,
        store: store?,
        quota,
        outbound,
        backup,
        pop3,
        accounts: accounts?,
        log,
        limits,
        client_authority,
        certificates: certificates.into_iter().collect::<Option<_>>()?,
        pop_before_smtp,
        virus_check: virus_check.flatten(),
        replies,
        sending_limits,
        forwarding: forwarding?,
        networks: networks?,
        listeners: listeners?,
        written: Written::default(),
    })
}

/// As a value to write: where `yubin check --create` can make the file, which it does as the daemons' user. Beside the configuration it often
/// cannot; beside the database, or with a database server beside the Maildirs, it can.
fn made_file(name: &str, accounts: Option<&Accounts>, store: Option<&Store>) -> String {
    let database = accounts.and_then(|accounts| accounts.database.strip_prefix("sqlite:")).map(Path::new);
    let neighbour = database.or(store.map(|store| store.maildirs.as_path())).unwrap_or(Path::new(""));
    format!("\"{}\"", neighbour.with_file_name(name).display())
}

fn needed<'t>(root: &Section<'t>, key: &'static str, example: &str) -> Option<Section<'t>> {
    match root.table(key) {
        Read::Given(at) => Some(at.value),
        Read::Faulty => None,
        Read::Absent => {
            let what = format!("there is no section [{key}]");
            root.faults().report_absence(root.span(), Wrong::new(what, format!("[{key}] with {example}")));
            None
        }
    }
}

fn backup(section: Section<'_>, base: &Path) -> Backup {
    let directory = section.optional::<String>("directory").given().map(|at| base.join(at.value));
    let exclude = section.optional::<Size>("exclude_above").given().and_then(|at| at.value.0);
    section.finish();
    Backup { directory, exclude_above: exclude.map(u64::from) }
}
