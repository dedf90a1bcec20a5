//! The program itself: its arguments, its end, and its memory.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use mailstore::Maildir;
use tempfile::TempDir;

use crate::client::Client;
use crate::house::{PASSWORD, accounts, add_account, deliver};

/// A directory with accounts and a configuration for one listener.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    maildir: Maildir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let account = runtime.block_on(async { accounts(&dir).await.account_show("hanako").await.unwrap() });
        let place = Self {
            maildir: Maildir::create(dir.path().join("mail").join(account.account.mailbox)).unwrap(),
            dir,
        };
        place.configure("accounts.sqlite");
        place
    }

    fn configure(&self, database: &str) {
        let text = format!(
            "hostname = \"localhost\"\n\
             store = {{ maildirs = \"mail\", queue = \"queue\" }}\n\
             accounts = {{ database = \"sqlite:{database}\" }}\n\
             [[listener]]\n\
             protocol = \"pop3\"\n\
             address = \"127.0.0.1:0\"\n\
             clear_text_auth = true\n"
        );
        fs::write(self.dir.path().join("yubin.toml"), text).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop3d"));
        command.arg("--config").arg(self.dir.path().join("yubin.toml"));
        command
    }

    pub(crate) fn check(&self) -> Output {
        self.command().arg("--check").output().unwrap()
    }

    pub(crate) fn start(&self) -> Daemon {
        let mut child = self.command().stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut line, mut told) = (String::new(), String::new());
        let address = loop {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the daemon ended");
            told.push_str(&line);
            if let Some((_, rest)) = line.split_once("listener_ready address=") {
                break rest.split_whitespace().next().unwrap().parse().unwrap();
            }
        };
        Daemon { child, log, address, told }
    }
}

pub(crate) struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
    pub(crate) address: SocketAddr,
    told: String,
}

impl Daemon {
    pub(crate) fn session(&self) -> Client {
        let mut client = Client::connect(self.address);
        client.greeting = client.line();
        let reply = client.login("hanako", PASSWORD);
        assert!(reply.starts_with("+OK"), "{reply}");
        client
    }

    /// A session of an account of its own, with one message in it.
    fn session_of(&self, place: &Place, number: usize, octets: u64) -> Client {
        let login = format!("taker{number}");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mailbox = runtime.block_on(add_account(&place.dir, &login));
        let own = Place {
            maildir: Maildir::create(place.dir.path().join("mail").join(mailbox)).unwrap(),
            dir: TempDir::new().unwrap(),
        };
        sparse(&own, octets);
        let mut client = Client::connect(self.address);
        client.greeting = client.line();
        let reply = client.login(&login, PASSWORD);
        assert!(reply.starts_with("+OK"), "{reply}");
        client
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for a line with `word` in it.
    pub(crate) fn log_until(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "the daemon ended");
        }
    }

    /// Whether it ended well, and its log so far as nobody waited for it.
    pub(crate) fn ended(mut self) -> (bool, String) {
        let mut log = std::mem::take(&mut self.told);
        self.log.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().success(), log)
    }

    /// The most memory that it ever had, in KiB.
    fn most_memory(&self) -> u64 {
        self.fact("status", "VmHWM:")
    }

    /// Octets that it read so far, from wherever.
    fn read(&self) -> u64 {
        self.fact("io", "rchar:")
    }

    fn fact(&self, file: &str, name: &str) -> u64 {
        let facts = fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap();
        let line = facts.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn check_tells_faults_and_changes_nothing() {
    let place = Place::new();
    let good = place.check();
    assert!(good.status.success(), "{good:?}");
    assert!(String::from_utf8_lossy(&good.stdout).contains("no faults"));

    place.configure("missing.sqlite");
    fs::write(place.dir.path().join("garbage.sqlite"), "no database ".repeat(1000)).unwrap();
    for (database, told) in
        [("missing.sqlite", "there is no account database at"), ("garbage.sqlite", "is damaged, or is none")]
    {
        place.configure(database);
        // To look and to begin end with the same status.
        for bad in [place.check(), place.command().output().unwrap()] {
            assert_eq!(bad.status.code(), Some(78), "{bad:?}");
            let said = String::from_utf8_lossy(&bad.stderr);
            assert!(said.contains(told), "{said}");
        }
    }
    assert!(!place.dir.path().join("missing.sqlite").exists());

    place.configure("accounts.sqlite");
    fs::rename(place.dir.path().join("mail"), place.dir.path().join("away")).unwrap();
    fs::write(place.dir.path().join("mail"), "").unwrap();
    let bad = place.check();
    assert_eq!(bad.status.code(), Some(78));
    let said = String::from_utf8_lossy(&bad.stderr);
    assert!(said.contains("the Maildirs at") && said.contains("is not a directory; move it away"), "{said}");
}

#[test]
fn sigterm_lets_sessions_go_and_nothing_secret_is_in_the_log() {
    let place = Place::new();
    deliver(&place.maildir, b"Subject: x\r\n\r\nx\r\n");
    let daemon = place.start();
    let mut client = daemon.session();
    assert_eq!(client.ask("DELE 1"), "+OK message 1 deleted");
    daemon.signal("-TERM");
    assert_eq!(client.rest(), "");
    let (well, log) = daemon.ended();
    assert!(well, "{log}");
    for word in ["auth_ok", "login=hanako", "maildrop_opened", "drained", "drain_finished"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    assert!(!log.contains("sakura"), "{log}");
    assert_eq!(place.maildir.lock().unwrap().len(), 1);
}

#[test]
fn r_12_killed_in_a_session_nothing_is_lost_and_the_maildrop_is_free() {
    let place = Place::new();
    for subject in ["one", "two"] {
        deliver(&place.maildir, format!("Subject: {subject}\r\n\r\n").as_bytes());
    }
    let daemon = place.start();
    let mut client = daemon.session();
    let ids = client.lines("UIDL");
    client.ask("DELE 1");
    daemon.signal("-KILL");
    assert!(!daemon.ended().0);

    let daemon = place.start();
    let mut client = daemon.session();
    assert_eq!(client.lines("UIDL"), ids);
    client.quit();
}

#[test]
fn r_09_a_big_message_costs_one_buffer() {
    let place = Place::new();
    let line = [b"x".repeat(998), b"\r\n".to_vec()].concat();
    let mebibytes = 192;
    let mut delivery = place.maildir.begin(&mailstore::Namer::new("mx")).unwrap();
    delivery.write(b"Subject: big\r\n\r\n").unwrap();
    for _ in 0..mebibytes {
        delivery.write(&line.repeat(1024)).unwrap();
    }
    let octets = delivery.commit().unwrap().octets;

    let daemon = place.start();
    let mut client = daemon.session();
    let (before, read) = (daemon.most_memory(), daemon.read());
    assert_eq!(client.lines("TOP 1 3").len(), 2 + 3);
    let read = daemon.read() - read;
    assert!(read < 16 * 1024, "TOP read {read} octets");
    assert_eq!(client.ask("RETR 1"), format!("+OK {octets} octets"));
    let mut received = 0;
    loop {
        let line = client.line();
        if line == "." {
            break;
        }
        received += line.len() as u64 + 2;
    }
    assert_eq!(received, octets);
    client.quit();
    let grown = daemon.most_memory() - before;
    assert!(grown < 16 * 1024, "{grown} KiB more than after the login");
}

/// A file as long as a film, most of which is a hole.
fn sparse(place: &Place, octets: u64) {
    let name = format!("{},S={octets}", mailstore::Namer::new("mx").next().as_str());
    let file = fs::File::create(place.maildir.path().join("new").join(name)).unwrap();
    std::io::Write::write_all(&mut &file, b"Subject: big\r\n\r\n").unwrap();
    file.set_len(octets).unwrap();
}

/// With `--long` all of it goes over the wire, else a good part.
#[test]
fn r_09_five_gibibytes_in_constant_memory() {
    const OCTETS: u64 = 5 << 30;
    let place = Place::new();
    sparse(&place, OCTETS);
    let daemon = place.start();
    let mut client = daemon.session();
    assert_eq!(client.ask("STAT"), format!("+OK 1 {OCTETS}"));
    let (before, read) = (daemon.most_memory(), daemon.read());
    assert_eq!(client.lines("TOP 1 0"), ["Subject: big", ""]);
    assert!(daemon.read() - read < 16 * 1024);
    assert_eq!(client.ask("RETR 1"), format!("+OK {OCTETS} octets"));
    if std::env::var_os("YUBIN_TEST_ROUNDS").is_some() {
        // There are no line ends in the hole: it gets one, and then comes the dot.
        let octets: u64 = (0..3).map(|_| client.skip_to(b'\n')).sum();
        assert_eq!(octets, OCTETS + 2);
        assert_eq!(client.line(), ".");
        client.quit();
    } else {
        client.skip(256 << 20);
    }
    let grown = daemon.most_memory() - before;
    assert!(grown < 16 * 1024, "{grown} KiB more than after the login");
}

/// Small sessions come and go while others have their hands full: some take a big message as fast as it comes, some not at all.
#[test]
fn big_messages_do_not_starve_small_sessions() {
    let place = Place::new();
    let daemon = place.start();
    let mut clients: Vec<_> = (0..6).map(|number| daemon.session_of(&place, number, 1 << 40)).collect();
    for client in &mut clients {
        assert!(client.ask("RETR 1").starts_with("+OK"));
    }
    let eager: Vec<_> = clients
        .split_off(3)
        .into_iter()
        .map(|mut client| std::thread::spawn(move || client.skip_to_end_of_connection()))
        .collect();
    deliver(&place.maildir, b"Subject: x\r\n\r\nx\r\n");
    for _ in 0..20 {
        let mut client = daemon.session();
        assert_eq!(client.retrieve(1), b"Subject: x\r\n\r\nx\r\n");
        client.quit();
    }
    assert!(eager.iter().all(|client| !client.is_finished()), "a TiB takes longer");
    daemon.signal("-KILL");
    for client in eager {
        client.join().unwrap();
    }
}

/// Login, STAT, UIDL and LIST of a maildrop that nobody has seen before: from its directory alone.
#[test]
fn r_06_a_hundred_thousand_messages() {
    const MESSAGES: usize = 100_000;
    let place = Place::new();
    let namer = mailstore::Namer::new("mx");
    for _ in 0..MESSAGES {
        // Twenty GiB, as the names have it; the files are not asked.
        let name = format!("{},S=214748", namer.next().as_str());
        fs::File::create(place.maildir.path().join("new").join(name)).unwrap();
    }
    let daemon = place.start();
    let before = daemon.most_memory();
    let mut client = daemon.session();
    assert_eq!(client.ask("STAT"), format!("+OK {MESSAGES} {}", MESSAGES * 214_748));
    let ids: std::collections::BTreeSet<_> =
        client.lines("UIDL").iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(ids.len(), MESSAGES);
    assert_eq!(client.lines("LIST").len(), MESSAGES);
    client.quit();
    let grown = daemon.most_memory() - before;
    assert!(grown < 64 * 1024, "{grown} KiB");
}
