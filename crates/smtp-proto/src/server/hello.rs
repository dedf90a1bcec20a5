//! What is offered, and EHLO's answer.

use alloc::vec::Vec;

use crate::extension::{Extension, Extensions};
use crate::replies;
use crate::reply::put;

use super::{FutureRelease, Session, StartTls};

impl Session {
    /// The extensions that hold now, whoever asks.
    pub(super) fn offered(&self) -> Extensions {
        let config = &*self.config;
        config
            .extensions
            .set(Extension::Auth, !config.auth.mechanisms.is_empty())
            .set(Extension::FutureRelease, config.future_release.is_some())
            // RFC 8689 §2: it is there under TLS only.
            .set(Extension::RequireTls, self.encrypted && config.extensions.contains(Extension::RequireTls))
            .set(Extension::StartTls, config.starttls != StartTls::Off && !self.encrypted)
            // RFC 3030 §3: nothing but BDAT can carry it.
            .set(
                Extension::BinaryMime,
                config.extensions.contains(Extension::BinaryMime)
                    && config.extensions.contains(Extension::Chunking),
            )
    }

    /// The greeting's answer; to EHLO with a line for each extension that holds now.
    pub(super) fn write_hello(&self, extended: bool, out: &mut Vec<u8>) {
        let config = &*self.config;
        if !extended {
            return replies::HELLO.write_from(&config.hostname, out);
        }
        let start = out.len();
        put(out, format_args!("250-{} {}\r\n", config.hostname, replies::HELLO.text()));
        for extension in self.offered().iter() {
            self.write_extension(extension, out);
        }
        end_reply(out.get_mut(start..).unwrap_or_default());
    }

    /// The lines of one extension, if there is something to say of it now.
    fn write_extension(&self, extension: Extension, out: &mut Vec<u8>) {
        let config = &*self.config;
        let keyword = extension.keyword();
        match extension {
            Extension::Auth => self.write_auth(out),
            Extension::FutureRelease => {
                if let Some(FutureRelease { seconds, until }) = &config.future_release {
                    put(out, format_args!("250-{keyword} {seconds} {until}\r\n"));
                }
            }
            Extension::Limits => self.write_limits(out),
            // RFC 1870 §4: without a number, or with 0, no limit is said.
            Extension::Size => match config.size {
                Some(limit) => put(out, format_args!("250-{keyword} {limit}\r\n")),
                None => write_line(keyword, out),
            },
            _ => write_line(keyword, out),
        }
    }

    fn write_auth(&self, out: &mut Vec<u8>) {
        let auth = &self.config.auth;
        if !self.auth_possible() || self.authenticated {
            return;
        }
        // Clients of the last century read the mechanisms behind an equals sign only.
        let forms: &[&str] = if auth.legacy_line { &["250-AUTH", "250-AUTH="] } else { &["250-AUTH"] };
        for form in forms {
            put(out, format_args!("{form}"));
            for (at, mechanism) in auth.mechanisms.iter().enumerate() {
                let parting = if at == 0 && form.ends_with('=') { "" } else { " " };
                put(out, format_args!("{parting}{}", mechanism.name()));
            }
            put(out, format_args!("\r\n"));
        }
    }

    /// RFC 9422 §4: a limit is said in at most six digits; what is beyond them is none.
    fn write_limits(&self, out: &mut Vec<u8>) {
        let limits = &self.config.limits;
        let named = [("MAILMAX", limits.transactions), ("RCPTMAX", limits.recipients)];
        let start = out.len();
        for (name, limit) in named.into_iter().filter(|(_, limit)| *limit <= 999_999) {
            put(out, format_args!("{} {name}={limit}", if out.len() == start { "250-LIMITS" } else { "" }));
        }
        if out.len() > start {
            put(out, format_args!("\r\n"));
        }
    }
}

/// Marks the last of a reply's lines as the last (RFC 5321 §4.2.1).
fn end_reply(lines: &mut [u8]) {
    let last = lines.split_inclusive_mut(|&octet| octet == b'\n').next_back();
    if let Some(parting) = last.and_then(|line| line.get_mut("250".len())) {
        *parting = b' ';
    }
}

/// A line without more to it, and without the machinery of `fmt`.
fn write_line(keyword: &str, out: &mut Vec<u8>) {
    for part in ["250-", keyword, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}
