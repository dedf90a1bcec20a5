//! MAIL and RCPT: known answers, and that parsing undoes writing.

use std::string::{String, ToString};

use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::extension::{Extension, Extensions};
use crate::grammar::address::{ForwardPath, Mailbox, ReversePath};
use crate::grammar::date_time::DateTime;
use crate::grammar::delivery::{ByMode, DeliverBy, Hold, Priority, ValidSince};
use crate::grammar::marks::{BodyType, Solicitation, Submitter, Tracking, TransactionId};
use crate::grammar::notification::{Notify, OriginalRecipient, Return};
use crate::grammar::parameter::Xtext;
use crate::reply::Reply;

fn all() -> Extensions {
    Extension::ALL.iter().fold(Extensions::NONE, |set, one| set.with(*one))
}

#[test]
fn mail_parameters() {
    for (argument, wanted) in [
        ("FROM:<>", Ok("MAIL FROM:<>")),
        ("from:  <a@b>  size=1", Ok("MAIL FROM:<a@b> SIZE=1")),
        ("FROM:<@x:a@b> BODY=binarymime", Ok("MAIL FROM:<a@b> BODY=BINARYMIME")),
        ("FROM:<\u{82b1}@b> SMTPUTF8", Ok("MAIL FROM:<\u{82b1}@b> SMTPUTF8")),
        ("FROM:<a@b> ret=hdrs envid=x+2By", Ok("MAIL FROM:<a@b> RET=HDRS ENVID=x+2By")),
        (
            "FROM:<a@b> requiretls mt-priority=-3 by=+60;rt",
            Ok("MAIL FROM:<a@b> MT-PRIORITY=-3 BY=60;RT REQUIRETLS"),
        ),
        ("FROM:<a@b> HOLDFOR=60", Ok("MAIL FROM:<a@b> HOLDFOR=60")),
        ("FROM:<a@b> HOLDUNTIL=2030-01-01T00:00:00Z", Ok("MAIL FROM:<a@b> HOLDUNTIL=2030-01-01T00:00:00Z")),
        (
            "FROM:<a@b> SUBMITTER=c@d SOLICIT=x:ADV MTRK=abc:1 TRANSID=<1> CONPERM",
            Ok("MAIL FROM:<a@b> SUBMITTER=c@d SOLICIT=x:ADV MTRK=abc:1 TRANSID=<1> CONPERM"),
        ),
        ("<a@b>", Err(replies::BAD_SENDER)),
        ("FROM:<a@b>SIZE=1", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b>\rSIZE=1", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b>\u{c}SIZE=1", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b> ", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b> SIZE", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b> SIZE=x", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b> SIZE=1 size=1", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b> HOLDFOR=1 HOLDUNTIL=2030-01-01T00:00:00Z", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b> SMTPUTF8=1", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b> SMTPUTF8 SMTPUTF8", Err(replies::BAD_PARAMETER)),
        ("FROM:<a@b> NOTIFY=NEVER", Err(replies::PARAMETER_UNKNOWN)),
        ("FROM:<a@b> X-EVERYTHING-IS-LONG=1", Err(replies::PARAMETER_UNKNOWN)),
        ("FROM:<\u{82b1}@b>", Err(replies::ADDRESS_NOT_ASCII)),
    ] {
        let parsed = Mail::parse(argument, all()).map(|mail| mail.to_string());
        assert_eq!(parsed, wanted.map(String::from), "{argument}");
    }
}

#[test]
fn rcpt_parameters() {
    for (argument, wanted) in [
        ("TO:<PostMaster>", Ok("RCPT TO:<postmaster>")),
        (
            "to:<a@b> notify=delay,failure orcpt=rfc822;c@d",
            Ok("RCPT TO:<a@b> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c@d"),
        ),
        ("TO:<a@b> RRVS=2014-04-03T23:01:00Z conneg", Ok("RCPT TO:<a@b> RRVS=2014-04-03T23:01:00Z;R CONNEG")),
        ("TO:<>", Err(replies::BAD_RECIPIENT)),
        ("TO:<a@b> NOTIFY=OFTEN", Err(replies::BAD_PARAMETER)),
        ("TO:<a@b> ORCPT=utf-8;\u{82b1}", Err(replies::BAD_PARAMETER)),
        ("TO:<a@b> SIZE=1", Err(replies::PARAMETER_UNKNOWN)),
        ("TO:<\u{82b1}@b>", Err(replies::ADDRESS_NOT_ASCII)),
    ] {
        let parsed = Rcpt::parse(argument, all(), false).map(|rcpt| rcpt.to_string());
        assert_eq!(parsed, wanted.map(String::from), "{argument}");
    }
    assert!(Rcpt::parse("TO:<\u{82b1}@b> ORCPT=utf-8;\u{82b1}", all(), true).is_ok());
}

/// Each parameter with the extension that must be offered for it.
#[test]
fn what_is_not_offered_is_unknown() {
    for (parameter, extension) in [
        ("AUTH=<>", Extension::Auth),
        ("BODY=7BIT", Extension::EightBitMime),
        ("BY=1;R", Extension::DeliverBy),
        ("CONPERM", Extension::ConPerm),
        ("ENVID=x", Extension::Dsn),
        ("HOLDFOR=1", Extension::FutureRelease),
        ("HOLDUNTIL=2030-01-01T00:00:00Z", Extension::FutureRelease),
        ("MT-PRIORITY=0", Extension::MtPriority),
        ("MTRK=x", Extension::Tracking),
        ("REQUIRETLS", Extension::RequireTls),
        ("RET=FULL", Extension::Dsn),
        ("SIZE=1", Extension::Size),
        ("SMTPUTF8", Extension::SmtpUtf8),
        ("SOLICIT=x", Extension::NoSoliciting),
        ("SUBMITTER=x", Extension::Submitter),
        ("TRANSID=<x>", Extension::Checkpoint),
    ] {
        let argument = std::format!("FROM:<a@b> {parameter}");
        assert!(Mail::parse(&argument, Extensions::NONE.with(extension)).is_ok(), "{argument}");
        let without = Mail::parse(&argument, all().without(extension));
        assert_eq!(without, Err(replies::PARAMETER_UNKNOWN), "{argument}");
    }
    for (parameter, extension) in [
        ("CONNEG", Extension::ConNeg),
        ("NOTIFY=NEVER", Extension::Dsn),
        ("ORCPT=rfc822;x", Extension::Dsn),
        ("RRVS=2030-01-01T00:00:00Z", Extension::Rrvs),
    ] {
        let argument = std::format!("TO:<a@b> {parameter}");
        assert!(Rcpt::parse(&argument, Extensions::NONE.with(extension), false).is_ok(), "{argument}");
        let without = Rcpt::parse(&argument, all().without(extension), false);
        assert_eq!(without, Err(replies::PARAMETER_UNKNOWN), "{argument}");
    }
    let binary = Mail::parse("FROM:<> BODY=BINARYMIME", all().without(Extension::BinaryMime));
    assert_eq!(binary, Err(replies::BAD_PARAMETER));
}

const ADDRESS: &str =
    "[a-z]{1,8}(\\.[a-z0-9+]{1,4})?@[a-z]{1,8}(\\.[a-z]{2,4})?|\"[a-z @.]{0,9}\"@\\[192\\.0\\.2\\.[1-9]\\]";

/// Owned parts of what a client may say, from which borrowed commands are made.
fn texts() -> impl Strategy<Value = (String, String, String, String)> {
    (ADDRESS, "[a-z<>@]{1,9}(\\+2B)?", "[a-zA-Z0-9+/]{1,28}", "[a-z][a-z:.]{0,9}(,[a-z]{1,4})?")
}

fn instant() -> impl Strategy<Value = String> {
    (0..9999_u16, 1..=12_u8, 1..=28_u8, 0..24_u8, 0..60_u8)
        .prop_map(|(y, m, d, h, min)| std::format!("{y:04}-{m:02}-{d:02}T{h:02}:{min:02}:00Z"))
}

proptest! {
    #[test]
    fn parsing_undoes_writing_mail(
        (address, xtext, certifier, kinds) in texts(),
        until in instant(),
        size in of(any::<u64>()),
        (body, ret, auth, seconds) in (0..4_u8, 0..3_u8, 0..3_u8, 1..999_999_999_i32),
        on in proptest::collection::vec(any::<bool>(), 10),
    ) {
        let path = Mailbox::parse(&address).map_or(ReversePath::Null, ReversePath::Mailbox);
        let mut mail = Mail::new(path);
        mail.size = size;
        mail.body = [None, Some(BodyType::SevenBit), Some(BodyType::EightBitMime), Some(BodyType::BinaryMime)][usize::from(body)];
        mail.ret = [None, Some(Return::Full), Some(Return::Headers)][usize::from(ret)];
        let xtext = Xtext::parse(&xtext);
        mail.auth = [None, Submitter::parse("<>"), xtext.and_then(|text| Submitter::parse(text.as_str()))][usize::from(auth)];
        mail.smtputf8 = on[0];
        mail.require_tls = on[1];
        mail.conversion_permitted = on[2];
        mail.envelope_id = xtext.filter(|_| on[3]);
        mail.priority = Priority::new((seconds % 10) as i8);
        mail.by = DeliverBy::new(seconds, if on[4] { ByMode::Return } else { ByMode::Notify }, on[5]);
        mail.hold = Some(if on[6] { Hold::For(seconds as u32) } else { Hold::Until(DateTime::parse(&until).unwrap()) });
        mail.responsible = xtext.filter(|_| on[7]);
        mail.solicitation = Solicitation::parse(&kinds);
        mail.tracking = Tracking::parse(&certifier).filter(|_| on[8]);
        mail.transaction_id = TransactionId::parse("<1@x>").filter(|_| on[9]);
        let written = mail.to_string();
        prop_assert_eq!(Mail::parse(&written["MAIL ".len()..], all()), Ok(mail), "{}", written);
    }

    #[test]
    fn parsing_undoes_writing_rcpt(
        (address, xtext, ..) in texts(),
        since in instant(),
        (success, failure, delay, negotiated, or_continue) in any::<(bool, bool, bool, bool, bool)>(),
        notify: bool,
    ) {
        let path = Mailbox::parse(&address).map_or(ForwardPath::Postmaster, ForwardPath::Mailbox);
        let mut rcpt = Rcpt::new(path);
        rcpt.notify = notify.then_some(Notify { success, failure, delay });
        let original = std::format!("rfc822;{xtext}");
        rcpt.original = OriginalRecipient::parse(&original);
        rcpt.valid_since = Some(ValidSince { since: DateTime::parse(&since).unwrap(), or_continue });
        rcpt.content_negotiation = negotiated;
        let written = rcpt.to_string();
        prop_assert_eq!(Rcpt::parse(&written["RCPT ".len()..], all(), false), Ok(rcpt), "{}", written);
    }

    /// Whatever stands there, the answer is a command that can be written and read again, or a reply.
    #[test]
    fn nothing_panics(argument in "\\PC{0,60}|(FROM|TO):<[a-z@\"\\\\.\\[\\]:]{0,12}>( [A-Z0-9-]{1,12}(=[!-~]{0,12})?){0,4}") {
        let refused = |reply: Reply| reply.code().is_permanent();
        match Mail::parse(&argument, all()) {
            Ok(mail) => {
                let written = mail.to_string();
                prop_assert_eq!(Mail::parse(&written["MAIL ".len()..], all()), Ok(mail));
            }
            Err(reply) => prop_assert!(refused(reply)),
        }
        match Rcpt::parse(&argument, all(), true) {
            Ok(rcpt) => {
                let written = rcpt.to_string();
                prop_assert_eq!(Rcpt::parse(&written["RCPT ".len()..], all(), true), Ok(rcpt));
            }
            Err(reply) => prop_assert!(refused(reply)),
        }
    }
}
