//! The project's one entry for tests, lints, fuzzing and benchmarks: `cargo xtask --help`.

mod bench;
mod ci;
mod debian;
mod deny;
mod file_length;
mod fuzz;
mod no_std;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

use xtask::{postgres, shell};

use lexopt::prelude::{Long, Short, Value, ValueExt};

const HELP: &str = "\
cargo xtask test [--without PART[,PART]] [--long] [-- RUNNER-ARGUMENTS]
    Installs what the tests need and runs all of them. The first run on a machine needs root on Debian.
      --without clients    leave out the tests with other people's mail programs, and install none
      --without postgres   leave out the tests on PostgreSQL
      --long               more random cases, more rounds of kill -9, longer runs
      -- RUNNER-ARGUMENTS  for the test runner: `cargo xtask test -- p_05` runs the tests of one requirement,
                           `cargo xtask test -- -p smtpd -p accounts` those of two packages, `-p smtpd p_05` some of one

cargo xtask ci
    What a change must pass besides the tests: format, clippy, documentation, licences and sources of the
    dependencies, the no_std proof, the length of files.

cargo xtask fuzz [--seconds N] [TARGET ...]
    Every target of fuzz/ (or those named), N seconds each (60), from seeds that are cut from the transcripts. Inputs that break
    something are left in fuzz/artifacts.

cargo xtask bench [CRITERION-ARGUMENTS]
    The benchmarks.

cargo xtask bench accounts [--accounts N] [--rounds N] [--only sqlite|postgres|load] [--directory DIR]
    The account database with N accounts and 3 N addresses beside one with 1 000, on SQLite and PostgreSQL; logins beside deliveries.

cargo xtask bench deliver [--rounds N] [--directory DIRECTORY]
    Deliveries a second beside a bare loop on the same disk, and smtpd beside Debian's Postfix. Needs root. Ours are built in
    release first.

cargo xtask bench pop3 [--rounds N] [--only TASK[,TASK]] [--big MESSAGES] [--sessions N]
    pop3d beside Debian's Dovecot, tuned: ratios of medians. Needs root. Ours are built in release first.

cargo xtask bench idle [--connections N]
    Resident memory of an idle connection on smtpd and pop3d, clear and TLS, and the kernel's beside it.

cargo xtask bench relay [--rounds N] [--messages N] [--connections N] [--dead N] [--directory DIRECTORY]
    Messages in by submission and out to Postfix's smtp-sink through the durable queue, smtpd beside Debian's Postfix. Needs root.

cargo xtask bench tls [--rounds N] [--handshakes N]
    TLS handshakes a second, full and resumed, of smtpd beside Debian's Postfix. Needs root.
";

fn main() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(task) => match task.run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                eprintln!("\ncargo xtask: {reason}");
                ExitCode::FAILURE
            }
        },
        Err(fault) => {
            eprintln!("cargo xtask: {fault}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

enum Task {
    Bench(bench::Options),
    BenchServer(&'static bench::Server, Vec<OsString>),
    Ci,
    Fuzz(fuzz::Options),
    Help,
    Test(test::Options),
}

impl Task {
    fn run(self) -> shell::Outcome {
        match self {
            Self::Bench(options) => bench::run(&options),
            Self::BenchServer(server, arguments) => server.run(&arguments),
            Self::Ci => ci::run(),
            Self::Fuzz(options) => fuzz::run(&options),
            Self::Help => {
                print!("{HELP}");
                Ok(())
            }
            Self::Test(options) => test::run(&options),
        }
    }
}

fn parse(mut arguments: lexopt::Parser) -> Result<Task, lexopt::Error> {
    let task = match arguments.next()? {
        None | Some(Short('h') | Long("help")) => Task::Help,
        Some(Value(name)) if name == "bench" => {
            let mut arguments: Vec<_> = arguments.raw_args()?.collect();
            let named = |server: &&bench::Server| arguments.first().is_some_and(|first| first == server.name);
            match bench::SERVERS.iter().find(named) {
                Some(server) => Task::BenchServer(server, arguments.split_off(1)),
                None => Task::Bench(bench::Options { criterion: arguments }),
            }
        }
        Some(Value(name)) if name == "ci" => Task::Ci,
        Some(Value(name)) if name == "fuzz" => parse_fuzz(&mut arguments)?,
        Some(Value(name)) if name == "help" => Task::Help,
        Some(Value(name)) if name == "test" => parse_test(&mut arguments)?,
        Some(other) => return Err(other.unexpected()),
    };
    match arguments.next()? {
        Some(Short('h') | Long("help")) => Ok(Task::Help),
        Some(other) => Err(other.unexpected()),
        None => Ok(task),
    }
}

fn parse_fuzz(arguments: &mut lexopt::Parser) -> Result<Task, lexopt::Error> {
    let mut options = fuzz::Options::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Task::Help),
            Long("seconds") => options.seconds = arguments.value()?.parse()?,
            Value(target) => options.targets.push(target.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Task::Fuzz(options))
}

fn parse_test(arguments: &mut lexopt::Parser) -> Result<Task, lexopt::Error> {
    let mut options = test::Options::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Task::Help),
            Long("long") => options.long = true,
            Long("without") => {
                for part in arguments.value()?.string()?.split(',') {
                    options.without.insert(part.parse()?);
                }
            }
            Value(first) => {
                options.runner.push(first);
                options.runner.extend(arguments.raw_args()?);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Task::Test(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task, String> {
        super::parse(lexopt::Parser::from_args(line.split_whitespace())).map_err(|e| e.to_string())
    }

    #[test]
    fn parts_are_left_out_in_one_list_or_in_several() {
        for line in ["test --without clients,postgres", "test --without=postgres --without clients"] {
            let Ok(Task::Test(options)) = parse(line) else { panic!("{line}") };
            assert_eq!(options.without.len(), 2, "{line}");
        }
    }

    #[test]
    fn a_part_that_does_not_exist_is_refused_with_the_names_of_those_that_do() {
        let Err(fault) = parse("test --without mysql") else { panic!("accepted") };
        assert!(
            fault.contains("mysql") && fault.contains("clients") && fault.contains("postgres"),
            "{fault}"
        );
    }

    #[test]
    fn what_stands_behind_two_dashes_is_the_runners() {
        let Ok(Task::Test(options)) = parse("test --long -- p_05 --no-capture") else { panic!("refused") };
        assert!(options.long);
        assert_eq!(options.runner, ["p_05", "--no-capture"]);
    }

    #[test]
    fn a_fuzzer_takes_its_time_and_its_targets() {
        let Ok(Task::Fuzz(options)) = parse("fuzz sasl --seconds 5") else { panic!("refused") };
        assert_eq!((options.seconds, options.targets), (5, vec!["sasl".to_owned()]));
        assert!(parse("fuzz --seconds soon").is_err());
    }

    #[test]
    fn a_bench_of_a_server_is_told_from_a_filter() {
        assert!(matches!(parse("bench pop3 --rounds 3"), Ok(Task::BenchServer(_, rest)) if rest.len() == 2));
        assert!(matches!(parse("bench deliver"), Ok(Task::BenchServer(_, rest)) if rest.is_empty()));
        assert!(matches!(parse("bench parse"), Ok(Task::Bench(options)) if options.criterion == ["parse"]));
    }

    #[test]
    fn an_unknown_task_is_refused() {
        assert!(parse("tset").is_err());
        assert!(parse("ci now").is_err());
    }
}
