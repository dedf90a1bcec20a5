//! What quickstart stands on: a directory with configuration, certificate, database and two accounts, made where they are missing.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use accounts::{Accounts, DatabaseConfig, DomainSetting, NewAccount, generate_password};
use auth_sasl::Secret;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A name that is nobody's (RFC 6761 §6.2).
const HOST: &str = "mx.yubin.test";
/// Ports end at 65535, and POP3S begins at 995.
pub(super) const LARGEST_OFFSET: i64 = 65_535 - 995;
/// Out of the way of every service that the machine may have already.
const USUAL_OFFSET: u16 = 2000;

/// The standard ports, and what is on them.
const LISTENERS: [(u16, &str, &str); 5] = [
    (25, "SMTP", "protocol = \"smtp\"\ntls = \"starttls\"\nauth = \"optional\"\n"),
    (587, "SMTP submission", "protocol = \"smtp\"\ntls = \"starttls\"\nauth = \"required\"\n"),
    (465, "SMTP submissions", "protocol = \"smtp\"\ntls = \"implicit\"\nauth = \"required\"\n"),
    (110, "POP3", "protocol = \"pop3\"\ntls = \"starttls\"\n"),
    (995, "POP3S", "protocol = \"pop3\"\ntls = \"implicit\"\n"),
];

const GENERAL: &str = r#"# Made by `yubin quickstart`. Change it as you like: it is then left as it is.

hostname = "mx.yubin.test"      # in greetings and in Received

[store]
maildirs = "mail"               # relative to this file, like every path here
queue = "queue"

[accounts]
database = "sqlite:accounts.sqlite"

[[certificate]]
chain = "cert.pem"              # self-signed; a real one goes here
key = "key.pem"
"#;

/// An account, with the password that its hash in the database does not tell.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) login: String,
    pub(super) password: String,
    pub(super) addresses: Vec<String>,
}

/// Logins as a provider issues them, with the aliases that each customer chose; somebody must be the postmaster (RFC 5321 §4.5.1).
const LOGINS: [(&str, &[&str]); 2] = [("ab4t-ash", &["hanako", "postmaster"]), ("m1234ab567c", &["taro"])];

/// The directory, with everything in it.
pub(super) struct Site {
    directory: PathBuf,
    pub(super) accounts: Accounts,
    pub(super) users: Vec<User>,
    /// Held as long as this quickstart runs: another one would write a configuration under its feet.
    _lock: File,
}

impl Site {
    /// Makes what is missing and keeps what is there.
    ///
    /// `port_offset`: as told; without it, the first start's.
    pub(super) async fn prepare(directory: &Path, port_offset: Option<u16>) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Refused(format!("{}: {error}", directory.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let lock = lock(directory)?;
        configure(&directory.join("yubin.toml"), port_offset)?;
        make_certificate(directory).map_err(failed)?;
        let database = DatabaseConfig::sqlite(&directory.join("accounts.sqlite"));
        let accounts = Accounts::create(&database).await?;
        let users = users(directory, &accounts).await?;
        Ok(Self { directory: directory.to_owned(), accounts, users, _lock: lock })
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.directory.join("yubin.toml")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.directory.join("cert.pem")
    }
}

fn configuration(port_offset: u16) -> String {
    let listener = |(standard, what, settings): (u16, &str, &str)| {
        let port = standard.saturating_add(port_offset);
        format!("\n[[listener]]                    # {what}\naddress = \"127.0.0.1:{port}\"\n{settings}")
    };
    GENERAL.to_owned() + &LISTENERS.map(listener).concat()
}

/// One quickstart at a time.
fn lock(directory: &Path) -> Result<File, Failure> {
    let file = directory.join("quickstart.lock");
    let failed = |why: &dyn std::fmt::Display| Failure::Refused(format!("{}: {why}", file.display()));
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&file);
    let lock = lock.map_err(|error| failed(&error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err(failed(&"another quickstart runs here; try: yubin quickstart --data DIR"))
        }
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

/// Writes the configuration. One that quickstart made for other ports is made anew if ports are told; one that somebody changed is
/// theirs.
fn configure(file: &Path, port_offset: Option<u16>) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Refused(format!("{}: {error}", file.display()));
    let wanted = match fs::read_to_string(file) {
        Ok(there) => match (offset_of_ours(&there), port_offset) {
            (Some(offset), Some(wanted)) if offset != wanted => wanted,
            (None, Some(_)) => {
                eprintln!("yubin: {} was changed: its ports hold, not --port-offset", file.display());
                return Ok(());
            }
            _ => return Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => port_offset.unwrap_or(USUAL_OFFSET),
        Err(error) => return Err(failed(error)),
    };
    write(file, configuration(wanted).as_bytes()).map_err(failed)
}

/// The offset for which quickstart wrote this, if it did: the first port tells it, and it tells all of the text.
fn offset_of_ours(text: &str) -> Option<u16> {
    let first = text.split("\"127.0.0.1:").nth(1)?.split('"').next()?.parse::<u16>().ok()?;
    first.checked_sub(LISTENERS[0].0).filter(|offset| text == configuration(*offset))
}

/// For this machine's names. A client can trust it because nothing but its own key signed it.
fn make_certificate(directory: &Path) -> io::Result<()> {
    let (chain, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    if chain.exists() && key.exists() {
        return Ok(());
    }
    let mut parameters =
        CertificateParams::new([HOST.to_owned(), "localhost".to_owned()]).map_err(io::Error::other)?;
    parameters.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
    parameters.distinguished_name.push(DnType::CommonName, HOST);
    let pair = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = parameters.self_signed(&pair).map_err(io::Error::other)?;
    replace(&key, pair.serialize_pem().as_bytes())?;
    replace(&chain, certificate.pem().as_bytes())
}

/// Two accounts. Their passwords are kept beside the database so that a second start can show them again: this is for trying.
async fn users(directory: &Path, accounts: &Accounts) -> Result<Vec<User>, Failure> {
    let file = directory.join("passwords.json");
    let failed = |error: io::Error| Failure::Refused(format!("{}: {error}", file.display()));
    match fs::read(&file) {
        Ok(text) => {
            return serde_json::from_slice(&text).map_err(|error| failed(error.into()));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Err(_) => {}
    }
    if accounts.status().await?.domains == 0 {
        accounts.domain_add(HOST).await?;
    }
    let mut users = Vec::new();
    for (login, aliases) in LOGINS {
        users.push(user(accounts, login, aliases).await?);
    }
    if let Some((login, _)) = LOGINS.first() {
        accounts.domain_set(HOST, &DomainSetting::Postmaster(Some((*login).to_owned()))).await?;
    }
    let text = serde_json::to_vec_pretty(&users).map_err(|error| failed(error.into()))?;
    write(&file, &text).map_err(failed)?;
    Ok(users)
}

/// An account; one that an interrupted start left gets a password that we know.
async fn user(accounts: &Accounts, login: &str, aliases: &[&str]) -> Result<User, Failure> {
    let secret = generate_password()?;
    let password = String::from_utf8_lossy(secret.expose()).into_owned();
    let mut addresses: Vec<_> = aliases.iter().map(|alias| format!("{alias}@{HOST}")).collect();
    if accounts.account_list().await?.iter().any(|account| account.login == login) {
        accounts.account_passwd(login, &secret, accounts::Apop::Keep).await?;
    } else {
        let account = NewAccount {
            login: login.to_owned(),
            addresses: addresses.clone(),
            password: Some(Secret::new(secret.expose())),
            apop: false,
        };
        accounts.insisting().account_add(account).await?;
    }
    addresses.push(format!("{login}@{HOST}"));
    Ok(User { login: login.to_owned(), password, addresses })
}

/// A file that nobody else can read, whole or not at all.
fn write(file: &Path, contents: &[u8]) -> io::Result<()> {
    let draft = file.with_extension("draft");
    replace(&draft, contents)?;
    fs::rename(&draft, file)
}

fn replace(file: &Path, contents: &[u8]) -> io::Result<()> {
    let mut open = OpenOptions::new();
    let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(contents)?;
    file.sync_all()
}
