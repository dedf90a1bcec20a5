//! A certificate authority that lives as long as a test, and the certificate that it gives the service.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rcgen::{CertifiedIssuer, SanType};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, ClientConfig, RootCertStore, SupportedProtocolVersion};

/// Makes the authority and a certificate for the names, and writes `ca.pem`, `cert.pem` and `key.pem`.
pub(crate) fn write(
    directory: &Path,
    names: &[&str],
    addresses: impl IntoIterator<Item = IpAddr>,
) -> Authority {
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "the test's own authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();

    let mut server =
        CertificateParams::new(names.iter().copied().map(String::from).collect::<Vec<_>>()).unwrap();
    server.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
    server.distinguished_name.push(DnType::CommonName, names[0]);
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let certificate = server.signed_by(&key, &ca).unwrap();

    fs::write(directory.join("ca.pem"), ca.pem()).unwrap();
    fs::write(directory.join("cert.pem"), certificate.pem() + &ca.pem()).unwrap();
    fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    Authority { der: ca.der().clone() }
}

pub(crate) struct Authority {
    der: CertificateDer<'static>,
}

impl Authority {
    /// A strict client: it trusts this authority and nobody else.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::new(ClientConfig::builder().with_root_certificates(self.roots()).with_no_client_auth())
    }

    /// One that can do nothing else.
    pub(crate) fn client_with(
        &self,
        version: &'static SupportedProtocolVersion,
        suite: CipherSuite,
    ) -> Arc<ClientConfig> {
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.retain(|offered| offered.suite() == suite);
        let builder = ClientConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_protocol_versions(&[version]).unwrap();
        Arc::new(builder.with_root_certificates(self.roots()).with_no_client_auth())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        roots
    }
}
