//! What a message of 50 MiB costs in memory on its way in and on its way out.

use crate::harness::Service;
use crate::harness::daemon::Daemon;
use crate::harness::mail::{assert_same, behind_trace, large};
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::harness::smtp::stuffed;

/// KiB that a daemon may hold while the message goes through, its program's own pages included.
const LIMIT: u64 = 32 << 10;

#[test]
fn a_message_of_50_mib_goes_through_in_less_than_32_mib() {
    let service = Service::start();
    let large = large();

    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp.envelope(AYUMI.address, &[KENJI.address]);
    smtp.ask("DATA", "354");
    let sent = peak(&service.smtpd, || {
        smtp.wire.bytes(&stuffed(&large.octets));
        smtp.expect("250");
    });
    smtp.quit();
    assert!(sent < LIMIT, "smtpd took {sent} KiB");

    let mut pop3 = service.mailbox(&KENJI);
    let mut came = Vec::new();
    let fetched = peak(&service.pop3d, || came = pop3.retrieve(1));
    pop3.quit();
    assert!(fetched < LIMIT, "pop3d took {fetched} KiB");
    assert_same(&large, behind_trace(&came).message, "one session");
}

/// The most memory in KiB that the daemon held during `work`. What came before does not count: a login takes 12 MiB for the
/// moment of its Argon2id, by design.
fn peak(daemon: &Daemon, work: impl FnOnce()) -> u64 {
    daemon.forget_peak_memory();
    work();
    daemon.peak_memory()
}

#[test]
fn where_memory_is_short_a_large_message_waits_and_a_small_one_comes() {
    let service = Service::start();
    let text = |lines: usize| [b"Subject: lines\r\n\r\n".to_vec(), b"0123456789\r\n".repeat(lines)].concat();
    for lines in [100, 10_000] {
        service.receive("friend@example.org", &[KENJI.address], &text(lines));
    }
    service.site.configure(&Site::configuration_with("\n[limits]\nmemory = \"140KiB\"\n"));
    let service = service.restart_pop3d();
    let mut pop3 = service.mailbox(&KENJI);
    assert!(pop3.retrieve(1).len() > 1_000);
    pop3.ask("RETR 2", "-ERR [SYS/TEMP]");
    assert!(pop3.retrieve(1).len() > 1_000, "it is in step");
    pop3.quit();
}
