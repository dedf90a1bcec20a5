//! What MAIL and RCPT said, in the words of the envelope. Whoever sends the message on
//! says it again.

use delivery::{Body, Mailbox, Notify, Parameters, Recipient, Remote, Return};
use smtp_proto::{BodyType, Mail, Rcpt};

pub(crate) fn of_mail(mail: &Mail<'_>) -> Parameters {
    Parameters {
        body: mail.body.and_then(|body| match body {
            BodyType::SevenBit => Some(Body::SevenBit),
            BodyType::EightBitMime => Some(Body::EightBitMime),
            // Never offered: what it marks has no lines.
            BodyType::BinaryMime => None,
        }),
        utf8: mail.smtputf8,
        ret: mail.ret.map(|ret| match ret {
            smtp_proto::Return::Full => Return::Full,
            smtp_proto::Return::Headers => Return::Headers,
        }),
        envelope_id: mail.envelope_id.map(|id| id.to_string()),
    }
}

pub(crate) fn of_rcpt(rcpt: &Rcpt<'_>, mailbox: Mailbox) -> Recipient {
    let Remote { address, notify, original, .. } = of_remote(rcpt);
    Recipient { notify, original, ..Recipient::new(mailbox, address) }
}

pub(crate) fn of_remote(rcpt: &Rcpt<'_>) -> Remote {
    let notify = |smtp_proto::Notify { success, failure, delay }| Notify { success, failure, delay };
    Remote {
        notify: rcpt.notify.map(notify),
        original: rcpt.original.map(|original| original.to_string()),
        ..Remote::new(rcpt.forward_path.to_string())
    }
}

#[cfg(test)]
mod tests {
    use smtp_proto::{Extension, Extensions};

    use super::*;

    const ALL: Extensions =
        Extensions::plain().with(Extension::Dsn).with(Extension::SmtpUtf8).with(Extension::BinaryMime);

    #[test]
    fn what_mail_said_is_kept_as_it_was_said() {
        let of = |argument| of_mail(&Mail::parse(argument, ALL).unwrap());
        assert_eq!(of("FROM:<a@b>"), Parameters::default());
        let said = Parameters {
            body: Some(Body::EightBitMime),
            utf8: true,
            ret: Some(Return::Headers),
            envelope_id: Some("QQ+2B1".into()),
        };
        assert_eq!(of("FROM:<\u{82b1}@b> BODY=8bitmime SMTPUTF8 RET=hdrs ENVID=QQ+2B1 SIZE=9"), said);
        assert_eq!(of("FROM:<> BODY=7BIT RET=FULL").body, Some(Body::SevenBit));
    }

    #[test]
    fn what_rcpt_said_is_kept_as_it_was_said() {
        let of =
            |argument| of_rcpt(&Rcpt::parse(argument, ALL, true).unwrap(), Mailbox::new("hanako").unwrap());
        let plain = of("TO:<@x:Hanako@Example.jp>");
        assert_eq!((plain.address.as_str(), plain.notify, plain.original), ("Hanako@Example.jp", None, None));
        let said = of("TO:<a@b> NOTIFY=delay,SUCCESS ORCPT=rfc822;a+2Bb@b");
        assert_eq!(said.notify, Some(Notify { success: true, failure: false, delay: true }));
        assert_eq!(said.original.as_deref(), Some("rfc822;a+2Bb@b"));
        let never = of("TO:<a@b> NOTIFY=NEVER").notify;
        assert_eq!(never, Some(Notify { success: false, failure: false, delay: false }));
    }
}
