//! `kill -9` of both daemons under load, again and again: every message that was acknowledged is found, whole, once.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::harness::Service;
use crate::harness::mail::behind_trace;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, Door, KENJI, Site, User};
use crate::harness::smtp::stuffed;
use crate::quota;

/// Where nothing else is wanted; `cargo xtask test --long` wants more.
const ROUNDS: usize = 3;
const SENDERS: usize = 4;

/// A message is told by its number in its round, and says itself how it must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Token {
    round: usize,
    sender: usize,
    nth: usize,
}

impl Token {
    fn to_both(self) -> bool {
        self.nth % 3 == 1
    }

    /// Most fit into memory; some are streamed.
    fn message(self) -> Vec<u8> {
        let Self { round, sender, nth } = self;
        let lines = if nth % 7 == 6 { 12_000 } else { 100 + nth };
        let line = format!("{round} {sender} {nth}");
        format!("Subject: {line}\r\n\r\n{}", format!(".{line}\r\n").repeat(lines)).into_bytes()
    }

    fn of(message: &[u8]) -> Option<Self> {
        let line = str::from_utf8(message.split(|octet| *octet == b'\r').next()?).ok()?;
        let mut numbers = line.strip_prefix("Subject: ")?.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { round: next()?, sender: next()?, nth: next()? })
    }
}

/// What the clients know.
#[derive(Default)]
struct Known {
    /// All octets were sent, the last dot too.
    sent: BTreeSet<Token>,
    /// And the 250 was read.
    acknowledged: BTreeSet<Token>,
    /// Of KENJI's: QUIT was sent after DELE, so that it may be gone.
    given_up: BTreeSet<Token>,
    /// And the answer was read, so that it is gone.
    deleted: BTreeSet<Token>,
    /// The unique id of each message of KENJI's that was seen.
    unique_ids: BTreeMap<Token, String>,
}

/// A connection on which any call may find that the server is no more.
struct Line(BufReader<TcpStream>);

impl Line {
    fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self(BufReader::new(socket)))
    }

    fn send(&mut self, octets: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(octets.as_ref())
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        match line.ends_with("\r\n") {
            true => Ok(line),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The last line of the reply, which must begin with `expected`.
    fn expect(&mut self, expected: &str) -> io::Result<String> {
        loop {
            let line = self.line()?;
            if !(line.len() > 3 && line.as_bytes()[3] == b'-' && line.as_bytes()[0].is_ascii_digit()) {
                assert!(line.starts_with(expected), "expected {expected}, got {line}");
                return Ok(line);
            }
        }
    }

    fn ask(&mut self, line: &str, expected: &str) -> io::Result<String> {
        self.send(format!("{line}\r\n"))?;
        self.expect(expected)
    }

    /// The lines of a POP3 response, un-stuffed, with their endings.
    fn lines(&mut self, line: &str) -> io::Result<Vec<u8>> {
        self.ask(line, "+OK")?;
        let mut text = String::new();
        loop {
            match self.line()? {
                end if end == ".\r\n" => return Ok(text.into_bytes()),
                line => text += line.strip_prefix('.').unwrap_or(&line),
            }
        }
    }

    fn mailbox(address: SocketAddr, user: &User) -> io::Result<Self> {
        let mut line = Self::connect(address)?;
        line.expect("+OK")?;
        line.ask(&format!("USER {}", user.login), "+OK")?;
        line.ask(&format!("PASS {}", user.password), "+OK")?;
        Ok(line)
    }

    /// All messages with their unique ids.
    fn fetch(&mut self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let listed = String::from_utf8(self.lines("UIDL")?).unwrap();
        let ids = listed.lines().map(|line| line.split_once(' ').unwrap().1.to_owned());
        ids.enumerate().map(|(at, id)| Ok((id, self.lines(&format!("RETR {}", at + 1))?))).collect()
    }
}

/// Sends until the server is gone.
fn send(address: SocketAddr, round: usize, sender: usize, known: &Mutex<Known>) -> io::Result<()> {
    let mut line = Line::connect(address)?;
    line.expect("220")?;
    line.ask("EHLO client.example.org", "250")?;
    for nth in 0.. {
        let token = Token { round, sender, nth };
        line.ask("MAIL FROM:<friend@example.org>", "250")?;
        line.ask(&format!("RCPT TO:<{}>", KENJI.address), "250")?;
        if token.to_both() {
            line.ask(&format!("RCPT TO:<{}>", AYUMI.address), "250")?;
        }
        line.ask("DATA", "354")?;
        // Before the last octet leaves: from then on the server may accept.
        known.lock().unwrap().sent.insert(token);
        line.send(stuffed(&token.message()))?;
        line.expect("250")?;
        known.lock().unwrap().acknowledged.insert(token);
    }
    Ok(())
}

/// Fetches KENJI's mail and deletes half of it, until the server is gone.
fn fetch(address: SocketAddr, known: &Mutex<Known>) -> io::Result<()> {
    loop {
        let mut line = Line::mailbox(address, &KENJI)?;
        let messages = line.fetch()?;
        let mut doomed = BTreeSet::new();
        for (at, (id, message)) in messages.into_iter().enumerate() {
            let token = check(&mut known.lock().unwrap(), &id, &message);
            if token.nth.is_multiple_of(2) {
                line.ask(&format!("DELE {}", at + 1), "+OK")?;
                doomed.insert(token);
            }
        }
        known.lock().unwrap().given_up.extend(&doomed);
        line.ask("QUIT", "+OK")?;
        known.lock().unwrap().deleted.extend(&doomed);
    }
}

/// A message of KENJI's: whole, once, and with the id that it had.
fn check(known: &mut Known, id: &str, message: &[u8]) -> Token {
    let message = behind_trace(message).message;
    let token = Token::of(message).unwrap();
    assert!(message == token.message(), "{token:?} is not as it was sent");
    assert!(known.sent.contains(&token), "{token:?} was never sent whole");
    assert!(!known.deleted.contains(&token), "{token:?} is back");
    let before = known.unique_ids.entry(token).or_insert_with(|| id.to_owned());
    assert_eq!(before, id, "{token:?} has another unique id, or is there twice");
    token
}

fn under_load(service: Service, round: usize, known: &Mutex<Known>) -> Service {
    let (smtp, pop3) = (service.address(Door::Mx), service.address(Door::Pop3));
    let Service { smtpd, pop3d, site } = service;
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            scope.spawn(move || send(smtp, round, sender, known));
        }
        scope.spawn(|| fetch(pop3, known));
        // Another moment in each round; that it is in the midst of things is what many rounds are for.
        thread::sleep(Duration::from_millis(100 + (round as u64 * 37) % 400));
        smtpd.kill();
        pop3d.kill();
    });
    let smtpd = site.start(Program::Smtpd);
    Service { smtpd, pop3d: site.start(Program::Pop3d), site }
}

/// Takes all mail out, and compares it with what the clients know.
fn settle(service: &Service, known: &mut Known) {
    let take = |user: &User| {
        let mut line = Line::mailbox(service.address(Door::Pop3), user).unwrap();
        let messages = line.fetch().unwrap();
        (1..=messages.len()).for_each(|number| drop(line.ask(&format!("DELE {number}"), "+OK").unwrap()));
        line.ask("QUIT", "+OK").unwrap();
        messages
    };
    let kenjis = take(&KENJI);
    let count = kenjis.len();
    let kenjis: BTreeSet<Token> = kenjis.iter().map(|(id, message)| check(known, id, message)).collect();
    assert_eq!(kenjis.len(), count, "a message twice");
    let ayumis: Vec<Token> = take(&AYUMI)
        .iter()
        .map(|(_, message)| {
            let message = behind_trace(message).message;
            let token = Token::of(message).unwrap();
            assert!(message == token.message() && known.sent.contains(&token) && token.to_both());
            token
        })
        .collect();
    let once: BTreeSet<Token> = ayumis.iter().copied().collect();
    assert_eq!(once.len(), ayumis.len(), "a message twice");
    for token in &known.sent {
        let acknowledged = known.acknowledged.contains(token);
        let kenji = kenjis.contains(token) || known.given_up.contains(token) || known.deleted.contains(token);
        assert!(kenji || !acknowledged, "{token:?} was acknowledged and is lost");
        if token.to_both() {
            assert_eq!(once.contains(token), kenji, "{token:?} is with one of two recipients");
        }
    }
    for part in ["tmp", "msg", "corrupt"] {
        let left = service.site.queue_files().into_iter().find(|file| file.parent().unwrap().ends_with(part));
        assert_eq!(left, None, "in the queue after a restart");
    }
    *known = Known::default();
}

/// The first message of the new process finds what the killed ones left in the ledgers.
fn books_are_true(service: &Service) {
    service.receive("friend@example.org", &[KENJI.address, AYUMI.address], b"Subject: books\r\n\r\n.\r\n");
    for maildir in fs::read_dir(service.site.path("mail")).unwrap() {
        let maildir = maildir.unwrap().path();
        let held = quota::on_disk(&maildir);
        assert_eq!((quota::ledger(&maildir), held.1), (held, 1), "{}", maildir.display());
    }
    for user in [&KENJI, &AYUMI] {
        let mut line = Line::mailbox(service.address(Door::Pop3), user).unwrap();
        line.ask("DELE 1", "+OK").unwrap();
        line.ask("QUIT", "+OK").unwrap();
    }
}

#[test]
fn l_03_l_04_l_10_r_07_every_250_is_found_whole_and_once_after_kill_9_under_load() {
    let rounds = env::var("YUBIN_TEST_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let site = Site::with_users();
    // So much that it refuses nothing, and every message is in the books.
    site.configure(&(Site::configuration() + "\n[quota]\noctets = \"1TiB\"\n"));
    let mut service = Service::serve(site);
    let known = Mutex::new(Known::default());
    let mut acknowledged = 0;
    for round in 0..rounds {
        service = under_load(service, round, &known);
        let known = &mut known.lock().unwrap();
        acknowledged += known.acknowledged.len();
        settle(&service, known);
        books_are_true(&service);
    }
    assert!(acknowledged > rounds, "{acknowledged} messages in {rounds} rounds are no load");
    println!("{acknowledged} messages acknowledged in {rounds} rounds");
}
