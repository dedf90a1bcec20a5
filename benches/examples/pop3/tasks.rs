//! What is measured.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::bare;
use crate::client::Client;
use crate::daemons::Daemon;
use crate::floor::Floor;
use crate::mail::{CLIENTS, DROPS, Whose, World, drainer};
use crate::measure::{self, Figures, row, seconds};

/// How long a round of polls takes.
const POLLING: Duration = Duration::from_secs(3);
/// How long a round of RETR takes.
const RETRIEVING: Duration = Duration::from_secs(2);
/// Messages of a maildrop that is drained.
const DRAINED: usize = 50;

pub(crate) type Servers = [Daemon; 2];

pub(crate) fn run(task: &str, world: &World, servers: &Servers, rounds: usize) {
    match task {
        "polls" => polls(servers, rounds, false),
        "polls-tls" => polls(servers, rounds, true),
        "small" => retrieve(world, servers, rounds, "small000", 20, false),
        "large" => retrieve(world, servers, rounds, "large000", 10, false),
        "large-tls" => retrieve(world, servers, rounds, "large000", 10, true),
        "drains" => drains(world, servers, rounds),
        _ => panic!("no such task"),
    }
}

/// Both in turn, so that what else the machine does befalls both.
pub(crate) fn each(servers: &Servers, rounds: usize, mut round: impl FnMut(&Daemon) -> f64) -> [Figures; 2] {
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..rounds {
        for (server, figures) in servers.iter().zip(&mut figures) {
            figures.add(round(server));
        }
    }
    figures
}

fn polls(servers: &Servers, rounds: usize, tls: bool) {
    let how = if tls { "TLS" } else { "clear" };
    // Steady state: everybody was here before.
    for server in servers {
        let _ = poll_for(Duration::from_millis(500), server.address(tls), tls, server.pid());
    }
    let floor = Floor::start();
    let (mut cost, mut least) =
        ([Figures::default(), Figures::default()], [(); 2].map(|()| Figures::default()));
    let rates = each(servers, rounds, |server| {
        let (rate, cpu) = poll_for(POLLING, server.address(tls), tls, server.pid());
        cost[usize::from(server.name == servers[1].name)].add(cpu);
        if server.name == servers[0].name && !tls {
            let (rate, cpu) = poll_for(POLLING, floor.address, tls, floor.pid());
            least[0].add(rate);
            least[1].add(cpu);
        }
        rate
    });
    row(&format!("polls a second, {how}"), &rates);
    row(&format!("CPU seconds for 1000 polls, {how}"), &cost);
    if !tls {
        let [rate, cpu] = least;
        row("  beside canned answers", &[rates[0].clone(), rate]);
        row("  CPU beside canned answers", &[cost[0].clone(), cpu]);
    }
}

/// Polls a second, and processor seconds for 1000, of ten clients.
fn poll_for(time: Duration, address: SocketAddr, tls: bool, pid: u32) -> (f64, f64) {
    let (cpu, since) = (measure::cpu(pid), Instant::now());
    let done: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| scope.spawn(move || poll(address, client, tls, since + time)))
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let rate = done as f64 / since.elapsed().as_secs_f64();
    (rate, (measure::cpu(pid) - cpu) / done as f64 * 1_000.0)
}

fn poll(address: SocketAddr, client: usize, tls: bool, until: Instant) -> usize {
    let mut done = 0;
    while Instant::now() < until {
        let mut session = Client::connect(address, tls);
        session.login(&format!("poller{client:04}"));
        session.ask("STAT\r\n");
        session.ask("QUIT\r\n");
        done += 1;
    }
    done
}

fn retrieve(world: &World, servers: &Servers, rounds: usize, user: &str, messages: usize, tls: bool) {
    let session = |address: SocketAddr| {
        let mut client = Client::connect(address, tls);
        client.login(user);
        let octets: usize = (1..=messages).map(|message| client.fetch(&format!("RETR {message}\r\n"))).sum();
        client.ask("QUIT\r\n");
        octets
    };
    let round = |address: SocketAddr| {
        let (since, mut done) = (Instant::now(), 0.0);
        while since.elapsed() < RETRIEVING {
            session(address);
            done += 1.0;
        }
        (done, done / since.elapsed().as_secs_f64())
    };
    // Steady state: the password is known, the messages are in memory.
    let octets = servers.iter().map(|server| session(server.address(tls))).max().unwrap_or_default();
    let loop_ = bare::serve(world, user, tls);
    let (mut bare, mut cost) = (Figures::default(), [Figures::default(), Figures::default()]);
    let rates = each(servers, rounds, |server| {
        let cpu = measure::cpu(server.pid());
        let (done, rate) = round(server.address(tls));
        cost[usize::from(server.name == servers[1].name)]
            .add((measure::cpu(server.pid()) - cpu) / done * 1_000.0);
        if server.name == servers[0].name {
            bare.add(round(loop_).1);
        }
        rate
    });
    let how = if tls { "TLS" } else { "clear" };
    row(&format!("sessions a second, {messages} x RETR, {how}"), &rates);
    row(&format!("  CPU seconds for 1000, {how}"), &cost);
    row("  beside a bare loop", &[rates[0].clone(), bare]);
    let megabytes = |rate: f64| rate * octets as f64 / 1e6;
    println!(
        "{:<34} {:>14.0} {:>14.0}",
        "  MB/s",
        megabytes(rates[0].median()),
        megabytes(rates[1].median())
    );
}

/// Each client drains maildrops one after another: one alone would be over before its sync could overlap with another's work.
fn drains(world: &World, servers: &Servers, rounds: usize) {
    let names = |client: usize| (0..DROPS).map(move |drop| drainer(client * DROPS + drop));
    let (mut rates, mut costs) = ([(); 2].map(|()| Figures::default()), [(); 2].map(|()| Figures::default()));
    let (mut clients, mut bare) = (costs.clone(), costs.clone());
    // Steady state: the passwords are known.
    for (server, client) in servers.iter().flat_map(|server| (0..CLIENTS).map(move |client| (server, client)))
    {
        names(client).for_each(|name| drain(server, &name, 0));
    }
    let done = (CLIENTS * DROPS) as f64;
    let fill = || (0..CLIENTS).flat_map(names).for_each(|name| world.fill(&name, DRAINED, 4 << 10));
    let own = || measure::alone(std::process::id());
    for _ in 0..rounds {
        fill();
        for (nth, server) in servers.iter().enumerate() {
            let spent = || (measure::cpu(server.pid()), own());
            let before = spent();
            let took = seconds(|| {
                thread::scope(|scope| {
                    for client in 0..CLIENTS {
                        scope.spawn(move || names(client).for_each(|name| drain(server, &name, DRAINED)));
                    }
                });
            });
            let after = spent();
            rates[nth].add(done / took);
            costs[nth].add((after.0 - before.0) / done * 1_000.0);
            clients[nth].add((after.1 - before.1) / done * 1_000.0);
        }
        fill();
        let before = own();
        let took = seconds(|| {
            thread::scope(|scope| {
                for client in 0..CLIENTS {
                    scope.spawn(move || names(client).for_each(|name| remove(world, &name)));
                }
            });
        });
        bare[0].add(done / took);
        bare[1].add((own() - before) / done * 1_000.0);
        // So that both find theirs empty, as they left them.
        (0..CLIENTS).flat_map(names).for_each(|name| empty(&world.maildir(Whose::Dovecot, &name)));
    }
    row("drains a second (50 x RETR, DELE)", &rates);
    row("  CPU seconds for 1000", &costs);
    row("  CPU seconds of the clients", &clients);
    let [rate, cost] = bare;
    row("  beside bare removals", &[rates[0].clone(), rate]);
    row("  CPU beside bare removals", &[costs[0].clone(), cost]);
}

/// What no server is spared that keeps its word: each file is removed, and the directory synced.
fn remove(world: &World, user: &str) {
    let maildir = world.maildir(Whose::Yubin, user);
    empty(&maildir);
    fs::File::open(maildir.join("new")).unwrap().sync_all().unwrap();
}

fn empty(maildir: &Path) {
    for entry in fs::read_dir(maildir.join("new")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

fn drain(server: &Daemon, user: &str, messages: usize) {
    let mut client = Client::connect(server.clear, false);
    client.login(user);
    for message in 1..=messages {
        client.fetch(&format!("RETR {message}\r\n"));
        client.ask(&format!("DELE {message}\r\n"));
    }
    client.ask("QUIT\r\n");
}
