//! `[[certificate]]`: a chain and its key, read and checked with the file.

use std::path::{Path, PathBuf};

use super::Config;
use super::fault::{Fault, Faults, Position, Wrong};
use super::listener::{Protocol, TlsMode};
use super::section::Section;
use super::value::HostName;
use crate::tls::{ClientAuthority, Identity, IdentityError};

/// A certificate with its key, ready to be shown.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The PEM file of the chain, the server's own certificate first.
    pub chain: PathBuf,
    /// The PEM file of the private key.
    pub key: PathBuf,
    /// What they hold, and the names for which it is shown.
    pub identity: Identity,
    /// Where the file names the chain.
    pub position: Position,
}

impl Config {
    /// Whether clients that check will take what they are shown on the listeners of `protocol` (none: on all): certificates that are valid
    /// now, with their chain, for every host name. A check refuses what a daemon serves all the same, and loudly: a customer with a
    /// warning on his screen is served worse than one without, but better than one without mail.
    ///
    /// # Errors
    /// Every certificate that is not fit, and every listener whose name none has.
    pub fn judge_certificates(&self, protocol: Option<Protocol>) -> Result<(), Faults> {
        let mut faults = Vec::new();
        for Certificate { chain, identity, position, .. } in &self.certificates {
            faults.extend(identity.unfit().into_iter().map(|unfit| Fault {
                position: Some(*position),
                what: format!("the certificate {} {unfit}", chain.display()),
                remedy: unfit.remedy().to_owned(),
            }));
        }
        let encrypted = self.listeners.iter().filter(|listener| listener.tls != TlsMode::None);
        for listener in encrypted.filter(|listener| protocol.is_none_or(|only| listener.protocol == only)) {
            let name = &listener.hostname;
            if !self.certificates.iter().any(|certificate| certificate.identity.covers(name)) {
                faults.push(Fault {
                    position: listener.addresses.first().map(|address| address.position),
                    what: format!("no certificate is for {name}, the name of this listener"),
                    remedy: String::from(
                        "a [[certificate]] that has the name, or `hostname` with a name that one has",
                    ),
                });
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Faults { file: self.file.clone(), faults }) }
    }

    /// What a check says of certificates without refusing them: an end that comes near, and nobody's signature but its own.
    pub fn certificate_warnings(&self) -> Vec<String> {
        let ends = self.expiring().map(|Certificate { chain, identity, .. }| {
            format!("the certificate {} ends in {} days", chain.display(), identity.days_left())
        });
        let alone = self.certificates.iter().filter(|certificate| certificate.identity.is_self_signed());
        let alone = alone.map(|certificate| {
            let chain = certificate.chain.display();
            format!(
                "the certificate {chain} is signed by itself: clients that check must be told to trust it"
            )
        });
        ends.chain(alone).collect()
    }
}

/// None means that a fault was reported.
pub(super) fn read(section: Section<'_>, base: &Path) -> Option<Certificate> {
    let names = section.list::<HostName>("names").given();
    let chain = section.required::<String>("chain", "\"cert.pem\"");
    let key = section.required::<String>("key", "\"key.pem\"");
    let faults = section.faults();
    section.finish();
    let (chain_at, key_at) = (chain?, key?);
    let position = faults.position(&chain_at.span);
    let (chain, key) = (base.join(chain_at.value), base.join(key_at.value));
    let identity = Identity::load(&chain, &key)
        .map_err(|error| {
            if matches!(error, IdentityError::Chain { .. })
                && let Some(fault) = Identity::key_fault(&key)
            {
                faults.report(&key_at.span, Wrong::new(fault.to_string(), fault.remedy()));
            }
            let span = match &error {
                IdentityError::Chain { .. } => &chain_at.span,
                IdentityError::Key { .. } | IdentityError::Mismatch { .. } => &key_at.span,
            };
            faults.report(span, Wrong::new(error.to_string(), error.remedy()));
        })
        .ok()?;
    let Some(names) = names else { return Some(Certificate { chain, key, identity, position }) };
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
    Some(Certificate { chain, key, identity, position })
}

/// `client_authority`; none also where a fault was reported.
pub(super) fn read_client_authority(root: &Section<'_>, base: &Path) -> Option<ClientAuthority> {
    let at = root.optional::<String>("client_authority").given()?;
    let remedy = "the path of a readable PEM file with the certificate of who signs those of clients";
    ClientAuthority::load(&base.join(&at.value))
        .map_err(|error| root.report(&at.span, Wrong::new(error.to_string(), remedy)))
        .ok()
}
