//! The message that tells the owner of a mailbox that it is nearly full.

use mailstore::{Maildir, Quota, Reservation, Usage};

use crate::local::Inner;
use crate::notice::{Both, compose};

/// Whom to warn, and as who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarningConfig {
    /// From so many percent of a quota on.
    pub percent: u8,
    /// The address that the message is from.
    pub from: String,
}

/// Room in a mailbox that was asked for at RCPT, and whose mailbox that is.
#[derive(Debug)]
pub struct Reserved {
    pub(crate) reservation: Reservation,
    /// As RCPT named the owner.
    pub(crate) address: String,
}

impl Reserved {
    /// The owner's address, as RCPT named it.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Inner {
    /// Tells the owners of mailboxes that a message made nearly full. Nothing of this is the message's fault or its sender's trouble.
    pub(crate) fn warn(&self, mailboxes: &[(Maildir, Quota, String)]) {
        let Some(warning) = &self.config.warning else { return };
        for (maildir, quota, address) in mailboxes.iter().filter(|(_, quota, _)| !quota.is_none()) {
            let told = match self.ledger.warning_due(maildir, *quota) {
                Ok(None) => continue,
                Ok(Some(usage)) => self.tell(warning, maildir, *quota, usage, address).map(|()| usage),
                Err(error) => Err(error.into()),
            };
            let mailbox =
                maildir.path().strip_prefix(&self.config.maildirs).unwrap_or(maildir.path()).display();
            match told {
                Ok(Usage { octets, messages }) => {
                    tracing::info!(event = "quota_warned", %mailbox, octets, messages);
                }
                Err(reason) => tracing::warn!(event = "quota_warning_failed", %mailbox, %reason),
            }
        }
    }

    fn tell(
        &self,
        warning: &WarningConfig,
        maildir: &Maildir,
        quota: Quota,
        usage: Usage,
        address: &str,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let deliver = || -> Result<(), Box<dyn std::error::Error>> {
            let id = self.namer.next().to_string();
            let text = text(address, quota, usage);
            let message = compose(&warning.from, address, &id, SUBJECT.on_one_line(None), text)?;
            Ok(self.put_notice(maildir, quota, &message)?)
        };
        deliver().inspect_err(|_| self.ledger.not_warned(maildir))
    }
}

const SUBJECT: Both<'_> = Both("メールボックスの空きが少なくなっています", "Your mailbox is nearly full");

fn text(address: &str, quota: Quota, usage: Usage) -> String {
    let mib = |octets: u64| format!("{:.1} MiB", octets as f64 / f64::from(1 << 20));
    let mut japanese = Vec::new();
    let mut english = Vec::new();
    if let Some(limit) = quota.octets {
        japanese.push(format!("容量: {} / 上限 {}", mib(usage.octets), mib(limit)));
        english.push(format!("Size: {} of {}", mib(usage.octets), mib(limit)));
    }
    if let Some(limit) = quota.messages {
        japanese.push(format!("通数: {} 通 / 上限 {limit} 通", usage.messages));
        english.push(format!("Messages: {} of {limit}", usage.messages));
    }
    let (japanese, english) = (japanese.join("\r\n"), english.join("\r\n"));
    let japanese = format!(
        "{address} 様\r\n\r\n\
         メールボックスの空きが少なくなっています。いっぱいになると、新しいメールを\r\n\
         受信できなくなります。不要なメールをサーバから削除してください。\r\n\r\n{japanese}\r\n\r\n"
    );
    let english = format!(
        "The mailbox of {address} is nearly full. When it is full, no new mail\r\n\
         can be received. Please delete mail that you do not need from the server.\r\n\r\n{english}\r\n"
    );
    Both(&japanese, &english).one_below_the_other(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l_09_the_warning_is_in_characters_that_every_way_can_carry() {
        let (quota, usage) =
            (Quota { octets: Some(10 << 20), messages: Some(100) }, Usage { octets: 9 << 20, messages: 12 });
        let (from, to) = ("postmaster@mx.example.jp", "taro@example.jp");
        let message = compose(from, to, "1.M2", SUBJECT.on_one_line(None), text(to, quota, usage)).unwrap();
        assert!(message.is_ascii());
        let message = String::from_utf8(message).unwrap();
        for line in message.split_inclusive("\r\n") {
            assert!(
                line.ends_with("\r\n") && !line.trim_end_matches("\r\n").contains(['\r', '\n']),
                "{line:?}"
            );
            assert!(line.len() <= 80, "RFC 5322 §2.1.1 and RFC 2047 §2: {line:?}");
        }
        let header = message.split("\r\n\r\n").next().unwrap();
        for field in [
            "From: <postmaster@mx.example.jp>",
            "To: <taro@example.jp>",
            "Message-ID: <1.M2@mx.example.jp>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=\"utf-8\"",
            "Content-Transfer-Encoding: base64",
        ] {
            assert!(header.to_lowercase().contains(&field.to_lowercase()), "{field}\n{header}");
        }
        assert_eq!(header.matches("\r\nDate: ").count(), 1);
        let body = text("taro@example.jp", quota, usage);
        for part in ["9.0 MiB / 上限 10.0 MiB", "12 通", "Size: 9.0 MiB of 10.0 MiB", "Messages: 12 of 100"]
        {
            assert!(body.contains(part), "{part}\n{body}");
        }
    }
}
