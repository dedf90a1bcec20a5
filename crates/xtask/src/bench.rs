//! `cargo xtask bench`: the criterion benches of `benches/`.

use std::ffi::OsString;

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
