//! The trace fields that are put before a message: `Return-Path` and `Received` (RFC 5321 §4.4), and on submission the `Date` and
//! `Message-ID` that a client left out (RFC 6409 §8). Nothing else of a message is touched.

use std::fmt::Write as _;
use std::net::IpAddr;

use daemon_kit::tls::TlsInfo;
use jiff::Zoned;

/// RFC 5322 §2.1.1 recommends lines of at most 78 octets.
const FOLD: usize = 78;

/// What the fields say.
#[derive(Debug)]
pub(crate) struct Trace<'t> {
    /// The reverse-path, without angle brackets; empty for the null path.
    pub(crate) reverse_path: &'t str,
    /// As whom the client greeted.
    pub(crate) client_name: &'t str,
    pub(crate) client_address: IpAddr,
    /// This host's own name.
    pub(crate) hostname: &'t str,
    pub(crate) protocol: Protocol,
    pub(crate) tls: Option<&'t TlsInfo>,
    pub(crate) queue_id: &'t str,
    /// The recipients as RCPT named them. Only one that is alone is shown: others may be there in secret (RFC 5321 §7.2).
    pub(crate) recipients: &'t [String],
    pub(crate) now: &'t Zoned,
}

/// How the message came, for the `with` clause (RFC 3848).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) extended: bool,
    pub(crate) encrypted: bool,
    pub(crate) authenticated: bool,
}

impl Protocol {
    #[rustfmt::skip]
    const fn keyword(self) -> &'static str {
        match (self.extended, self.encrypted, self.authenticated) {
            (false, false, false) => "SMTP",
            // RFC 3848 has no name for these without ESMTP: what came after is more telling than what came first.
            (_, true,  true)      => "ESMTPSA",
            (_, true,  false)     => "ESMTPS",
            (_, false, true)      => "ESMTPA",
            (true, false, false)  => "ESMTP",
        }
    }
}

impl Trace<'_> {
    /// The fields, as they stand before the message.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut field = Folded::new("Return-Path:");
        field.word(format_args!("<{}>", self.reverse_path));
        field.finish(out);
        let mut field = Folded::new("Received:");
        field.word(format_args!("from {}", printable(self.client_name)));
        field.word(format_args!("({})", literal(self.client_address)));
        field.word(format_args!("by {}", self.hostname));
        field.word(format_args!("with {}", self.protocol.keyword()));
        if let Some(tls) = self.tls {
            field.word(format_args!("(version={}", tls.version));
            field.word(format_args!("cipher={}", tls.cipher));
            field.word(format_args!("bits={})", tls.bits));
        }
        field.word(format_args!("id {}", self.queue_id));
        if let [recipient] = self.recipients {
            field.word(format_args!("for"));
            field.word(format_args!("<{recipient}>"));
        }
        field.close(';');
        field.word(format_args!("{}", date(self.now)));
        field.finish(out);
    }
}

/// The fields that a submitted message lacks. `header` is its header as far as it was read; one that goes on beyond may hold them
/// still and is left alone.
pub(crate) fn complete(header: &[u8], queue_id: &str, hostname: &str, now: &Zoned, out: &mut Vec<u8>) {
    if !has_field(header, b"Message-ID") {
        out.extend_from_slice(format!("Message-ID: <{queue_id}@{hostname}>\r\n").as_bytes());
    }
    if !has_field(header, b"Date") {
        out.extend_from_slice(format!("Date: {}\r\n", date(now)).as_bytes());
    }
}

/// Where the header of a message ends: behind its last line, before the empty one. `None` while it is still going on. The octets
/// before `searched` were looked at already.
pub(crate) fn header_end(message: &[u8], searched: usize) -> Option<usize> {
    // The end may have come in part before.
    let from = searched.saturating_sub(b"\r\n\r".len());
    match message.starts_with(b"\r\n") {
        true => Some(0),
        false => memchr::memmem::find(message.get(from..)?, b"\r\n\r\n").map(|at| from + at + 2),
    }
}

fn has_field(header: &[u8], name: &[u8]) -> bool {
    header.split_inclusive(|&octet| octet == b'\n').any(|line| {
        let Some((start, rest)) = line.split_at_checked(name.len()) else { return false };
        start.eq_ignore_ascii_case(name) && rest.trim_ascii_start().starts_with(b":")
    })
}

/// RFC 5322 §3.3, with the zone's name as a comment.
fn date(now: &Zoned) -> String {
    now.strftime("%a, %d %b %Y %H:%M:%S %z (%Z)").to_string()
}

/// An address literal of RFC 5321 §4.1.3.
fn literal(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// A client names itself as it likes; in a structured field only what a name or a literal may hold keeps its meaning.
fn printable(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    name.chars().map(|c| if allowed(c) { c } else { '?' }).collect()
}

/// A field that breaks its lines between words.
struct Folded {
    text: String,
    line: usize,
}

impl Folded {
    fn new(name: &str) -> Self {
        Self { text: name.to_owned(), line: name.len() }
    }

    fn word(&mut self, word: std::fmt::Arguments<'_>) {
        let mark = self.text.len();
        self.text.push(' ');
        // Writing into a string cannot fail.
        let _ = self.text.write_fmt(word);
        let length = self.text.len() - mark;
        // One octet stays free for what `close` puts behind a word.
        if self.line + length >= FOLD {
            self.text.replace_range(mark..=mark, "\r\n ");
            self.line = length;
        } else {
            self.line += length;
        }
    }

    fn close(&mut self, with: char) {
        self.text.push(with);
        self.line += with.len_utf8();
    }

    fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2006-12-25T03:43:58+09:00[+09:00]".parse().unwrap()
    }

    fn trace<'t>(recipients: &'t [String], tls: Option<&'t TlsInfo>, now: &'t Zoned) -> String {
        let trace = Trace {
            reverse_path: "taro@example.jp",
            client_name: "pc(1)",
            client_address: [192, 0, 2, 1].into(),
            hostname: "mx.example.jp",
            protocol: Protocol { extended: true, encrypted: tls.is_some(), authenticated: true },
            tls,
            queue_id: "01ABC",
            recipients,
            now,
        };
        let mut out = Vec::new();
        trace.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn h_05_only_a_lonely_recipient_is_named() {
        let one = trace(&["hanako@example.jp".to_owned()], None, &now());
        assert_eq!(
            one,
            "Return-Path: <taro@example.jp>\r\n\
             Received: from pc?1? ([192.0.2.1]) by mx.example.jp with ESMTPA id 01ABC for\r\n \
             <hanako@example.jp>; Mon, 25 Dec 2006 03:43:58 +0900 (+09)\r\n"
        );
        let two = trace(&["hanako@example.jp".to_owned(), "secret@example.jp".to_owned()], None, &now());
        assert!(!two.contains("for") && !two.contains("secret"), "{two}");
    }

    #[test]
    fn lines_are_folded_at_78_octets() {
        let long = ["a".repeat(64) + "@" + &"b".repeat(60) + ".example.jp"];
        for line in trace(&long, None, &now()).lines() {
            assert!(line.len() <= 78 || !line.trim_start().contains(' '), "{line}");
        }
    }

    #[test]
    fn h_11_submission_adds_what_is_missing_and_nothing_else() {
        let added = |header: &[u8]| {
            let mut out = Vec::new();
            complete(header, "01ABC", "mx.example.jp", &now(), &mut out);
            String::from_utf8(out).unwrap()
        };
        let (id, date) =
            ("Message-ID: <01ABC@mx.example.jp>\r\n", "Date: Mon, 25 Dec 2006 03:43:58 +0900 (+09)\r\n");
        assert_eq!(added(b""), format!("{id}{date}"));
        assert_eq!(added(b"date : x\r\n"), id);
        assert_eq!(added(b"X: y\r\nMESSAGE-ID:\r\n <1@x>\r\n"), date);
        assert_eq!(added(b"Date: x\r\nMessage-ID: y\r\n"), "");
        assert_eq!(added(b"Dates: x\r\nX-Message-ID: y\r\n"), format!("{id}{date}"));
    }

    #[test]
    fn a_header_ends_before_the_empty_line() {
        for (message, end) in [
            (&b""[..], None),
            (b"\r\nbody", Some(0)),
            (b"A: b\r\n\r\nbody", Some(6)),
            (b"A: b\r\n", None),
            (b"A: b\r\nC: d\r\n\r\n", Some(12)),
        ] {
            assert_eq!(header_end(message, 0), end, "{}", message.escape_ascii());
            let found =
                (0..=message.len()).find_map(|come| header_end(&message[..come], come.saturating_sub(1)));
            assert_eq!(found, end, "{} octet by octet", message.escape_ascii());
        }
    }
}
