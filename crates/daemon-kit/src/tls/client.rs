//! Certificates of clients: asked for where the file names an authority, never demanded, and judged for the record.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConnection, SignatureScheme,
};

use super::identity::{IdentityError, read_chain};

/// What is known of a client by its certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificate {
    /// It showed none, or was not asked.
    #[default]
    None,
    /// It showed one that the authority has signed, for clients, and that is valid now.
    Verified,
    /// It showed another one.
    Failed,
}

impl ClientCertificate {
    /// As sendmail's `verify=` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NO",
            Self::Verified => "OK",
            Self::Failed => "FAIL",
        }
    }
}

/// Who signs certificates of clients.
#[derive(Clone)]
pub struct ClientAuthority(Arc<dyn ClientCertVerifier>);

impl fmt::Debug for ClientAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuthority").finish_non_exhaustive()
    }
}

impl ClientAuthority {
    /// Reads its certificate, or several, from a PEM file.
    ///
    /// # Errors
    /// [`IdentityError::Chain`] when the file cannot be read or holds none that can sign others.
    pub fn load(file: &Path) -> Result<Self, IdentityError> {
        let fail = |why: String| IdentityError::Chain { file: file.to_owned(), why };
        let mut roots = RootCertStore::empty();
        for certificate in read_chain(file)? {
            roots.add(certificate).map_err(|error| fail(format!("cannot be used: {error}")))?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        verifier.map(Self).map_err(|error| fail(format!("cannot be used: {error}")))
    }

    /// One that asks, and lets everybody in.
    pub(super) fn asking(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::new(Asking(self.0.clone()))
    }

    /// What the certificate of a client is worth.
    pub(super) fn judge(&self, connection: &ServerConnection) -> ClientCertificate {
        match connection.peer_certificates() {
            Some([own, signers @ ..]) => match self.0.verify_client_cert(own, signers, UnixTime::now()) {
                Ok(_) => ClientCertificate::Verified,
                Err(_) => ClientCertificate::Failed,
            },
            _ => ClientCertificate::None,
        }
    }
}

/// That a client has the key of what it shows is demanded; who signed it is judged afterwards.
#[derive(Debug)]
struct Asking(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
