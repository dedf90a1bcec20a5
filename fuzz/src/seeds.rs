//! Inputs cut from the transcripts of the protocol crates.

use std::fs;
use std::path::Path;

/// What one side says in every transcript of `crates/DIRECTORY`: the lines behind `mark`.
///
/// # Panics
/// When there is no such directory, or nothing in it.
pub fn of(directory: &str, mark: char) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(directory);
    let mut seeds = Vec::new();
    for entry in fs::read_dir(&path).expect("the transcripts are there") {
        let path = entry.expect("it was listed").path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(path).expect("it is text");
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
///
/// # Panics
/// When there are no transcripts.
pub fn for_target(name: &str) -> Vec<Vec<u8>> {
    let [smtp, smtp_client] =
        ["transcripts", "transcripts-client"].map(|which| format!("smtp-proto/tests/{which}"));
    let [pop3, pop3_client] =
        ["transcripts", "transcripts/client"].map(|which| format!("pop3-proto/tests/{which}"));
    match name {
        "pop3_client" => headed(&[6], &of(&pop3_client, 'S')),
        "pop3_command" => lines(&of(&pop3, 'C'), 0),
        "pop3_content" => (0..3).flat_map(|lines| headed(&[5, lines], &of(&pop3, 'S'))).collect(),
        "pop3_server" => (0..32).flat_map(|options| headed(&[options, 4], &of(&pop3, 'C'))).collect(),
        "sasl" => lines(&of(&smtp, 'C'), 0),
        "smtp_client" => headed(&[6], &of(&smtp_client, 'S')),
        "smtp_command" => lines(&of(&smtp, 'C'), "MAIL ".len()),
        "smtp_reply" => of(&smtp, 'S'),
        "smtp_server" => (0..64).flat_map(|options| headed(&[options, 4], &of(&smtp, 'C'))).collect(),
        _ => headed(&[3], &of(&smtp, 'C')),
    }
}

/// Each behind the octets that say how a target is to run.
fn headed(head: &[u8], texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| [head, text].concat()).collect()
}

/// Each line by itself, without its ending and so many octets at its front.
fn lines(texts: &[Vec<u8>], prefix: usize) -> Vec<Vec<u8>> {
    let lines = texts.iter().flat_map(|text| text.split_inclusive(|&octet| octet == b'\n'));
    lines.filter_map(|line| line.get(prefix..)).map(|line| line.trim_ascii_end().to_vec()).collect()
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
