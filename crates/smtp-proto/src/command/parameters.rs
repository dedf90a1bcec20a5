//! What MAIL and RCPT have in common: a path, and parameters behind it.

use core::fmt::{self, Display};

use crate::grammar::Parsed;
use crate::grammar::parameter::{Parameter, parameter};
use crate::replies;
use crate::reply::Reply;

/// A path behind its keyword. Blanks between the two are against RFC 5321 §3.3, and common.
#[inline]
pub(super) fn path_behind<'i, P>(
    keyword: &str,
    mut path: impl FnMut(&'i str) -> Parsed<'i, P>,
    argument: &'i str,
) -> Option<(&'i str, P)> {
    let (word, rest) = argument.split_at_checked(keyword.len())?;
    word.eq_ignore_ascii_case(keyword).then(|| path(trim_blanks(rest)).ok())?
}

/// Without the blanks at the front.
fn trim_blanks(text: &str) -> &str {
    let blanks = text.bytes().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    text.get(blanks..).unwrap_or_default()
}

/// `Mail-parameters = esmtp-param *(SP esmtp-param)`, and nothing but these.
pub(super) fn each_parameter<'i>(
    mut rest: &'i str,
    mut take: impl FnMut(Parameter<'i>) -> Result<(), Reply>,
) -> Result<(), Reply> {
    while !rest.is_empty() {
        let behind = trim_blanks(rest);
        let (behind, parameter) = match parameter(behind) {
            Ok(parsed) if behind.len() < rest.len() => parsed,
            _ => return Err(replies::BAD_PARAMETER),
        };
        take(parameter)?;
        rest = behind;
    }
    Ok(())
}

/// A parameter has a value, and comes once (RFC 5321 §4.1.1.11).
pub(super) fn once<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), Reply> {
    match (value, &place) {
        (Some(value), None) => *place = Some(value),
        _ => return Err(replies::BAD_PARAMETER),
    }
    Ok(())
}

/// A parameter has no value, and comes once.
pub(super) fn flag(place: &mut bool, value: Option<&str>) -> Result<(), Reply> {
    match (value, &place) {
        (None, false) => *place = true,
        _ => return Err(replies::BAD_PARAMETER),
    }
    Ok(())
}

/// A value that may be absent.
pub(super) trait Value {
    fn value(&self) -> Option<&dyn Display>;
}

impl<T: Display> Value for Option<T> {
    fn value(&self) -> Option<&dyn Display> {
        self.as_ref().map(|value| value as &dyn Display)
    }
}

/// Writes the parameters that are there.
pub(super) fn write_all(
    f: &mut fmt::Formatter<'_>,
    values: &[(&str, &dyn Value)],
    flags: &[(&str, bool)],
) -> fmt::Result {
    for (keyword, value) in values {
        if let Some(value) = value.value() {
            write!(f, " {keyword}={value}")?;
        }
    }
    for (keyword, on) in flags {
        if *on {
            write!(f, " {keyword}")?;
        }
    }
    Ok(())
}
