//! What is wrong with a file: every fault with its place and what to write instead.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A place in the file, both counted from 1; the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Position {
    /// The place of byte `offset` in `text`.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where; none when the file as a whole is meant (it cannot be read).
    pub position: Option<Position>,
    /// What is wrong.
    pub what: String,
    /// What to write or do instead.
    pub remedy: String,
}

/// All faults of one file, in the order of their places; prints one a line as `FILE:LINE:COL: what is wrong; write: what`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The file as it was named.
    pub file: PathBuf,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl Faults {
    /// A single fault that concerns the whole file.
    pub(crate) fn whole_file(file: &Path, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        let fault = Fault { position: None, what: what.into(), remedy: remedy.into() };
        Self { file: file.to_owned(), faults: vec![fault] }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.file.display())?;
            if let Some(Position { line, column }) = fault.position {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}; write: {}", fault.what, fault.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Something wrong with a value, before its place is known.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) what: String,
    pub(crate) remedy: String,
}

impl Wrong {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// Gathers faults while a text is read, so that all of them can be told at once.
pub(crate) struct Collector<'t> {
    text: &'t str,
    /// Parts of the text could not be read, so that what seems to be missing may well be there.
    torn: bool,
    found: RefCell<Vec<(usize, Fault)>>,
}

impl<'t> Collector<'t> {
    pub(crate) fn new(text: &'t str, torn: bool) -> Self {
        Self { text, torn, found: RefCell::default() }
    }

    pub(crate) fn report(&self, span: &Range<usize>, wrong: Wrong) {
        let position = Some(self.position(span));
        let mut found = self.found.borrow_mut();
        if self.torn && found.iter().any(|(_, other)| other.position == position) {
            // The parser's guess at a value that is not TOML.
            return;
        }
        found.push((span.start, Fault { position, what: wrong.what, remedy: wrong.remedy }));
    }

    /// Something is missing, or contradicts what else is there: only told where the whole text could be read.
    pub(crate) fn report_absence(&self, span: &Range<usize>, wrong: Wrong) {
        if !self.torn {
            self.report(span, wrong);
        }
    }

    pub(crate) fn position(&self, span: &Range<usize>) -> Position {
        Position::of(self.text, span.start)
    }

    pub(crate) fn count(&self) -> usize {
        self.found.borrow().len()
    }

    /// The faults in the order of the text; faults of one place keep the order in which they were found.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(offset, _)| *offset);
        found.into_iter().map(|(_, fault)| fault).collect()
    }
}
