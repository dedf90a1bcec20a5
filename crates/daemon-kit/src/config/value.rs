//! The kinds of values a setting may have: sizes, durations, counts, names, addresses, words.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::time::Duration;

use ipnet::IpNet;
use toml::de::{DeInteger, DeValue};

use super::fault::Wrong;
use crate::limits;

/// A value that stands alone (not a section).
pub(crate) trait Scalar: Sized {
    /// What it is and an example, for "write: …".
    const EXAMPLE: &'static str;

    /// The value, or what is wrong with it.
    fn read(value: &DeValue<'_>) -> Result<Self, Wrong>;
}

/// What a value is, in a fault.
pub(crate) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true/false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

fn wrong_kind<T: Scalar>(value: &DeValue<'_>) -> Wrong {
    Wrong::new(format!("{} cannot stand here", kind_of(value)), T::EXAMPLE)
}

fn text<'v, T: Scalar>(value: &'v DeValue<'_>) -> Result<&'v str, Wrong> {
    value.as_str().ok_or_else(|| wrong_kind::<T>(value))
}

fn quote(given: &str) -> String {
    format!("\"{}\"", given.escape_debug())
}

/// What was probably meant: the known word that is nearest to `given`, or else all of them.
pub(crate) fn nearest(given: &str, known: &[&str]) -> String {
    // A short word must differ in one letter at most, or everything is near.
    let near = |word: &&&str| {
        strsim::jaro_winkler(given, word) > 0.84 || strsim::damerau_levenshtein(given, word) <= word.len() / 3
    };
    let likeness = |word: &str| strsim::jaro_winkler(given, word);
    let best = known.iter().filter(near).max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match (best, known) {
        (Some(word), _) | (None, [word]) => (*word).to_owned(),
        (None, words) => format!("one of {}", words.join(", ")),
    }
}

/// One of a table of words.
pub(crate) fn word<T: Scalar + Copy>(value: &DeValue<'_>, table: &[(&str, T)]) -> Result<T, Wrong> {
    let given = text::<T>(value)?;
    table.iter().find(|(name, _)| *name == given).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        Wrong::new(format!("{} is not known here", quote(given)), nearest(given, &names))
    })
}

impl Scalar for bool {
    const EXAMPLE: &'static str = "true or false";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        value.as_bool().ok_or_else(|| wrong_kind::<Self>(value))
    }
}

impl Scalar for String {
    const EXAMPLE: &'static str = "a text in quotes";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match text::<Self>(value)? {
            "" => Err(Wrong::new("the text is empty", Self::EXAMPLE)),
            given if given.contains(char::is_control) => {
                Err(Wrong::new("the text holds a control character", Self::EXAMPLE))
            }
            given => Ok(given.to_owned()),
        }
    }
}

/// A host's name in letters, digits and hyphens (RFC 1123 §2.1); international names in their A-label form.
pub(crate) struct HostName(pub(crate) String);

impl Scalar for HostName {
    const EXAMPLE: &'static str =
        "a host name such as \"mx.example.jp\" (an international one as its xn-- form)";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = text::<Self>(value)?;
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if given.len() <= 253 && given.split('.').all(label) {
            Ok(Self(given.to_ascii_lowercase()))
        } else {
            Err(Wrong::new(format!("{} is not a host name", quote(given)), Self::EXAMPLE))
        }
    }
}

impl Scalar for SocketAddr {
    const EXAMPLE: &'static str = "an IP address with a port, such as \"0.0.0.0:25\" or \"[::]:25\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = text::<Self>(value)?;
        given
            .parse()
            .map_err(|_| Wrong::new(format!("{} is not an address with a port", quote(given)), Self::EXAMPLE))
    }
}

/// Octets; none = no limit.
#[derive(Clone, Copy)]
pub(crate) struct Size(pub(crate) Option<NonZeroU64>);

impl Scalar for Size {
    const EXAMPLE: &'static str = "a size such as \"50MiB\", or \"none\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        if let DeValue::Integer(number) = value {
            return whole(number)
                .map(|octets| Self(NonZeroU64::new(octets)))
                .ok_or_else(|| wrong_number::<Self>(number));
        }
        let given = text::<Self>(value)?;
        if given == "none" {
            return Ok(Self(None));
        }
        match octets(given) {
            Some(octets) => Ok(Self(NonZeroU64::new(octets))),
            None => Err(Wrong::new(format!("{} is not a size", quote(given)), Self::EXAMPLE)),
        }
    }
}

/// The octets of a size such as `50MiB`, `10GB` or `4096`, as the file has them.
#[must_use]
pub fn octets(given: &str) -> Option<u64> {
    let factor = |unit: &str| match unit {
        "" | "B" => Some(1),
        "kB" | "KB" => Some(1000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1_u64 << 30),
        "TiB" => Some(1_u64 << 40),
        _ => None,
    };
    number_and_unit(given).and_then(|(number, unit)| number.checked_mul(factor(unit)?))
}

/// How many; none = no limit.
#[derive(Clone, Copy)]
pub(crate) struct Count(pub(crate) Option<u32>);

impl Scalar for Count {
    const EXAMPLE: &'static str = "a whole number such as 100, or \"none\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match value {
            DeValue::Integer(number) => match whole(number).and_then(|number| u32::try_from(number).ok()) {
                Some(0) => Ok(Self(None)),
                Some(count) => Ok(Self(Some(count))),
                None => Err(wrong_number::<Self>(number)),
            },
            other => match text::<Self>(other)? {
                "none" => Ok(Self(None)),
                given => Err(Wrong::new(format!("{} is not a count", quote(given)), Self::EXAMPLE)),
            },
        }
    }
}

/// Of a hundred; none = never.
#[derive(Clone, Copy)]
pub(crate) struct Percent(pub(crate) Option<u8>);

impl Scalar for Percent {
    const EXAMPLE: &'static str = "a whole number from 1 to 100, or \"none\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match Count::read(value) {
            Ok(Count(None)) => Ok(Self(None)),
            Ok(Count(Some(percent))) if percent <= 100 => Ok(Self(u8::try_from(percent).ok())),
            _ => Err(Wrong::new("this is not a percentage", Self::EXAMPLE)),
        }
    }
}

impl Scalar for Duration {
    const EXAMPLE: &'static str = "a time such as \"30s\", \"5m\" or \"1h\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        if let DeValue::Integer(number) = value {
            return Err(Wrong::new(
                format!("{number} has no unit"),
                format!("\"{number}s\" or \"{number}m\""),
            ));
        }
        let given = text::<Self>(value)?;
        let millis = |unit: &str| match unit {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" | "min" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let Some(read) = number_and_unit(given).and_then(|(number, unit)| number.checked_mul(millis(unit)?))
        else {
            return Err(Wrong::new(format!("{} is not a time", quote(given)), Self::EXAMPLE));
        };
        let read = Self::from_millis(read);
        if (limits::DURATION_LEAST..=limits::DURATION_MOST).contains(&read) {
            Ok(read)
        } else {
            Err(Wrong::new(
                format!("{} is out of reach", quote(given)),
                "a time between \"10ms\" and \"24h\"",
            ))
        }
    }
}

/// A time; none = for ever.
#[derive(Clone, Copy)]
pub(crate) struct Span(pub(crate) Option<Duration>);

impl Scalar for Span {
    const EXAMPLE: &'static str = "a time such as \"30m\" or \"12h\", or \"none\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let none = value.as_str() == Some("none")
            || matches!(value, DeValue::Integer(number) if whole(number) == Some(0));
        if none { Ok(Self(None)) } else { Duration::read(value).map(|time| Self(Some(time))) }
    }
}

/// A time that may be days long; none = never.
pub(crate) struct Long(pub(crate) Option<Duration>);

impl Scalar for Long {
    const EXAMPLE: &'static str = "a time such as \"5m\", \"4h\" or \"5d\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        if value.as_str() == Some("none") {
            return Ok(Self(None));
        }
        let days =
            value.as_str().and_then(number_and_unit).filter(|(number, unit)| *unit == "d" && *number <= 365);
        match days {
            Some((0, _)) => Err(Wrong::new("no time at all", Self::EXAMPLE)),
            Some((days, _)) => Ok(Self(Some(Duration::from_secs(days * 24 * 3600)))),
            None => Duration::read(value).map(|time| Self(Some(time))),
        }
    }
}

/// The length of a network's prefix, at most `MOST`.
pub(crate) struct Prefix<const MOST: u8>(pub(crate) u8);

impl<const MOST: u8> Scalar for Prefix<MOST> {
    const EXAMPLE: &'static str = "a prefix length: 1 to 32 for IPv4, 1 to 128 for IPv6";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let DeValue::Integer(number) = value else { return Err(wrong_kind::<Self>(value)) };
        let length = whole(number).and_then(|length| u8::try_from(length).ok());
        match length.filter(|length| (1..=MOST).contains(length)) {
            Some(length) => Ok(Self(length)),
            None => Err(wrong_number::<Self>(number)),
        }
    }
}

impl Scalar for IpNet {
    const EXAMPLE: &'static str = "an address or a network, such as \"192.0.2.7\" or \"10.0.0.0/8\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let given = text::<Self>(value)?;
        let one = |address: IpAddr| Self::from(address.to_canonical());
        match given.parse::<Self>().or_else(|_| given.parse().map(one)) {
            Ok(network) if network == network.trunc() => Ok(network),
            Ok(network) => {
                let what = format!("{} has more bits than its prefix", quote(given));
                Err(Wrong::new(what, quote(&network.trunc().to_string())))
            }
            Err(_) => Err(Wrong::new(format!("{} is not a network", quote(given)), Self::EXAMPLE)),
        }
    }
}

fn whole(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn wrong_number<T: Scalar>(number: &DeInteger<'_>) -> Wrong {
    Wrong::new(format!("{number} is out of reach"), T::EXAMPLE)
}

pub(super) fn number_and_unit(given: &str) -> Option<(u64, &str)> {
    let digits = given.find(|char: char| !char.is_ascii_digit()).unwrap_or(given.len());
    let (number, unit) = given.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start()))
}
