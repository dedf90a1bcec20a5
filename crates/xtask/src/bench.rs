//! `cargo xtask bench`: the criterion benches of `benches/`, and whole servers beside other people's.

use std::ffi::OsString;

use crate::debian;
use crate::shell::{self, Outcome};

pub(crate) struct Options {
    /// Handed on to criterion: a filter, `--save-baseline NAME`, …
    pub(crate) criterion: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    shell::run(
        shell::cargo()?.args(["bench", "--locked", "--package", "benches", "--"]).args(&options.criterion),
    )
}

/// pop3d beside Debian's Dovecot.
pub(crate) fn pop3(arguments: &[OsString]) -> Outcome {
    debian::provide_for(debian::DOVECOT, "leave this bench out")?;
    beside("pop3", "pop3d", arguments)
}

/// The crates beside a bare loop on the same disk; then smtpd beside it, and beside Debian's Postfix.
pub(crate) fn deliver(arguments: &[OsString]) -> Outcome {
    debian::provide_for(debian::POSTFIX, "leave this bench out")?;
    run(&Options { criterion: vec!["deliver".into()] })?;
    beside("deliver", "smtpd", arguments)
}

/// A program of ours beside somebody else's: an example of `benches/`, which is told where ours is.
fn beside(example: &str, program: &str, arguments: &[OsString]) -> Outcome {
    shell::run(shell::cargo()?.args(["build", "--locked", "--release", "--bin", program]))?;
    let path = shell::target_dir()?.with_file_name("release").join(program);
    let mut bench = shell::cargo()?;
    bench.args(["run", "--locked", "--release", "--package", "benches", "--example", example, "--"]);
    shell::run(bench.arg(format!("--{program}")).arg(path).args(arguments))
}
