//! The account database, small and large, and logins beside deliveries: `cargo xtask bench accounts`.
//!
//! Accounts are made by the import that operators use, each with two aliases beside its issued address. Every question is asked as a
//! daemon asks it; of the small database, all answers are kept in memory after a while, so that to compare sizes the same addresses are
//! asked for by more names of the domain than can be kept. The last table has pop3d and smtpd on a small database: deliveries alone, and
//! beside a steady thousand of remembered logins a second.

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
    let scratch = tempfile::tempdir().unwrap();
    // It ends with the last of what is on it.
    let private = options.wants("postgres") && options.server.is_none();
    let private = private.then(|| Postgres::start().unwrap());
    let server = private.as_ref().map(Postgres::url).or(options.server.clone());
    let directory = options.directory.clone().unwrap_or(scratch.path().to_owned());
    let mut kinds = Vec::new();
    if options.wants("sqlite") {
        let (place, directory) = (directory.clone(), directory.clone());
        let database = move |name: &str| DatabaseConfig::sqlite(&place.join(name).join("accounts.sqlite"));
        kinds.push(Kind { name: "SQLite", directory, database: Box::new(database) });
    }
    if let Some(url) = server.filter(|_| options.wants("postgres")) {
        let database = move |name: &str| DatabaseConfig { url: format!("{url}/bench{name}"), apop_key: None };
        let directory = directory.join("postgres");
        kinds.push(Kind { name: "PostgreSQL", directory, database: Box::new(database) });
    }
    for kind in &kinds {
        if options.asks("questions") {
            compare(kind, &options);
        }
        if options.asks("load") {
            let world = kind.world("load");
            load::logins_beside_deliveries(kind.name, &world, &options.programs, options.rounds);
        }
    }
}

/// A kind of database.
struct Kind {
    name: &'static str,
    /// Of what the daemons have beside the database.
    directory: PathBuf,
    database: Box<dyn Fn(&str) -> DatabaseConfig>,
}

/// Of one database: where it is, and the directory where daemons can be started on it.
struct World {
    database: DatabaseConfig,
    directory: PathBuf,
    /// Left by an earlier run.
    is_there: bool,
}

impl Kind {
    fn world(&self, name: &str) -> World {
        let (database, directory) = ((self.database)(name), self.directory.join(name));
        let is_there = directory.exists();
        if !is_there {
            std::fs::create_dir_all(&directory).unwrap();
            yubin::furnish_on(&directory, &database);
        }
        World { database, directory, is_there }
    }
}

fn compare(kind: &Kind, options: &Options) {
    let runtime = Runtime::new().unwrap();
    println!("\n{}, median of {} rounds", kind.name, options.rounds);
    let sizes = [SMALL, options.accounts];
    let worlds = sizes.map(|size| {
        let world = kind.world(&size.to_string());
        if world.is_there {
            println!("{} was filled by an earlier run", world.directory.display());
        } else {
            let took = runtime.block_on(fill::fill(&world.database, size));
            println!(
                "imported {size} accounts with {} addresses: {:.0} a second",
                3 * size,
                size as f64 / took
            );
        }
        world
    });
    let open = |database: &DatabaseConfig| runtime.block_on(Accounts::open(database)).unwrap();
    let asked = [open(&worlds[0].database), open(&worlds[1].database)];
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
        memory[1 - at].add(load::memory_of_smtpd(&options.programs, &worlds[at].directory, sizes[at]));
    }
    row("memory of smtpd, KiB", &memory);
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
    part: Option<String>,
    programs: PathBuf,
    /// Where the SQLite databases stay for another run, and what the daemons have beside PostgreSQL's.
    directory: Option<PathBuf>,
    /// `postgres://USER@HOST:PORT` of a server where they stay, instead of a private one.
    server: Option<String>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            accounts: 1_000_000,
            rounds: 3,
            only: None,
            part: None,
            programs: PathBuf::from("target/release"),
            directory: None,
            server: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{word} wants a value"));
            match word.as_str() {
                "--accounts" => options.accounts = value.parse().unwrap(),
                "--rounds" => options.rounds = value.parse().unwrap(),
                "--only" => options.only = Some(value),
                "--part" => options.part = Some(value),
                "--programs" => options.programs = value.into(),
                "--directory" => options.directory = Some(value.into()),
                "--server" => options.server = Some(value),
                _ => panic!(
                    "--accounts N, --rounds N, --only sqlite|postgres, --part questions|load, --directory DIR [--server URL], --programs DIR"
                ),
            }
        }
        options
    }

    fn wants(&self, database: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == database)
    }

    fn asks(&self, part: &str) -> bool {
        self.part.as_ref().is_none_or(|only| only == part)
    }
}
