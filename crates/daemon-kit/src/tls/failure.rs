//! Why a handshake failed, in words that can be counted.

use std::io;

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use super::hello::{HelloFacts, Kind};

/// A failed handshake.
#[derive(Debug, thiserror::Error)]
#[error("TLS handshake failed ({reason}): {detail}")]
pub struct TlsFailure {
    /// One stable word: `clear_text`, `silent`, `no_common_version`, `no_common_cipher`, `certificate_refused`, `hung_up`, `timed_out`,
    /// `refused_by_client`, `misbehaved` or `broken`.
    pub reason: &'static str,
    /// The library's own words.
    pub detail: String,
    /// What the client offered, once that is known. Boxed: it is rare, and every error of a session has room for it.
    pub hello: Option<Box<HelloFacts>>,
}

impl TlsFailure {
    pub(super) fn timed_out(kind: Kind, hello: Option<HelloFacts>) -> Self {
        let (reason, detail) = match kind {
            Kind::Nothing => ("silent", "the client sent nothing: it may wait for a greeting in clear text"),
            Kind::Tls | Kind::Ssl2 | Kind::Other => ("timed_out", "the handshake took too long"),
        };
        Self { reason, detail: detail.to_owned(), hello: hello.map(Box::new) }
    }

    pub(super) fn of(error: &io::Error, kind: Kind, hello: Option<HelloFacts>) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let reason = match (inner, error.kind()) {
            // No command of SMTP or POP3 begins as a TLS record does.
            (Some(Error::InvalidMessage(_)), _) if kind == Kind::Other => "clear_text",
            (Some(Error::InvalidMessage(_)), _) if kind == Kind::Ssl2 => "no_common_version",
            // It says what it misses first, which is not what it lacks most.
            (Some(Error::PeerIncompatible(_)), _) if hello.as_ref().is_some_and(HelloFacts::is_too_old) => {
                "no_common_version"
            }
            (Some(error), _) => word(error),
            (
                None,
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe,
            ) => "hung_up",
            (None, _) => "broken",
        };
        Self { reason, detail: error.to_string(), hello: hello.map(Box::new) }
    }
}

fn word(error: &Error) -> &'static str {
    match error {
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
