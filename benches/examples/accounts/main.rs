//! The account database, small and large, and logins beside deliveries: `cargo xtask bench accounts`.
//!
//! Accounts are made by the import that operators use, each with two aliases beside its issued address. Every question is asked as a
//! daemon asks it; of the small database, all answers are kept in memory after a while, so that to compare sizes the same addresses are
//! asked for by more names of the domain than can be kept. The last table has pop3d and smtpd on the small database: deliveries alone, and beside a steady thousand of
//! remembered logins a second.

#[path = "../common/client.rs"]
mod client;
mod fill;
mod load;
#[path = "../common/measure.rs"]
mod measure;
#[path = "../common/round.rs"]
mod round;
#[path = "../common/yubin.rs"]
mod yubin;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;

use accounts::{Accounts, DatabaseConfig, Resolution, Service, Verdict};
use auth_sasl::{Claim, Secret};
use fill::{DOMAIN, NAMES, PASSWORD, Walk, login, name};
use measure::{Figures, row};
use tokio::runtime::Runtime;
use xtask::postgres::Postgres;

const SMALL: usize = 1_000;
/// Questions of a round.
const LOOK_UPS: u32 = 20_000;
const REMEMBERED: u32 = 5_000;
const FIRST: u32 = 40;
/// Accounts that poll.
const POLLERS: u32 = 200;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn main() {
    let options = Options::read();
    if options.wants("sqlite") {
        let scratch = tempfile::tempdir().unwrap();
        let directory = options.directory.clone().unwrap_or(scratch.path().to_owned());
        let worlds = [SMALL, options.accounts].map(|size| {
            let world = directory.join(size.to_string());
            (size, DatabaseConfig::sqlite(&world.join("accounts.sqlite")), Some(world))
        });
        compare("SQLite", worlds, &options);
    }
    if options.wants("postgres") {
        let server = Postgres::start().unwrap();
        let worlds = [SMALL, options.accounts].map(|size| {
            (size, DatabaseConfig { url: format!("{}/bench{size}", server.url()), apop_key: None }, None)
        });
        compare("PostgreSQL", worlds, &options);
    }
    if options.wants("load") {
        load::logins_beside_deliveries(&options.programs, options.rounds);
    }
}

/// Of one database: its size, where it is, and its directory where daemons can be started on it.
type World = (usize, DatabaseConfig, Option<PathBuf>);

fn compare(name: &str, worlds: [World; 2], options: &Options) {
    let runtime = Runtime::new().unwrap();
    println!("\n{name}, median of {} rounds", options.rounds);
    for (size, database, world) in &worlds {
        if let Some(world) = world {
            if world.exists() {
                println!("{} was filled by an earlier run", world.display());
                continue;
            }
            std::fs::create_dir_all(world).unwrap();
            yubin::furnish(world);
        }
        let took = runtime.block_on(fill::fill(database, *size));
        println!("imported {size} accounts with {} addresses: {:.0} a second", 3 * size, *size as f64 / took);
    }
    let open = |database: &DatabaseConfig| runtime.block_on(Accounts::open(database)).unwrap();
    let asked = [open(&worlds[0].1), open(&worlds[1].1)];
    let sizes = [worlds[0].0, worlds[1].0];
    println!("{:<34} {:>14} {:>14} {:>8}", "us each; accounts:", sizes[1], sizes[0], "ratio");
    let mut rows: Vec<(&str, [Figures; 2])> = Vec::new();
    for _ in 0..options.rounds {
        for at in [1, 0] {
            let figures = runtime.block_on(questions(&asked[at], sizes[at]));
            for (nth, (what, figure)) in figures.into_iter().enumerate() {
                if rows.len() <= nth {
                    rows.push((what, Default::default()));
                }
                rows[nth].1[1 - at].add(figure);
            }
        }
    }
    for (what, figures) in &rows {
        row(what, figures);
    }
    let mut memory = [Figures::default(), Figures::default()];
    for at in [1, 0] {
        if let Some(world) = &worlds[at].2 {
            memory[1 - at].add(load::memory_of_smtpd(&options.programs, world, worlds[at].0));
        }
    }
    if worlds.iter().all(|world| world.2.is_some()) {
        row("memory of smtpd, KiB", &memory);
    }
}

/// What daemons ask, and the microseconds that each takes.
async fn questions(accounts: &Accounts, size: usize) -> Vec<(&'static str, f64)> {
    let mut walk = Walk::default();
    let resolve = async |nth: usize, domain: &str| {
        let found = accounts.resolve(&format!("alias{nth}"), domain).await.unwrap();
        assert!(matches!(found, Resolution::Mailbox(_)), "{found:?}");
    };
    let claims = async |nth: usize| {
        let claim = Claim::password(login(nth), Secret::new(PASSWORD));
        let verdict = accounts.authenticate_from(&claim, HERE, Service::Pop).await.unwrap();
        assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
    };
    let mut figures = Vec::new();
    let mut timed = |what, since: Instant, times: u32| {
        figures.push((what, since.elapsed().as_secs_f64() * 1e6 / f64::from(times)));
    };
    for _ in 0..LOOK_UPS / 10 {
        resolve(7, DOMAIN).await;
    }
    let since = Instant::now();
    for _ in 0..LOOK_UPS {
        resolve(7, DOMAIN).await;
    }
    timed("RCPT, the same address", since, LOOK_UPS);
    let since = Instant::now();
    for _ in 0..LOOK_UPS {
        resolve(walk.next(2 * size), DOMAIN).await;
    }
    timed("RCPT, any address", since, LOOK_UPS);
    let names: Vec<String> = (0..NAMES).map(name).collect();
    let since = Instant::now();
    for _ in 0..LOOK_UPS {
        let nth = walk.next(2 * size);
        resolve(nth, &names[walk.next(NAMES)]).await;
    }
    timed("RCPT, any address, past the cache", since, LOOK_UPS);
    let since = Instant::now();
    for _ in 0..LOOK_UPS {
        let nobody = accounts.resolve(&format!("nobody{}", walk.next(size)), DOMAIN).await.unwrap();
        assert_eq!(nobody, Resolution::UnknownUser);
    }
    timed("RCPT, an unknown address", since, LOOK_UPS);
    // Nobody of them logged in at this process before, unless it was in the round before.
    let firsts: Vec<usize> = (0..FIRST).map(|_| walk.fresh(size)).collect();
    let since = Instant::now();
    for nth in &firsts {
        claims(*nth).await;
    }
    timed("a first login", since, FIRST);
    let pollers: Vec<usize> = (0..POLLERS).map(|nth| nth as usize * (size / POLLERS as usize)).collect();
    for nth in &pollers {
        claims(*nth).await;
    }
    let since = Instant::now();
    for time in 0..REMEMBERED {
        claims(pollers[time as usize % pollers.len()]).await;
    }
    timed("a remembered login", since, REMEMBERED);
    figures
}

struct Options {
    accounts: usize,
    rounds: usize,
    only: Option<String>,
    programs: PathBuf,
    /// Where the SQLite databases stay for another run.
    directory: Option<PathBuf>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            accounts: 1_000_000,
            rounds: 3,
            only: None,
            programs: PathBuf::from("target/release"),
            directory: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{word} wants a value"));
            match word.as_str() {
                "--accounts" => options.accounts = value.parse().unwrap(),
                "--rounds" => options.rounds = value.parse().unwrap(),
                "--only" => options.only = Some(value),
                "--programs" => options.programs = value.into(),
                "--directory" => options.directory = Some(value.into()),
                _ => panic!(
                    "--accounts N, --rounds N, --only sqlite|postgres|load, --directory DIR, --programs DIR"
                ),
            }
        }
        options
    }

    fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == part)
    }
}
