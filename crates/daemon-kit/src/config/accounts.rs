//! `[accounts]`

use std::path::Path;

use super::Accounts;
use super::fault::Wrong;
use super::section::Section;

/// None means that a fault was reported.
pub(super) fn read(section: Section<'_>, base: &Path) -> Option<Accounts> {
    let example = "\"sqlite:accounts.sqlite\"";
    let database = section.required::<String>("database", example).and_then(|at| {
        let address = database_address(&at.value, base);
        if address.is_none() {
            let what = "the database is neither an SQLite file nor PostgreSQL";
            section.report(&at.span, Wrong::new(what, format!("{example} or \"postgres://user@host/name\"")));
        }
        address
    });
    let apop_key = section.optional::<String>("apop_key").given().map(|at| base.join(at.value));
    let suspended_text = reply_text(&section, "suspended_text");
    let unregistered_text = reply_text(&section, "unregistered_text");
    section.finish();
    Some(Accounts { database: database?, apop_key, suspended_text, unregistered_text })
}

/// A text that fits into a reply line of either protocol behind its code (RFC 5321 §4.5.3.1.5, RFC 1939 §3).
fn reply_text(section: &Section<'_>, key: &'static str) -> Option<String> {
    const LONGEST: usize = 400;
    let at = section.optional::<String>(key).given()?;
    let fits = at.value.len() <= LONGEST && at.value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if fits && !at.value.is_empty() {
        return Some(at.value);
    }
    let what = format!("a text for clients is one line of 1 to {LONGEST} ASCII characters");
    section.report(&at.span, Wrong::new(what, format!("{key} = \"See https://example.jp/help\"")));
    None
}

/// The address with an SQLite path made relative to `base`.
fn database_address(given: &str, base: &Path) -> Option<String> {
    if ["postgres://", "postgresql://"].iter().any(|scheme| given.starts_with(scheme)) {
        return Some(given.to_owned());
    }
    let path = given.strip_prefix("sqlite://").or_else(|| given.strip_prefix("sqlite:"))?;
    // A database in memory would be another one in each process, and gone at the end.
    (!path.is_empty() && !path.starts_with(':')).then(|| format!("sqlite:{}", base.join(path).display()))
}
