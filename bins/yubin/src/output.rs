//! Facts on stdout: aligned text for people, JSON for programs.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use daemon_kit::log::escape_bidi;
use serde::Serialize;

use crate::failure::Failure;
use crate::hints;

/// How facts are printed.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON, or text.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints facts: themselves as one JSON document, or the text made of them.
    ///
    /// # Errors
    /// [`Failure::Refused`] when stdout cannot be written to. A reader that has seen enough is no failure.
    pub fn print<F: Serialize>(self, facts: &F, text: impl FnOnce(&F) -> String) -> Result<(), Failure> {
        let mut text = if self.json {
            serde_json::to_string_pretty(facts)
                .map_err(|error| Failure::Refused(format!("cannot print: {error}")))?
        } else {
            hints::complete(text(facts))
        };
        text = escape_bidi(&text).into_owned();
        if !text.ends_with('\n') && !text.is_empty() {
            text.push('\n');
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::Refused(format!("cannot write to the output: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// Lines of `name  value`, the values below each other; a value of several lines stays in its column.
#[must_use]
pub fn facts(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines {
        let mut name = *name;
        for line in value.lines() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{name:width$}  {line}");
            name = "";
        }
    }
    text
}

/// Rows in columns as wide as their widest cell; the last column is not filled up.
#[must_use]
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(columns);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let mut text = String::new();
    let mut write = |cells: [&str; N]| {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(cells) {
            let _ = write!(line, "{cell}{:1$}  ", "", width - columns(cell));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    };
    write(head);
    for row in rows {
        write(row.each_ref().map(String::as_str));
    }
    text
}

/// How much of a terminal's line a text takes: characters of Japanese take two columns (UAX #11, as far as it concerns us).
fn columns(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}');
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// A time as people and programs read it: `2026-11-22T02:00:00Z`.
#[must_use]
pub fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// `on` or `off`.
#[must_use]
pub fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["a".into(), "on".into()], ["ab4t-ash".into(), "off".into()]];
        assert_eq!(table(["LOGIN", "APOP"], &rows), "LOGIN     APOP\na         on\nab4t-ash  off\n");
        assert_eq!(table(["LOGIN", "APOP"], &[]), "LOGIN  APOP\n");
        let japanese = [["送信".into(), "25".into()], ["in".into(), "110".into()]];
        assert_eq!(table(["用途", "PORT"], &japanese), "用途  PORT\n送信  25\nin    110\n");
    }

    #[test]
    fn a_long_value_stays_in_its_column() {
        let lines = [("account", "ab4t-ash".into()), ("also", "taro\nhanako".into())];
        assert_eq!(facts(&lines), "account  ab4t-ash\nalso     taro\n         hanako\n");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(i64::MAX), i64::MAX.to_string());
    }
}
