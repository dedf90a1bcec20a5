//! A message that the disk has no room for.

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{Door, KENJI, Site};

#[test]
fn l_05_a_message_larger_than_the_disk_is_refused_at_mail_and_others_are_taken() {
    let site = Site::with_users();
    site.configure(&(Site::configuration() + "\n[limits]\nmessage_size = 0\n"));
    let service = Service::serve(site);
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org> SIZE=9000000000000000", "452 4.3.1");
    smtp.send_mail("friend@example.org", &[KENJI.address], b"Subject: small\r\n\r\nsmall\r\n");
    smtp.quit();
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn l_05_below_the_reserve_no_mail_is_taken_and_it_is_said_loudly_once() {
    for reserve in ["reserve_space = \"1000000TiB\"", "reserve_inodes = 4000000000"] {
        let site = Site::with_users();
        let with =
            Site::configuration().replace("queue = \"queue\"", &format!("queue = \"queue\"\n{reserve}"));
        site.configure(&with);
        let smtpd = site.start(Program::Smtpd);
        let mut smtp = crate::harness::smtp::Smtp::greeted(site.connect(Door::Mx, smtpd.address(Door::Mx)));
        smtp.hello();
        if smtp.try_mail("friend@example.org") {
            // A file system that counts no inodes has no shortage of them.
            assert!(reserve.contains("inodes"));
            continue;
        }
        smtp.ask("MAIL FROM:<friend@example.org>", "452 4.3.1");
        smtp.quit();
        smtpd.terminate();
        let (_, log) = smtpd.ended();
        assert_eq!(log.matches("store_low").count(), 1, "{log}");
    }
}
