//! The proof that the protocol crates need no operating system.
//!
//! A target without one would be the plainest proof, but the toolchain's host is the only target at hand everywhere. So the
//! host is made bare: a library that brings its own panic handler is put together with the four crates. If one of them,
//! or anything below it, used the standard library, there would be two panic handlers, which the compiler refuses.
//! Then the symbols: what the finished archive wants from outside is what it would import from a system. It must
//! want nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::shell::{self, Outcome};

const CRATES: [&str; 4] = ["mail-wire", "auth-sasl", "smtp-proto", "pop3-proto"];

/// The library's own source; no part of this program.
const PROBE: &str = include_str!("no_std/probe.rs");

/// What `core` itself wants of whoever links it, on any target: six functions over bytes, and two names in the tables for
/// unwinding, with which it is delivered and which a program that aborts on panic never calls.
const CORES_OWN: [&str; 8] =
    ["_Unwind_Resume", "bcmp", "memcmp", "memcpy", "memmove", "memset", "rust_eh_personality", "strlen"];

pub(crate) fn check() -> Outcome {
    let target = shell::target_dir()?.join("no-std");
    let archive = build(&target)?;
    let wanted = wanted_symbols(&archive)?;
    if wanted.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the protocol crates want from outside: {}",
        wanted.into_iter().collect::<Vec<_>>().join(", ")
    ))
}

/// Builds the crates alone, so that no other crate's wishes add features to what they share, and the probe over them.
fn build(target: &Path) -> Outcome<PathBuf> {
    let mut cargo = shell::cargo()?;
    cargo.args(["build", "--locked", "--lib", "--target-dir"]).arg(target);
    for name in CRATES {
        cargo.args(["--package", name]);
    }
    shell::run(&mut cargo)?;

    let built = target.join("debug");
    let source = built.join("probe.rs");
    let externs = CRATES.map(|name| format!("extern crate {} as _;\n", name.replace('-', "_"))).concat();
    fs::write(&source, format!("{PROBE}\n{externs}")).map_err(|e| format!("{}: {e}", source.display()))?;

    let archive = built.join("libprobe.a");
    let mut rustc = shell::command(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))?;
    rustc.args(["--edition=2024", "--crate-type=staticlib", "--codegen=panic=abort", "-o"]).arg(&archive);
    rustc.arg("-L").arg(format!("dependency={}", built.join("deps").display()));
    for name in CRATES.map(|name| name.replace('-', "_")) {
        rustc.arg("--extern").arg(format!("{name}={}", built.join(format!("lib{name}.rlib")).display()));
    }
    shell::run(rustc.arg(&source))?;
    Ok(archive)
}

/// What some object in the archive names and none defines.
fn wanted_symbols(archive: &Path) -> Outcome<BTreeSet<String>> {
    // No plugin: one of an older compiler would take the objects for its own, and fail on them.
    let arguments = ["--plugin=/dev/null", "--quiet", "--format=posix"];
    let listing = shell::output(shell::command("nm")?.args(arguments).arg(archive))?;
    let mut wanted = BTreeSet::new();
    let mut defined = BTreeSet::from(CORES_OWN);
    for line in listing.lines() {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some(name), Some("U" | "w" | "v")) => wanted.insert(name),
            (Some(name), Some(_)) => defined.insert(name),
            _ => continue,
        };
    }
    Ok(wanted.difference(&defined).map(|name| (*name).to_owned()).collect())
}
