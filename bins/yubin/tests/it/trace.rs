//! What the service writes before a message, and that it changes nothing behind that.

use crate::harness::Service;
use crate::harness::mail::{behind_trace, samples};
use crate::harness::site::{AYUMI, Door, KENJI};

#[test]
fn h_05_the_recipient_is_named_only_where_there_is_one() {
    let service = Service::start();
    let message = &samples()[0].octets;
    service.receive("friend@example.org", &[KENJI.alias], message);
    service.receive("friend@example.org", &[KENJI.alias, AYUMI.alias], message);

    let [one, two] = &service.fetch(&KENJI)[..] else { panic!("two messages for Kenji") };
    let received = behind_trace(one).received;
    assert!(received.contains(&format!("for <{}>", KENJI.alias)), "{received}");
    for copy in [two, &service.fetch(&AYUMI)[0]] {
        let received = behind_trace(copy).received;
        assert!(!received.contains("for <") && !received.contains('@'), "{received}");
    }
}

#[test]
fn h_11_return_path_at_delivery_and_missing_fields_added_on_submission_only() {
    let service = Service::start();
    let bare = "Subject: no date\r\n\r\nbody\r\n";
    // From outside: the trace, and nothing else.
    service.receive("friend@example.org", &[KENJI.address], bare.as_bytes());
    service.receive("", &[KENJI.address], bare.as_bytes());
    // By a customer: what RFC 6409 §8 lets a submission server complete.
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp.send_mail(AYUMI.address, &[KENJI.address], bare.as_bytes());
    smtp.send_mail(AYUMI.address, &[KENJI.address], &samples()[0].octets);
    smtp.quit();

    let fetched = service.fetch(&KENJI);
    let [outside, bounce, submitted, complete] = &fetched[..] else { panic!("{} messages", fetched.len()) };
    let outside = behind_trace(outside);
    assert_eq!(outside.return_path, "<friend@example.org>");
    assert_eq!(outside.message, bare.as_bytes());
    let bounce = behind_trace(bounce);
    assert_eq!(bounce.return_path, "<>");
    assert_eq!(bounce.message, bare.as_bytes());

    let submitted = behind_trace(submitted);
    assert_eq!(submitted.return_path, format!("<{}>", AYUMI.address));
    let text = String::from_utf8(submitted.message.to_vec()).unwrap();
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "body\r\n");
    let mut names: Vec<_> = header.split("\r\n").map(|line| line.split(':').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Date", "Message-ID", "Subject"]);

    assert_eq!(behind_trace(complete).message, samples()[0].octets, "nothing was missing, nothing is added");
}
