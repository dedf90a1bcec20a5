//! All file names: how ours are made, and how anybody's are read.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::publish::Sizes;
use crate::unique::{base32, micros, random};

pub(crate) mod ours;

/// The longest POP3 unique id (RFC 1939 §7).
pub(crate) const MAX_UNIQUE_ID: usize = 70;
/// The longest file name of the usual file systems.
pub(crate) const MAX_FILE_NAME: usize = 255;
/// What of the host's name stands in a file name: keeps the unique part within 70 octets; the rest of it is unique without.
const MAX_HOST: usize = 20;

/// Makes names that no other message ever had.
///
/// A name holds the time (which never repeats in this process, even when the clock is set back), the process, a counter,
/// forty random bits (for forks, and for machines that share a name) and the host.
#[derive(Debug, Clone)]
pub struct Namer {
    host: Arc<str>,
}

/// The part of a file name that tells a message from all others: it is the message's POP3 unique id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueName(String);

impl Namer {
    /// Names made on this host. What may not stand in a file name is replaced, a long name is cut.
    pub fn new(host: &str) -> Namer {
        let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
        let host: String = host.chars().map(harmless).take(MAX_HOST).collect();
        Namer { host: if host.is_empty() { "localhost".into() } else { host.into() } }
    }

    /// Names made on this machine, by the name it knows itself by.
    pub fn of_this_machine() -> Namer {
        Namer::new(&rustix::system::uname().nodename().to_string_lossy())
    }

    /// A new name.
    pub fn next(&self) -> UniqueName {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let (now, process) = (micros(), std::process::id());
        let counter = COUNTER.fetch_add(1, Ordering::Relaxed) % 1_000_000_000;
        self.name(now, format_args!("P{process}Q{counter}R{}", base32(random(), 8)))
    }

    /// The one name of the message that the queue calls `id` and took in at `micros`: the same each time.
    ///
    /// `id` is 16 base-32 digits; other characters would be read as a foreign name.
    pub fn for_queued(&self, micros: u64, id: &str) -> UniqueName {
        self.name(micros, format_args!("R{id}"))
    }

    fn name(&self, micros: u64, rest: fmt::Arguments<'_>) -> UniqueName {
        UniqueName(format!("{}.M{:06}{rest}.{}", micros / 1_000_000, micros % 1_000_000, self.host))
    }
}

impl UniqueName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file name of a complete message. `,W=` stands only where it says something that `,S=` does not.
    pub fn with_sizes(&self, Sizes { stored, wire }: Sizes) -> String {
        if stored == wire { format!("{self},S={stored}") } else { format!("{self},S={stored},W={wire}") }
    }
}

impl fmt::Display for UniqueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a file name in `new/` or `cur/` says, whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileName<'a> {
    /// Up to the first `,` or `:`.
    pub(crate) unique: &'a [u8],
    /// From there on: sizes and flags.
    pub(crate) rest: &'a [u8],
    /// Microseconds since 1970 at delivery, 0 if the name has no time.
    pub(crate) arrival: u64,
    /// Octets on the wire, if the name tells.
    pub(crate) octets: Option<u64>,
    /// The same in somebody else's name: true where the last line of the file has an ending.
    pub(crate) claimed: Option<u64>,
    /// Octets of the file, if the name tells.
    pub(crate) stored: Option<u64>,
}

impl<'n> FileName<'n> {
    /// What UIDL shows: the id that the message had on another server, if the name holds one, else the unique part.
    pub(crate) fn unique_id(&self) -> Cow<'n, str> {
        let base = split(self.rest, b':').0;
        let foreign = base.split(|&b| b == b',').find_map(|field| field.strip_prefix(b"U="));
        match foreign.and_then(unescape_id) {
            Some(id) => Cow::Owned(unique_id(id.as_bytes()).into_owned()),
            None => unique_id(self.unique),
        }
    }

    /// What qmail-pop3d shows where this program would show less: the name up to `:`, fields too. None for names of ours.
    pub(crate) fn qmails_id(&self) -> Option<String> {
        let fields = split(self.rest, b':').0;
        let foreign = !is_ours(self.unique) && !fields.windows(3).any(|field| field == b",U=");
        (foreign && !fields.is_empty())
            .then(|| String::from_utf8_lossy(&[self.unique, fields].concat()).into_owned())
    }

    pub(crate) fn parse(name: &'n [u8]) -> FileName<'n> {
        let base = split(name, b':').0;
        let (unique, fields) = split(base, b',');
        let rest = name.get(unique.len()..).unwrap_or_default();
        let field =
            |key: &[u8]| fields.split(|&b| b == b',').find_map(|field| number(field.strip_prefix(key)?));
        // Others put the size of the file into S, and their files may have LF endings; their W (Dovecot's) counts these as CRLF, but
        // not what is sent behind a last line that has none. Only in a name that we made is it what POP3 has to announce.
        let (stored, wire) = (field(b"S="), field(b"W="));
        let (octets, claimed) = if is_ours(unique) { (wire.or(stored), None) } else { (None, wire) };
        FileName { unique, rest, arrival: arrival(unique), octets, claimed, stored }
    }
}

/// The POP3 unique id for the unique part of a name: the part itself, or, where a foreign one breaks the rules of RFC 1939
/// §7 (1 to 70 characters from `!` to `~`), a hash of it that is the same for ever.
pub(crate) fn unique_id(unique: &[u8]) -> Cow<'_, str> {
    let printable = unique.iter().all(|b| b.is_ascii_graphic());
    match str::from_utf8(unique) {
        Ok(text) if printable && (1..=MAX_UNIQUE_ID).contains(&text.len()) => Cow::Borrowed(text),
        _ => Cow::Owned(format!("~{:032x}", fnv1a_128(unique))),
    }
}

/// A foreign id as it stands in a file name, in `,U=`.
pub(crate) fn escape_id(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b',' | b':' | b'/' | b'%' => text += &format!("%{byte:02X}"),
            byte => text.push(char::from(byte)),
        }
    }
    text
}

fn unescape_id(text: &[u8]) -> Option<String> {
    let mut id = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        id.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(id).ok().filter(|id| !id.is_empty())
}

/// A unique part of another server, or a hash of it where it could not be a unique id: so no two become one, and there is room for
/// what else a name holds.
pub(crate) fn short_unique(unique: &[u8]) -> Vec<u8> {
    unique_id(unique).into_owned().into_bytes()
}

/// FNV-1a with 128 bits: fixed for ever by its definition, which is what a unique id needs.
fn fnv1a_128(bytes: &[u8]) -> u128 {
    let mut hash = Fnv::default();
    hash.update(bytes);
    hash.0
}

/// The same, a piece at a time.
#[derive(Debug, Clone)]
pub(crate) struct Fnv(u128);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Fnv {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        self.0 = bytes.iter().fold(self.0, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    }

    /// Half of it with the other half.
    pub(crate) fn folded(&self) -> u64 {
        (self.0 >> 64) as u64 ^ self.0 as u64
    }
}

/// Before and after the first `separator`; all and nothing if there is none.
fn split(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|&b| b == separator) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, &[]),
    }
}

/// `<seconds>.M<microseconds>…` as Dovecot, Courier and we write it; the seconds alone for other programs' names.
fn arrival(unique: &[u8]) -> u64 {
    let (seconds, rest) = split(unique, b'.');
    let Some(seconds) = number(seconds) else { return 0 };
    let micros = rest.strip_prefix(b"M").and_then(|rest| number(digits(rest))).filter(|&m| m < 1_000_000);
    seconds.saturating_mul(1_000_000).saturating_add(micros.unwrap_or(0))
}

/// Whether [`Namer`] made this name: `<seconds>.M<6 digits>[P<pid>Q<counter>]R<8 or 16 base-32 digits>.…`
fn is_ours(unique: &[u8]) -> bool {
    fn skip_number<'a>(text: &'a [u8], letter: &[u8]) -> Option<&'a [u8]> {
        let text = text.strip_prefix(letter)?;
        match digits(text).len() {
            0 => None,
            n => text.get(n..),
        }
    }
    let random = |text: &[u8]| {
        let (random, _host) = split(text, b'.');
        random.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()).then_some(random.len())
    };
    let (seconds, text) = split(unique, b'.');
    let Some(after_time) = skip_number(text, b"M").filter(|_| number(seconds).is_some()) else {
        return false;
    };
    let direct = || skip_number(skip_number(after_time, b"P")?, b"Q")?.strip_prefix(b"R").and_then(random);
    let queued = || after_time.strip_prefix(b"R").and_then(random);
    direct() == Some(8) || queued() == Some(16)
}

fn digits(text: &[u8]) -> &[u8] {
    let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
    text.get(..count).unwrap_or_default()
}

/// Decimal digits and nothing else.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || digits(text).len() != text.len() {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
