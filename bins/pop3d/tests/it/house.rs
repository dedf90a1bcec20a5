//! A directory with accounts, mail and a configuration, and the server in this process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use accounts::{Accounts, DatabaseConfig, NewAccount};
use auth_sasl::Secret;
use daemon_kit::config::{Config, Protocol};
use daemon_kit::{Drain, Server};
use mailstore::{Maildir, Namer};
use pop3d::Pop3d;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::client::Client;

/// Every account's password.
pub(crate) const PASSWORD: &str = "sakura saku";

/// The doors of [`House`], in this order.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    /// As port 110 of a provider without TLS there: clear text, APOP.
    Clear,
    /// As port 110 with STLS, and passwords only behind it.
    Stls,
    /// As port 995.
    Implicit,
    /// As [`Door::Clear`], with limits that a test can reach.
    Narrow,
    /// As [`Door::Narrow`], behind a balancer.
    Balanced,
}

const LISTENERS: &str = r#"
hostname = "localhost"
store = { maildirs = "mail", queue = "queue" }
accounts = { database = "sqlite:accounts.sqlite", apop_key = "apop.key" }
certificate = [{ chain = "cert.pem", key = "key.pem" }]

[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
clear_text_auth = true
apop = true

[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
tls = "starttls"

[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
tls = "implicit"

[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
clear_text_auth = true
limits = { errors = 3, auth_failures = 1, patience = "2s", connections_per_address = 1 }

[[listener]]
protocol = "pop3"
address = "127.0.0.1:0"
clear_text_auth = true
proxy_protocol = ["127.0.0.1", "::1"]
limits = { connections_per_address = 1 }
"#;

pub(crate) struct House {
    pub(crate) accounts: Accounts,
    pub(crate) drain: Drain,
    doors: Vec<SocketAddr>,
    running: JoinHandle<std::io::Result<()>>,
    runtime: Runtime,
    dir: TempDir,
}

impl House {
    /// With the accounts `hanako` (APOP too) and `taro`.
    pub(crate) fn open() -> Self {
        Self::open_with("", |pop3d| pop3d)
    }

    /// With more in its configuration, and a server that is set up further.
    pub(crate) fn open_with(more: &str, further: impl FnOnce(Pop3d) -> Pop3d) -> Self {
        let dir = TempDir::new().unwrap();
        certificate(&dir);
        let runtime = Runtime::new().unwrap();
        let _inside = runtime.enter();
        let accounts = runtime.block_on(accounts(&dir));
        let config = Config::parse(&format!("{LISTENERS}\n{more}"), dir.path().join("yubin.toml")).unwrap();
        let server = Server::bind(&config, Protocol::Pop3).unwrap();
        let doors = server.bound().map(|(_, address)| address).collect();
        let drain = Drain::new();
        let service = further(Pop3d::new(&config, accounts.clone()));
        let running = runtime.spawn(server.run(service.into(), drain.clone()));
        std::fs::create_dir(dir.path().join("mail")).unwrap();
        Self { accounts, drain, doors, running, dir, runtime }
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn address(&self, door: Door) -> SocketAddr {
        self.doors[door as usize]
    }

    /// A client that was greeted.
    pub(crate) fn client(&self, door: Door) -> Client {
        let mut client = Client::connect(self.address(door));
        client.greeting = client.line();
        client
    }

    /// A client that is logged in.
    pub(crate) fn session(&self, login: &str) -> Client {
        let mut client = self.client(Door::Clear);
        assert!(client.login(login, PASSWORD).starts_with("+OK"));
        client
    }

    /// The directory of an account's Maildir.
    pub(crate) fn maildir(&self, login: &str) -> PathBuf {
        let mailbox = self.block_on(self.accounts.account_show(login)).unwrap().account.mailbox;
        self.dir.path().join("mail").join(mailbox)
    }

    /// Delivers a message, as SMTP's end would.
    pub(crate) fn deliver(&self, login: &str, message: &[u8]) {
        deliver(&Maildir::create(self.maildir(login)).unwrap(), message);
    }

    /// Runs a Python program; its arguments are the port and the certificate to trust. Its output.
    pub(crate) fn python(&self, door: Door, program: &str) -> String {
        let output = Command::new("python3")
            .args(["-c", &format!("{PRELUDE}{program}")])
            .arg(self.address(door).port().to_string())
            .arg(self.dir.path().join("cert.pem"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Ends the service as SIGTERM does, and waits for its end.
    pub(crate) fn close(self) {
        self.drain.begin();
        self.runtime.block_on(self.running).unwrap().unwrap();
    }
}

const PRELUDE: &str = "\
import poplib, ssl, sys
port, trusted = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=trusted)
";

pub(crate) fn deliver(maildir: &Maildir, message: &[u8]) {
    let mut delivery = maildir.begin(&Namer::new("mx.example.jp")).unwrap();
    delivery.write(message).unwrap();
    delivery.commit().unwrap();
}

pub(crate) fn certificate(dir: &TempDir) {
    let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
    std::fs::write(dir.path().join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(dir.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

pub(crate) async fn accounts(dir: &TempDir) -> Accounts {
    let mut database = DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"));
    database.apop_key = Some(dir.path().join("apop.key"));
    let accounts = Accounts::create(&database).await.unwrap();
    accounts.domain_add("example.jp").await.unwrap();
    for (login, apop) in [("hanako", true), ("taro", false)] {
        let password = Some(Secret::new(PASSWORD));
        let new = NewAccount { login: login.into(), addresses: Vec::new(), password, apop };
        accounts.account_add(new).await.unwrap();
    }
    accounts
}

/// One more account in a database that is there; its mailbox.
pub(crate) async fn add_account(dir: &TempDir, login: &str) -> String {
    let database = DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"));
    let accounts = Accounts::open(&database).await.unwrap();
    let password = Some(Secret::new(PASSWORD));
    let new = NewAccount { login: login.into(), addresses: Vec::new(), password, apop: false };
    accounts.account_add(new).await.unwrap().account.mailbox
}
