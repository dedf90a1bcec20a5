//! `cargo deny` by the rules of `deny.toml`.

use crate::shell::{self, Outcome};

const VERSION: &str = "0.20.2";

/// Its advisories are not checked: their database cannot be had without the open network.
pub(crate) fn check() -> Outcome {
    if !shell::succeeds("cargo", &["deny", "--version"]) {
        // Unoptimised, it builds in a fraction of the time, and needs no second longer for this one look.
        let install = ["install", "--locked", "--debug", "cargo-deny", "--version", VERSION];
        shell::run(shell::cargo()?.args(install))?;
    }
    // What has a lock file of its own has dependencies of its own.
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml", "benches/peers/Cargo.toml"] {
        let arguments =
            ["deny", "--manifest-path", manifest, "--workspace", "check", "bans", "licenses", "sources"];
        shell::run(shell::cargo()?.args(arguments))?;
    }
    Ok(())
}
