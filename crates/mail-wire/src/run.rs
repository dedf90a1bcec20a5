//! The long stretches of a message in which nothing happens.

/// Octets that are looked at together. The compiler makes vector instructions of it; a block with something in it is looked at again,
/// octet by octet.
const BLOCK: usize = 64;

/// How many octets at the front of `input`, in whole blocks, have nothing to be `noted`: a question about each octet and the two behind
/// it. Whatever begins in the last octets of the run is looked at as well: its end lies in what is left over.
#[inline]
pub(crate) fn clean_run(input: &[u8], noted: impl Fn(u8, u8, u8) -> bool) -> usize {
    let [first, second, third] = [0, 1, 2].map(|from| input.get(from..).unwrap_or_default().as_chunks().0);
    // The three overlap: taken from one slice they would be windows, of which no vector instructions are made.
    let triples = first.iter().zip(second).zip(third);
    let clean =
        triples.take_while(|((first, second), third): &((&[u8; BLOCK], &[u8; BLOCK]), &[u8; BLOCK])| {
            let octets = first.iter().zip(*second).zip(*third);
            !octets.fold(false, |any, ((&first, &second), &third)| any | noted(first, second, third))
        });
    clean.count() * BLOCK
}
