//! A source file past 500 lines is split, or argued for here.

use std::fs;
use std::path::Path;

use crate::shell::{self, Outcome};

const LIMIT: usize = 500;

/// Files that read better whole, each with the argument.
const ARGUED_FOR: &[(&str, &str)] = &[];

/// The files that git tracks, or would track: what is ignored is nobody's source.
pub(crate) fn check() -> Outcome {
    let root = shell::root()?;
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"];
    let files = shell::output(shell::command("git")?.args(list))?;
    let mut faults = Vec::new();
    for file in files.lines().filter(|file| root.join(file).exists()) {
        let lines = count(&root.join(file))?;
        let argued = ARGUED_FOR.iter().any(|(name, _)| *name == file);
        match (lines > LIMIT, argued) {
            (true, false) => faults.push(format!("{file} has {lines} lines: split it, or argue for it")),
            (false, true) => faults.push(format!("{file} has {lines} lines: its argument can go")),
            _ => {}
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

fn count(file: &Path) -> Outcome<usize> {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(text.lines().count())
}
