//! `cargo xtask ci`: what a change must pass besides the tests.

use std::time::Instant;

use crate::shell::{self, Outcome};
use crate::{deny, file_length, no_std};

type Check = (&'static str, fn() -> Outcome);

const CHECKS: [Check; 6] = [
    ("format", format),
    ("file length", file_length::check),
    ("clippy", clippy),
    ("documentation", documentation),
    ("no_std", no_std::check),
    ("dependencies", deny::check),
];

/// Runs every check, so that one run shows every fault.
pub(crate) fn run() -> Outcome {
    let mut failures = Vec::new();
    for (name, check) in CHECKS {
        let start = Instant::now();
        let outcome = check();
        let seconds = start.elapsed().as_secs();
        match outcome {
            Ok(()) => eprintln!("{name}: passed ({seconds} s)"),
            Err(reason) => {
                eprintln!("{name}: FAILED ({seconds} s): {reason}");
                failures.push(name);
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(format!("failed: {}", failures.join(", "))) }
}

fn format() -> Outcome {
    shell::run(shell::cargo()?.args(["fmt", "--all", "--check"]))?;
    shell::run(shell::cargo()?.args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    shell::run(shell::cargo()?.args(["fmt", "--manifest-path", "benches/peers/Cargo.toml", "--check"]))
}

fn clippy() -> Outcome {
    let arguments = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    shell::run(shell::cargo()?.args(arguments))
}

fn documentation() -> Outcome {
    let arguments = ["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    shell::run(shell::cargo()?.args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}
