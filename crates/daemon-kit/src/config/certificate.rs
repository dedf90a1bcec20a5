//! `[[certificate]]`: a chain and its key, read and checked with the file.

use std::path::{Path, PathBuf};

use super::fault::Wrong;
use super::section::Section;
use super::value::HostName;
use crate::tls::{Identity, IdentityError};

/// A certificate with its key, ready to be shown.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The PEM file of the chain, the server's own certificate first.
    pub chain: PathBuf,
    /// The PEM file of the private key.
    pub key: PathBuf,
    /// What they hold, and the names for which it is shown.
    pub identity: Identity,
}

/// None means that a fault was reported.
pub(super) fn read(section: Section<'_>, base: &Path) -> Option<Certificate> {
    let names = section.list::<HostName>("names").given();
    let chain = section.required::<String>("chain", "\"cert.pem\"");
    let key = section.required::<String>("key", "\"key.pem\"");
    let faults = section.faults();
    section.finish();
    let (chain_at, key_at) = (chain?, key?);
    let (chain, key) = (base.join(chain_at.value), base.join(key_at.value));
    let identity = Identity::load(&chain, &key)
        .map_err(|error| {
            let span = match &error {
                IdentityError::Chain { .. } | IdentityError::Expired { .. } => &chain_at.span,
                IdentityError::Key { .. } | IdentityError::Mismatch { .. } => &key_at.span,
            };
            faults.report(span, Wrong::new(error.to_string(), error.remedy()));
        })
        .ok()?;
    let Some(names) = names else { return Some(Certificate { chain, key, identity }) };
    for name in &names.value {
        if !identity.covers(&name.value.0) {
            let what = format!(
                "the certificate is not for {}, but for {}",
                name.value.0,
                identity.names().join(", ")
            );
            faults.report(
                &name.span,
                Wrong::new(what, "a name that the certificate has, or another certificate"),
            );
        }
    }
    let identity = identity.only_for(names.value.into_iter().map(|at| at.value.0).collect());
    Some(Certificate { chain, key, identity })
}
