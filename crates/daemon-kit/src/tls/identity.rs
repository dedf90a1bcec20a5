//! A certificate chain with its private key, read from PEM files and checked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::InconsistentKeys;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A certificate that can be shown, and the names for which it is.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    names: Vec<String>,
    /// Seconds since 1970.
    not_after: i64,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("names", &self.names)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
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
    /// The certificate's time is over, or has not begun.
    #[error("the certificate {} is valid from {from} until {until}, not now", file.display())]
    Expired {
        /// The file.
        file: PathBuf,
        /// Its first moment.
        from: String,
        /// Its last moment.
        until: String,
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
            Self::Expired { .. } => "a certificate that is valid today",
        }
    }
}

impl Identity {
    /// Reads a chain and its key from PEM files; the names are those in the certificate.
    ///
    /// # Errors
    /// Unreadable, empty, mismatched or expired: see [`IdentityError`].
    pub fn load(chain: &Path, key: &Path) -> Result<Self, IdentityError> {
        let certificates = read_chain(chain)?;
        let (names, not_after) = facts(chain, &certificates)?;
        let private = read_key(key)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certified = certify(certificates, private, &provider, (chain, key))?;
        Ok(Self { certified: Arc::new(certified), names, not_after })
    }

    /// The names for which it is shown; one may begin with `*.`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// When the first certificate of the chain expires, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whole days until the certificate ends.
    pub fn days_left(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.not_after.saturating_sub_unsigned(now) / 86_400
    }

    /// Whether the certificate is for `host`; `*.` stands for one label (RFC 6125 §6.4.3).
    pub fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => name.eq_ignore_ascii_case(host),
        })
    }

    /// The same certificate, shown only to clients that ask for one of `names`.
    #[must_use]
    pub fn only_for(self, names: Vec<String>) -> Self {
        Self { names, ..self }
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let fail = |why: String| IdentityError::Chain { file: file.to_owned(), why };
    let bytes = std::fs::read(file).map_err(|error| fail(format!("cannot be read: {error}")))?;
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(list) if list.is_empty() => Err(fail(String::from("holds no certificate in PEM form"))),
        Ok(list) => Ok(list),
        Err(error) => Err(fail(format!("is not PEM: {error}"))),
    }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let fail = |why: String| IdentityError::Key { file: file.to_owned(), why };
    let bytes = std::fs::read(file).map_err(|error| fail(format!("cannot be read: {error}")))?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => fail(String::from("holds no private key in PEM form")),
        error => fail(format!("is not PEM: {error}")),
    })
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

/// The names of the server's own certificate and its last second; refuses one that is not valid now.
fn facts(file: &Path, certificates: &[CertificateDer<'static>]) -> Result<(Vec<String>, i64), IdentityError> {
    let fail = |why: String| IdentityError::Chain { file: file.to_owned(), why };
    let own = certificates.first().map(CertificateDer::as_ref).unwrap_or_default();
    let (_, own) =
        X509Certificate::from_der(own).map_err(|error| fail(format!("cannot be read: {error}")))?;
    let validity = own.validity();
    if !validity.is_valid() {
        let (from, until) = (validity.not_before.to_string(), validity.not_after.to_string());
        return Err(IdentityError::Expired { file: file.to_owned(), from, until });
    }
    let names = own.subject_alternative_name().map_err(|error| fail(format!("has broken names: {error}")))?;
    let dns = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    let names =
        names.map(|names| names.value.general_names.iter().filter_map(dns).collect()).unwrap_or_default();
    Ok((names, validity.not_after.timestamp()))
}
