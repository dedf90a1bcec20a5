//! pop3d beside Debian's Dovecot, tuned, in one run: `cargo xtask bench pop3`.
//!
//! Dovecot runs as an instance of its own, with its own configuration and directories, and ends with the run. Both serve the same
//! messages under the same names; our passwords are hashed by Argon2id, Dovecot's stand in clear. What is printed is medians of the
//! rounds with their spread, and ratios; machines are shared, so that only the ratios mean something.

mod bare;
mod big;
mod client;
mod daemons;
mod floor;
mod mail;
#[path = "../common/measure.rs"]
mod measure;
mod memory;
mod tasks;
#[path = "../common/trusting.rs"]
mod trusting;

use std::path::PathBuf;

use daemons::Daemon;
use mail::World;

/// The tasks by name, in the order in which they run.
const TASKS: [&str; 8] = ["polls", "polls-tls", "small", "large", "large-tls", "drains", BIG, MEMORY];
const BIG: &str = "big";
const MEMORY: &str = "memory";

fn main() {
    if std::env::args().nth(1).is_some_and(|word| word == floor::WORD) {
        return floor::main();
    }
    let options = Options::read();
    let world = World::furnish(&options);
    let servers = Daemon::both(&world);
    println!("{:<34} {:>14} {:>14} {:>8}", "", servers[0].name, servers[1].name, "ratio");
    for task in TASKS.into_iter().filter(|task| ![BIG, MEMORY].contains(task) && options.wants(task)) {
        tasks::run(task, &world, &servers, options.rounds);
    }
    drop(servers);
    if options.wants(BIG) {
        big::run(&world, options.rounds, options.big);
    }
    if options.wants(MEMORY) {
        memory::run(&world, options.rounds);
    }
}

/// What the command line says.
pub(crate) struct Options {
    /// Where our daemons are.
    programs: PathBuf,
    rounds: usize,
    only: Vec<String>,
    /// Messages in the big maildrop.
    big: usize,
    /// Sessions that are open at once for the measure of memory.
    sessions: usize,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            programs: "target/release".into(),
            rounds: 5,
            only: Vec::new(),
            big: 100_000,
            sessions: 5_000,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{word} wants a value"));
            match word.as_str() {
                "--programs" => options.programs = value.into(),
                "--rounds" => options.rounds = value.parse().unwrap(),
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                "--big" => options.big = value.parse().unwrap(),
                "--sessions" => options.sessions = value.parse().unwrap(),
                _ => panic!(
                    "--programs DIRECTORY, --rounds N, --only TASK[,TASK], --big MESSAGES, --sessions N; tasks: {TASKS:?}"
                ),
            }
        }
        options
    }

    pub(crate) fn wants(&self, task: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == task)
    }
}
