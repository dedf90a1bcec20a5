//! CAPA (RFC 2449): what this session can do, and nothing else.

use alloc::vec::Vec;

use crate::config::Config;
use crate::replies::Reply;
use crate::table::Phase;

/// What decides the list.
pub(crate) struct Situation<'s> {
    pub(crate) config: &'s Config,
    pub(crate) phase: Phase,
    /// Whether the channel is encrypted now.
    pub(crate) encrypted: bool,
}

impl Situation<'_> {
    /// Whether the client may send its password now.
    pub(crate) const fn password_allowed(&self) -> bool {
        self.encrypted || self.config.clear_text
    }

    /// Whether STLS would be carried out now.
    pub(crate) const fn stls_offered(&self) -> bool {
        self.config.stls && !self.encrypted
    }

    /// Appends the reply to CAPA. What only AUTHORIZATION can use is listed in both states, as RFC 2449 §5 demands.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        Reply::Capabilities.write(out);
        // RFC 2449 §6.1, §6.8, §6.4, §6.6; RFC 3206 §5.
        for always in ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"] {
            line(out, &[always]);
        }
        // RFC 2449 §6.2, RFC 5034 §3.
        if self.password_allowed() {
            line(out, &["USER"]);
            if !self.config.mechanisms.is_empty() {
                out.extend_from_slice(b"SASL");
                for mechanism in &self.config.mechanisms {
                    out.push(b' ');
                    out.extend_from_slice(mechanism.name().as_bytes());
                }
                out.extend_from_slice(b"\r\n");
            }
        }
        // RFC 2595 §4.
        if self.stls_offered() {
            line(out, &["STLS"]);
        }
        // RFC 2449 §6.9 lets it wait until after login, where it helps no one who looks for a weakness.
        if let (Some(implementation), Phase::Transaction) = (&self.config.implementation, self.phase) {
            line(out, &["IMPLEMENTATION ", implementation]);
        }
        line(out, &["."]);
    }

    /// Appends the reply to a bare AUTH.
    pub(crate) fn write_mechanisms(&self, out: &mut Vec<u8>) {
        Reply::Mechanisms.write(out);
        if self.password_allowed() {
            for mechanism in &self.config.mechanisms {
                line(out, &[mechanism.name()]);
            }
        }
        line(out, &["."]);
    }
}

fn line(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}
