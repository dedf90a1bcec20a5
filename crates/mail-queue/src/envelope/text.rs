//! The envelope's text on the disk.
//!
//! ```text
//! yubin-envelope 2
//! id 01JQX5Z7W3N8K2AB
//! host mx.example.jp
//! from sato@example.jp
//! body 8BITMIME
//! utf8 yes
//! ret HDRS
//! envid QQ314159
//! delivered-to yes
//! account sato
//! stored 2345
//! wire 2345
//! to tanaka
//! address tanaka@example.jp
//! notify SUCCESS,DELAY
//! orcpt rfc822;tanaka@example.jp
//! to suzuki
//! address suzuki@example.jp
//! remote yamada@example.com
//! notify NEVER
//! remote sato@example.net
//! sender SRS0=HHHHHH=TT=example.jp=sato@mx.example.jp
//! for tanaka@example.jp
//! kept yes
//! end
//! ```
//!
//! Lines end with LF and stand in this order; `id`, `host`, `from`, `stored`, `wire` and one `to` or `remote` must be there. Values are printable ASCII,
//! other octets and `%` as `%` and two hexadecimal digits. A text that does not end in `end` was not written whole. Version 1 had no
//! more than those. A version or a line that a program does not know may be one that matters: it leaves the message alone, in `corrupt/`,
//! and says so.

use std::fmt::Write;

use mailstore::{Mailbox, Sizes};

use super::parameters::{Body, Notify, Parameters, Return};
use super::{Envelope, Forward, Recipient, Remote, Stored};
use crate::id::QueueId;

/// The text is not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an envelope of version 1 or 2: {0}")]
pub struct Malformed(pub &'static str);

const HEADER: &str = "yubin-envelope 2";
/// What was written before MAIL's and RCPT's parameters were kept.
const OLD_HEADER: &str = "yubin-envelope 1";

impl Stored {
    pub(crate) fn encode(&self) -> String {
        let Stored { envelope, host, sizes } = self;
        let Parameters { body, utf8, ret, envelope_id } = &envelope.parameters;
        let mut text = format!("{HEADER}\n");
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(text, "{key} {}", escape(value));
        };
        line("id", &envelope.queue_id.to_string());
        line("host", host);
        line("from", &envelope.reverse_path);
        body.iter().for_each(|body| line("body", body.as_str()));
        utf8.then(|| line("utf8", YES));
        ret.iter().for_each(|ret| line("ret", ret.as_str()));
        envelope_id.iter().for_each(|id| line("envid", id));
        envelope.delivered_to.then(|| line("delivered-to", YES));
        envelope.account.iter().for_each(|account| line("account", account));
        line("stored", &sizes.stored.to_string());
        line("wire", &sizes.wire.to_string());
        for Recipient { mailbox, address, notify, original } in &envelope.recipients {
            line("to", mailbox.as_str());
            line("address", address);
            notify.iter().for_each(|notify| line("notify", &notify.encode()));
            original.iter().for_each(|original| line("orcpt", original));
        }
        for Remote { address, notify, original, forward } in &envelope.remotes {
            line("remote", address);
            notify.iter().for_each(|notify| line("notify", &notify.encode()));
            original.iter().for_each(|original| line("orcpt", original));
            if let Some(Forward { reverse_path, recipient, kept }) = forward {
                line("sender", reverse_path);
                line("for", recipient);
                kept.then(|| line("kept", YES));
            }
        }
        text.push_str("end\n");
        text
    }

    pub(crate) fn decode(text: &[u8]) -> Result<Stored, Malformed> {
        let text = str::from_utf8(text).map_err(|_| Malformed("not text"))?;
        let body = text.strip_suffix("end\n").ok_or(Malformed("no end"))?;
        let (header, rest) = body.split_once('\n').ok_or(Malformed("another kind or version"))?;
        if ![HEADER, OLD_HEADER].contains(&header) {
            return Err(Malformed("another kind or version"));
        }
        let mut lines = Lines(rest);
        let queue_id = QueueId::parse(&lines.required("id")?).ok_or(Malformed("id"))?;
        let host = lines.required("host")?;
        let reverse_path = lines.required("from")?;
        let parameters = Parameters {
            body: lines.parsed("body", Body::parse)?,
            utf8: lines.parsed("utf8", yes)?.is_some(),
            ret: lines.parsed("ret", Return::parse)?,
            envelope_id: lines.optional("envid")?,
        };
        let delivered_to = lines.parsed("delivered-to", yes)?.is_some();
        let account = lines.optional("account")?;
        let mut number = |key| lines.required(key)?.parse().map_err(|_| Malformed(key));
        let sizes = Sizes { stored: number("stored")?, wire: number("wire")? };
        let mut recipients = Vec::new();
        while let Some(key) = lines.optional("to")? {
            recipients.push(Recipient {
                mailbox: Mailbox::new(key).map_err(|_| Malformed("to"))?,
                address: lines.optional("address")?.unwrap_or_default(),
                notify: lines.parsed("notify", Notify::parse)?,
                original: lines.optional("orcpt")?,
            });
        }
        let mut remotes = Vec::new();
        while let Some(address) = lines.optional("remote")? {
            remotes.push(Remote {
                address,
                notify: lines.parsed("notify", Notify::parse)?,
                original: lines.optional("orcpt")?,
                forward: match lines.optional("sender")? {
                    None => None,
                    Some(reverse_path) => Some(Forward {
                        reverse_path,
                        recipient: lines.required("for")?,
                        kept: lines.parsed("kept", yes)?.is_some(),
                    }),
                },
            });
        }
        if !lines.0.is_empty() {
            return Err(Malformed("a line that is not known here"));
        }
        if recipients.is_empty() && remotes.is_empty() {
            return Err(Malformed("no recipient"));
        }
        let envelope =
            Envelope { queue_id, reverse_path, parameters, delivered_to, account, recipients, remotes };
        Ok(Stored { envelope, host, sizes })
    }
}

const YES: &str = "yes";

fn yes(word: &str) -> Option<()> {
    (word == YES).then_some(())
}

/// What is left of a text.
struct Lines<'t>(&'t str);

impl Lines<'_> {
    fn optional(&mut self, key: &'static str) -> Result<Option<String>, Malformed> {
        let Some(rest) = self.0.strip_prefix(key).and_then(|rest| rest.strip_prefix(' ')) else {
            return Ok(None);
        };
        let (value, rest) = rest.split_once('\n').ok_or(Malformed(key))?;
        self.0 = rest;
        unescape(value).ok_or(Malformed(key)).map(Some)
    }

    fn required(&mut self, key: &'static str) -> Result<String, Malformed> {
        self.optional(key)?.ok_or(Malformed(key))
    }

    fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        self.optional(key)?.map(|value| parse(&value).ok_or(Malformed(key))).transpose()
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

    fn recipient() -> impl Strategy<Value = Recipient> {
        let mailbox = any::<String>().prop_filter_map("a key", |key| Mailbox::new(key).ok());
        (mailbox, any::<String>(), any::<Option<[bool; 3]>>(), any::<Option<String>>()).prop_map(
            |(mailbox, address, notify, original)| {
                let notify = notify.map(|[success, failure, delay]| Notify { success, failure, delay });
                Recipient { mailbox, address, notify, original }
            },
        )
    }

    fn parameters() -> impl Strategy<Value = Parameters> {
        let body = prop_oneof![Just(None), Just(Some(Body::SevenBit)), Just(Some(Body::EightBitMime))];
        let ret = prop_oneof![Just(None), Just(Some(Return::Full)), Just(Some(Return::Headers))];
        (body, any::<bool>(), ret, any::<Option<String>>())
            .prop_map(|(body, utf8, ret, envelope_id)| Parameters { body, utf8, ret, envelope_id })
    }

    fn stored() -> impl Strategy<Value = Stored> {
        let forward = any::<Option<(String, String, bool)>>();
        let remote =
            (recipient(), forward).prop_map(|(Recipient { address, notify, original, .. }, forward)| {
                let forward =
                    forward.map(|(reverse_path, recipient, kept)| Forward { reverse_path, recipient, kept });
                Remote { address, notify, original, forward }
            });
        let recipients = (
            proptest::collection::vec(recipient(), 0..4),
            proptest::collection::vec(remote, 0..4),
            any::<Option<String>>(),
        );
        let recipients =
            recipients.prop_filter("for somebody", |(ours, others, _)| ours.len() + others.len() > 0);
        let numbers = any::<(u64, u64)>();
        (any::<String>(), any::<String>(), parameters(), any::<bool>(), recipients, numbers).prop_map(
            |(
                host,
                reverse_path,
                parameters,
                delivered_to,
                (recipients, remotes, account),
                (stored, wire),
            )| Stored {
                envelope: Envelope {
                    queue_id: QueueId::new(),
                    reverse_path,
                    parameters,
                    delivered_to,
                    account,
                    recipients,
                    remotes,
                },
                host,
                sizes: Sizes { stored, wire },
            },
        )
    }

    fn to(key: &str, address: &str) -> Recipient {
        Recipient::new(Mailbox::new(key).unwrap(), address)
    }

    #[test]
    fn an_envelope_is_a_text_that_an_operator_can_read() {
        let queue_id = QueueId::parse("01JQX5Z7W3N8K2AB").unwrap();
        let tanaka = Recipient {
            notify: Some(Notify { success: true, failure: false, delay: true }),
            original: Some("rfc822;t+2Bx@example.jp".into()),
            ..to("tanaka", "tanaka@example.jp")
        };
        let recipients = vec![tanaka, to("鈴木", "suzuki@example.jp")];
        let never = Notify { success: false, failure: false, delay: false };
        let forward =
            Forward { reverse_path: "s=x@us".into(), recipient: "tanaka@example.jp".into(), kept: true };
        let stored = Stored {
            envelope: Envelope {
                parameters: Parameters {
                    body: Some(Body::EightBitMime),
                    utf8: true,
                    ret: Some(Return::Headers),
                    envelope_id: Some("QQ314159".into()),
                },
                delivered_to: true,
                account: Some("sato".into()),
                remotes: vec![
                    Remote::new("a@Example.com"),
                    Remote { notify: Some(never), ..Remote::new("b@c") },
                    Remote { forward: Some(forward), ..Remote::new("d@e") },
                ],
                ..Envelope::new(queue_id, "a b%@example.jp", recipients)
            },
            host: "mx.example.jp".into(),
            sizes: Sizes { stored: 10, wire: 12 },
        };
        let text = "yubin-envelope 2\nid 01JQX5Z7W3N8K2AB\nhost mx.example.jp\nfrom a%20b%25@example.jp\nbody 8BITMIME\n\
                    utf8 yes\nret HDRS\nenvid QQ314159\ndelivered-to yes\naccount sato\nstored 10\nwire 12\n\
                    to tanaka\naddress tanaka@example.jp\nnotify SUCCESS,DELAY\norcpt rfc822;t+2Bx@example.jp\n\
                    to %E9%88%B4%E6%9C%A8\naddress suzuki@example.jp\n\
                    remote a@Example.com\nremote b@c\nnotify NEVER\n\
                    remote d@e\nsender s=x@us\nfor tanaka@example.jp\nkept yes\nend\n";
        assert_eq!(stored.encode(), text);
        assert_eq!(Stored::decode(text.as_bytes()), Ok(stored));
    }

    #[test]
    fn what_an_older_version_left_is_read() {
        let text = "yubin-envelope 1\nid 01JQX5Z7W3N8K2AB\nhost mx.example.jp\nfrom a@example.jp\nstored 10\nwire 12\n\
                    to tanaka\nto suzuki\nend\n";
        let queue_id = QueueId::parse("01JQX5Z7W3N8K2AB").unwrap();
        let recipients = vec![to("tanaka", ""), to("suzuki", "")];
        let stored = Stored {
            envelope: Envelope::new(queue_id, "a@example.jp", recipients),
            host: "mx.example.jp".into(),
            sizes: Sizes { stored: 10, wire: 12 },
        };
        assert_eq!(Stored::decode(text.as_bytes()), Ok(stored));
    }

    #[test]
    fn what_is_not_whole_or_not_ours_is_malformed() {
        let text = Stored {
            envelope: Envelope::new(QueueId::new(), "", vec![to("a", "b")]),
            host: "mx".into(),
            sizes: Sizes { stored: 1, wire: 1 },
        }
        .encode();
        for cut in 0..text.len() {
            assert!(Stored::decode(&text.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
        for (from, to, why) in [
            ("envelope 2", "envelope 3", "another kind or version"),
            ("to a", "to ../a", "to"),
            ("to a\naddress b\n", "", "no recipient"),
            ("to a", "cc a", "a line that is not known here"),
            ("end\n", "until tomorrow\nend\n", "a line that is not known here"),
            ("stored", "hold yes\nstored", "stored"),
            ("stored", "body BINARYMIME\nstored", "body"),
            ("stored", "utf8 no\nstored", "utf8"),
            ("end\n", "notify OFTEN\nend\n", "notify"),
            ("wire 1", "wire -1", "wire"),
            ("from ", "from", "from"),
            ("from ", "from %4", "from"),
            ("from ", "from %FF", "from"),
            ("from ", "from \u{7f}", "from"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text);
            assert_eq!(Stored::decode(changed.as_bytes()), Err(Malformed(why)), "{from:?} → {to:?}");
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
