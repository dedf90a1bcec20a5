//! The client's side of POP3, as far as scripts need it.

use super::site::{Site, User};
use super::wire::Wire;

pub(crate) struct Pop3 {
    pub(crate) wire: Wire,
    /// What the server said first.
    pub(crate) greeting: String,
}

impl Pop3 {
    pub(crate) fn greeted(wire: Wire) -> Self {
        let mut pop3 = Self { wire, greeting: String::new() };
        pop3.greeting = pop3.expect("+OK");
        pop3
    }

    /// The status line.
    pub(crate) fn reply(&mut self) -> String {
        let line = self.wire.next_line().unwrap_or_else(|| self.wire.fail("the server ended the connection"));
        String::from_utf8(line).unwrap()
    }

    pub(crate) fn expect(&mut self, expected: &str) -> String {
        let reply = self.reply();
        if !reply.starts_with(expected) {
            self.wire.fail(&format!("expected {expected:?}, got {reply:?}"));
        }
        reply
    }

    pub(crate) fn ask(&mut self, line: &str, expected: &str) -> String {
        self.wire.line(line);
        self.expect(expected)
    }

    /// A command with a multi-line response: its lines, without the end.
    pub(crate) fn list(&mut self, line: &str) -> Vec<String> {
        self.ask(line, "+OK");
        let mut lines = Vec::new();
        loop {
            match self.reply() {
                end if end == "." => return lines,
                line => lines.push(line),
            }
        }
    }

    pub(crate) fn start_tls(mut self, site: &Site) -> Self {
        self.ask("STLS", "+OK");
        Self { wire: site.secure(self.wire), greeting: self.greeting }
    }

    pub(crate) fn login(&mut self, user: &User) {
        self.ask(&format!("USER {}", user.login), "+OK");
        self.ask(&format!("PASS {}", user.password), "+OK");
    }

    /// The number of messages and their octets (RFC 1939 §5, STAT).
    pub(crate) fn stat(&mut self) -> (usize, u64) {
        let reply = self.ask("STAT", "+OK ");
        let mut numbers = reply["+OK ".len()..].split(' ');
        let mut next = || numbers.next().unwrap().to_owned();
        (next().parse().unwrap(), next().parse().unwrap())
    }

    pub(crate) fn count(&mut self) -> usize {
        self.stat().0
    }

    /// A message as it was before it was stuffed.
    pub(crate) fn retrieve(&mut self, number: usize) -> Vec<u8> {
        self.message(&format!("RETR {number}"))
    }

    /// What RETR or TOP brings, un-stuffed.
    pub(crate) fn message(&mut self, command: &str) -> Vec<u8> {
        self.ask(command, "+OK");
        // The end may stand at once, where it has no line before it.
        let mut stuffed = self.wire.through(b".\r\n");
        while !(stuffed == b".\r\n" || stuffed.ends_with(b"\r\n.\r\n")) {
            stuffed.extend(self.wire.through(b".\r\n"));
        }
        stuffed.truncate(stuffed.len() - b".\r\n".len());
        let mut message = Vec::with_capacity(stuffed.len());
        for line in stuffed.split_inclusive(|byte| *byte == b'\n') {
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        message
    }

    pub(crate) fn quit(mut self) {
        self.ask("QUIT", "+OK");
        assert!(self.wire.rest().is_empty());
    }
}
