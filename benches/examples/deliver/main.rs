//! smtpd beside Debian's Postfix and beside a bare loop on the same disk, in one run: `cargo xtask bench deliver`.
//!
//! Each connection sends messages of 4 KiB, one after the other, to a mailbox of its own. smtpd's 250 says that the message is in its
//! Maildir and durable; Postfix's that it is in its queue: for Postfix those count that are in their Maildirs, until the last is.
//! Postfix runs as an instance of its own with Debian's defaults and local delivery to Maildirs, in a directory that ends with
//! the run. Rounds alternate; what is printed is medians with the least and the most, and ratios of each round's. Processor time of the
//! bare loop is what the disk's own operations take: no server can do with less. Messages of 10 MiB follow, from one connection to smtpd.

#[path = "../common/client.rs"]
mod client;
mod daemons;
mod large;
#[path = "../common/measure.rs"]
mod measure;
#[path = "../common/postfix.rs"]
mod postfix;
#[path = "../common/round.rs"]
mod round;

use std::path::PathBuf;
use std::time::Instant;

use benches::disk::{bare, spread};
use daemons::{Daemon, World};
use round::Sent;

fn main() {
    let options = Options::read();
    let world = World::furnish(&options.directory, options.connections.iter().copied().max().unwrap_or(1));
    let servers = [Daemon::yubin(&world, &options.smtpd), Daemon::postfix(&world)];
    println!(
        "4 KiB messages in {}, median of {} rounds (least-most)",
        options.directory.display(),
        options.rounds
    );
    for connections in &options.connections {
        compare(&world, &servers, *connections, options.rounds);
    }
    if options.large {
        large::compare(&world, &servers[0], options.rounds);
    }
}

/// Of one server, over all rounds.
#[derive(Default)]
struct Column {
    rates: Vec<f64>,
    to_bare: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
}

fn compare(world: &World, servers: &[Daemon; 2], connections: usize, rounds: usize) {
    let (mut limits, mut limits_cpu) = (Vec::new(), Vec::new());
    let mut columns = [Column::default(), Column::default()];
    for round in 0..rounds {
        // It stays until the end: see `benches::disk::Ground`.
        let scratch = world.path(&format!("bare-{connections}-{round}"));
        let (cpu, me) = (|| measure::cpu(std::process::id()), Instant::now());
        let before = cpu();
        let limit = bare(&scratch, connections, true);
        limits_cpu.push((cpu() - before) * 1000.0 / (limit * me.elapsed().as_secs_f64()));
        limits.push(limit);
        for (server, column) in servers.iter().zip(&mut columns) {
            let (before, cpu, begin) = (server.delivered(), measure::cpu(server.pid()), Instant::now());
            let Sent { messages, p99 } = round::send(server.address, connections);
            let delivered = server.wait_for_all(before + messages) - before;
            let rate = delivered as f64 / begin.elapsed().as_secs_f64();
            column.rates.push(rate);
            column.to_bare.push(rate / limit);
            column.p99.push(p99.as_secs_f64() * 1000.0);
            column.cpu.push((measure::cpu(server.pid()) - cpu) * 1000.0 / delivered as f64);
        }
    }
    let each = |values: &Vec<f64>| spread(values.clone());
    println!(
        "\n{connections} at once: bare loop {}/s   CPU {} s a thousand",
        shown(each(&limits), 0),
        shown(each(&limits_cpu), 2)
    );
    for (server, column) in servers.iter().zip(&columns) {
        println!(
            "  {:<8} {}/s   {} of the bare loop   p99 {} ms   CPU {} s a thousand",
            server.name,
            shown(each(&column.rates), 0),
            shown(each(&column.to_bare), 2),
            shown(each(&column.p99), 1),
            shown(each(&column.cpu), 2)
        );
    }
    let [ours, theirs] = &columns;
    let ratio = |ours: &[f64], theirs: &[f64]| {
        shown(spread(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()), 2)
    };
    println!(
        "  ratio    rate {}   p99 {}   CPU {}",
        ratio(&ours.rates, &theirs.rates),
        ratio(&ours.p99, &theirs.p99),
        ratio(&ours.cpu, &theirs.cpu)
    );
}

fn shown((median, least, most): (f64, f64, f64), digits: usize) -> String {
    format!("{median:.digits$} ({least:.digits$}-{most:.digits$})")
}

struct Options {
    smtpd: PathBuf,
    directory: PathBuf,
    rounds: usize,
    connections: Vec<usize>,
    large: bool,
}

impl Options {
    fn read() -> Self {
        let (smtpd, directory) = ("target/release/smtpd".into(), std::env::temp_dir());
        let mut options = Self { smtpd, directory, rounds: 5, connections: vec![1, 10, 100], large: true };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{word} wants a value"));
            match word.as_str() {
                "--smtpd" => options.smtpd = value.into(),
                "--directory" => options.directory = value.into(),
                "--rounds" => options.rounds = value.parse().unwrap(),
                "--connections" => {
                    let (large, numbers): (Vec<_>, Vec<_>) =
                        value.split(',').partition(|word| *word == "large");
                    options.large = !large.is_empty();
                    options.connections = numbers.iter().map(|number| number.parse().unwrap()).collect();
                }
                _ => panic!("--smtpd PATH, --rounds N, --connections N,N,large, --directory DIRECTORY"),
            }
        }
        options
    }
}
