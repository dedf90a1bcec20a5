//! A message whose recipients are all elsewhere is one file, `<id>.one`: its octets, behind them the text of its envelope, and last the
//! length of that text in ten digits and LF. So it costs one file and one rename, and leaves by one.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::envelope::{Malformed, Stored};

/// Ten digits and LF.
const TAIL: u64 = 11;
/// What is read at once: nearly every envelope.
const USUAL: u64 = 4096;
/// No envelope of ours is longer.
const LONGEST: u64 = 64 << 20;

const CUT: Malformed = Malformed("no envelope at its end");

/// What stands behind the octets.
pub(crate) fn behind(stored: &Stored) -> String {
    let text = stored.encode();
    format!("{text}{:010}\n", text.len())
}

/// The text of the envelope, and how many octets stand before it.
pub(crate) fn envelope(file: &File) -> io::Result<Result<(Vec<u8>, u64), Malformed>> {
    let whole = file.metadata()?.len();
    let mut end = last(file, whole, USUAL)?;
    let tail = usize::try_from(TAIL).unwrap_or(usize::MAX);
    let Some(at) = end.len().checked_sub(tail) else { return Ok(Err(CUT)) };
    let digits = end.get(at..).and_then(|tail| tail.strip_suffix(b"\n"));
    let length = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let length = length.and_then(|digits| str::from_utf8(digits).ok()?.parse::<u64>().ok());
    let Some(length) = length.filter(|length| *length <= LONGEST && *length + TAIL <= whole) else {
        return Ok(Err(CUT));
    };
    if length + TAIL > end.len() as u64 {
        end = last(file, whole, length + TAIL)?;
    }
    end.truncate(end.len().saturating_sub(tail));
    let from = end.len().saturating_sub(usize::try_from(length).unwrap_or(usize::MAX));
    end.drain(..from);
    Ok(Ok((end, whole - TAIL - length)))
}

/// The envelope, which must be that of so many octets.
pub(crate) fn stored(file: &File) -> io::Result<Result<Stored, Malformed>> {
    let of = |(text, octets): (Vec<u8>, u64)| {
        let stored = Stored::decode(&text)?;
        match stored.sizes.stored == octets {
            true => Ok(stored),
            false => Err(Malformed("its octets are not those of its envelope")),
        }
    };
    Ok(envelope(file)?.and_then(of))
}

fn last(file: &File, whole: u64, most: u64) -> io::Result<Vec<u8>> {
    let most = most.min(whole);
    let mut octets = vec![0; usize::try_from(most).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut octets, whole - most)?;
    Ok(octets)
}

/// A message's octets, to be read from the first on.
#[derive(Debug)]
pub struct Octets {
    source: Source,
    at: u64,
    end: u64,
}

#[derive(Debug)]
enum Source {
    File(File),
    Memory(Arc<[u8]>),
}

impl Octets {
    /// The first of a file.
    pub(crate) fn of_file(file: File, octets: u64) -> Octets {
        Octets { source: Source::File(file), at: 0, end: octets }
    }

    /// These.
    pub fn of_memory(octets: Arc<[u8]>) -> Octets {
        Octets { end: octets.len() as u64, source: Source::Memory(octets), at: 0 }
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "a message is never empty")]
    pub fn len(&self) -> u64 {
        self.end
    }

    /// The next one read is this one, counted from 0.
    pub fn go_to(&mut self, at: u64) {
        self.at = at.min(self.end);
    }
}

impl Read for Octets {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let read = match &self.source {
            Source::File(file) => file.read_at(buffer, self.at)?,
            Source::Memory(octets) => {
                let from = usize::try_from(self.at).unwrap_or(usize::MAX);
                octets.get(from..).unwrap_or_default().read(buffer)?
            }
        };
        // A file that is shorter than its envelope says is damaged: who takes this for its end would send it cut.
        if read == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use mailstore::Sizes;

    use super::*;
    use crate::{Envelope, QueueId, Remote};

    fn file(octets: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(octets).unwrap();
        file
    }

    fn message(octets: usize, recipients: usize) -> Stored {
        let remotes = (0..recipients).map(|nth| Remote::new(format!("user{nth}@example.com"))).collect();
        Stored {
            envelope: Envelope { remotes, ..Envelope::new(QueueId::new(), "a@example.jp", Vec::new()) },
            host: "mx".into(),
            sizes: Sizes { stored: octets as u64, wire: octets as u64 },
        }
    }

    #[test]
    fn an_envelope_is_found_behind_any_octets() {
        for (octets, recipients) in [(0, 1), (10, 1), (100_000, 1), (10, 1000)] {
            let wanted = message(octets, recipients);
            let file = file(&[vec![b'x'; octets], behind(&wanted).into_bytes()].concat());
            assert_eq!(stored(&file).unwrap().unwrap(), wanted);
            let mut read = String::new();
            Octets::of_file(file, octets as u64).read_to_string(&mut read).unwrap();
            assert_eq!(read, "x".repeat(octets));
        }
    }

    #[test]
    fn a_file_that_is_not_whole_is_malformed_wherever_it_is_cut() {
        let wanted = message(20, 2);
        let whole = [vec![b'x'; 20], behind(&wanted).into_bytes()].concat();
        for cut in 0..whole.len() {
            assert!(stored(&file(&whole[..cut])).unwrap().is_err(), "cut at {cut}");
            assert!(stored(&file(&whole[whole.len() - cut..])).unwrap().is_err(), "the last {cut}");
        }
        assert!(stored(&file(&[b"x", &whole[..]].concat())).unwrap().is_err(), "an octet more");
        assert!(stored(&file(&vec![0; 10_000])).unwrap().is_err());
    }

    #[test]
    fn octets_are_read_from_wherever_one_goes() {
        let mut octets = Octets::of_memory(b"0123456789".as_slice().into());
        octets.go_to(7);
        let mut read = String::new();
        octets.read_to_string(&mut read).unwrap();
        octets.go_to(0);
        octets.read_to_string(&mut read).unwrap();
        assert_eq!((read.as_str(), octets.len()), ("7890123456789", 10));
    }
}
