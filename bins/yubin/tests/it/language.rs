//! In which language a customer is told what became of a message.

use crate::forwarding::{MESSAGE, two_hosts};
use crate::harness::Service;
use crate::harness::site::{AYUMI, Door};

fn send(service: &Service) {
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp.send_mail(AYUMI.address, &["nobody@example.com"], MESSAGE);
    smtp.quit();
}

/// The subject of "could not be delivered" in Japanese, as a header has it.
const JAPANESE: &str = "=?utf-8?";

#[test]
fn a_report_is_in_the_language_of_the_senders_domain() {
    let (here, _there) = two_hosts(&[]);
    for (language, japanese) in [("ja", true), ("default", false), ("en", false)] {
        let setting = format!("report_language={language}");
        let shown = here.site.yubin(&["--json", "domain", "set", "mx.example.jp", &setting]);
        assert!(shown.contains(&format!("\"report_language\": \"{language}\"")), "{shown}");
        let before = here.fetch(&AYUMI).len();
        send(&here);
        here.smtpd.wait_for_events("report_sent", before + 1);
        let report = String::from_utf8(here.fetch(&AYUMI)[before].clone()).unwrap();
        let subject = report.lines().find(|line| line.starts_with("Subject: ")).unwrap();
        assert_eq!(subject.to_ascii_lowercase().contains(JAPANESE), japanese, "{language}: {subject}");
        assert_eq!(subject.contains("Undelivered"), !japanese, "{language}: {subject}");
    }
}
