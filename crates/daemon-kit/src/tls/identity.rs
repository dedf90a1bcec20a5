//! A certificate chain with its private key, read from PEM files and checked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{getegid, geteuid};
use rustls::InconsistentKeys;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate};

/// A certificate that can be shown, and the names for which it is.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    facts: Facts,
}

/// What the server's own certificate says.
#[derive(Clone, Debug)]
struct Facts {
    names: Vec<String>,
    /// The first and the last second, since 1970.
    valid: (i64, i64),
    signer: Signer,
}

/// Who signed the server's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Signer {
    InFile,
    Itself,
    Missing(String),
}

/// Why clients that check refuse a certificate that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Its time is over, or has not begun.
    #[error("is valid from {from} until {until}, not now")]
    NotNow {
        /// Its first moment.
        from: String,
        /// Its last moment.
        until: String,
    },
    /// Who signed it is not in the file.
    #[error("comes without the certificate of who signed it ({issuer})")]
    NoChain {
        /// The signer's name.
        issuer: String,
    },
}

impl Unfit {
    /// What to write or do instead.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotNow { .. } => "a certificate that is valid today",
            Self::NoChain { .. } => {
                "the signers' certificates behind it in the same file (often named fullchain.pem), an authority of your own too"
            }
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The chain cannot be read or holds no certificate.
    #[error("the certificate {} {why}", file.display())]
    Chain {
        /// The file.
        file: PathBuf,
        /// In words.
        why: String,
    },
    /// The key cannot be read or is none.
    #[error("the key {} {why}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// In words.
        why: String,
    },
    /// The key is not that of the certificate.
    #[error("the key {} does not belong to the certificate {}", key.display(), chain.display())]
    Mismatch {
        /// The certificate's file.
        chain: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

impl IdentityError {
    /// What to write or do instead.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Chain { .. } => {
                "the path of a readable PEM file: the server's certificate first, then those that signed it"
            }
            Self::Key { .. } => "the path of a readable PEM file with an unencrypted private key",
            Self::Mismatch { .. } => {
                "the key that was made with this certificate (is the first certificate in the file the server's?)"
            }
        }
    }
}

impl Identity {
    /// Reads a chain and its key from PEM files; the names are those in the certificate.
    ///
    /// # Errors
    /// Unreadable, empty or mismatched: see [`IdentityError`]. One that is expired or has no chain is none: see [`Identity::unfit`].
    pub fn load(chain: &Path, key: &Path) -> Result<Self, IdentityError> {
        let certificates = read_chain(chain)?;
        let facts = facts(chain, &certificates)?;
        let private = read_key(key)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certified = certify(certificates, private, &provider, (chain, key))?;
        Ok(Self { certified: Arc::new(certified), facts })
    }

    /// What is wrong with a key alone, where its certificate could not be read and both shall be told.
    pub(crate) fn key_fault(key: &Path) -> Option<IdentityError> {
        read_key(key).err()
    }

    /// The names for which it is shown; one may begin with `*.`.
    pub fn names(&self) -> &[String] {
        &self.facts.names
    }

    /// When the first certificate of the chain expires, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        self.facts.valid.1
    }

    /// Whether it is valid now.
    pub fn is_valid(&self) -> bool {
        (self.facts.valid.0..=self.facts.valid.1).contains(&now())
    }

    /// Whether nobody else signed it: a client must know it already.
    pub fn is_self_signed(&self) -> bool {
        self.facts.signer == Signer::Itself
    }

    /// Why clients that check will refuse it, whatever name they ask for.
    pub fn unfit(&self) -> Vec<Unfit> {
        let time = |second| {
            ASN1Time::from_timestamp(second).map_or_else(|_| String::from("?"), |time| time.to_string())
        };
        let (from, until) = self.facts.valid;
        let not_now = (!self.is_valid()).then(|| Unfit::NotNow { from: time(from), until: time(until) });
        let no_chain = match &self.facts.signer {
            Signer::Missing(issuer) => Some(Unfit::NoChain { issuer: issuer.clone() }),
            Signer::InFile | Signer::Itself => None,
        };
        not_now.into_iter().chain(no_chain).collect()
    }

    /// Whole days until the certificate ends.
    pub fn days_left(&self) -> i64 {
        self.facts.valid.1.saturating_sub(now()) / 86_400
    }

    /// Whether the certificate is for `host`; `*.` stands for one label (RFC 6125 §6.4.3).
    pub fn covers(&self, host: &str) -> bool {
        self.facts.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => name.eq_ignore_ascii_case(host),
        })
    }

    /// The same certificate, shown only to clients that ask for one of `names`.
    #[must_use]
    pub fn only_for(self, names: Vec<String>) -> Self {
        Self { facts: Facts { names, ..self.facts }, ..self }
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

pub(super) fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let fail = |why: String| IdentityError::Chain { file: file.to_owned(), why };
    let bytes = std::fs::read(file).map_err(|error| fail(unread(file, &error)))?;
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(list) if list.is_empty() => Err(fail(String::from("holds no certificate in PEM form"))),
        Ok(list) => Ok(list),
        Err(error) => Err(fail(not_pem(error))),
    }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let fail = |why: String| IdentityError::Key { file: file.to_owned(), why };
    let bytes = std::fs::read(file).map_err(|error| fail(unread(file, &error)))?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => fail(String::from("holds no private key in PEM form")),
        error => fail(not_pem(error)),
    })
}

/// Whose command it is counts as much as the file: what root can read, the daemons' user perhaps cannot.
fn unread(file: &Path, error: &std::io::Error) -> String {
    if error.kind() != std::io::ErrorKind::PermissionDenied {
        return format!("cannot be read: {error}");
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let file = file.display();
    format!("cannot be read by user {user}: {error}; run as root: chgrp {group} {file} && chmod 640 {file}")
}

/// The library shows what it missed as numbers.
fn not_pem(error: pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!("is cut off: it lacks the line -----END {}-----", String::from_utf8_lossy(&end_marker))
        }
        error => format!("is not PEM: {error}"),
    }
}

fn certify(
    certificates: Vec<CertificateDer<'static>>,
    private: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
    (chain, key): (&Path, &Path),
) -> Result<CertifiedKey, IdentityError> {
    let unusable =
        |error| IdentityError::Key { file: key.to_owned(), why: format!("cannot be used: {error}") };
    let signing = provider.key_provider.load_private_key(private).map_err(unusable)?;
    let certified = CertifiedKey::new(certificates, signing);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(IdentityError::Mismatch { chain: chain.to_owned(), key: key.to_owned() })
        }
        Err(error) => {
            Err(IdentityError::Chain { file: chain.to_owned(), why: format!("cannot be used: {error}") })
        }
    }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(now).unwrap_or(i64::MAX)
}

fn facts(file: &Path, certificates: &[CertificateDer<'static>]) -> Result<Facts, IdentityError> {
    let fail = |why: String| IdentityError::Chain { file: file.to_owned(), why };
    let parsed: Result<Vec<_>, _> =
        certificates.iter().map(|der| X509Certificate::from_der(der).map(|(_, parsed)| parsed)).collect();
    let parsed = parsed.map_err(|error| fail(format!("cannot be read: {error}")))?;
    let (own, others) = parsed.split_first().ok_or_else(|| fail(String::from("is empty")))?;
    let names = own.subject_alternative_name().map_err(|error| fail(format!("has broken names: {error}")))?;
    let dns = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    let names =
        names.map(|names| names.value.general_names.iter().filter_map(dns).collect()).unwrap_or_default();
    let issuer = own.issuer();
    let signer = if issuer.as_raw() == own.subject().as_raw() {
        Signer::Itself
    } else if others.iter().any(|other| other.subject().as_raw() == issuer.as_raw()) {
        Signer::InFile
    } else {
        Signer::Missing(issuer.to_string())
    };
    let validity = own.validity();
    Ok(Facts { names, valid: (validity.not_before.timestamp(), validity.not_after.timestamp()), signer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_said_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cert.pem");
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
        let told = read_chain(&file).unwrap_err().to_string();
        assert!(told.ends_with("is cut off: it lacks the line -----END CERTIFICATE-----"), "{told}");
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let told = unread(Path::new("/etc/yubin/key.pem"), &denied);
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        assert!(told.starts_with(&format!("cannot be read by user {user}: ")), "{told}");
        assert!(told.ends_with(&format!("chgrp {group} /etc/yubin/key.pem && chmod 640 /etc/yubin/key.pem")));
    }
}
