//! A directory with accounts and a configuration, and the server in this process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use accounts::{Accounts, DatabaseConfig, NewAccount};
use auth_sasl::Secret;
use daemon_kit::config::{Config, Protocol};
use daemon_kit::{Drain, Server};
use delivery::LocalDelivery;
use smtpd::Smtpd;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

const SETTINGS: &str = r#"
hostname = "localhost"
store = { maildirs = "mail", queue = "queue" }
accounts = { database = "sqlite:accounts.sqlite" }

[[listener]]
protocol = "smtp"
address = "127.0.0.1:0"
"#;

/// Nobody here waits for long.
const PATIENCE: &str = "limits = { patience = \"5s\" }\n";

pub(crate) struct House {
    address: SocketAddr,
    drain: Drain,
    running: JoinHandle<std::io::Result<()>>,
    runtime: Runtime,
    accounts: Accounts,
    dir: TempDir,
}

impl House {
    /// With the account `hanako` at example.jp.
    pub(crate) fn open() -> Self {
        Self::with(PATIENCE)
    }

    /// The same, with the listener's settings said.
    pub(crate) fn with(listener: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let database = DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"));
        Self::of(dir, &format!("{SETTINGS}{listener}"), &database, |smtpd| smtpd)
    }

    /// The same on this database, which may have been another house's before; with more above the listener, and another clock.
    pub(crate) fn on(database: &DatabaseConfig, general: &str, clock: &Arc<AtomicI64>) -> Self {
        let (dir, clock) = (TempDir::new().unwrap(), Arc::clone(clock));
        let settings = SETTINGS.replacen("\n[[listener]]", &format!("{general}\n[[listener]]"), 1);
        let settings = format!("{settings}auth = \"optional\"\nclear_text_auth = true\n{PATIENCE}");
        Self::of(dir, &settings, database, |smtpd| smtpd.with_clock(move || clock.load(Ordering::Relaxed)))
    }

    fn of(
        dir: TempDir,
        settings: &str,
        database: &DatabaseConfig,
        finish: impl FnOnce(Smtpd) -> Smtpd,
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let inside = runtime.enter();
        let accounts = runtime.block_on(accounts(database));
        let config = Config::parse(settings, dir.path().join("yubin.toml")).unwrap();
        let server = Server::bind(&config, Protocol::Smtp).unwrap();
        let address = server.bound().map(|(_, address)| address).next().unwrap();
        let delivery = LocalDelivery::open(smtpd::store(&config)).unwrap();
        let drain = Drain::new();
        let smtpd = finish(Smtpd::new(&config, accounts.clone(), delivery));
        let running = runtime.spawn(server.run(smtpd.into(), drain.clone()));
        drop(inside);
        Self { address, drain, running, runtime, accounts, dir }
    }

    /// What the operator does.
    pub(crate) fn administer<T>(&self, work: impl AsyncFnOnce(&Accounts) -> T) -> T {
        self.runtime.block_on(work(&self.accounts))
    }

    /// One more domain.
    pub(crate) fn add_domain(&self, name: &str) {
        self.runtime.block_on(self.accounts.domain_add(name)).unwrap();
    }

    /// One more account, without a password.
    pub(crate) fn add(&self, login: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        let new = NewAccount { login: login.into(), addresses, password: None, apop: false };
        self.runtime.block_on(self.accounts.insisting().account_add(new)).unwrap();
    }

    /// A client that has read nothing yet.
    pub(crate) fn stranger(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, come: Vec::new() }
    }

    pub(crate) fn connect(&self) -> Client {
        let mut client = self.stranger();
        assert!(client.line().starts_with("220 "));
        client
    }

    /// A place in the house's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Every file below the store that is a message, or part of one.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut places: Vec<PathBuf> = vec![self.dir.path().join("mail"), self.dir.path().join("queue")];
        while let Some(place) = places.pop() {
            for entry in std::fs::read_dir(&place).into_iter().flatten().flatten() {
                let path = entry.path();
                let kept = |name| path.parent().is_some_and(|parent: &Path| parent.ends_with(name));
                if path.is_dir() {
                    places.push(path);
                } else if kept("new") || kept("tmp") || kept("cur") {
                    found.push(std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    /// Ends the service as SIGTERM does, and waits for its end.
    pub(crate) fn close(self) {
        self.drain.begin();
        self.runtime.block_on(self.running).unwrap().unwrap();
    }
}

async fn accounts(database: &DatabaseConfig) -> Accounts {
    let accounts = Accounts::create(database).await.unwrap();
    if accounts.status().await.unwrap().accounts > 0 {
        return accounts;
    }
    accounts.domain_add("example.jp").await.unwrap();
    let password = Some(Secret::new("sakura saku"));
    let new = NewAccount { login: "hanako".into(), addresses: Vec::new(), password, apop: false };
    accounts.account_add(new).await.unwrap();
    accounts
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    come: Vec<u8>,
}

impl Client {
    /// The next line, without its end; empty at the end of the connection.
    pub(crate) fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.come.iter().position(|&octet| octet == b'\n') {
                let line: Vec<u8> = self.come.drain(..=at).collect();
                return String::from_utf8(line).unwrap().trim_end().to_owned();
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece) {
                Ok(0) => return String::new(),
                Ok(come) => self.come.extend_from_slice(&piece[..come]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return String::new(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Everything until the server closes.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| Some(self.line()).filter(|line| !line.is_empty())).collect()
    }

    pub(crate) fn say(&mut self, octets: &[u8]) {
        // A server that has had enough closes; what it said before is read all the same.
        let _ = self.stream.write_all(octets);
    }

    /// A command and all lines of its reply.
    pub(crate) fn ask_for_all(&mut self, line: &str) -> Vec<String> {
        self.say(format!("{line}\r\n").as_bytes());
        let mut lines = vec![self.line()];
        while lines.last().unwrap().as_bytes().get(3) == Some(&b'-') {
            lines.push(self.line());
        }
        lines
    }

    /// Logs in as `hanako`.
    pub(crate) fn log_in(&mut self) {
        // NUL hanako NUL "sakura saku"
        assert_eq!(self.ask("AUTH PLAIN AGhhbmFrbwBzYWt1cmEgc2FrdQ=="), "235 2.7.0 Authentication succeeded");
    }

    /// MAIL and RCPT, for `hanako`.
    pub(crate) fn envelope(&mut self) {
        assert!(self.ask("MAIL FROM:<taro@example.net>").starts_with("250 "));
        assert!(self.ask("RCPT TO:<hanako@example.jp>").starts_with("250 "));
    }

    /// A command and the last line of its reply.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.say(format!("{line}\r\n").as_bytes());
        loop {
            let line = self.line();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }
}
