//! A maildrop of many messages, delivered by our own smtpd: Dovecot gets copies, under the same names.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use crate::client::Client;
use crate::daemons::{self, Daemon};
use crate::mail::World;
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

pub(crate) fn run(world: &World, rounds: usize, messages: usize) {
    let servers = Daemon::both(world);
    // The password is known; of the maildrop, nothing is but that it was empty.
    for server in &servers {
        let mut client = Client::connect(server.address(false), false);
        client.login(USER);
        client.ask("QUIT\r\n");
    }
    let took = seconds(|| deliver(world, messages));
    println!("({messages} messages delivered by smtpd in {took:.0} s)");
    world.share(USER);
    let session = |server: &Daemon| session(server, messages);
    let cold = |server: &Daemon| {
        forget();
        session(server)
    };
    row("the big maildrop, first time, s", &each(&servers, 1, session));
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

/// Seconds for all that a program asks which leaves mail on the server.
fn session(server: &Daemon, messages: usize) -> f64 {
    seconds(|| {
        let mut client = Client::connect(server.address(false), false);
        client.login(USER);
        let stat = client.ask("STAT\r\n");
        assert!(stat.starts_with(format!("+OK {messages} ").as_bytes()), "{}", stat.escape_ascii());
        client.fetch("UIDL\r\n");
        client.fetch("LIST\r\n");
        client.fetch("RETR 1\r\n");
        client.ask("QUIT\r\n");
    })
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
