use mail_wire::{Ending, Found, LineFinder};

use crate::{every_cut, every_string};

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Text(Vec<u8>, Ending),
    TooLong,
}

const LIMIT: usize = 4;

fn reference(input: &[u8]) -> Vec<Line> {
    let whole = input.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
    let lines = input[..whole].split_inclusive(|&octet| octet == b'\n');
    lines
        .map(|line| match line {
            _ if line.len() > LIMIT => Line::TooLong,
            [text @ .., b'\r', b'\n'] => Line::Text(text.to_vec(), Ending::CrLf),
            [text @ .., _] => Line::Text(text.to_vec(), Ending::Lf),
            [] => unreachable!("split_inclusive gives no empty line"),
        })
        .collect()
}

fn machine(pieces: &[&[u8]]) -> Vec<Line> {
    let mut finder = LineFinder::new(LIMIT);
    let (mut lines, mut buffer) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let consumed = match finder.find(&buffer) {
                Found::Line { text, ending, consumed } => {
                    lines.push(Line::Text(text.to_vec(), ending));
                    consumed
                }
                Found::TooLong { consumed } => {
                    lines.push(Line::TooLong);
                    consumed
                }
                Found::Skipping { consumed } => consumed,
                Found::NeedInput => break,
            };
            assert!(consumed > 0, "no progress");
            buffer.drain(..consumed);
        }
        assert!(buffer.len() < LIMIT, "the buffer stays below the limit");
    }
    lines
}

#[test]
fn every_small_input_at_every_cut() {
    every_string(b"\r\nx", 9, |text| {
        let wanted = reference(text);
        for pieces in every_cut(text) {
            assert_eq!(machine(&pieces), wanted, "{}", text.escape_ascii());
        }
    });
}
