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
    shell::run(shell::cargo()?.args(["build", "--locked", "--release", "--bin", "pop3d"]))?;
    let program = shell::target_dir()?.with_file_name("release").join("pop3d");
    let mut bench = shell::cargo()?;
    bench.args([
        "run",
        "--locked",
        "--release",
        "--package",
        "benches",
        "--example",
        "pop3",
        "--",
        "--pop3d",
    ]);
    shell::run(bench.arg(program).args(arguments))
}
