//! CAPA (RFC 2449): what this session can do, and nothing else.

use alloc::vec::Vec;

use crate::config::{Config, Expire, LoginDelay};
use crate::decimal::decimal;
use crate::language::Language;
use crate::replies::Reply;
use crate::table::Phase;

/// What decides the list.
pub(crate) struct Situation<'s> {
    pub(crate) config: &'s Config,
    pub(crate) phase: Phase,
    /// Whether the channel is encrypted now.
    pub(crate) encrypted: bool,
    pub(crate) expire: Option<Expire>,
    pub(crate) login_delay: Option<LoginDelay>,
    pub(crate) language: Language,
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
        Reply::Capabilities.write(self.language, out);
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
        self.write_policies(out);
        // RFC 2449 §6.9 lets it wait until after login, where it helps no one who looks for a weakness.
        if let (Some(implementation), Phase::Transaction) = (&self.config.implementation, self.phase) {
            line(out, &["IMPLEMENTATION ", implementation]);
        }
        line(out, &["."]);
    }

    fn write_policies(&self, out: &mut Vec<u8>) {
        // RFC 6856 §2.2: USER, for names and passwords in UTF-8.
        match (self.config.utf8, self.password_allowed()) {
            (true, true) => line(out, &["UTF8 USER"]),
            (true, false) => line(out, &["UTF8"]),
            (false, _) => {}
        }
        // RFC 6856 §3.
        if !self.config.languages.is_empty() {
            line(out, &["LANG"]);
        }
        // RFC 2449 §6.7 and §6.5. USER: AUTHORIZATION does not know yet whose account it will be.
        let user = |differs| if differs && self.phase != Phase::Transaction { " USER" } else { "" };
        if let Some(expire) = self.expire {
            out.extend_from_slice(b"EXPIRE ");
            match expire.days {
                Some(days) => decimal(out, days.into()),
                None => out.extend_from_slice(b"NEVER"),
            }
            line(out, &[user(expire.differs)]);
        }
        if let Some(delay) = self.login_delay {
            out.extend_from_slice(b"LOGIN-DELAY ");
            decimal(out, delay.seconds.into());
            line(out, &[user(delay.differs)]);
        }
    }

    /// Appends the reply to a bare LANG.
    pub(crate) fn write_languages(&self, out: &mut Vec<u8>) {
        Reply::Languages.write(self.language, out);
        for language in self.config.languages.iter().filter(|&&language| language != Language::English) {
            line(out, &[language.tag(), " ", language.name()]);
        }
        line(out, &[Language::English.tag(), " ", Language::English.name()]);
        line(out, &["i-default Default language"]);
        line(out, &["."]);
    }

    /// Appends the reply to a bare AUTH.
    pub(crate) fn write_mechanisms(&self, out: &mut Vec<u8>) {
        Reply::Mechanisms.write(self.language, out);
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
