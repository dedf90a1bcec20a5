//! The client's side of SMTP, as far as scripts need it.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::site::{Site, User};
use super::wire::Wire;

pub(crate) struct Smtp {
    pub(crate) wire: Wire,
}

/// A whole reply, all its lines.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    /// Without code and ending.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// Whether the reply is `550 5.1.1`, or `250` with any text.
    pub(crate) fn is(&self, expected: &str) -> bool {
        let (code, text) = expected.split_once(' ').unwrap_or((expected, ""));
        self.code.to_string() == code && self.lines.iter().all(|line| line.starts_with(text))
    }

    pub(crate) fn offers(&self, keyword: &str) -> bool {
        self.lines.iter().skip(1).any(|line| line.split(' ').next() == Some(keyword))
    }

    /// The mechanisms of the AUTH line.
    pub(crate) fn mechanisms(&self) -> Vec<&str> {
        let line = self.lines.iter().find_map(|line| line.strip_prefix("AUTH "));
        let mut names: Vec<_> = line.unwrap_or_default().split(' ').collect();
        names.sort_unstable();
        names
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" / "))
    }
}

pub(crate) fn base64(text: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(text)
}

impl Smtp {
    pub(crate) fn greeted(wire: Wire) -> Self {
        let mut smtp = Self { wire };
        smtp.expect("220");
        smtp
    }

    pub(crate) fn reply(&mut self) -> Reply {
        self.try_reply().unwrap_or_else(|| self.wire.fail("the server ended the connection"))
    }

    /// None when the server has ended the connection.
    pub(crate) fn try_reply(&mut self) -> Option<Reply> {
        let mut lines = Vec::new();
        loop {
            let line = String::from_utf8(self.wire.next_line()?).unwrap();
            let (code, rest) = line.split_at_checked(3).unwrap_or_else(|| self.wire.fail("no reply code"));
            let code: u16 = code.parse().unwrap_or_else(|_| self.wire.fail("no reply code"));
            lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if !rest.starts_with('-') {
                return Some(Reply { code, lines });
            }
        }
    }

    pub(crate) fn expect(&mut self, expected: &str) -> Reply {
        let reply = self.reply();
        if !reply.is(expected) {
            self.wire.fail(&format!("expected {expected:?}, got {reply:?}"));
        }
        reply
    }

    pub(crate) fn ask(&mut self, line: &str, expected: &str) -> Reply {
        self.wire.line(line);
        self.expect(expected)
    }

    pub(crate) fn hello(&mut self) -> Reply {
        self.ask("EHLO client.example.org", "250")
    }

    pub(crate) fn start_tls(mut self, site: &Site) -> Self {
        self.ask("STARTTLS", "220");
        Self { wire: site.secure(self.wire) }
    }

    pub(crate) fn plain(user: &User) -> String {
        Self::plain_with(user.login, user.password)
    }

    /// The argument of `AUTH PLAIN` (RFC 4616): nobody else's name, login, password.
    pub(crate) fn plain_with(login: &str, password: &str) -> String {
        base64(format!("\0{login}\0{password}"))
    }

    pub(crate) fn authenticate(&mut self, user: &User) {
        self.ask(&format!("AUTH PLAIN {}", Self::plain(user)), "235");
    }

    pub(crate) fn envelope(&mut self, from: &str, to: &[&str]) {
        self.ask(&format!("MAIL FROM:<{from}>"), "250");
        for to in to {
            self.ask(&format!("RCPT TO:<{to}>"), "250");
        }
    }

    /// Whether the server takes mail at all now.
    pub(crate) fn try_mail(&mut self, from: &str) -> bool {
        self.wire.line(&format!("MAIL FROM:<{from}>"));
        self.reply().code == 250
    }

    /// A whole transaction; back when the server has accepted the message.
    pub(crate) fn send_mail(&mut self, from: &str, to: &[&str], message: &[u8]) -> Reply {
        self.envelope(from, to);
        self.ask("DATA", "354");
        self.wire.bytes(&stuffed(message));
        self.expect("250")
    }

    pub(crate) fn quit(mut self) {
        self.ask("QUIT", "221");
        assert!(self.wire.rest().is_empty());
    }
}

/// The message as DATA carries it (RFC 5321 §4.5.2), with the end behind it.
pub(crate) fn stuffed(message: &[u8]) -> Vec<u8> {
    assert!(message.ends_with(b"\r\n"), "DATA cannot carry a message without a last line ending");
    let mut stuffed = Vec::with_capacity(message.len() + 16);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}
