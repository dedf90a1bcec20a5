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

/// A bench of whole daemons, which is an example of `benches/`.
pub(crate) struct Server {
    /// As on the command line, and the example's own.
    pub(crate) name: &'static str,
    provide: fn() -> Outcome,
    daemons: &'static [&'static str],
    /// The criterion benches that belong to it, which run first.
    parts: Option<&'static str>,
}

pub(crate) const SERVERS: [Server; 6] = [
    Server { name: "accounts", provide: debian::provide_postgres, daemons: &["smtpd", "pop3d"], parts: None },
    Server { name: "deliver", provide: debian::provide_postfix, daemons: &["smtpd"], parts: Some("deliver") },
    Server { name: "idle", provide: || Ok(()), daemons: &["smtpd", "pop3d"], parts: None },
    Server { name: "pop3", provide: debian::provide_dovecot, daemons: &["smtpd", "pop3d"], parts: None },
    Server { name: "relay", provide: debian::provide_postfix, daemons: &["smtpd"], parts: None },
    Server { name: "tls", provide: debian::provide_postfix, daemons: &["smtpd"], parts: None },
];

impl Server {
    pub(crate) fn run(&self, arguments: &[OsString]) -> Outcome {
        (self.provide)()?;
        if let Some(parts) = self.parts {
            run(&Options { criterion: vec![parts.into()] })?;
        }
        let mut build = shell::cargo()?;
        build.args(["build", "--locked", "--release"]);
        for daemon in self.daemons {
            build.args(["--bin", daemon]);
        }
        shell::run(&mut build)?;
        let programs = shell::target_dir()?.join("release");
        let mut bench = shell::cargo()?;
        bench.args(["run", "--locked", "--release", "--package", "benches", "--example", self.name, "--"]);
        // One daemon is named itself, several by their directory.
        match self.daemons {
            [daemon] => bench.arg(format!("--{daemon}")).arg(programs.join(daemon)),
            _ => bench.arg("--programs").arg(programs),
        };
        shell::run(bench.args(arguments))
    }
}
