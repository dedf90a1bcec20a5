//! Inputs cut from the transcripts of the protocol crates.

use std::fs;
use std::path::Path;

/// What the peer says in every transcript of `crates/smtp-proto/tests/DIRECTORY`: the lines behind `mark`.
///
/// # Panics
/// When there is no such directory, or nothing in it.
pub fn of(directory: &str, mark: char) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/smtp-proto/tests").join(directory);
    let mut seeds = Vec::new();
    for entry in fs::read_dir(&path).expect("the transcripts are there") {
        let text = fs::read_to_string(entry.expect("it was listed").path()).expect("it is text");
        let mut said = Vec::new();
        for line in text.lines().filter_map(|line| line.strip_prefix(mark)) {
            match line.split_at_checked(1) {
                Some((":", text)) => {
                    unescape(text.strip_prefix(' ').unwrap_or(text), &mut said);
                    said.extend(b"\r\n");
                }
                Some((">", text)) => unescape(text.strip_prefix(' ').unwrap_or(text), &mut said),
                _ => {}
            }
        }
        seeds.push(said);
    }
    assert!(!seeds.is_empty(), "no transcript in {}", path.display());
    seeds
}

/// The seeds of a target, as it wants them.
pub fn for_target(name: &str) -> Vec<Vec<u8>> {
    let from_client = of("transcripts", 'C');
    let from_server = of("transcripts-client", 'S');
    let lines = |texts: &[Vec<u8>], prefix: usize| -> Vec<Vec<u8>> {
        let lines = texts.iter().flat_map(|text| text.split_inclusive(|&octet| octet == b'\n'));
        lines.filter_map(|line| line.get(prefix..)).map(|line| line.trim_ascii_end().to_vec()).collect()
    };
    let headed = |head: &[u8], texts: &[Vec<u8>]| texts.iter().map(|text| [head, text].concat()).collect();
    match name {
        "client" => headed(&[6], &from_server),
        "command" => lines(&from_client, "MAIL ".len()),
        "reply" => of("transcripts", 'S'),
        "sasl" => lines(&from_client, 0),
        "server" => (0..64).flat_map(|options| -> Vec<_> { headed(&[options, 4], &from_client) }).collect(),
        _ => headed(&[3], &from_client),
    }
}

fn unescape(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.extend(plain.bytes());
        let (octet, behind) = match escape.split_at_checked(1) {
            Some(("r", behind)) => (b'\r', behind),
            Some(("n", behind)) => (b'\n', behind),
            Some(("x", behind)) => match behind.split_at_checked(2) {
                Some((digits, behind)) => (u8::from_str_radix(digits, 16).unwrap_or(b'?'), behind),
                None => (b'x', behind),
            },
            _ => (b'\\', escape),
        };
        out.push(octet);
        rest = behind;
    }
    out.extend(rest.bytes());
}
