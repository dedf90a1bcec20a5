//! Instants of RFC 3339 §5.6, as HOLDUNTIL and RRVS carry them.

use core::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while_m_n;
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{map_opt, opt, value, verify};
use nom::sequence::preceded;

use super::{Parsed, whole};

/// An instant, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime<'i> {
    text: &'i str,
    unix_seconds: i64,
}

impl<'i> DateTime<'i> {
    /// `date-time = full-date "T" full-time`
    pub fn parse(text: &'i str) -> Option<Self> {
        let parser = |input| (full_date, one_of("Tt"), partial_time, time_offset).parse(input);
        let (days, _, seconds, offset) = whole(parser, text)?;
        Some(Self { text, unix_seconds: days * 86_400 + seconds - offset })
    }

    /// As it was written.
    pub const fn as_str(&self) -> &'i str {
        self.text
    }

    /// Seconds since 1970, without the fraction. A leap second is the one behind it.
    pub const fn unix_seconds(&self) -> i64 {
        self.unix_seconds
    }

    /// Whether it was written in UTC.
    pub fn is_utc(&self) -> bool {
        self.text.ends_with(['Z', 'z'])
    }
}

impl fmt::Display for DateTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// `full-date = date-fullyear "-" date-month "-" date-mday`, as days since 1970-01-01
fn full_date(input: &str) -> Parsed<'_, i64> {
    let date = (number(4), preceded(char('-'), number(2)), preceded(char('-'), number(2)));
    map_opt(date, |(year, month, day)| {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let longest = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=longest).contains(&day).then(|| days_since_1970(year, month, day))
    })
    .parse(input)
}

/// Years start in March here, so that the leap day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days_of_months = (153 * month + 2) / 5;
    // 719 468 days before 1970-01-01 was the first of March of the year 0.
    365 * year + leap_days + days_of_months + day - 1 - 719_468
}

/// `partial-time = time-hour ":" time-minute ":" time-second [time-secfrac]`, as seconds since midnight
fn partial_time(input: &str) -> Parsed<'_, i64> {
    let second = verify(preceded(char(':'), number(2)), |second| *second <= 60);
    let fraction = opt((char('.'), digit1));
    let (rest, (minutes, second, _)) = (hour_and_minute, second, fraction).parse(input)?;
    Ok((rest, minutes * 60 + second))
}

/// `time-offset = "Z" / time-numoffset`, as seconds
fn time_offset(input: &str) -> Parsed<'_, i64> {
    let sign = alt((value(60, char('+')), value(-60, char('-'))));
    let numeric = (sign, hour_and_minute).map(|(sign, minutes)| sign * minutes);
    alt((value(0, one_of("Zz")), numeric)).parse(input)
}

/// `time-hour ":" time-minute`, as minutes
fn hour_and_minute(input: &str) -> Parsed<'_, i64> {
    let hour = verify(number(2), |hour| *hour <= 23);
    let minute = verify(preceded(char(':'), number(2)), |minute| *minute <= 59);
    (hour, minute).map(|(hour, minute)| hour * 60 + minute).parse(input)
}

/// So many digits.
fn number<'i>(digits: usize) -> impl Parser<&'i str, Output = i64, Error = nom::error::Error<&'i str>> {
    map_opt(take_while_m_n(digits, digits, |c: char| c.is_ascii_digit()), |text: &str| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_times() {
        for (text, unix_seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-02-29T12:00:00.25Z", 951_825_600),
            ("2006-12-25T03:43:58+09:00", 1_166_985_838),
            ("2016-12-31t23:59:60z", 1_483_228_800),
            ("0000-03-01T00:00:00-00:00", -719_468 * 86_400),
        ] {
            let parsed = DateTime::parse(text).unwrap();
            assert_eq!((parsed.unix_seconds(), parsed.as_str()), (unix_seconds, text));
        }
        for bad in [
            "",
            "2000-01-01",
            "2000-01-01T00:00:00",
            "2001-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2000-13-01T00:00:00Z",
            "2000-00-01T00:00:00Z",
            "2000-01-32T00:00:00Z",
            "2000-01-00T00:00:00Z",
            "2000-01-01T24:00:00Z",
            "2000-01-01T00:60:00Z",
            "2000-01-01T00:00:61Z",
            "2000-01-01T00:00:00.Z",
            "2000-01-01T00:00:00+24:00",
            "2000-01-01T00:00:00+0900",
            "2000-1-1T00:00:00Z",
            "20000-01-01T00:00:00Z",
            "2000-01-01T00:00:00ZZ",
        ] {
            assert_eq!(DateTime::parse(bad), None, "{bad}");
        }
    }
}
