//! APOP (RFC 1939 §7): a digest over the greeting's stamp and a shared secret.

use alloc::string::String;
use core::fmt;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use crate::Secret;

/// The time stamp of a POP3 greeting, angle brackets included: a `msg-id` of RFC 822 that is new in every session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(String);

/// Not a stamp: RFC 1939 wants `<`, printable ASCII with an `@` inside, `>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an APOP stamp reads <unique@host>, in printable ASCII without blanks or further angle brackets")]
pub struct StampError;

impl Stamp {
    /// Takes a stamp that the caller made fresh for one session, brackets included.
    pub fn new(stamp: impl Into<String>) -> Result<Self, StampError> {
        let stamp = stamp.into();
        let inner = stamp.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).ok_or(StampError)?;
        let plain = inner.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>'));
        match inner.split_once('@') {
            Some((unique, host)) if plain && !unique.is_empty() && !host.is_empty() => Ok(Self(stamp)),
            _ => Err(StampError),
        }
    }

    /// Finds the stamp in a server's greeting line, as a client does.
    pub fn find(greeting: &str) -> Option<Self> {
        let from = greeting.find('<')?;
        let rest = greeting.get(from..)?;
        let to = rest.find('>')?;
        Self::new(rest.get(..=to)?).ok()
    }

    /// As it stands in the greeting, brackets included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// MD5 over the stamp and the secret; 16 octets, on the wire 32 lower-case hexadecimal digits.
#[derive(Clone, Copy)]
pub struct ApopDigest([u8; 16]);

impl ApopDigest {
    /// What a client that knows `secret` answers to `stamp`.
    pub fn compute(stamp: &Stamp, secret: &Secret) -> Self {
        let digest = Md5::new().chain_update(stamp.0.as_bytes()).chain_update(secret.expose()).finalize();
        Self(digest.into())
    }

    /// Reads 32 hexadecimal digits. RFC 1939 says lower case; upper case is forgiven.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut digest = [0; 16];
        let (pairs, rest) = text.as_chunks::<2>();
        if pairs.len() != digest.len() || !rest.is_empty() {
            return None;
        }
        for (octet, &[high, low]) in digest.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            *octet = digit(high)? << 4 | digit(low)?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for ApopDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// A digest with its stamp is something to guess passwords against: not for a log.
impl fmt::Debug for ApopDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[digest]")
    }
}

impl PartialEq for ApopDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for ApopDigest {}
