//! The messages of an mbox file: where each begins and ends, and what was quoted in it.
//!
//! A line that begins with `From ` begins a message if it is the first of the file or stands behind an empty line, and if it holds a
//! time and a year, as every program writes them: so a sentence that begins with "From " is no message where a program did not
//! quote it. The empty line before it belongs to it, as does one at the end of the file.

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::str::FromStr;

/// How the program that wrote the file kept lines of a message from looking like the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quoting {
    /// `>` before `From `, `>From `, `>>From ` and so on: what was written is read back.
    #[default]
    Mboxrd,
    /// `>` before `From ` only. A message that had `>From ` itself cannot be told from one that had `From `, and becomes that.
    Mboxo,
    /// Nothing: lines are as they are.
    None,
}

impl FromStr for Quoting {
    type Err = String;

    fn from_str(text: &str) -> Result<Quoting, String> {
        match text {
            "mboxrd" => Ok(Quoting::Mboxrd),
            "mboxo" => Ok(Quoting::Mboxo),
            "none" => Ok(Quoting::None),
            _ => Err("write mboxrd, mboxo or none".into()),
        }
    }
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A message begins at this octet, with this line.
    From(u64, &'a [u8]),
    /// Octets of the message, without quoting: whole lines, or parts of a long one.
    Octets(&'a [u8]),
}

/// The longest `From ` line that is one, and the longest quoting that is looked for.
const LONGEST: usize = 1000;

/// Reads a file, or the part of it from one message's beginning to the next one's.
pub(super) fn read(
    mut file: impl BufRead,
    quoting: Quoting,
    take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let (mut at, mut begun) = (0_u64, false);
    // An empty line that may belong to the next message's beginning.
    let mut empty: Vec<u8> = Vec::new();
    let mut line = Vec::new();
    let (mut starts, mut after_empty) = (true, true);
    loop {
        line.clear();
        let length = file.by_ref().take(LONGEST as u64).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        let (is_start, ends) = (starts, line.ends_with(b"\n"));
        let is_empty = is_start && (line == b"\n" || line == b"\r\n");
        if is_start && after_empty && is_from(&line) {
            (begun, empty) = (true, Vec::new());
            take(Piece::From(at, &line))?;
        } else if begun {
            if !empty.is_empty() {
                take(Piece::Octets(&empty))?;
                empty.clear();
            }
            match is_empty {
                true => empty.clone_from(&line),
                false => take(Piece::Octets(if is_start { unquoted(&line, quoting) } else { &line }))?,
            }
        }
        (starts, after_empty) = (ends, is_empty);
        at += length as u64;
    }
}

/// `From <whoever> <weekday> <month> <day> hh:mm[:ss] [zone] <year>`: of this only a time and a year are asked for.
fn is_from(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ").filter(|_| line.ends_with(b"\n")) else { return false };
    let words = || rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let year = |word: &[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    words().any(|word| clock(word).is_some()) && words().any(year)
}

/// Seconds of the day.
fn clock(word: &[u8]) -> Option<u64> {
    let mut numbers = word.split(|&b| b == b':').map(|part| {
        let digits = (1..=2).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
        str::from_utf8(part).ok().filter(|_| digits)?.parse::<u64>().ok()
    });
    let (hours, minutes, seconds) = (numbers.next()??, numbers.next()??, numbers.next().unwrap_or(Some(0))?);
    numbers.next().is_none().then_some(hours * 3600 + minutes * 60 + seconds)
}

/// Seconds since 1970 that a `From ` line tells; its clock is taken for UTC, since few of them say whose it is.
pub(super) fn delivered(line: &[u8]) -> Option<u64> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let number = |word: &[u8]| str::from_utf8(word).ok()?.parse::<u64>().ok();
    let at = words.iter().rposition(|word| clock(word).is_some())?;
    let named = |word: &[u8]| MONTHS.iter().position(|name| name.eq_ignore_ascii_case(word));
    let is_year = |word: &&[u8]| number(word).filter(|_| word.len() == 4);
    let (month, day, year) = match words.get(at.checked_sub(3)?..at)? {
        // As a header has it (RFC 5322 §3.3): `Sat, 21 Nov 2026 09:05:00`.
        [day, month, year] if is_year(year).is_some() => (*month, *day, is_year(year)?),
        // As `asctime` writes it, with the year behind the clock: `Sat Nov 21 09:05:00 2026`.
        [_, month, day] => (*month, *day, words.get(at + 1..)?.iter().rev().find_map(is_year)?),
        _ => return None,
    };
    let month = named(month)? as u64 + 1;
    let day = number(day).filter(|day| (1..=31).contains(day))?;
    // Days from civil: the year begins in March, so that a leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some(days.checked_sub(719_468)? * 86_400 + clock(words.get(at)?)?)
}

fn unquoted(line: &[u8], quoting: Quoting) -> &[u8] {
    let depth = line.iter().take_while(|&&b| b == b'>').count();
    let quoted = line.get(depth..).is_some_and(|rest| rest.starts_with(b"From "));
    let applies = match quoting {
        Quoting::Mboxrd => depth > 0,
        Quoting::Mboxo => depth == 1,
        Quoting::None => false,
    };
    if quoted && applies { line.get(1..).unwrap_or_default() } else { line }
}

/// The part of a file from one octet to another.
pub(super) fn part<F: Read + Seek>(mut file: F, from: u64, to: u64) -> io::Result<io::Take<F>> {
    file.seek(SeekFrom::Start(from))?;
    Ok(file.take(to.saturating_sub(from)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages(text: &[u8], quoting: Quoting) -> Vec<Vec<u8>> {
        let mut messages: Vec<Vec<u8>> = Vec::new();
        let take = &mut |piece: Piece<'_>| {
            match piece {
                Piece::From(at, line) => {
                    assert!(text[at as usize..].starts_with(line));
                    messages.push(Vec::new());
                }
                Piece::Octets(octets) => messages.last_mut().unwrap().extend_from_slice(octets),
            }
            Ok(())
        };
        read(text, quoting, take).unwrap();
        messages
    }

    fn written(messages: &[Vec<u8>], quoting: Quoting) -> Vec<u8> {
        let mut text = Vec::new();
        for message in messages {
            text.extend_from_slice(b"From taro@example.jp  Sat Nov 21 09:05:00 2026\n");
            for line in message.split_inclusive(|&b| b == b'\n') {
                let depth = line.iter().take_while(|&&b| b == b'>').count();
                let quoted = match quoting {
                    Quoting::Mboxrd => line[depth..].starts_with(b"From "),
                    Quoting::Mboxo => line.starts_with(b"From "),
                    Quoting::None => false,
                };
                if quoted {
                    text.push(b'>');
                }
                text.extend_from_slice(line);
            }
            text.push(b'\n');
        }
        text
    }

    #[test]
    fn lines_are_what_their_program_meant() {
        let text = b"From a Sat Nov 21 09:05 2026\nSubject: x\n\n>From a\n>>From b\n>x\n\nFrom here on\n\n\nFrom b@c Sat Nov 21 09:05:01 JST 2026\n\nFrom one Sat Nov 21 09:05:01 2026\nend";
        let first = |quoting| String::from_utf8(messages(text, quoting)[0].clone()).unwrap();
        assert_eq!(first(Quoting::Mboxrd), "Subject: x\n\nFrom a\n>From b\n>x\n\nFrom here on\n\n");
        assert_eq!(first(Quoting::Mboxo), "Subject: x\n\nFrom a\n>>From b\n>x\n\nFrom here on\n\n");
        assert_eq!(first(Quoting::None), "Subject: x\n\n>From a\n>>From b\n>x\n\nFrom here on\n\n");
        assert_eq!(messages(text, Quoting::None)[1..], [b"".to_vec(), b"end".to_vec()]);
        assert_eq!(messages(b"no mbox\n\nFrom nobody\n", Quoting::None).len(), 0);
        let crlf = b"From a Sat Nov 21 09:05 2026\r\nx\r\n\r\nFrom a Sat Nov 21 09:05 2026\r\ny\r\n\r\n";
        assert_eq!(messages(crlf, Quoting::None), [b"x\r\n", b"y\r\n"]);
    }

    #[test]
    fn a_from_line_tells_when() {
        for (line, time) in [
            ("From a@b  Thu Jan  1 00:00:10 1970\n", Some(10)),
            ("From a@b Sat Feb 29 12:00 2020\n", Some(1_582_977_600)),
            ("From \"a 12:00 b\"@c Sun Nov 22 04:30:03 +0900 2026\r\n", Some(1_795_321_803)),
            ("From a Sun Nov 22 04:30:03 2026 +0900\n", Some(1_795_321_803)),
            ("From a@b Sun, 22 Nov 2026 04:30:03 +0900\n", Some(1_795_321_803)),
            ("From a@b 22 Nov 2026 04:30:03\n", Some(1_795_321_803)),
            ("From a Mon Foo 1 00:00:10 1970\n", None),
            ("From a Wed Dec 31 23:59:59 1969\n", None),
            ("From - 12:00 2020\n", None),
        ] {
            assert_eq!(delivered(line.as_bytes()), time, "{line}");
        }
    }

    fn lines() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            Just("From a Sat Nov 21 09:05:00 2026\n".to_owned()),
            Just("\n".to_owned()),
            ">{0,3}From [a-z]{0,3}( Sat Nov 21 09:05:00 2026)?\n",
            ">{0,3}[a-zF:]{0,5}\r?\n",
            (990_usize..1010).prop_map(|length| "x".repeat(length) + "From \n"),
        ];
        proptest::collection::vec(line, 0..12).prop_map(|lines| lines.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn what_mboxrd_wrote_is_read_back(mails in proptest::collection::vec(lines(), 0..5)) {
            prop_assert_eq!(messages(&written(&mails, Quoting::Mboxrd), Quoting::Mboxrd), mails);
        }

        #[test]
        fn what_mboxo_wrote_is_read_back_but_for_what_it_cannot_tell(mails in proptest::collection::vec(lines(), 0..5)) {
            let told = |mail: &Vec<u8>| !mail.split(|&b| b == b'\n').any(|line| line.starts_with(b">From "));
            prop_assume!(mails.iter().all(told));
            prop_assert_eq!(messages(&written(&mails, Quoting::Mboxo), Quoting::Mboxo), mails);
        }

        #[test]
        fn any_octets_are_read_without_harm(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = messages(&text, Quoting::Mboxrd);
        }
    }
}
