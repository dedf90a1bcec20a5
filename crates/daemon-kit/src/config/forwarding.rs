//! `[forwarding]`: mail that accounts have sent on.

use std::path::{Path, PathBuf};

use super::section::Section;
use super::value::HostName;

/// `[forwarding]`; without it no mail is sent on, whatever accounts say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// `srs_key`: the file with the key that proves which senders' addresses are ours, one line, the Base64 of 32 octets. Every machine of
    /// an installation has the same.
    pub srs_key: PathBuf,
    /// `srs_domain`: in which they are: one whose MX leads here, and whose SPF record lets us send. `hostname` by default.
    pub srs_domain: String,
}

/// `key_place`: where the key can be, as a value to write.
pub(super) fn read(
    section: Section<'_>,
    hostname: Option<&str>,
    base: &Path,
    key_place: &str,
) -> Option<Forwarding> {
    let key = section.required::<String>("srs_key", key_place);
    let domain = section.optional::<HostName>("srs_domain").given().map(|at| at.value.0);
    section.finish();
    Some(Forwarding {
        srs_key: base.join(key?.value),
        srs_domain: domain.or_else(|| hostname.map(str::to_owned))?,
    })
}
