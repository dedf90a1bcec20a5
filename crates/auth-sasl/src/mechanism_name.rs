//! A mechanism by its name alone: what a client asked for and this crate, or its listener, does not speak.

use core::fmt;

/// The longest name (RFC 4422 §3.1).
const LONGEST: usize = 20;

/// The name of a mechanism, known or not, in capitals: `sasl-mech = 1*20mech-char` (RFC 4422 §3.1). It cannot hold what would break a
/// line of a log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MechanismName {
    octets: [u8; LONGEST],
    length: u8,
}

impl MechanismName {
    /// The name, if it is one; clients of old write small letters.
    pub fn parse(name: &[u8]) -> Option<Self> {
        // mech-char = UPPER-ALPHA / DIGIT / HYPHEN / UNDERSCORE
        let is_name = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        if name.is_empty() || name.len() > LONGEST || !name.iter().all(is_name) {
            return None;
        }
        let mut octets = [0; LONGEST];
        for (to, from) in octets.iter_mut().zip(name) {
            *to = from.to_ascii_uppercase();
        }
        Some(Self { octets, length: u8::try_from(name.len()).ok()? })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.octets
            .get(..usize::from(self.length))
            .and_then(|name| str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn names_and_what_is_none() {
        for (text, name) in [
            ("CRAM-MD5", Some("CRAM-MD5")),
            ("ntlm", Some("NTLM")),
            ("SCRAM-SHA-256-PLUS", Some("SCRAM-SHA-256-PLUS")),
            ("X_OAUTH2", Some("X_OAUTH2")),
            ("A2345678901234567890", Some("A2345678901234567890")),
            ("A23456789012345678901", None),
            ("", None),
            ("PLAIN=", None),
            ("a\nb", None),
        ] {
            assert_eq!(
                MechanismName::parse(text.as_bytes()).map(|name| name.to_string()).as_deref(),
                name,
                "{text}"
            );
        }
    }
}
