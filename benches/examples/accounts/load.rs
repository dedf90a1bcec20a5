//! Daemons on these databases.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use accounts::{Accounts, NewAccount};
use auth_sasl::Secret;
use tokio::runtime::Runtime;

use crate::World;
use crate::fill::{DOMAIN, PASSWORD, Walk};
use crate::measure::{Figures, memory};
use crate::round;
use crate::yubin::Yubin;

/// Recipients that smtpd is asked for before its memory is taken.
const ASKED: usize = 20_000;
/// Of one session.
const ASKED_AT_ONCE: usize = 500;
/// Connections that deliver, each to a mailbox of its own.
const SENDERS: usize = 10;
const LOGINS_A_SECOND: u32 = 1_000;
/// Accounts that poll, and threads that do it for them.
const POLLERS: usize = 400;
const THREADS: usize = 8;

struct Line(BufReader<TcpStream>);

impl Line {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    fn expect(&mut self, start: &str) {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            assert!(line.starts_with(start), "expected {start}, got {line:?}");
            if line.as_bytes().get(3) != Some(&b'-') {
                return;
            }
        }
    }

    fn say(&mut self, line: &str, start: &str) {
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
        self.expect(start);
    }
}

/// Resident KiB of smtpd after it was asked for many recipients of a database with so many accounts.
pub(crate) fn memory_of_smtpd(programs: &Path, world: &Path, size: usize) -> f64 {
    let smtpd = Yubin::start("smtpd", programs, world);
    let mut walk = Walk::default();
    for _ in 0..ASKED / ASKED_AT_ONCE {
        let mut line = Line::connect(smtpd.clear);
        line.expect("220");
        line.say("HELO client.example.org\r\n", "250");
        line.say("MAIL FROM:<friend@example.org>\r\n", "250");
        for _ in 0..ASKED_AT_ONCE {
            line.say(&format!("RCPT TO:<alias{}@{DOMAIN}>\r\n", walk.next(2 * size)), "250");
        }
        line.say("QUIT\r\n", "221");
    }
    memory(smtpd.pid())
}

/// Deliveries a second, alone and beside logins by POP3 of accounts that poll.
pub(crate) fn logins_beside_deliveries(name: &str, world: &World, programs: &Path, rounds: usize) {
    if !world.is_there {
        Runtime::new().unwrap().block_on(furnish(world));
    }
    let [smtpd, pop3d] = ["smtpd", "pop3d"].map(|name| Yubin::start(name, programs, &world.directory));
    // Each is remembered from now on, and has its Maildir.
    (0..POLLERS).for_each(|nth| poll(pop3d.clear, nth));
    let (mut alone, mut beside, mut ratio, mut logins) =
        (Figures::default(), Figures::default(), Figures::default(), Figures::default());
    for _ in 0..rounds {
        let (without, _) = delivered(smtpd.clear, None);
        let (with, made) = delivered(smtpd.clear, Some(pop3d.clear));
        alone.add(without);
        beside.add(with);
        ratio.add(with / without);
        logins.add(made);
    }
    println!("\n{name}, {SENDERS} connections that deliver 4 KiB each time, median of {rounds} rounds");
    println!("deliveries a second, alone           {alone}");
    println!("deliveries a second, beside logins   {beside}");
    println!("remembered logins a second, made     {logins} of {LOGINS_A_SECOND}");
    println!("deliveries beside logins to alone    {ratio}");
}

/// The accounts to which is delivered, and those that poll.
async fn furnish(world: &World) {
    let accounts = Accounts::open(&world.database).await.unwrap();
    accounts.domain_add(DOMAIN).await.unwrap();
    for nth in 0..SENDERS {
        let bare =
            NewAccount { login: format!("box{nth}"), addresses: Vec::new(), password: None, apop: false };
        accounts.account_add(bare).await.unwrap();
    }
    for nth in 0..POLLERS {
        let password = Some(Secret::new(PASSWORD));
        let account = NewAccount { login: poller(nth), addresses: Vec::new(), password, apop: false };
        accounts.account_add(account).await.unwrap();
    }
    accounts.close().await;
}

fn poller(nth: usize) -> String {
    format!("poller{nth:04}")
}

/// A session of a mail program that finds nothing.
fn poll(address: SocketAddr, nth: usize) {
    let mut line = Line::connect(address);
    line.expect("+OK");
    line.say(&format!("USER {}\r\n", poller(nth)), "+OK");
    line.say(&format!("PASS {PASSWORD}\r\n"), "+OK");
    line.say("STAT\r\n", "+OK 0 0");
    line.say("QUIT\r\n", "+OK");
}

/// Deliveries a second, and logins a second meanwhile.
fn delivered(smtpd: SocketAddr, pop3d: Option<SocketAddr>) -> (f64, f64) {
    let (over, logins) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (over, logins) = (&over, &logins);
            let Some(pop3d) = pop3d else { break };
            scope.spawn(move || {
                let begin = Instant::now();
                let every = Duration::from_secs(1) / LOGINS_A_SECOND * u32::try_from(THREADS).unwrap();
                for turn in 0.. {
                    let due = every * turn;
                    thread::sleep(due.saturating_sub(begin.elapsed()));
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    poll(pop3d, thread + THREADS * (turn as usize % (POLLERS / THREADS)));
                    logins.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let (since, before) = (Instant::now(), logins.load(Ordering::Relaxed));
        let sent = round::send(smtpd, SENDERS).messages;
        let (made, took) = (logins.load(Ordering::Relaxed) - before, since.elapsed().as_secs_f64());
        over.store(true, Ordering::Relaxed);
        (sent as f64 / took, made as f64 / took)
    })
}
