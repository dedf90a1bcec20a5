//! One operator's installation in a directory that goes away with the test: configuration, certificate, accounts.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustls::{CipherSuite, SupportedProtocolVersion};
use tempfile::TempDir;

use super::certificate::{self, Authority};
use super::daemon::{Daemon, PATIENCE};
use super::programs::Program;
use super::wire::Wire;

pub(crate) const HOST: &str = "mx.example.jp";

/// What the certificate is for: the host, and the service names of a provider that has several.
const NAMES: [&str; 6] =
    [HOST, "localhost", "pop.example.jp", "mail.example.jp", "mails.example.jp", "mailssl.example.jp"];

/// A customer, as the provider's letter names them.
#[derive(Debug)]
pub(crate) struct User {
    /// As first issued; an address of the domain from the first minute.
    pub(crate) login: &'static str,
    pub(crate) password: &'static str,
    /// The login at the domain.
    pub(crate) address: &'static str,
    /// A second address that was chosen later.
    pub(crate) alias: &'static str,
}

pub(crate) const AYUMI: User = User {
    login: "ab4t-ash",
    password: "natsu no umi 7",
    address: "ab4t-ash@mx.example.jp",
    alias: "ayumi@mx.example.jp",
};
pub(crate) const KENJI: User = User {
    login: "m1234ab567c",
    password: "yuki=no&yama%9",
    address: "m1234ab567c@mx.example.jp",
    alias: "kenji@mx.example.jp",
};

/// The listeners, named by what a provider's guide calls the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// 25: mail from everywhere, STARTTLS and AUTH at will.
    Mx,
    /// 587: AUTH demanded, STARTTLS at will.
    Submission,
    /// 465: TLS from the first byte, AUTH demanded.
    Submissions,
    /// 110: passwords in clear text, APOP, STLS at will.
    Pop3,
    /// 995: TLS from the first byte.
    Pop3s,
}

impl Door {
    pub(crate) const SMTP: [Self; 3] = [Self::Mx, Self::Submission, Self::Submissions];
    const ALL: [Self; 5] = [Self::Mx, Self::Submission, Self::Submissions, Self::Pop3, Self::Pop3s];

    pub(crate) fn is_pop3(self) -> bool {
        matches!(self, Self::Pop3 | Self::Pop3s)
    }

    pub(crate) fn is_implicit_tls(self) -> bool {
        matches!(self, Self::Submissions | Self::Pop3s)
    }

    /// Each door has a loopback address of its own. So the port can be whichever the system has free, and the daemon's log
    /// still tells which door got which.
    pub(crate) fn ip(self) -> Ipv4Addr {
        Ipv4Addr::new(
            127,
            0,
            0,
            match self {
                Self::Mx => 25,
                Self::Submission => 58,
                Self::Submissions => 46,
                Self::Pop3 => 110,
                Self::Pop3s => 99,
            },
        )
    }

    pub(crate) fn settings(self) -> &'static str {
        match self {
            Self::Mx => {
                "protocol = \"smtp\"\ntls = \"starttls\"\nauth = \"optional\"\nclear_text_auth = true\n"
            }
            Self::Submission => {
                "protocol = \"smtp\"\ntls = \"starttls\"\nauth = \"required\"\nclear_text_auth = true\n"
            }
            Self::Submissions => "protocol = \"smtp\"\ntls = \"implicit\"\nauth = \"required\"\n",
            Self::Pop3 => "protocol = \"pop3\"\ntls = \"starttls\"\nclear_text_auth = true\napop = true\n",
            Self::Pop3s => "protocol = \"pop3\"\ntls = \"implicit\"\n",
        }
    }
}

/// The database of a site that names no other.
const DATABASE: &str = "sqlite:accounts.sqlite";

/// What stands above the listeners.
const GENERAL: &str = r#"hostname = "mx.example.jp"

[store]
maildirs = "mail"
queue = "queue"

[accounts]
database = "sqlite:accounts.sqlite"
apop_key = "apop.key"
password_min_length = "none"

[outbound]
enabled = false

[log]
format = "json"

[[certificate]]
chain = "cert.pem"
key = "key.pem"
"#;

pub(crate) struct Site {
    directory: TempDir,
    authority: Authority,
}

impl Site {
    /// Configuration and certificate; no database yet.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("yubin-test-").tempdir().unwrap();
        let addresses = Door::ALL.map(|door| IpAddr::from(door.ip()));
        let authority = certificate::write(directory.path(), &NAMES, addresses);
        let site = Self { directory, authority };
        site.configure(&Self::configuration());
        site
    }

    /// Another authority and another certificate in the same files, as a renewal leaves them.
    pub(crate) fn renew_certificate(&mut self) {
        let addresses = Door::ALL.map(|door| IpAddr::from(door.ip()));
        self.authority = certificate::write(self.directory.path(), &NAMES, addresses);
    }

    /// A domain and two customers, made by the operator's command.
    pub(crate) fn with_users() -> Self {
        let site = Self::new();
        site.furnish();
        site
    }

    /// The same with the account database at this URL.
    pub(crate) fn with_users_at(database: &str) -> Self {
        let site = Self::new();
        site.configure(&Self::configuration().replace(DATABASE, database));
        site.furnish();
        site
    }

    /// Another machine of the same operator: the same database and the same Maildirs, a queue of its own.
    pub(crate) fn beside(&self, database: &str) -> Self {
        let site = Self::new();
        let maildirs = format!("maildirs = \"{}\"", self.path("mail").display());
        let configuration = Self::configuration().replace(DATABASE, database);
        site.configure(&configuration.replace("maildirs = \"mail\"", &maildirs));
        fs::copy(self.path("apop.key"), site.path("apop.key")).unwrap();
        site
    }

    fn furnish(&self) {
        self.yubin(&["check", "--create"]);
        self.yubin(&["domain", "add", HOST]);
        for user in [AYUMI, KENJI] {
            self.add_account(&user);
            self.yubin(&["address", "add", user.alias, user.login]);
        }
    }

    /// The text of the configuration: every door, each on a port of the system's choice.
    pub(crate) fn configuration() -> String {
        Self::configuration_of(Door::settings)
    }

    /// The same with other settings of the doors.
    pub(crate) fn configuration_of(settings: impl Fn(Door) -> &'static str) -> String {
        let listener =
            |door: Door| format!("\n[[listener]]\naddress = \"{}:0\"\n{}", door.ip(), settings(door));
        GENERAL.to_owned() + &Door::ALL.map(listener).concat()
    }

    /// The same with more above the listeners.
    pub(crate) fn configuration_with(general: &str) -> String {
        Self::configuration().replacen("\n[store]", &format!("{general}\n[store]"), 1)
    }

    pub(crate) fn configure(&self, configuration: &str) {
        fs::write(self.path("yubin.toml"), configuration).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    pub(crate) fn add_account(&self, user: &User) {
        let arguments = ["account", "add", user.login, "--apop", "--password-stdin"];
        self.succeeds(&arguments, format!("{}\n", user.password));
    }

    /// `user` with the password that it shall have from now on.
    pub(crate) fn change_password(&self, user: &User) {
        let arguments = ["account", "passwd", user.login, "--password-stdin"];
        self.succeeds(&arguments, format!("{}\n", user.password));
    }

    /// Runs the operator's command, which must succeed, and returns what it printed.
    pub(crate) fn yubin(&self, arguments: &[&str]) -> String {
        self.succeeds(arguments, String::new())
    }

    fn succeeds(&self, arguments: &[&str], input: String) -> String {
        let output = self.run(Program::Yubin, arguments, input);
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(output.status.success(), "yubin {arguments:?}: {}\n{stdout}{stderr}", output.status);
        stdout
    }

    /// Runs a program over this site to its end. One that goes on to serve instead is stopped, and is a failure.
    pub(crate) fn run(&self, program: Program, arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that reads no input has closed it already, which is its right.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        let pid = Pid::from_child(&child);
        let (ended, end) = mpsc::channel();
        let waiting = thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
        match end.recv_timeout(PATIENCE) {
            Ok(output) => output,
            Err(_) => {
                let _ = kill_process(pid, Signal::KILL);
                let _ = waiting.join();
                panic!("{} {arguments:?} did not end", program.name())
            }
        }
    }

    pub(crate) fn command(&self, program: Program) -> Command {
        let mut command = program.command();
        command.arg("--config").arg(self.path("yubin.toml"));
        // As POSIX writes a zone, which asks for no table on the machine.
        command.env("TZ", "JST-9");
        command
    }

    /// Starts a daemon; back when every listener of its protocol is ready.
    pub(crate) fn start(&self, program: Program) -> Daemon {
        let doors = Door::ALL.into_iter().filter(|door| door.is_pop3() == (program == Program::Pop3d));
        Daemon::start(program, &mut self.command(program), doors)
    }

    /// A connection; behind TLS where the door asks for it from the first byte.
    pub(crate) fn connect(&self, door: Door, address: SocketAddr) -> Wire {
        let wire = Wire::clear(address);
        if door.is_implicit_tls() { self.secure(wire) } else { wire }
    }

    /// TLS with the certificate checked strictly.
    pub(crate) fn secure(&self, wire: Wire) -> Wire {
        wire.into_tls(self.authority.client(), HOST)
    }

    /// The same under another of its names.
    pub(crate) fn secure_as(&self, wire: Wire, name: &str) -> Wire {
        wire.into_tls(self.authority.client(), name)
    }

    /// The same, with nothing but this version and this cipher suite.
    pub(crate) fn secure_with(
        &self,
        wire: Wire,
        version: &'static SupportedProtocolVersion,
        suite: CipherSuite,
    ) -> Wire {
        wire.into_tls(self.authority.client_with(version, suite), HOST)
    }

    /// Every file in every Maildir where a message lies or is written.
    pub(crate) fn mail_files(&self) -> Vec<PathBuf> {
        let mut files = files_below(&self.path("mail"));
        files.retain(|file| {
            let folder = file.parent().unwrap().file_name().unwrap();
            ["tmp", "new", "cur"].iter().any(|name| folder == *name)
        });
        files
    }

    /// Every file of this name beside mail.
    pub(crate) fn files_named(&self, name: &str) -> Vec<PathBuf> {
        let mut files = files_below(&self.path("mail"));
        files.retain(|file| file.file_name().unwrap() == name);
        files
    }

    /// Every file in the queue, but for the one that says whose it is.
    pub(crate) fn queue_files(&self) -> Vec<PathBuf> {
        let mut files = files_below(&self.path("queue"));
        files.retain(|file| file.file_name().unwrap() != "lock");
        files
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    // What was never made has no files.
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
