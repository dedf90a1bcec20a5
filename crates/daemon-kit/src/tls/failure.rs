//! Why a handshake failed, in words that can be counted.

use std::io;

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

/// A failed handshake.
#[derive(Debug, thiserror::Error)]
#[error("TLS handshake failed ({reason}): {detail}")]
pub struct TlsFailure {
    /// One stable word: `clear_text`, `no_common_version`, `no_common_cipher`, `certificate_refused`, `hung_up`, `timed_out`,
    /// `refused_by_client`, `misbehaved` or `broken`.
    pub reason: &'static str,
    /// The library's own words.
    pub detail: String,
}

impl TlsFailure {
    pub(crate) fn timed_out() -> Self {
        Self { reason: "timed_out", detail: String::from("the handshake took too long") }
    }

    pub(crate) fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let reason = match (inner, error.kind()) {
            (Some(error), _) => word(error),
            (
                None,
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe,
            ) => "hung_up",
            (None, _) => "broken",
        };
        Self { reason, detail: error.to_string() }
    }
}

fn word(error: &Error) -> &'static str {
    match error {
        // The first byte of a TLS record is its type, and no command of SMTP or POP3 begins with one of those.
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => "clear_text",
        Error::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic,
        )
        | Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => "no_common_version",
        Error::PeerIncompatible(_) => "no_common_cipher",
        Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA,
        ) => "certificate_refused",
        Error::AlertReceived(_) => "refused_by_client",
        Error::InvalidMessage(_) | Error::PeerMisbehaved(_) => "misbehaved",
        _ => "broken",
    }
}
