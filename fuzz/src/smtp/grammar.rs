//! The grammar: what is read can be written, and read again as the same.

use smtp_proto::client::Answer;
use smtp_proto::{Extension, Extensions, Mail, Mailbox, Rcpt};

/// MAIL, RCPT and mailboxes.
pub fn command(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let all = Extension::ALL.iter().fold(Extensions::NONE, |set, one| set.with(*one));
    match Mail::parse(text, all) {
        Ok(mail) => {
            let written = mail.to_string();
            assert!(!written.contains(['\r', '\n', '\0']));
            assert_eq!(Mail::parse(written.strip_prefix("MAIL ").unwrap(), all), Ok(mail));
        }
        Err(reply) => assert!(reply.code().is_permanent()),
    }
    for smtputf8 in [false, true] {
        match Rcpt::parse(text, all, smtputf8) {
            Ok(rcpt) => {
                let written = rcpt.to_string();
                assert!(!written.contains(['\r', '\n', '\0']) && (smtputf8 || written.is_ascii()));
                assert_eq!(Rcpt::parse(written.strip_prefix("RCPT ").unwrap(), all, smtputf8), Ok(rcpt));
            }
            Err(reply) => assert!(reply.code().is_permanent()),
        }
    }
    if let Some(mailbox) = Mailbox::parse(text) {
        assert_eq!(mailbox.to_string(), text);
        assert!(!mailbox.local_part().unquoted().contains(['\r', '\n', '\0']));
    }
}

/// A server's reply.
pub fn reply(data: &[u8]) {
    let Some(answer) = Answer::parse(data) else { return };
    assert!((200..560).contains(&answer.code().get()));
    assert_eq!(answer.texts().count(), data.iter().filter(|&&octet| octet == b'\n').count());
    assert!(answer.texts().all(|text| !text.contains(&b'\n')));
    if let Some(enhanced) = answer.enhanced() {
        assert_eq!(u16::from(enhanced.0), answer.code().get() / 100);
    }
}
