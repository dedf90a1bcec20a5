//! Tables in files: CSV (RFC 4180) in UTF-8, its first line naming the columns. Every bad line is told, with its number.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};

use accounts::ImportedAccounts;

use crate::failure::Failure;

/// The longest list of faults; who has more has one fault in common.
const TOLD: usize = 100;

/// What is wrong with lines.
pub(crate) type Faults = Vec<(u64, String)>;

/// A line that was understood as text. No `Debug`: it may hold a password.
pub(crate) struct Row<'r> {
    /// Counted from 1, the line of column names.
    pub(crate) line: u64,
    columns: &'r HashMap<String, usize>,
    cells: Vec<&'r str>,
}

impl Row<'_> {
    /// A cell, without the blanks around it; nothing if it is empty, or the file has no such column.
    pub(crate) fn cell(&self, column: &str) -> Option<&str> {
        self.verbatim(column).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// A cell as it stands there: a password may have blanks around it.
    pub(crate) fn verbatim(&self, column: &str) -> Option<&str> {
        let cell = self.cells.get(*self.columns.get(column)?)?;
        Some(*cell).filter(|cell| !cell.is_empty())
    }
}

/// Reads a file to its end, whatever is wrong with single lines.
pub(crate) fn read<T>(
    path: &Path,
    columns: &[&str],
    needed: &str,
    make: impl Fn(&Row<'_>) -> Result<T, String>,
) -> Result<(Vec<T>, Faults), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Refused(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(|error| failed(&error))?;
    // A line with too few or too many cells is told as one, not where the reader gives up.
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
    let names = reader.byte_headers().map_err(|error| failed(&error))?.clone();
    let places = places(&names, columns, needed).map_err(|fault| failed(&format!("line 1: {fault}")))?;
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| failed(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        match row(&record, line, &places, names.len()).and_then(|row| make(&row)) {
            Ok(made) => rows.push(made),
            Err(fault) => faults.push((line, fault)),
        }
    }
    Ok((rows, faults))
}

/// What to say when nothing was done because of lines.
pub(crate) fn refused(path: &Path, faults: Faults) -> Failure {
    let head = format!("nothing was done: {} of the lines of {} are bad", faults.len(), path.display());
    told(head, faults)
}

/// What to say when a line was good, and is not any more when its turn comes: what was done before stands.
pub(crate) fn overtaken(path: &Path, faults: Faults, done: ImportedAccounts, found: usize) -> Failure {
    let ImportedAccounts { taken, before } = done;
    let left = found - taken - before;
    told(
        format!(
            "{taken} accounts were made and {before} were there before; then somebody took a name that stands in {}: {left} accounts are left; put the line right and run it again",
            path.display()
        ),
        faults,
    )
}

fn told(head: String, mut faults: Faults) -> Failure {
    faults.sort();
    let mut text = head;
    for (line, fault) in faults.iter().take(TOLD) {
        text.push_str(&format!("\nline {line}: {fault}"));
    }
    if faults.len() > TOLD {
        text.push_str(&format!("\nand {} more", faults.len() - TOLD));
    }
    Failure::Refused(text)
}

fn places(names: &ByteRecord, columns: &[&str], needed: &str) -> Result<HashMap<String, usize>, String> {
    let mut places = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
        if !columns.contains(&name.as_str()) {
            return Err(format!("there is no column {name:?}; those are {}", columns.join(", ")));
        }
        if places.insert(name.clone(), place).is_some() {
            return Err(format!("the column {name:?} is there twice"));
        }
    }
    match places.contains_key(needed) {
        true => Ok(places),
        false => Err(format!("there is no column {needed:?}; the first line names the columns")),
    }
}

fn row<'r>(
    record: &'r ByteRecord,
    line: u64,
    columns: &'r HashMap<String, usize>,
    width: usize,
) -> Result<Row<'r>, String> {
    if record.len() != width {
        return Err(format!("it has {} cells where the first line names {width}", record.len()));
    }
    let cells: Result<Vec<_>, _> = record.iter().map(str::from_utf8).collect();
    let cells = cells.map_err(|_| {
        "it is not UTF-8; convert the file first, as by: iconv -f CP932 -t UTF-8 FILE".to_owned()
    })?;
    Ok(Row { line, columns, cells })
}
