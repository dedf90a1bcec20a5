//! The process ends, in each of the ways a process can end, and what was acknowledged is there.

use std::path::PathBuf;

use crate::harness::Service;
use crate::harness::mail::{behind_trace, samples};
use crate::harness::site::{AYUMI, Door, KENJI};
use crate::harness::smtp::stuffed;

/// A message that fits in memory, and one that is streamed to a file.
fn bodies() -> [Vec<u8>; 2] {
    [100, 1 << 20].map(|octets| {
        let body = "acknowledged\r\n".repeat(octets / 14);
        format!("Subject: {octets}\r\n\r\n{body}").into_bytes()
    })
}

#[test]
fn l_10_what_was_acknowledged_survives_kill_9_and_is_there_once() {
    let mut service = Service::start();
    let mut expected = Vec::new();
    for body in bodies() {
        for recipients in [&[KENJI.address][..], &[KENJI.address, AYUMI.address]] {
            let mut smtp = service.smtp(Door::Mx);
            smtp.hello();
            smtp.send_mail("friend@example.org", recipients, &body);
            // The 250 has been read: not one more instruction of the daemon counts.
            service = service.crash_smtpd();
            expected.push((body.clone(), recipients.len()));
        }
    }
    for (user, recipients) in [(KENJI, 1), (AYUMI, 2)] {
        let expected: Vec<_> =
            expected.iter().filter(|(_, count)| *count >= recipients).map(|(body, _)| body).collect();
        let fetched = service.fetch(&user);
        let fetched: Vec<_> = fetched.iter().map(|message| behind_trace(message).message).collect();
        assert_eq!(fetched.len(), expected.len(), "{}", user.login);
        for (came, sent) in fetched.iter().zip(expected) {
            assert!(came == sent, "{}", String::from_utf8_lossy(&came[..40]));
        }
    }
    assert_eq!(service.site.queue_files(), Vec::<PathBuf>::new(), "the queue forgot what was delivered");
}

#[test]
fn a_daemon_that_is_asked_to_end_finishes_what_it_has_begun() {
    let service = Service::start();
    let mut sending = service.smtp(Door::Mx);
    sending.hello();
    sending.envelope("friend@example.org", &[KENJI.address]);
    sending.ask("DATA", "354");
    let mut idle = service.smtp(Door::Submissions);
    idle.hello();

    service.smtpd.terminate();
    // Who is between two messages is sent away.
    assert!(idle.reply().is("421"));
    assert_eq!(idle.try_reply(), None);
    // Who is in the middle of one is heard to its end.
    sending.wire.bytes(&stuffed(&samples()[0].octets));
    sending.expect("250");

    let Service { smtpd, pop3d, site } = service;
    let (status, log) = smtpd.ended();
    assert!(status.success(), "{status}\n{log}");
    let service = Service { smtpd: site.start(crate::harness::programs::Program::Smtpd), pop3d, site };
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn a_pop3_session_is_sent_away_when_the_daemon_ends_and_nothing_is_deleted() {
    let service = Service::start();
    service.receive("friend@example.org", &[KENJI.address], &samples()[0].octets);
    let mut pop3 = service.mailbox(&KENJI);
    pop3.ask("DELE 1", "+OK");
    service.pop3d.terminate();
    let said = String::from_utf8(pop3.wire.rest()).unwrap();
    assert!(said.is_empty() || said.starts_with("-ERR"), "{said}");

    let service = service.restart_pop3d();
    assert_eq!(service.fetch(&KENJI).len(), 1);
}
