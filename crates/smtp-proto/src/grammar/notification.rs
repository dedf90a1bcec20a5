//! Delivery status notifications: RFC 3461 §4, and RFC 6533 §3 for addresses beyond ASCII.

use core::fmt;

use super::parameter::Xtext;
use super::{Class, whole, word};

/// RFC 3461 §4.2, the address type included.
const LONGEST_ORIGINAL: usize = 500;
/// RFC 3461 §4.4.
const LONGEST_ENVELOPE_ID: usize = 100;

/// RET: how much of a message comes back in a report of failure (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Return {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

impl Return {
    /// `ret-value = "FULL" / "HDRS"`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        word(value, &[("FULL", Self::Full), ("HDRS", Self::Headers)])
    }
}

impl fmt::Display for Return {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "FULL",
            Self::Headers => "HDRS",
        })
    }
}

/// `envid-parameter = "ENVID=" xtext`
pub(crate) fn envelope_id(value: &str) -> Option<Xtext<'_>> {
    Xtext::parse(value).filter(|text| text.as_str().len() <= LONGEST_ENVELOPE_ID)
}

/// NOTIFY: what to report of a recipient (RFC 3461 §4.1). All false is `NEVER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notify {
    /// That it is delivered.
    pub success: bool,
    /// That it cannot be delivered.
    pub failure: bool,
    /// That it takes long.
    pub delay: bool,
}

impl Notify {
    /// Nothing.
    pub const NEVER: Self = Self { success: false, failure: false, delay: false };

    /// `notify-esmtp-value = "NEVER" / 1#notify-list-element`, `notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut notify = Self::NEVER;
        if value.eq_ignore_ascii_case("NEVER") {
            return Some(notify);
        }
        for element in value.split(',') {
            match word(element, &[("SUCCESS", 0), ("FAILURE", 1), ("DELAY", 2)])? {
                0 => notify.success = true,
                1 => notify.failure = true,
                _ => notify.delay = true,
            }
        }
        Some(notify)
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parting = "";
        for (on, name) in [(self.success, "SUCCESS"), (self.failure, "FAILURE"), (self.delay, "DELAY")] {
            if on {
                write!(f, "{parting}{name}")?;
                parting = ",";
            }
        }
        if parting.is_empty() { f.write_str("NEVER") } else { Ok(()) }
    }
}

/// ORCPT: the recipient as the sender named it (RFC 3461 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OriginalRecipient<'i> {
    kind: &'i str,
    address: &'i str,
}

impl<'i> OriginalRecipient<'i> {
    /// `original-recipient-address = addr-type ";" ( xtext / utf-8-addr-xtext / utf-8-addr-unitext )`
    pub fn parse(value: &'i str) -> Option<Self> {
        static ATEXT: Class = Class::alphanumeric_and(b"!#$%&'*+-/=?^_`{|}~");
        let (kind, address) = value.split_once(';').filter(|_| value.len() <= LONGEST_ORIGINAL)?;
        whole(|input| ATEXT.run(input), kind).filter(|kind| kind.is_ascii())?;
        let good = match kind.eq_ignore_ascii_case("utf-8") {
            true => is_utf8_address(address),
            false => Xtext::parse(address).is_some(),
        };
        (good && !address.is_empty()).then_some(Self { kind, address })
    }

    /// The address type: `rfc822` or `utf-8`, in the case in which it came.
    pub const fn kind(&self) -> &'i str {
        self.kind
    }

    /// The address as it was written, encoded: reports repeat it so.
    pub const fn address(&self) -> &'i str {
        self.address
    }

    /// Whether it can travel without SMTPUTF8.
    pub const fn is_ascii(&self) -> bool {
        self.address.is_ascii()
    }
}

impl fmt::Display for OriginalRecipient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{}", self.kind, self.address)
    }
}

/// `utf-8-addr-unitext = 1*(QUCHAR / EmbeddedUnicodeChar)`, `EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"` (RFC 6533 §3)
fn is_utf8_address(mut address: &str) -> bool {
    static QUCHAR: Class = Class::printable_without(b"+=\\");
    while !address.is_empty() {
        address = match QUCHAR.run(address) {
            Ok((rest, _)) => rest,
            Err(_) => match address.strip_prefix("\\x{").and_then(|rest| rest.split_once('}')) {
                Some((point, rest)) if is_hexpoint(point) => rest,
                _ => return false,
            },
        };
    }
    true
}

/// `HEXPOINT`: a character of Unicode by its number, in two to six digits of upper case, the first no zero but in `00` to `0F`.
fn is_hexpoint(point: &str) -> bool {
    let digits = point.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
    let leading = point.len() == 2 || !point.starts_with('0');
    let character = u32::from_str_radix(point, 16).ok().and_then(char::from_u32);
    digits && leading && (2..=6).contains(&point.len()) && character.is_some()
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn returns() {
        assert_eq!(Return::parse("full"), Some(Return::Full));
        assert_eq!(Return::parse("HDRS"), Some(Return::Headers));
        assert_eq!(Return::parse("HEADERS"), None);
        assert_eq!(Return::Headers.to_string(), "HDRS");
    }

    #[test]
    fn envelope_ids() {
        assert!(envelope_id("QQ314159+2B").is_some());
        assert!(envelope_id(&"a".repeat(100)).is_some());
        for bad in ["a=", "+1", &"a".repeat(101)] {
            assert_eq!(envelope_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn notifies() {
        for (text, written) in [
            ("NEVER", "NEVER"),
            ("delay", "DELAY"),
            ("FAILURE,SUCCESS", "SUCCESS,FAILURE"),
            ("success,failure,delay", "SUCCESS,FAILURE,DELAY"),
        ] {
            assert_eq!(Notify::parse(text).unwrap().to_string(), written);
        }
        for bad in ["", "NEVER,DELAY", "DELAY,NEVER", "DELAY,", ",DELAY", "DELAY, FAILURE", "OFTEN"] {
            assert_eq!(Notify::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn original_recipients() {
        for good in [
            "rfc822;hanako@example.jp",
            "RFC822;a+2Bb@example.jp",
            "x400;/c=3D/".replace('=', "+").as_str(),
            "utf-8;\u{82b1}@example.jp",
            "utf-8;\\x{82B1}@example.jp",
            "utf-8;\\x{5C}\\x{10FFFF}",
        ] {
            assert_eq!(OriginalRecipient::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            ";",
            "rfc822",
            "rfc822;",
            ";a@b",
            "rf c;a@b",
            "rfc822;a+b",
            "rfc822;\u{82b1}@x",
            "utf-8;a+2Bb",
            "utf-8;\\x{82b1}",
            "utf-8;\\x{082B}",
            "utf-8;\\x{D800}",
            "utf-8;\\x{110000}",
            "utf-8;\\x{+1}",
            "utf-8;\\x{41",
            "utf-8;\\",
        ] {
            assert_eq!(OriginalRecipient::parse(bad), None, "{bad}");
        }
    }
}
