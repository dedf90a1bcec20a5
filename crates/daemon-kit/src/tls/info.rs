//! The facts of a TLS session that a `Received` header tells.

use rustls::{CipherSuite, ProtocolVersion, ServerConnection};

use super::client::ClientCertificate;

/// Version, cipher and strength of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3` or `TLSv1.2`
    pub version: &'static str,
    /// The cipher suite's IANA name.
    pub cipher: &'static str,
    /// The length of the symmetric key.
    pub bits: u16,
    /// The host name for which the client asked.
    pub sni: Option<String>,
    /// What its certificate is worth.
    pub verify: ClientCertificate,
}

impl TlsInfo {
    pub(crate) fn of(connection: &ServerConnection, verify: ClientCertificate) -> Self {
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "unknown",
        };
        let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
        let (cipher, bits) = suite.map_or(("unknown", 0), name_and_bits);
        Self { version, cipher, bits, sni: connection.server_name().map(str::to_owned), verify }
    }
}

/// Every suite that the library offers.
fn name_and_bits(suite: CipherSuite) -> (&'static str, u16) {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => ("TLS_AES_128_GCM_SHA256", 128),
        CipherSuite::TLS13_AES_256_GCM_SHA384 => ("TLS_AES_256_GCM_SHA384", 256),
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => ("TLS_CHACHA20_POLY1305_SHA256", 256),
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => {
            ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 128)
        }
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => {
            ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 256)
        }
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
            ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 256)
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 128),
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256),
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => {
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 256)
        }
        _ => ("unknown", 0),
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;

    use super::*;

    #[test]
    fn h_12_every_suite_on_offer_has_its_name_and_bits() {
        for suite in ALL_CIPHER_SUITES {
            let (name, bits) = name_and_bits(suite.suite());
            let library = suite.suite().as_str().unwrap().replace("TLS13_", "TLS_");
            assert_eq!(name, library);
            assert_eq!(bits, if name.contains("AES_128") { 128 } else { 256 }, "{name}");
        }
    }
}
