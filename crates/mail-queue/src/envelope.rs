//! The envelope, and its text on the disk.
//!
//! ```text
//! yubin-envelope 1
//! id 01JQX5Z7W3N8K2AB
//! host mx.example.jp
//! from sato@example.jp
//! stored 2345
//! wire 2345
//! to tanaka
//! to suzuki
//! end
//! ```
//!
//! Lines end with LF; values are printable ASCII, other octets and `%` as `%` and two hexadecimal digits. A text that does not
//! end in `end` was not written whole. Programs read the versions they know and leave others alone, in `corrupt/`.

use std::collections::BTreeSet;
use std::fmt::Write;

use mailstore::{Mailbox, Sizes};

use crate::id::QueueId;

/// Who sent a message, and into which mailboxes it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The message's name inside this system.
    pub queue_id: QueueId,
    /// The reverse-path (RFC 5321 §4.1.1.2) without `<>`: the sender's address, or empty.
    pub reverse_path: String,
    /// The recipients' mailboxes. One that stands here twice gets one copy.
    pub mailboxes: Vec<Mailbox>,
}

impl Envelope {
    /// Leaves each mailbox standing once, at its first place.
    pub fn without_duplicates(mut self) -> Envelope {
        let mut seen = BTreeSet::new();
        self.mailboxes.retain(|mailbox| seen.insert(mailbox.clone()));
        self
    }
}

/// What the file says: the envelope and what delivery needs beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) envelope: Envelope,
    /// The host at acceptance: part of the message's file name, which must not change with the configuration.
    pub(crate) host: String,
    pub(crate) sizes: Sizes,
}

/// The text is not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an envelope of version 1: {0}")]
pub struct Malformed(pub &'static str);

const HEADER: &str = "yubin-envelope 1";

impl Stored {
    pub(crate) fn encode(&self) -> String {
        let Stored { envelope, host, sizes } = self;
        let mut text = format!("{HEADER}\nid {}\nhost {}\n", envelope.queue_id, escape(host));
        let _ = write!(
            text,
            "from {}\nstored {}\nwire {}\n",
            escape(&envelope.reverse_path),
            sizes.stored,
            sizes.wire
        );
        for mailbox in &envelope.mailboxes {
            let _ = writeln!(text, "to {}", escape(mailbox.as_str()));
        }
        text.push_str("end\n");
        text
    }

    pub(crate) fn decode(text: &[u8]) -> Result<Stored, Malformed> {
        let text = str::from_utf8(text).map_err(|_| Malformed("not text"))?;
        let body = text.strip_suffix("end\n").ok_or(Malformed("no end"))?;
        let mut lines = body.split_terminator('\n');
        if lines.next() != Some(HEADER) {
            return Err(Malformed("another kind or version"));
        }
        let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let id = value("id").and_then(QueueId::parse).ok_or(Malformed("id"))?;
        let host = value("host").and_then(unescape).ok_or(Malformed("host"))?;
        let reverse_path = value("from").and_then(unescape).ok_or(Malformed("from"))?;
        let stored = value("stored").and_then(|n| n.parse().ok()).ok_or(Malformed("stored"))?;
        let wire = value("wire").and_then(|n| n.parse().ok()).ok_or(Malformed("wire"))?;
        let mailbox = |line: &str| Mailbox::new(unescape(line.strip_prefix("to ")?)?).ok();
        let mailboxes: Vec<Mailbox> = lines.map(mailbox).collect::<Option<_>>().ok_or(Malformed("to"))?;
        if mailboxes.is_empty() {
            return Err(Malformed("no recipient"));
        }
        let envelope = Envelope { queue_id: id, reverse_path, mailboxes };
        Ok(Stored { envelope, host, sizes: Sizes { stored, wire } })
    }
}

fn escape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut value = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        value.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            _ if byte.is_ascii_graphic() => byte,
            _ => return None,
        });
    }
    String::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored() -> impl Strategy<Value = Stored> {
        let mailbox = any::<String>().prop_filter_map("a key", |key| Mailbox::new(key).ok());
        let mailboxes = proptest::collection::vec(mailbox, 1..5);
        (any::<String>(), any::<String>(), mailboxes, any::<(u64, u64)>()).prop_map(
            |(host, reverse_path, mailboxes, (stored, wire))| Stored {
                envelope: Envelope { queue_id: QueueId::new(), reverse_path, mailboxes },
                host,
                sizes: Sizes { stored, wire },
            },
        )
    }

    #[test]
    fn an_envelope_is_a_text_that_an_operator_can_read() {
        let queue_id = QueueId::parse("01JQX5Z7W3N8K2AB").unwrap();
        let mailboxes = vec![Mailbox::new("tanaka").unwrap(), Mailbox::new("鈴木").unwrap()];
        let stored = Stored {
            envelope: Envelope { queue_id, reverse_path: "a b%@example.jp".into(), mailboxes },
            host: "mx.example.jp".into(),
            sizes: Sizes { stored: 10, wire: 12 },
        };
        let text = "yubin-envelope 1\nid 01JQX5Z7W3N8K2AB\nhost mx.example.jp\nfrom a%20b%25@example.jp\nstored 10\nwire 12\n\
                    to tanaka\nto %E9%88%B4%E6%9C%A8\nend\n";
        assert_eq!(stored.encode(), text);
        assert_eq!(Stored::decode(text.as_bytes()), Ok(stored));
    }

    #[test]
    fn what_is_not_whole_or_not_ours_is_malformed() {
        let text = Stored {
            envelope: Envelope {
                queue_id: QueueId::new(),
                reverse_path: String::new(),
                mailboxes: vec![Mailbox::new("a").unwrap()],
            },
            host: "mx".into(),
            sizes: Sizes { stored: 1, wire: 1 },
        }
        .encode();
        for cut in 0..text.len() {
            assert!(Stored::decode(&text.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
        for (from, to) in [
            ("envelope 1", "envelope 2"),
            ("to a", "to ../a"),
            ("to a\n", ""),
            ("to a", "cc a"),
            ("wire 1", "wire -1"),
            ("from ", "from"),
            ("from ", "from %4"),
            ("from ", "from %FF"),
            ("from ", "from \u{7f}"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text);
            assert!(Stored::decode(changed.as_bytes()).is_err(), "{from:?} → {to:?}");
        }
    }

    proptest! {
        #[test]
        fn an_envelope_is_read_as_it_was_written(stored in stored()) {
            prop_assert_eq!(Stored::decode(stored.encode().as_bytes()), Ok(stored));
        }

        #[test]
        fn any_octets_are_read_without_harm(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Stored::decode(&text).is_err());
        }
    }
}
