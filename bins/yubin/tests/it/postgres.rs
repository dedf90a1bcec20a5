//! The account database on PostgreSQL, under both daemons: stopped in mid-load, and shared by several machines.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use xtask::postgres::Postgres;

use crate::harness::Service;
use crate::harness::site::{AYUMI, Door, KENJI, Site, User};
use crate::harness::smtp::Smtp;

const SENDERS: usize = 3;
const FETCHERS: usize = 2;
/// A guard against waiting for ever; no test measures it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether these tests were left out by choice, with a word about it: `cargo xtask test --without postgres`.
pub(crate) fn left_out() -> bool {
    let without = std::env::var("YUBIN_TEST_WITHOUT").unwrap_or_default();
    let left_out = without.split(',').any(|part| part == "postgres");
    if left_out {
        eprintln!("left out by choice: the account database on PostgreSQL");
    }
    left_out
}

pub(crate) fn database(server: &Postgres) -> String {
    format!("{}/mail", server.url())
}

/// What the clients have seen.
#[derive(Default)]
struct Seen {
    over: bool,
    /// Messages whose 250 was read.
    accepted: BTreeSet<(usize, usize)>,
    logins: usize,
    /// 4xx of smtpd, and `[SYS/TEMP]` of pop3d.
    deferred: usize,
    unavailable: usize,
    /// What must never be said.
    wrong: Vec<String>,
}

/// How often so far.
struct Counts {
    accepted: usize,
    logins: usize,
    deferred: usize,
    unavailable: usize,
}

#[derive(Default)]
struct Load {
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl Load {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    fn counts(&self) -> Counts {
        let seen = self.seen();
        let Seen { logins, deferred, unavailable, .. } = *seen;
        Counts { accepted: seen.accepted.len(), logins, deferred, unavailable }
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen());
        self.changed.notify_all();
    }

    /// Waits until the clients have seen this.
    fn wait_until(&self, what: &str, wanted: impl Fn(&Seen) -> bool) {
        let waiting = |seen: &mut Seen| !wanted(seen) && seen.wrong.is_empty();
        let (seen, _) = self.changed.wait_timeout_while(self.seen(), PATIENCE, waiting).unwrap();
        assert_eq!(seen.wrong, Vec::<String>::new());
        assert!(wanted(&seen), "the clients never saw {what}");
    }
}

/// One who talks to a server that may say anything.
struct Line(BufReader<TcpStream>);

impl Line {
    fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(socket)))
    }

    /// The last line of the reply.
    fn reply(&mut self) -> io::Result<String> {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            if !line.ends_with("\r\n") {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes()[3] != b'-' {
                return Ok(line);
            }
        }
    }

    fn ask(&mut self, line: &str) -> io::Result<String> {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }
}

/// Logs in and sends to both customers, one message after the other.
fn send(address: SocketAddr, sender: usize, load: &Load) -> io::Result<()> {
    let mut nth = 0;
    while !load.seen().over {
        let mut line = Line::connect(address)?;
        line.reply()?;
        line.ask("EHLO client.example.org")?;
        let body = format!("Subject: {sender} {nth}\r\n\r\nHello\r\n.");
        let commands = [
            format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)),
            format!("MAIL FROM:<{}>", AYUMI.address),
            format!("RCPT TO:<{}>", KENJI.address),
            format!("RCPT TO:<{}>", AYUMI.address),
            "DATA".to_owned(),
            body,
        ];
        let accepted = commands.iter().try_for_each(|command| match line.ask(command)? {
            reply if reply.starts_with(['2', '3']) => Ok(()),
            reply => Err(io::Error::other(reply)),
        });
        match accepted {
            Ok(()) => load.note(|seen| {
                seen.accepted.insert((sender, nth));
            }),
            Err(reply) if reply.to_string().starts_with('4') => load.note(|seen| seen.deferred += 1),
            Err(reply) => load.note(|seen| seen.wrong.push(format!("smtpd: {reply}"))),
        }
        nth += 1;
    }
    Ok(())
}

/// Logs in, again and again.
fn poll(address: SocketAddr, load: &Load) -> io::Result<()> {
    while !load.seen().over {
        let mut line = Line::connect(address)?;
        line.reply()?;
        line.ask(&format!("USER {}", KENJI.login))?;
        match line.ask(&format!("PASS {}", KENJI.password))? {
            // The other who polls may have it.
            reply if reply.starts_with("+OK") || reply.starts_with("-ERR [IN-USE]") => {
                load.note(|seen| seen.logins += 1);
            }
            reply if reply.starts_with("-ERR [SYS/TEMP]") => load.note(|seen| seen.unavailable += 1),
            reply => load.note(|seen| seen.wrong.push(format!("pop3d: {reply}"))),
        }
        line.ask("QUIT")?;
    }
    Ok(())
}

/// Every message of a customer by its subject, each of which is there once.
fn subjects(service: &Service, user: &User) -> BTreeSet<(usize, usize)> {
    let messages = service.fetch(user);
    let subjects = messages.iter().map(|message| {
        let text = String::from_utf8_lossy(message);
        let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        let (sender, nth) = subject.split_once(' ').unwrap();
        (sender.parse().unwrap(), nth.parse().unwrap())
    });
    let subjects: BTreeSet<_> = subjects.collect();
    assert_eq!(subjects.len(), messages.len(), "a message is there twice");
    subjects
}

#[test]
fn the_server_is_stopped_in_mid_load_and_comes_back() {
    if left_out() {
        return;
    }
    let mut server = Postgres::start().unwrap();
    let service = Service::serve(Site::with_users_at(&database(&server)));
    let load = Load::default();
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (load, address) = (&load, service.address(Door::Submission));
            scope.spawn(move || send(address, sender, load).unwrap_or_else(|e| gave_up(load, &e)));
        }
        for _ in 0..FETCHERS {
            let (load, address) = (&load, service.address(Door::Pop3));
            scope.spawn(move || poll(address, load).unwrap_or_else(|e| gave_up(load, &e)));
        }
        // Whatever fails here, the clients end.
        let _over = Over(&load);
        load.wait_until("mail and logins", |seen| seen.accepted.len() > 10 && seen.logins > 10);
        for _ in 0..2 {
            server.cut();
            let Counts { deferred, unavailable, .. } = load.counts();
            load.wait_until("4xx and [SYS/TEMP]", |seen| {
                seen.deferred > deferred + SENDERS && seen.unavailable > unavailable + FETCHERS
            });
            server.resume().unwrap();
            let Counts { accepted, logins, .. } = load.counts();
            load.wait_until("mail and logins again", |seen| {
                seen.accepted.len() > accepted + 10 && seen.logins > logins + 10
            });
        }
    });
    let seen = load.seen();
    for user in [AYUMI, KENJI] {
        let arrived = subjects(&service, &user);
        let lost: Vec<_> = seen.accepted.difference(&arrived).collect();
        assert!(lost.is_empty(), "{}: {lost:?} were accepted and are not there", user.login);
    }
}

fn gave_up(load: &Load, error: &io::Error) {
    load.note(|seen| seen.wrong.push(format!("a client gave up: {error}")));
}

/// The clients stop when this goes.
struct Over<'l>(&'l Load);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        match self.0.seen.lock() {
            Ok(mut seen) => seen.over = true,
            Err(poisoned) => poisoned.into_inner().over = true,
        }
    }
}

#[test]
fn c_09_two_machines_on_one_database_see_each_others_changes() {
    if left_out() {
        return;
    }
    let server = Postgres::start().unwrap();
    let here = Service::serve(Site::with_users_at(&database(&server)));
    let there = Service::serve(here.site.beside(&database(&server)));
    let (mut sending, mut reading) = (there.smtp(Door::Submission), there.pop3(Door::Pop3));
    sending.hello();
    sending.authenticate(&AYUMI);
    reading.login(&AYUMI);
    // Mail that came here is fetched there.
    here.receive("friend@example.org", &[KENJI.address], b"Subject: x\r\n\r\nHello\r\n");
    assert_eq!(there.fetch(&KENJI).len(), 1);

    here.site.yubin(&["account", "suspend", AYUMI.login, "--sending", "--reading"]);
    let since = Instant::now();
    // The first look at it after the command is back.
    for service in [&there, &here] {
        let mut next = service.smtp(Door::Submission);
        next.hello();
        next.ask(&format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "535 5.7.8");
        let mut next = service.pop3(Door::Pop3);
        next.ask(&format!("USER {}", AYUMI.login), "+OK");
        next.ask(&format!("PASS {}", AYUMI.password), "-ERR [SYS/PERM]");
    }
    let refused = since.elapsed();
    sending.expect("421 4.7.0");
    assert_eq!(reading.wire.rest(), b"");
    eprintln!("four logins refused after {refused:?}, live sessions ended after {:?}", since.elapsed());

    // And back, from the other side.
    there.site.yubin(&["account", "resume", AYUMI.login]);
    for service in [&here, &there] {
        service.mailbox(&AYUMI).quit();
    }
    // A password set there ends the session here, and the old one.
    let mut old = here.pop3(Door::Pop3);
    old.login(&KENJI);
    let renewed = User { password: "haru no kaze 3", ..KENJI };
    there.site.change_password(&renewed);
    assert_eq!(old.wire.rest(), b"");
    let mut refused = here.pop3(Door::Pop3);
    refused.ask(&format!("USER {}", KENJI.login), "+OK");
    refused.ask(&format!("PASS {}", KENJI.password), "-ERR [AUTH]");
    here.mailbox(&renewed).quit();
}
