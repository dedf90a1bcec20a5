//! A message that the disk has no room for.

use crate::harness::Service;
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
