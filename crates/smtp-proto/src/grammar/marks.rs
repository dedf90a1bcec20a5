//! What else a message is marked with: its kind of body, who sent it first, tracking, checkpoints, solicitation.

use core::fmt;

use super::parameter::Xtext;
use super::{Class, digits, whole, word};

/// RFC 1845 §4.
const LONGEST_TRANSACTION_ID: usize = 80;
/// RFC 3865 §2.4.
const LONGEST_SOLICITATION: usize = 1000;

/// What a body consists of, as MAIL says (RFC 6152 §2, RFC 3030 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyType {
    /// ASCII only.
    SevenBit,
    /// MIME with octets above 127.
    EightBitMime,
    /// MIME without lines: any octets at all.
    BinaryMime,
}

impl BodyType {
    /// `body-value = "7BIT" / "8BITMIME" / "BINARYMIME"`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let words =
            [("7BIT", Self::SevenBit), ("8BITMIME", Self::EightBitMime), ("BINARYMIME", Self::BinaryMime)];
        word(value, &words)
    }
}

impl fmt::Display for BodyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        })
    }
}

/// AUTH: whom a message came from first (RFC 4954 §5). A claim, to be believed of trusted clients only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Submitter<'i>(Xtext<'i>);

impl<'i> Submitter<'i> {
    /// `auth-param = "AUTH=" xtext`
    pub fn parse(value: &'i str) -> Option<Self> {
        Xtext::parse(value).map(Self)
    }

    /// The mailbox; `None` for `<>`: not known, or not proved.
    pub fn mailbox(&self) -> Option<Xtext<'i>> {
        Some(self.0).filter(|text| text.as_str() != "<>")
    }
}

impl fmt::Display for Submitter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// MTRK: who may ask later where a message is, and how long (RFC 3885 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tracking<'i> {
    certifier: &'i str,
    seconds: Option<u32>,
}

impl<'i> Tracking<'i> {
    /// `mtrk-param = "MTRK=" mtrk-certifier [ ":" mtrk-timeout ]`, `mtrk-certifier = base64`, `mtrk-timeout = 1*9DIGIT`
    pub fn parse(value: &'i str) -> Option<Self> {
        static BASE64: Class = Class::alphanumeric_and(b"+/");
        let (certifier, seconds) = match value.split_once(':') {
            Some((certifier, seconds)) => (certifier, Some(digits(seconds, 9)?)),
            None => (value, None),
        };
        whole(|input| BASE64.run(input), certifier).filter(|text| text.is_ascii())?;
        Some(Self { certifier, seconds })
    }

    /// The digest of the secret with which to ask, in base64 without its padding, which no parameter can hold.
    pub const fn certifier(&self) -> &'i str {
        self.certifier
    }

    /// How long to remember, in seconds.
    pub const fn seconds(&self) -> Option<u32> {
        self.seconds
    }
}

impl fmt::Display for Tracking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.certifier)?;
        self.seconds.map_or(Ok(()), |seconds| write!(f, ":{seconds}"))
    }
}

/// TRANSID: a transaction that may be taken up again after a broken connection (RFC 1845 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionId<'i>(&'i str);

impl<'i> TransactionId<'i> {
    /// `transid-value = "<" 1*(esmtp-value without angle brackets) ">"`
    pub fn parse(value: &'i str) -> Option<Self> {
        static INSIDE: Class = Class::printable_without(b"<>=");
        let inside = value.strip_prefix('<')?.strip_suffix('>')?;
        whole(|input| INSIDE.run(input), inside).filter(|text| text.is_ascii())?;
        (value.len() <= LONGEST_TRANSACTION_ID).then_some(Self(value))
    }

    /// With its angle brackets.
    pub const fn as_str(&self) -> &'i str {
        self.0
    }
}

impl fmt::Display for TransactionId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// SOLICIT: what kind of advertising a message is (RFC 3865 §2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Solicitation<'i>(&'i str);

impl<'i> Solicitation<'i> {
    /// `Solicitation-keywords = word *("," word)`, `word = ALPHA *( "." / "-" / "_" / ":" / ALPHA / DIGIT )`
    pub fn parse(value: &'i str) -> Option<Self> {
        static WORD: Class = Class::alphanumeric_and(b".-_:");
        let word = |text: &str| {
            let known = whole(|input| WORD.run(input), text).is_some_and(str::is_ascii);
            known && text.starts_with(|c: char| c.is_ascii_alphabetic())
        };
        (value.len() <= LONGEST_SOLICITATION && value.split(',').all(word)).then_some(Self(value))
    }

    /// The kinds.
    pub fn keywords(&self) -> impl Iterator<Item = &'i str> {
        self.0.split(',')
    }
}

impl fmt::Display for Solicitation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn body_types() {
        for text in ["7BIT", "8BITMIME", "BINARYMIME"] {
            assert_eq!(BodyType::parse(&text.to_lowercase()).unwrap().to_string(), text);
        }
        assert_eq!(BodyType::parse("9BIT"), None);
    }

    #[test]
    fn submitters() {
        assert_eq!(Submitter::parse("<>").unwrap().mailbox(), None);
        let submitter = Submitter::parse("e+3Dmc2@example.jp").unwrap();
        assert_eq!(&*submitter.mailbox().unwrap().decoded(), b"e=mc2@example.jp");
        assert_eq!(Submitter::parse("a+b"), None);
    }

    #[test]
    fn trackings() {
        for good in ["aBc+/9", "aBc:86400"] {
            assert_eq!(Tracking::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", ":1", "a:", "a:x", "a:1000000000", "a=", "a b", "\u{82b1}"] {
            assert_eq!(Tracking::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn transaction_ids() {
        assert_eq!(TransactionId::parse("<1@x>").unwrap().to_string(), "<1@x>");
        for bad in ["", "<>", "1@x", "<a", "a>", "<<a>>", "<a b>", &std::format!("<{}>", "a".repeat(79))] {
            assert_eq!(TransactionId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn solicitations() {
        let kinds = Solicitation::parse("org.example:ADV:ADLT,net.example:ADV").unwrap();
        assert!(kinds.keywords().eq(["org.example:ADV:ADLT", "net.example:ADV"]));
        for bad in ["", ",", "a,", "1a", "a b", "a\u{82b1}"] {
            assert_eq!(Solicitation::parse(bad), None, "{bad}");
        }
    }
}
