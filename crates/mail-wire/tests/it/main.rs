//! The three machines against a bytewise reference: every string of a small alphabet, at every cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod line;
mod stuff;
mod unstuff;

/// Calls `check` with every string over `alphabet` of up to `longest` octets.
fn every_string(alphabet: &[u8], longest: usize, mut check: impl FnMut(&[u8])) {
    let mut digits: Vec<usize> = Vec::new();
    let mut text: Vec<u8> = Vec::new();
    loop {
        check(&text);
        let Some(place) = digits.iter().rposition(|&digit| digit + 1 < alphabet.len()) else {
            if digits.len() == longest {
                return;
            }
            digits = vec![0; digits.len() + 1];
            text = vec![alphabet[0]; digits.len()];
            continue;
        };
        digits[place] += 1;
        digits[place + 1..].fill(0);
        for (octet, &digit) in text.iter_mut().zip(&digits) {
            *octet = alphabet[digit];
        }
    }
}

/// Every way to cut `text` into two, and the way that cuts everywhere.
fn every_cut(text: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let halves = (0..=text.len()).map(|at| vec![&text[..at], &text[at..]]);
    halves.chain(std::iter::once(text.chunks(1).collect()))
}
