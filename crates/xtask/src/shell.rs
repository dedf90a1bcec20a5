//! Running other programs from the project's root, each shown before it starts.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a task ends with: nothing, or the reason why it failed, in words for a person.
pub type Outcome<T = ()> = Result<T, String>;

/// The project's root. Cargo names this crate's folder to whatever it runs, so a moved clone needs no rebuild.
pub fn root() -> Outcome<PathBuf> {
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or("start this by `cargo xtask`")?;
    let mut root = PathBuf::from(here);
    root.pop();
    root.pop();
    Ok(root)
}

/// Where cargo builds for this run, wherever its settings put that: this program lies in it, as `debug/xtask`.
pub fn target_dir() -> Outcome<PathBuf> {
    let mut target = env::current_exe().map_err(|e| format!("where is this program? {e}"))?;
    target.pop();
    target.pop();
    Ok(target)
}

/// A command that runs in the project's root.
pub fn command(program: impl AsRef<OsStr>) -> Outcome<Command> {
    let mut command = Command::new(program);
    command.current_dir(root()?);
    Ok(command)
}

/// The cargo that started this program.
pub fn cargo() -> Outcome<Command> {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Shows the command, runs it, and takes any ending but success as the failure.
pub fn run(command: &mut Command) -> Outcome {
    let shown = show(command);
    eprintln!("\n$ {shown}");
    let status = command.status().map_err(|e| format!("`{shown}` did not start: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})")) }
}

/// Runs silently and returns what the program printed.
pub fn output(command: &mut Command) -> Outcome<String> {
    let shown = show(command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|e| format!("`{shown}` did not start: {e}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}` failed ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` printed what is no text"))
}

/// Whether the program is there and ends well, with its output thrown away.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn show(command: &Command) -> String {
    let mut shown = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shown += &format!("{}={:?} ", name.to_string_lossy(), value.to_string_lossy());
        }
    }
    let program = PathBuf::from(command.get_program());
    shown += &program.file_name().unwrap_or_default().to_string_lossy();
    for argument in command.get_args() {
        shown += " ";
        shown += &argument.to_string_lossy();
    }
    shown
}
