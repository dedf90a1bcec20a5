//! The trace fields that are put before a message: `Return-Path`, `Delivered-To` and `Received` (RFC 5321 §4.4), and on submission
//! the `Date` and `Message-ID` that a client left out. Nothing else of a message is touched.

mod complete;
mod fold;
mod words;

use std::net::IpAddr;

use daemon_kit::config::{self, ClientShown, Received};
use daemon_kit::tls::TlsInfo;
use jiff::Zoned;

pub(crate) use complete::{complete, header_end};

use fold::Folded;
use words::{client_name, comment, date, literal};

/// What the fields say.
#[derive(Debug)]
pub(crate) struct Trace<'t> {
    pub(crate) settings: &'t config::Trace,
    /// The reverse-path, without angle brackets; empty for the null path.
    pub(crate) reverse_path: &'t str,
    /// As whom the client greeted.
    pub(crate) client_name: &'t str,
    pub(crate) client_address: IpAddr,
    /// This machine's own name.
    pub(crate) node: &'t str,
    pub(crate) protocol: Protocol,
    pub(crate) tls: Option<&'t TlsInfo>,
    pub(crate) queue_id: &'t str,
    /// The recipient as RCPT named it, where it is alone: others may be there in secret (RFC 5321 §7.2).
    pub(crate) recipient: Option<&'t str>,
    pub(crate) now: &'t Zoned,
}

/// How the message came, for the `with` clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) extended: bool,
    pub(crate) encrypted: bool,
    pub(crate) authenticated: bool,
    /// MAIL said SMTPUTF8.
    pub(crate) utf8: bool,
}

impl Protocol {
    /// RFC 3848, and RFC 6531 §4.3 for what comes with SMTPUTF8.
    #[rustfmt::skip]
    const fn keyword(self) -> &'static str {
        match (self.utf8, self.extended, self.encrypted, self.authenticated) {
            (true, _, true,  true)          => "UTF8SMTPSA",
            (true, _, true,  false)         => "UTF8SMTPS",
            (true, _, false, true)          => "UTF8SMTPA",
            (true, _, false, false)         => "UTF8SMTP",
            (false, false, false, false)    => "SMTP",
            // RFC 3848 has no name for these without ESMTP: what came after is more telling than what came first.
            (false, _, true,  true)         => "ESMTPSA",
            (false, _, true,  false)        => "ESMTPS",
            (false, _, false, true)         => "ESMTPA",
            (false, true, false, false)     => "ESMTP",
        }
    }

    /// Sendmail's: login and encryption stand in comments.
    const fn plain_keyword(self) -> &'static str {
        match (self.utf8, self.extended) {
            (true, _) => "UTF8SMTP",
            (false, true) => "ESMTP",
            (false, false) => "SMTP",
        }
    }
}

impl Trace<'_> {
    /// RFC 5321 §4.4: where reports go, for who reads the message.
    pub(crate) fn write_return_path(&self, out: &mut Vec<u8>) {
        let mut field = Folded::new("Return-Path:");
        field.word(&format!("<{}>", self.reverse_path));
        field.finish(out);
    }

    /// This machine's part of the way.
    pub(crate) fn write_received(&self, out: &mut Vec<u8>) {
        let mut field = Folded::new("Received:");
        self.from(&mut field);
        field.phrase(&["by", self.node]);
        if let Some(software) = &self.settings.software {
            words(&mut field, &format!("({})", comment(software)));
        }
        match self.settings.received {
            Received::Rfc => self.rfc(&mut field),
            Received::Sendmail => self.sendmail(&mut field),
        }
        field.finish(out);
    }

    fn from(&self, field: &mut Folded) {
        // RFC 5321 §4.4 wants the clause, and its §7.6 sees why a site may not.
        if self.settings.client == ClientShown::Shown || !self.protocol.authenticated {
            let address = format!("({})", literal(self.client_address));
            field.phrase(&["from", &client_name(self.client_name), &address]);
        }
        if self.settings.received == Received::Sendmail && self.protocol.authenticated {
            // The strength of the SASL layer, which no mechanism here has.
            field.phrase(&["(authenticated", "bits=0)"]);
        }
    }

    /// RFC 5321 §4.4, RFC 8314 §4.3 for `tls`.
    fn rfc(&self, field: &mut Folded) {
        field.phrase(&["with", self.protocol.keyword()]);
        field.phrase(&["id", self.queue_id]);
        self.recipient(field);
        if let Some(TlsInfo { version, cipher, bits, verify, .. }) = self.tls {
            field.phrase(&["tls", cipher]);
            words(field, &format!("(version={version} bits={bits} verify={})", verify.as_str()));
        }
        field.close(';');
        words(field, &date(self.now));
    }

    /// As sendmail 8 has it.
    fn sendmail(&self, field: &mut Folded) {
        field.phrase(&["with", self.protocol.plain_keyword()]);
        field.phrase(&["id", self.queue_id]);
        if let Some(TlsInfo { version, cipher, bits, verify, .. }) = self.tls {
            let session =
                format!("(version={version} cipher={cipher} bits={bits} verify={})", verify.as_str());
            words(field, &session);
        }
        self.recipient(field);
        field.close(';');
        words(field, &date(self.now));
        let sender = if self.reverse_path.is_empty() { "<>" } else { self.reverse_path };
        field.phrase(&["(envelope-from", &format!("{})", comment(sender))]);
    }

    fn recipient(&self, field: &mut Folded) {
        if let Some(recipient) = self.recipient {
            field.phrase(&["for", &format!("<{recipient}>")]);
        }
    }
}

/// A text of our own, in words.
fn words(field: &mut Folded, text: &str) {
    field.phrase(&text.split_ascii_whitespace().collect::<Vec<_>>());
}

#[cfg(test)]
mod tests;
