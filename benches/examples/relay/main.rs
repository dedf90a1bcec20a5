//! smtpd beside Debian's Postfix as relays, in one run: `cargo xtask bench relay`.
//!
//! Messages of 4 KiB come in by submission over several connections, one after the other on each, and go out to Postfix's `smtp-sink`
//! through the durable queue. Time runs from the first MAIL to the last arrival there; processor time is that of the relay and its
//! children until then. Our clients log in; Postfix knows its own by their address. Neither encrypts. Rounds alternate; the first,
//! which starts processes and fills caches, does not count. `--dead N`: instead of Postfix, ours beside ours that begins with so many
//! messages in its queue for a domain whose host does not answer; it says how long that took to start, and what they cost in memory.
//! `--world DIRECTORY`: with a queue that an earlier run has filled there, or that this one leaves there; then it is to be removed.

#[path = "../common/client.rs"]
mod client;
mod dead;
#[path = "../common/measure.rs"]
mod measure;
#[path = "../common/postfix.rs"]
mod postfix;
mod sink;
#[path = "../common/yubin.rs"]
mod yubin;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use accounts::{Accounts, DatabaseConfig, NewAccount};
use client::Client;
use measure::{Figures, row};
use postfix::Postfix;
use sink::Sink;
use yubin::Yubin;

/// `taro@example.jp` and his password, as AUTH PLAIN says them.
const LOGIN: &str = "AHRhcm8AdHV0by1iYW5hbmE=";
const PASSWORD: &str = "tuto-banana";
const SENDER: &str = "taro@example.jp";

fn main() {
    let options = Options::read();
    let world = yubin::world_in(&options.directory);
    let mut sink = Sink::start();
    let (ours, submission) = start(world.path(), &sink, &options);
    let sink = &mut sink;
    println!(
        "{} messages of 4 KiB by {} connections, in {}",
        options.messages,
        options.connections,
        options.directory.display()
    );
    let plain = (ours.pid(), submission, Some(LOGIN));
    if options.dead == 0 {
        let at = yubin::free();
        let theirs = Postfix::start(world.path(), at, &relay(sink.address), (options.connections + 20, ""));
        return compare(["yubin", "postfix"], [plain, (theirs.pid(), at, None)], sink, &options);
    }
    let other = options.world.is_none().then(|| yubin::world_in(&options.directory));
    let full = options.world.clone().unwrap_or_else(|| other.as_ref().unwrap().path().to_owned());
    if !full.exists() {
        std::fs::create_dir(&full).unwrap();
        yubin::furnish(&full);
    }
    dead::fill(&full, options.dead);
    let begin = Instant::now();
    let (burdened, address) = start(&full, sink, &options);
    dead::started(&full, (burdened.pid(), address), options.dead, begin);
    let burdened = (burdened.pid(), address, Some(LOGIN), burdened);
    compare(["with them", "without"], [(burdened.0, burdened.1, burdened.2), plain], sink, &options);
    println!("memory at the end: {:.0} MiB", measure::memory(burdened.0) / 1024.0);
}

/// Ours, and where one submits.
fn start(world: &Path, sink: &Sink, options: &Options) -> (Yubin, SocketAddr) {
    tokio::runtime::Runtime::new().unwrap().block_on(account(world));
    let submission = yubin::free();
    let settings = format!(
        "[outbound]\nsmarthost = \"{}\"\ntls = \"none\"\n[[listener]]\nprotocol = \"smtp\"\naddress = \"{submission}\"\n\
         tls = \"none\"\nauth = \"required\"\nclear_text_auth = true\n{}",
        sink.address,
        dead::ROUTE
    );
    (Yubin::start_with("smtpd", options.smtpd.parent().unwrap(), world, &settings), submission)
}

/// Process, where one submits, and as whom.
type Server = (u32, SocketAddr, Option<&'static str>);

fn compare(names: [&str; 2], servers: [Server; 2], sink: &mut Sink, options: &Options) {
    let (mut rates, mut costs) = ([(); 2].map(|()| Figures::default()), [(); 2].map(|()| Figures::default()));
    for round in 0..=options.rounds {
        for ((pid, address, login), (rates, costs)) in servers.iter().zip(rates.iter_mut().zip(&mut costs)) {
            let cpu = measure::cpu(*pid);
            let (begin, sent) = send(*address, *login, options);
            let elapsed = sink.wait_for(sent) - begin;
            if round > 0 {
                rates.add(sent as f64 / elapsed.as_secs_f64());
                costs.add((measure::cpu(*pid) - cpu) * 1e6 / sent as f64);
            }
        }
    }
    if options.rounds > 0 {
        println!("{:<34} {:>14} {:>14} {:>8}", "", names[0], names[1], "ratio");
        row("messages a second", &rates);
        row("CPU a message, µs", &costs);
    }
}

/// As who relays much would have it; its limit for one destination is ours, 20.
fn relay(sink: SocketAddr) -> String {
    let (host, port) = (sink.ip(), sink.port());
    format!(
        "myhostname = mx.example.jp\nmynetworks = 127.0.0.0/8\nrelayhost = [{host}]:{port}\nsmtpd_peername_lookup = no\n\
         initial_destination_concurrency = 20\ndefault_destination_concurrency_limit = 20\n\
         default_destination_concurrency_failed_cohort_limit = 10\ndefault_process_limit = 200\nin_flow_delay = 0\n\
         smtp_connection_cache_on_demand = yes\nsmtp_connection_cache_destinations = [{host}]:{port}\n\
         smtp_tls_security_level = none\ndisable_dns_lookups = yes\n"
    )
}

async fn account(world: &Path) {
    let accounts = Accounts::open(&DatabaseConfig::sqlite(&world.join("accounts.sqlite"))).await.unwrap();
    if !accounts.domain_list().await.unwrap().is_empty() {
        return;
    }
    accounts.domain_add("example.jp").await.unwrap();
    let addresses = vec![String::from(SENDER)];
    let password = Some(auth_sasl::Secret::new(PASSWORD));
    accounts
        .account_add(NewAccount { login: "taro".into(), addresses, password, apop: false })
        .await
        .unwrap();
    accounts.close().await;
}

/// By so many connections, which are greeted and logged in before it begins.
fn send(address: SocketAddr, login: Option<&str>, options: &Options) -> (Instant, usize) {
    let mut clients: Vec<_> = (0..options.connections).map(|_| Client::connect(address, login)).collect();
    let each = options.messages / options.connections;
    let begin = Instant::now();
    thread::scope(|scope| {
        for (nth, client) in clients.iter_mut().enumerate() {
            scope.spawn(move || {
                for message in 0..each {
                    client.send(SENDER, &format!("user{nth}-{message}@example.com"));
                }
            });
        }
    });
    (begin, each * options.connections)
}

struct Options {
    smtpd: PathBuf,
    directory: PathBuf,
    rounds: usize,
    messages: usize,
    connections: usize,
    dead: usize,
    world: Option<PathBuf>,
}

impl Options {
    fn read() -> Self {
        let (smtpd, directory) = ("target/release/smtpd".into(), std::env::temp_dir());
        let (rounds, messages, connections, world) = (3, 10_000, 20, None);
        let mut options = Self { smtpd, directory, rounds, messages, connections, dead: 0, world };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{word} wants a value"));
            match word.as_str() {
                "--smtpd" => options.smtpd = value.into(),
                "--dead" => options.dead = value.parse().unwrap(),
                "--world" => options.world = Some(value.into()),
                "--directory" => options.directory = value.into(),
                "--rounds" => options.rounds = value.parse().unwrap(),
                "--messages" => options.messages = value.parse().unwrap(),
                "--connections" => options.connections = value.parse().unwrap(),
                _ => panic!(
                    "--smtpd PATH, --rounds, --messages, --connections, --dead N, --world DIRECTORY, --directory DIRECTORY"
                ),
            }
        }
        options
    }
}
