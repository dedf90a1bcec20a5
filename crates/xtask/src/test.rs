//! `cargo xtask test`: from a machine with nothing but the Rust toolchain to the last line of the test runner.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::process::Command;
use std::str::FromStr;

use crate::postgres::{self, Postgres};
use crate::shell::{self, Outcome};
use crate::{debian, fuzz};

/// The tests read here which parts were left out, and say so instead of failing.
const WITHOUT: &str = "YUBIN_TEST_WITHOUT";

/// How many random cases a proptest runs under `--long`; its own default is 256.
const LONG_CASES: &str = "20000";

/// How often the daemons are killed under load with `--long`.
const LONG_ROUNDS: &str = "200";

/// How large a message gets with `--long`: more than 2^32 octets, of which a disk has to have as many free.
const LONG_OCTETS: &str = "4400000000";

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) without: BTreeSet<Part>,
    pub(crate) long: bool,
    /// Handed on to the test runner.
    pub(crate) runner: Vec<OsString>,
}

/// A part of the tests that needs programs from outside this project.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Clients,
    Postgres,
}

impl Part {
    const ALL: [Self; 2] = [Self::Clients, Self::Postgres];

    fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Postgres => "postgres",
        }
    }

    /// What nobody has seen working when this part was left out.
    fn loss(self) -> &'static str {
        match self {
            Self::Clients => {
                "clients: sending and fetching with curl, swaks, msmtp, mpop, fetchmail, getmail and Python; other hosts by Postfix and NSD; the virus check by clamd; system calls by strace"
            }
            Self::Postgres => "postgres: the account database on PostgreSQL",
        }
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|part| part.name() == name)
            .ok_or_else(|| format!("--without {name}: write clients, postgres, or both with a comma"))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    for (part, needs) in [(Part::Clients, debian::CLIENTS), (Part::Postgres, debian::POSTGRES)] {
        if !options.without.contains(&part) {
            debian::provide(needs, part.name())?;
        }
    }
    if !options.without.contains(&Part::Clients) {
        debian::provide_clamd(Part::Clients.name())?;
    }
    let postgres = if options.without.contains(&Part::Postgres) { None } else { Some(Postgres::start()?) };
    let database = postgres.as_ref().map(Postgres::url);
    let run_tests =
        |command: &mut Command| -> Outcome { shell::run(environment(command, options, database.as_deref())) };
    // The end-to-end tests start the daemons as programs of their own, which no test target of theirs would build.
    shell::run(shell::cargo()?.args(["build", "--locked", "--workspace", "--bins"]))?;

    // The examples in the documentation and the fuzzers' seeds go first: the closing line of the real runner shall be the last one.
    let examples = if options.runner.is_empty() {
        run_tests(shell::cargo()?.args(["test", "--locked", "--workspace", "--doc"])).and(fuzz::seeds())
    } else {
        Ok(())
    };
    let tests = run_tests(&mut runner(options)?);
    for part in &options.without {
        eprintln!("left out by choice (--without): {}", part.loss());
    }
    examples.and(tests)
}

/// nextest runs each test in its own process and kills one that hangs; where it is missing, cargo's runner does too,
/// for nextest takes longer to build than all the tests to run.
fn runner(options: &Options) -> Outcome<Command> {
    let mut command = shell::cargo()?;
    if shell::succeeds("cargo", &["nextest", "--version"]) {
        command.args(["nextest", "run", "--locked", "--no-fail-fast"]);
        command.args(scope(&options.runner));
    } else {
        command.args(["test", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests"]);
        command.args(scope(&options.runner));
        // Packages are chosen by cargo, the rest is for the test programs.
        if !options.runner.is_empty() && !names_packages(&options.runner) {
            command.arg("--");
        }
    }
    command.args(&options.runner);
    Ok(command)
}

/// All packages, unless some are named: cargo would take both for all.
fn scope(runner: &[OsString]) -> Option<&'static str> {
    (!names_packages(runner)).then_some("--workspace")
}

fn names_packages(runner: &[OsString]) -> bool {
    let own = runner.iter().take_while(|argument| *argument != "--");
    own.map(|argument| argument.to_string_lossy()).any(|argument| {
        let long = argument.split('=').next().unwrap_or_default();
        long == "--package" || argument.starts_with("-p")
    })
}

fn environment<'c>(command: &'c mut Command, options: &Options, database: Option<&str>) -> &'c mut Command {
    let without: Vec<_> = options.without.iter().map(Part::to_string).collect();
    command.env(WITHOUT, without.join(","));
    match database {
        Some(url) => command.env(postgres::VARIABLE, url),
        None => command.env_remove(postgres::VARIABLE),
    };
    if options.long {
        command
            .env("PROPTEST_CASES", LONG_CASES)
            .env("YUBIN_TEST_ROUNDS", LONG_ROUNDS)
            .env("YUBIN_TEST_OCTETS", LONG_OCTETS);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_are_named_are_the_only_ones() {
        let scope = |line: &str| scope(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>());
        for line in ["-p smtpd", "p_05 -psmtpd", "--package smtpd", "--no-capture --package=smtpd p_05"] {
            assert_eq!(scope(line), None, "{line}");
        }
        for line in ["", "p_05", "--profile ci", "p_05 -- -p"] {
            assert_eq!(scope(line), Some("--workspace"), "{line}");
        }
    }
}
