//! What quickstart stands on: a directory with configuration, certificate, database and two accounts, made where they are missing.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use accounts::{Accounts, DatabaseConfig, NewAccount, generate_password};
use auth_sasl::Secret;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Nobody but this machine can connect.
pub(super) const ADDRESS: &str = "127.0.0.1";
/// A name that is nobody's (RFC 6761 §6.2).
pub(super) const HOST: &str = "mx.yubin.test";
/// Ports end at 65535, and POP3S begins at 995.
pub(super) const LARGEST_OFFSET: i64 = 65_535 - 995;

/// A service that a mail program can be told to use.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Service {
    pub(super) what: &'static str,
    pub(super) port: u16,
    pub(super) encryption: &'static str,
    pub(super) login: &'static str,
    #[serde(skip)]
    settings: &'static str,
}

/// The standard ports, and what is on them.
const SERVICES: [Service; 5] = [
    Service {
        what: "SMTP",
        port: 25,
        encryption: "STARTTLS",
        login: "for other domains",
        settings: "protocol = \"smtp\"\ntls = \"starttls\"\nauth = \"optional\"\n",
    },
    Service {
        what: "SMTP submission",
        port: 587,
        encryption: "STARTTLS",
        login: "required",
        settings: "protocol = \"smtp\"\ntls = \"starttls\"\nauth = \"required\"\n",
    },
    Service {
        what: "SMTP submissions",
        port: 465,
        encryption: "TLS",
        login: "required",
        settings: "protocol = \"smtp\"\ntls = \"implicit\"\nauth = \"required\"\n",
    },
    Service {
        what: "POP3",
        port: 110,
        encryption: "STLS",
        login: "required",
        settings: "protocol = \"pop3\"\ntls = \"starttls\"\n",
    },
    Service {
        what: "POP3S",
        port: 995,
        encryption: "TLS",
        login: "required",
        settings: "protocol = \"pop3\"\ntls = \"implicit\"\n",
    },
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

/// Logins as a provider issues them, with the alias that each customer chose.
const LOGINS: [(&str, &str); 2] = [("ab4t-ash", "hanako"), ("m1234ab567c", "taro")];

/// The directory, with everything in it.
pub(super) struct Site {
    directory: PathBuf,
    pub(super) accounts: Accounts,
    pub(super) users: Vec<User>,
    pub(super) services: [Service; 5],
}

impl Site {
    /// Makes what is missing and keeps what is there.
    pub(super) async fn prepare(directory: &Path, port_offset: u16) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Refused(format!("{}: {error}", directory.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let services = at(port_offset);
        configure(&directory.join("yubin.toml"), &services)?;
        make_certificate(directory).map_err(failed)?;
        let database = DatabaseConfig::sqlite(&directory.join("accounts.sqlite"));
        let accounts = Accounts::create(&database).await?;
        let users = users(directory, &accounts).await?;
        Ok(Self { directory: directory.to_owned(), accounts, users, services })
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.directory.join("yubin.toml")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.directory.join("cert.pem")
    }

    /// The port of a service, by its standard port.
    pub(super) fn port(&self, standard: u16) -> u16 {
        let place = SERVICES.iter().position(|service| service.port == standard);
        place.and_then(|place| self.services.get(place)).map_or(standard, |service| service.port)
    }
}

fn configuration(services: &[Service]) -> String {
    let listener = |Service { what, port, settings, .. }: &Service| {
        format!("\n[[listener]]                    # {what}\naddress = \"{ADDRESS}:{port}\"\n{settings}")
    };
    GENERAL.to_owned() + &services.iter().map(listener).collect::<String>()
}

/// Writes the configuration. One that quickstart made for other ports is made anew; one that somebody changed is theirs.
fn configure(file: &Path, services: &[Service; 5]) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Refused(format!("{}: {error}", file.display()));
    let wanted = configuration(services);
    let there = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return write(file, wanted.as_bytes()).map_err(failed);
        }
        there => there.map_err(failed)?,
    };
    if there == wanted {
        return Ok(());
    }
    if is_ours(&there) {
        fs::remove_file(file).map_err(failed)?;
        return write(file, wanted.as_bytes()).map_err(failed);
    }
    Err(Failure::Refused(format!(
        "{0} was changed since quickstart made it; run its daemons: smtpd --config {0} and pop3d --config {0}, or name another directory with --data",
        file.display()
    )))
}

/// Whether quickstart wrote this, for whatever ports: the first port tells the offset, and the offset all of the text.
fn is_ours(text: &str) -> bool {
    let port = text
        .split(&format!("{ADDRESS}:"))
        .nth(1)
        .and_then(|rest| rest.split('"').next()?.parse::<u16>().ok());
    let offset = port.and_then(|port| port.checked_sub(SERVICES[0].port));
    offset.is_some_and(|offset| text == configuration(&at(offset)))
}

/// The services at their ports. Beyond the last port there is none.
fn at(offset: u16) -> [Service; 5] {
    SERVICES.map(|service| Service { port: service.port.saturating_add(offset), ..service })
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
    for (login, alias) in LOGINS {
        users.push(user(accounts, login, alias).await?);
    }
    let text = serde_json::to_vec_pretty(&users).map_err(|error| failed(error.into()))?;
    write(&file, &text).map_err(failed)?;
    Ok(users)
}

/// An account; one that an interrupted start left gets a password that we know.
async fn user(accounts: &Accounts, login: &str, alias: &str) -> Result<User, Failure> {
    let secret = generate_password()?;
    let password = String::from_utf8_lossy(secret.expose()).into_owned();
    let address = format!("{alias}@{HOST}");
    if accounts.account_list().await?.iter().any(|account| account.login == login) {
        accounts.account_passwd(login, &secret, accounts::Apop::Keep).await?;
    } else {
        let account = NewAccount {
            login: login.to_owned(),
            addresses: vec![address.clone()],
            password: Some(Secret::new(secret.expose())),
            apop: false,
        };
        accounts.account_add(account).await?;
    }
    Ok(User { login: login.to_owned(), password, addresses: vec![address, format!("{login}@{HOST}")] })
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
