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
//! With recipients elsewhere it is of version 2, which has three kinds of lines more: `account` (who submitted it), `mail` (the
//! parameters of MAIL to hand on) and `remote` (a recipient, and behind a blank the parameters of its RCPT).
//!
//! Lines end with LF; values are printable ASCII, other octets and `%` as `%` and two hexadecimal digits. A text that does not
//! end in `end` was not written whole. Programs read the versions they know and leave others alone, in `corrupt/`.

use std::collections::BTreeSet;
use std::fmt::Write;

use mailstore::{Mailbox, Sizes};

use crate::id::QueueId;

/// Who sent a message, and to whom it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The message's name inside this system.
    pub queue_id: QueueId,
    /// The reverse-path (RFC 5321 §4.1.1.2) without `<>`: the sender's address, or empty.
    pub reverse_path: String,
    /// The recipients' mailboxes. One that stands here twice gets one copy.
    pub mailboxes: Vec<Mailbox>,
    /// The recipients elsewhere.
    pub remotes: Vec<Remote>,
    /// The parameters of MAIL that go with it to other hosts, as RFC 5321 §4.1.2 writes them: `BODY=8BITMIME RET=HDRS`.
    pub parameters: String,
    /// The login that submitted it.
    pub account: Option<String>,
}

/// A recipient whose mailbox is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remote {
    /// The address without `<>`.
    pub address: String,
    /// The parameters of its RCPT, such as `NOTIFY=NEVER`.
    pub parameters: String,
}

impl Remote {
    /// The domain, in small letters: what mail to it has in common.
    pub fn domain(&self) -> String {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase()
    }
}

impl Envelope {
    /// A message for mailboxes of ours.
    pub fn new(queue_id: QueueId, reverse_path: impl Into<String>, mailboxes: Vec<Mailbox>) -> Envelope {
        Envelope {
            queue_id,
            reverse_path: reverse_path.into(),
            mailboxes,
            remotes: Vec::new(),
            parameters: String::new(),
            account: None,
        }
    }

    /// Leaves each mailbox and each address standing once, at its first place.
    pub fn without_duplicates(mut self) -> Envelope {
        let mut seen = BTreeSet::new();
        self.mailboxes.retain(|mailbox| seen.insert(mailbox.clone()));
        let mut seen = BTreeSet::new();
        self.remotes.retain(|remote| seen.insert(remote.address.clone()));
        self
    }

    /// Whether version 1 of the text has room for it.
    fn is_local(&self) -> bool {
        self.remotes.is_empty() && self.parameters.is_empty() && self.account.is_none()
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
#[error("not an envelope of version 1 or 2: {0}")]
pub struct Malformed(pub &'static str);

const LOCAL: &str = "yubin-envelope 1";
const WITH_REMOTES: &str = "yubin-envelope 2";

impl Stored {
    pub(crate) fn encode(&self) -> String {
        let Stored { envelope, host, sizes } = self;
        let header = if envelope.is_local() { LOCAL } else { WITH_REMOTES };
        let mut text = format!("{header}\nid {}\nhost {}\n", envelope.queue_id, escape(host));
        let _ = write!(
            text,
            "from {}\nstored {}\nwire {}\n",
            escape(&envelope.reverse_path),
            sizes.stored,
            sizes.wire
        );
        if let Some(account) = &envelope.account {
            let _ = writeln!(text, "account {}", escape(account));
        }
        if !envelope.parameters.is_empty() {
            let _ = writeln!(text, "mail {}", escape(&envelope.parameters));
        }
        for mailbox in &envelope.mailboxes {
            let _ = writeln!(text, "to {}", escape(mailbox.as_str()));
        }
        for Remote { address, parameters } in &envelope.remotes {
            let _ = writeln!(text, "remote {} {}", escape(address), escape(parameters));
        }
        text.push_str("end\n");
        text
    }

    pub(crate) fn decode(text: &[u8]) -> Result<Stored, Malformed> {
        let text = str::from_utf8(text).map_err(|_| Malformed("not text"))?;
        let body = text.strip_suffix("end\n").ok_or(Malformed("no end"))?;
        let mut lines = body.split_terminator('\n');
        let header = lines.next();
        if header != Some(LOCAL) && header != Some(WITH_REMOTES) {
            return Err(Malformed("another kind or version"));
        }
        let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let id = value("id").and_then(QueueId::parse).ok_or(Malformed("id"))?;
        let host = value("host").and_then(unescape).ok_or(Malformed("host"))?;
        let reverse_path = value("from").and_then(unescape).ok_or(Malformed("from"))?;
        let stored = value("stored").and_then(|n| n.parse().ok()).ok_or(Malformed("stored"))?;
        let wire = value("wire").and_then(|n| n.parse().ok()).ok_or(Malformed("wire"))?;
        let mut envelope = Envelope::new(id, reverse_path, Vec::new());
        for line in lines {
            envelope.take(line)?;
        }
        if envelope.mailboxes.is_empty() && envelope.remotes.is_empty() {
            return Err(Malformed("no recipient"));
        }
        if (header == Some(LOCAL)) != envelope.is_local() {
            return Err(Malformed("lines of another version"));
        }
        Ok(Stored { envelope, host, sizes: Sizes { stored, wire } })
    }
}

impl Envelope {
    /// One of the lines behind the first six.
    fn take(&mut self, line: &str) -> Result<(), Malformed> {
        let (key, value) = line.split_once(' ').ok_or(Malformed("a line without a value"))?;
        match key {
            "to" => {
                let mailbox = unescape(value).and_then(|key| Mailbox::new(key).ok());
                self.mailboxes.push(mailbox.ok_or(Malformed("to"))?);
            }
            "remote" => {
                let (address, parameters) = value.split_once(' ').ok_or(Malformed("remote"))?;
                let address = unescape(address).filter(|address| !address.is_empty());
                let parameters = unescape(parameters).ok_or(Malformed("remote"))?;
                self.remotes.push(Remote { address: address.ok_or(Malformed("remote"))?, parameters });
            }
            "account" => self.account = Some(unescape(value).ok_or(Malformed("account"))?),
            "mail" => {
                let parameters = unescape(value).filter(|parameters| !parameters.is_empty());
                self.parameters = parameters.ok_or(Malformed("mail"))?;
            }
            _ => return Err(Malformed("an unknown line")),
        }
        Ok(())
    }
}

pub(crate) fn escape(value: &str) -> String {
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

pub(crate) fn unescape(text: &str) -> Option<String> {
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
        let mailboxes = proptest::collection::vec(mailbox, 0..5);
        let remote = ("\\PC{1,20}", any::<String>());
        let remote = remote.prop_map(|(address, parameters)| Remote { address, parameters });
        let remotes = proptest::collection::vec(remote, 0..5);
        let recipients = (mailboxes, remotes)
            .prop_filter("somebody", |(ours, others)| !ours.is_empty() || !others.is_empty());
        let marks = (any::<String>(), any::<Option<String>>());
        (any::<(String, String)>(), recipients, marks, any::<(u64, u64)>()).prop_map(
            |((host, reverse_path), (mailboxes, remotes), (parameters, account), (stored, wire))| {
                let envelope = Envelope::new(QueueId::new(), reverse_path, mailboxes);
                Stored {
                    envelope: Envelope { remotes, parameters, account, ..envelope },
                    host,
                    sizes: Sizes { stored, wire },
                }
            },
        )
    }

    #[test]
    fn an_envelope_is_a_text_that_an_operator_can_read() {
        let queue_id = QueueId::parse("01JQX5Z7W3N8K2AB").unwrap();
        let mailboxes = vec![Mailbox::new("tanaka").unwrap(), Mailbox::new("鈴木").unwrap()];
        let stored = Stored {
            envelope: Envelope::new(queue_id, "a b%@example.jp", mailboxes),
            host: "mx.example.jp".into(),
            sizes: Sizes { stored: 10, wire: 12 },
        };
        let text = "yubin-envelope 1\nid 01JQX5Z7W3N8K2AB\nhost mx.example.jp\nfrom a%20b%25@example.jp\nstored 10\nwire 12\n\
                    to tanaka\nto %E9%88%B4%E6%9C%A8\nend\n";
        assert_eq!(stored.encode(), text);
        assert_eq!(Stored::decode(text.as_bytes()), Ok(stored));
    }

    #[test]
    fn recipients_elsewhere_make_it_version_2() {
        let queue_id = QueueId::parse("01JQX5Z7W3N8K2AB").unwrap();
        let remote = |address: &str, parameters: &str| Remote {
            address: address.into(),
            parameters: parameters.into(),
        };
        let mut envelope = Envelope::new(queue_id, "a@example.jp", Vec::new());
        envelope.remotes = vec![remote("b@Example.com", ""), remote("c@example.com", "NOTIFY=NEVER")];
        envelope.parameters = "BODY=8BITMIME RET=HDRS".into();
        envelope.account = Some("tanaka".into());
        assert_eq!(envelope.remotes[0].domain(), "example.com");
        let stored = Stored { envelope, host: "mx".into(), sizes: Sizes { stored: 10, wire: 12 } };
        let text = "yubin-envelope 2\nid 01JQX5Z7W3N8K2AB\nhost mx\nfrom a@example.jp\nstored 10\nwire 12\n\
                    account tanaka\nmail BODY=8BITMIME%20RET=HDRS\nremote b@Example.com \n\
                    remote c@example.com NOTIFY=NEVER\nend\n";
        assert_eq!(stored.encode(), text);
        assert_eq!(Stored::decode(text.as_bytes()), Ok(stored));
        for (from, to) in
            [("envelope 2", "envelope 1"), ("com \n", "com\n"), ("remote b@Example.com", "remote ")]
        {
            assert!(Stored::decode(text.replace(from, to).as_bytes()).is_err(), "{from:?} → {to:?}");
        }
    }

    #[test]
    fn what_is_not_whole_or_not_ours_is_malformed() {
        let text = Stored {
            envelope: Envelope::new(QueueId::new(), "", vec![Mailbox::new("a").unwrap()]),
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
