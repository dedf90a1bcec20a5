//! The text of `maildirsize` (Maildir++).
//!
//! ```text
//! 10000000S,1000C
//! 52340 12
//! 2345 1
//! -1200 -1
//! ```

use super::{Quota, Usage};

/// A longer file is counted anew: so its lines do not pile up, and reading it stays one small read.
pub(super) const MAX_OCTETS: usize = 5120;

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SizeFile {
    pub(super) quota: Quota,
    pub(super) usage: Usage,
    /// Lines behind the first total.
    pub(super) changes: usize,
}

impl SizeFile {
    /// `None` for anything that cannot be believed: torn, garbled, too long, or less than nothing.
    pub(super) fn parse(text: &[u8]) -> Option<SizeFile> {
        if text.len() > MAX_OCTETS {
            return None;
        }
        let text = str::from_utf8(text).ok()?.strip_suffix('\n')?;
        let (definition, lines) = text.split_once('\n')?;
        let (mut octets, mut messages, mut count) = (0_i64, 0_i64, 0);
        for line in lines.split('\n') {
            let mut numbers = line.split_ascii_whitespace().map(|number| number.parse::<i64>().ok());
            octets = octets.checked_add(numbers.next()??)?;
            messages = messages.checked_add(numbers.next()??)?;
            if numbers.next().is_some() {
                return None;
            }
            count += 1;
        }
        let usage = Usage { octets: u64::try_from(octets).ok()?, messages: u64::try_from(messages).ok()? };
        Some(SizeFile { quota: parse_quota(definition)?, usage, changes: count - 1 })
    }

    /// A file that has just been counted.
    pub(super) fn counted(quota: Quota, usage: Usage) -> String {
        format!("{}\n{} {}\n", definition(quota), usage.octets, usage.messages)
    }
}

/// One line: what was added, or taken away.
pub(super) fn change(usage: Usage, added: bool) -> String {
    let sign = if added { "" } else { "-" };
    format!("{sign}{} {sign}{}\n", usage.octets, usage.messages)
}

fn definition(quota: Quota) -> String {
    let part = |limit: Option<u64>, letter| limit.map(|limit| format!("{limit}{letter}"));
    let parts: Vec<_> = [part(quota.octets, 'S'), part(quota.messages, 'C')].into_iter().flatten().collect();
    parts.join(",")
}

/// Nothing, or zero, is no limit; a letter that we do not know is one that we do not keep.
fn parse_quota(text: &str) -> Option<Quota> {
    let mut quota = Quota::NONE;
    for part in text.trim_end().split(',').filter(|part| !part.is_empty()) {
        let (number, letter) = part.split_at_checked(part.len() - 1)?;
        let limit = Some(number.parse().ok()?).filter(|limit| *limit > 0);
        match letter {
            "S" => quota.octets = limit,
            "C" => quota.messages = limit,
            _ => {}
        }
    }
    Some(quota)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: Quota = Quota { octets: Some(1000), messages: Some(10) };

    #[test]
    fn what_other_programs_write_is_read() {
        type Row = (&'static str, Option<(Quota, (u64, u64), usize)>);
        let octets = Quota { messages: None, ..BOTH };
        let table: &[Row] = &[
            ("1000S,10C\n300 3\n", Some((BOTH, (300, 3), 0))),
            ("10C,1000S\n300 3\n+20 1\n-300 -3\n", Some((BOTH, (20, 1), 2))),
            ("1000S\n        300            3\n         -1           -1\n", Some((octets, (299, 2), 1))),
            ("1000S,0C\n0 0\n", Some((octets, (0, 0), 0))),
            ("\n5 1\n", Some((Quota::NONE, (5, 1), 0))),
            ("1000S,7X\n5 1\n", Some((octets, (5, 1), 0))),
            // Torn, garbled, or impossible.
            ("", None),
            ("1000S,10C\n", None),
            ("1000S,10C\n300 3", None),
            ("1000S,10C\n300 3\n20 1", None),
            ("1000S,10C\n300 3\n\0\0\0\0\n", None),
            ("1000S,10C\n300\n", None),
            ("1000S,10C\n300 3 3\n", None),
            ("1000S,10C\n300 3\n\n", None),
            ("1000S,10C\n300 3\n-301 -1\n", None),
            ("1000S,10C\n300 3\n-1 -4\n", None),
            ("manyS\n300 3\n", None),
            ("1000S\n9223372036854775807 1\n1 1\n", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(quota, (octets, messages), changes)| SizeFile {
                quota,
                usage: Usage { octets, messages },
                changes,
            });
            assert_eq!(SizeFile::parse(text.as_bytes()), expected, "{text:?}");
        }
        let long = "1000S\n1 1\n".to_owned() + &"1 1\n".repeat(MAX_OCTETS / 4);
        assert_eq!(SizeFile::parse(long.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn a_counted_file_and_its_changes_are_read_back(
            octets in proptest::option::of(1_u64..), messages in proptest::option::of(1_u64..),
            held in (0_u64..1 << 60, 0_u64..1 << 40), changes in proptest::collection::vec(0_u64..1 << 40, 0..20),
        ) {
            let (quota, mut usage) = (Quota { octets, messages }, Usage { octets: held.0, messages: held.1 });
            let mut text = SizeFile::counted(quota, usage);
            for size in &changes {
                text += &change(Usage::of_message(*size), true);
                usage = usage.plus(Usage::of_message(*size));
            }
            prop_assert_eq!(SizeFile::parse(text.as_bytes()), Some(SizeFile { quota, usage, changes: changes.len() }));
            let cut = SizeFile::parse(&text.as_bytes()[..text.len() - 1]);
            prop_assert_eq!(cut, None, "a torn line");
        }

        #[test]
        fn any_octets_are_read_without_harm(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = SizeFile::parse(&text);
        }
    }
}
