//! A maildrop of many messages, delivered by our own smtpd: Dovecot gets copies, under the same names.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{fs, thread};

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};

use crate::client::Client;
use crate::daemons::{self, Daemon};
use crate::mail::{Whose, World, give_away};
use crate::measure::{Figures, row, seconds};
use crate::tasks::each;

const USER: &str = "big00000";
/// Connections that deliver at once: the file system commits their messages together.
const DELIVERERS: usize = 48;
/// Messages of one connection.
const BATCH: usize = 200;
const LETTER: &[u8] = b"Subject: a letter\r\nFrom: <taro@example.jp>\r\n\r\n\
    A line of a letter, as people write them in the evening, before they go to bed.\r\n\
    Another one.\r\n.\r\n";

/// What a session spends its time on.
const STEPS: [&str; 3] = ["PASS", "UIDL", "LIST, RETR 1"];

pub(crate) fn run(world: &World, rounds: usize, messages: usize) {
    let took = seconds(|| deliver(world, messages));
    println!("({messages} messages delivered by smtpd in {took:.0} s)");
    world.share(USER);
    first(world, rounds, messages);
    let servers = Daemon::both(world);
    let session = |server: &Daemon| session(server, messages).iter().sum();
    let cold = |server: &Daemon| {
        forget();
        session(server)
    };
    for server in &servers {
        session(server);
    }
    row("  warm, s", &each(&servers, rounds, session));
    if !forget() {
        return println!("(nothing cold: only root may empty the page cache)");
    }
    row("  cold page cache, s", &each(&servers, rounds, cold));
    drop(servers);
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..rounds {
        let servers = Daemon::both(world);
        for (server, figures) in servers.iter().zip(&mut figures) {
            figures.add(cold(server));
        }
    }
    row("  cold, servers just started, s", &figures);
}

/// The first session that either server ever has on this maildrop: the password is known; of the maildrop, nothing is but that it was
/// empty. Beside it, what no server is spared: the names, from the directory.
fn first(world: &World, rounds: usize, messages: usize) {
    let (mut all, mut bare) = ([Figures::default(), Figures::default()], Figures::default());
    let mut steps = STEPS.map(|_| [Figures::default(), Figures::default()]);
    for _ in 0..rounds {
        let servers = as_if_new(world);
        for (nth, server) in servers.iter().enumerate() {
            let took = session(server, messages);
            all[nth].add(took.iter().sum());
            for (step, took) in steps.iter_mut().zip(took) {
                step[nth].add(took);
            }
        }
        bare.add(seconds(|| assert_eq!(names(&world.maildir(Whose::Yubin, USER)), messages)));
    }
    row("the big maildrop, first time, s", &all);
    for (what, figures) in STEPS.iter().zip(&steps) {
        row(&format!("    {what}"), figures);
    }
    let [[opened, _], ..] = &steps;
    row("    PASS beside a bare getdents loop", &[opened.clone(), bare]);
}

/// Servers that never saw more than an empty maildrop, and now it is full.
fn as_if_new(world: &World) -> [Daemon; 2] {
    let maildirs = [Whose::Yubin, Whose::Dovecot].map(|whose| world.maildir(whose, USER));
    for entry in fs::read_dir(maildirs[1].join("cur")).unwrap() {
        let seen = entry.unwrap().path();
        let name = seen.file_name().unwrap().to_str().unwrap().split(':').next().unwrap();
        fs::rename(&seen, maildirs[1].join("new").join(name)).unwrap();
    }
    for entry in fs::read_dir(&maildirs[1]).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    for maildir in &maildirs {
        fs::rename(maildir.join("new"), maildir.join("full")).unwrap();
        fs::create_dir(maildir.join("new")).unwrap();
    }
    give_away(&maildirs[1].join("new"));
    let servers = Daemon::both(world);
    for server in &servers {
        let mut client = Client::connect(server.address(false), false);
        client.login(USER);
        client.ask("QUIT\r\n");
    }
    for maildir in &maildirs {
        fs::remove_dir(maildir.join("new")).unwrap();
        fs::rename(maildir.join("full"), maildir.join("new")).unwrap();
    }
    servers
}

/// How many names a Maildir's directories have, by nothing but the system call that tells them.
fn names(maildir: &Path) -> usize {
    let mut found = 0;
    let mut buffer = Vec::with_capacity(64 << 10);
    for part in ["new", "cur"] {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(CWD, maildir.join(part), flags, Mode::empty()).unwrap();
        let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            found += usize::from(!entry.unwrap().file_name().to_bytes().starts_with(b"."));
        }
    }
    found
}

/// Seconds for all that a program asks which leaves mail on the server, by [`STEPS`].
fn session(server: &Daemon, messages: usize) -> [f64; 3] {
    let since = Instant::now();
    let mut client = Client::connect(server.address(false), false);
    client.login(USER);
    let stat = client.ask("STAT\r\n");
    assert!(stat.starts_with(format!("+OK {messages} ").as_bytes()), "{}", stat.escape_ascii());
    let opened = since.elapsed();
    client.fetch("UIDL\r\n");
    let shown = since.elapsed();
    client.fetch("LIST\r\n");
    client.fetch("RETR 1\r\n");
    client.ask("QUIT\r\n");
    [opened, shown - opened, since.elapsed() - shown].map(|took| took.as_secs_f64())
}

/// Empties the page cache, and what is known of names and inodes; whether that may be done.
fn forget() -> bool {
    let written = Command::new("sync").status().is_ok_and(|status| status.success());
    written && fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

fn deliver(world: &World, messages: usize) {
    let smtpd = daemons::Smtpd::start(world);
    let left = AtomicUsize::new(messages);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    thread::scope(|scope| {
        for _ in 0..DELIVERERS {
            scope.spawn(|| {
                let mut more = true;
                while more {
                    let mut connection = Connection::open(smtpd.address);
                    more = (0..BATCH).all(|_| {
                        let taken = take();
                        if taken {
                            connection.send();
                        }
                        taken
                    });
                }
            });
        }
    });
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut connection = Self(BufReader::new(stream));
        connection.expect(&["220"]);
        connection.ask(b"EHLO client.example.org\r\n", &["250"]);
        connection
    }

    fn send(&mut self) {
        let envelope = format!("MAIL FROM:<friend@example.org>\r\nRCPT TO:<{USER}@example.jp>\r\nDATA\r\n");
        self.ask(envelope.as_bytes(), &["250", "250", "354"]);
        self.ask(LETTER, &["250"]);
    }

    fn ask(&mut self, octets: &[u8], replies: &[&str]) {
        self.0.get_mut().write_all(octets).unwrap();
        self.expect(replies);
    }

    fn expect(&mut self, replies: &[&str]) {
        for code in replies {
            loop {
                let mut line = String::new();
                self.0.read_line(&mut line).unwrap();
                assert!(line.starts_with(code), "expected {code}, got {line:?}");
                if !line[3..].starts_with('-') {
                    break;
                }
            }
        }
    }
}
