//! `cargo xtask fuzz`: every target of `fuzz/` for a while, from the seeds that its transcripts give.
//!
//! The compiler's own coverage passes are enough for it, so that neither a nightly toolchain nor another tool is needed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::debian;
use crate::shell::{self, Outcome};

/// What libFuzzer wants to see of a program's ways, as flags of the compiler.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// A step of a session takes microseconds: what takes seconds hangs.
const LIMITS: [&str; 4] = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1"];

pub(crate) struct Options {
    /// How long each target runs.
    pub(crate) seconds: u64,
    /// Which of them; none named: all.
    pub(crate) targets: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 60, targets: Vec::new() }
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    let fuzz = shell::root()?.join("fuzz");
    let targets = chosen(&fuzz, &options.targets)?;
    debian::provide_for(debian::FUZZER, "name a C++ compiler of your own in CXX")?;
    shell::run(cargo()?.args(["run", "--locked", "--quiet", "--example", "corpus"]))?;
    let programs = build()?;
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from).min(targets.len()) {
            scope.spawn(|| {
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match fuzz_one(&fuzz, &programs, target, options.seconds) {
                        Ok(done) => eprintln!("{target}: clean, {done}"),
                        Err(reason) => {
                            eprintln!("{target}: FAILED: {reason}");
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} targets failed", targets.len())),
    }
}

/// The invariants of every target over its seeds, as plain tests.
pub(crate) fn seeds() -> Outcome {
    shell::run(cargo()?.args(["test", "--locked", "--quiet"]))
}

/// A cargo in the fuzzer's own workspace, which builds beside the project's.
fn cargo() -> Outcome<Command> {
    let mut cargo = shell::cargo()?;
    cargo.current_dir(shell::root()?.join("fuzz"));
    cargo.env("CARGO_TARGET_DIR", shell::target_dir()?.join("fuzz"));
    Ok(cargo)
}

fn chosen(fuzz: &Path, wanted: &[String]) -> Outcome<Vec<String>> {
    let folder = fuzz.join("fuzz_targets");
    let unreadable = |e| format!("{}: {e}", folder.display());
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        all.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    all.sort();
    match wanted.iter().find(|name| !all.contains(name)) {
        Some(unknown) => Err(format!("no target `{unknown}`: there are {}", all.join(", "))),
        None if wanted.is_empty() => Ok(all),
        None => Ok(wanted.to_vec()),
    }
}

/// Builds all targets; returns the folder of the programs.
fn build() -> Outcome<PathBuf> {
    let version = shell::output(shell::command("rustc")?.arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    // Named as a target, the host's own build scripts and macros go without the flags.
    let arguments = ["build", "--locked", "--release", "--bins", "--target", host];
    shell::run(cargo()?.args(arguments).env("RUSTFLAGS", COVERAGE))?;
    Ok(shell::target_dir()?.join("fuzz").join(host).join("release"))
}

fn fuzz_one(fuzz: &Path, programs: &Path, target: &str, seconds: u64) -> Outcome<String> {
    let artifacts = fuzz.join("artifacts").join(target);
    let log = programs.join(format!("{target}.log"));
    let trouble = |e| format!("{}: {e}", log.display());
    fs::create_dir_all(&artifacts).map_err(|e| format!("{}: {e}", artifacts.display()))?;
    let words = if target.starts_with("pop3") { "pop3.dict" } else { "smtp.dict" };
    let output = File::create(&log).map_err(trouble)?;
    let status = shell::command(programs.join(target))?
        .current_dir(fuzz)
        .args(LIMITS)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-dict={words}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(fuzz.join("corpus").join(target))
        .stdout(output.try_clone().map_err(trouble)?)
        .stderr(output)
        .status()
        .map_err(|e| format!("it did not start: {e}"))?;
    let said = String::from_utf8_lossy(&fs::read(&log).map_err(trouble)?).into_owned();
    let figure = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim();
    match status.success() {
        true => Ok(format!("{} executions", figure("stat::number_of_executed_units:"))),
        false => {
            let panic = said.lines().find(|line| line.contains("panicked at")).unwrap_or("no panic");
            let input = said.lines().find(|line| line.contains("Test unit written to")).unwrap_or("");
            Err(format!("{status}; {panic}; {input}; all that it said: {}", log.display()))
        }
    }
}
