//! RFC 3461: what senders ask to be told of mailboxes here.

use std::process::{Command, Stdio};

use crate::clients::{left_out, succeeds};
use crate::harness::Service;
use crate::harness::site::{AYUMI, Door, KENJI, Site};

/// Python's smtplib with what RFC 3461 lets a client say; each recipient as `ADDRESS NOTIFY`.
const SEND: &str = r#"
import smtplib, sys
host, port, sender, *recipients = sys.argv[1:]
with smtplib.SMTP(host, int(port), "client.example.org") as smtp:
    smtp.ehlo()
    assert smtp.has_extn("dsn"), smtp.esmtp_features
    code, said = smtp.mail(sender, ["RET=HDRS", "ENVID=QQ+2B314"])
    assert code == 250, said
    for recipient in recipients:
        address, notify = recipient.split(" ")
        code, said = smtp.rcpt(address, ["NOTIFY=" + notify, "ORCPT=rfc822;" + address])
        assert code == 250, said
    code, said = smtp.data("Subject: hello\r\n\r\nHello.\r\n")
    assert code == 250, said
"#;

/// Nobody is asked there: nothing of this leaves the machine.
const OUTBOUND: &str = "[outbound]\nname_servers = [\"127.0.0.1:9\"]";

fn service(configuration: &str) -> Service {
    let site = Site::with_users();
    site.configure(&configuration.replace("[outbound]\nenabled = false", OUTBOUND));
    Service::serve(site)
}

fn send(service: &Service, sender: &str, recipients: &[&str]) {
    let address = service.address(Door::Mx);
    let mut command = Command::new("python3");
    command.args(["-c", SEND, &address.ip().to_string(), &address.port().to_string(), sender]);
    succeeds(command.args(recipients), Stdio::null());
}

#[test]
fn a_success_that_was_asked_for_is_told_for_each_address() {
    if left_out() {
        return;
    }
    let service = service(&Site::configuration());
    // Two addresses of one mailbox, with wishes of their own.
    let [login, alias] = [format!("{} FAILURE", KENJI.address), format!("{} SUCCESS,FAILURE", KENJI.alias)];
    send(&service, AYUMI.address, &[&login, &alias]);
    assert_eq!(service.fetch(&KENJI).len(), 1);
    // No waiting: the report was there before the reply to the message was.
    let reports = service.fetch(&AYUMI);
    assert_eq!(reports.len(), 1);
    let report = String::from_utf8(reports[0].clone()).unwrap();
    for line in [
        "Return-Path: <>",
        "Reporting-MTA: dns; mx.example.jp",
        "Original-Envelope-Id: QQ+314",
        &format!("Original-Recipient: rfc822; {}", KENJI.alias),
        &format!("Final-Recipient: rfc822; {}", KENJI.alias),
        "Action: delivered",
        "Status: 2.0.0",
        "Subject: hello",
    ] {
        assert!(report.contains(&format!("{line}\r\n")), "{line}\n{report}");
    }
    assert!(
        report.contains("report-type=\"delivery-status\"") && report.contains("Received: from "),
        "{report}"
    );
    for not in [KENJI.address, "Hello.", "Return-Path: <ab4t"] {
        assert!(!report.contains(not), "{not}\n{report}");
    }
}

#[test]
fn nobody_is_told_of_a_report_or_against_the_senders_wish() {
    if left_out() {
        return;
    }
    let service = service(&Site::configuration());
    for (sender, notify) in
        [("", "SUCCESS,FAILURE,DELAY"), (AYUMI.address, "NEVER"), (AYUMI.address, "FAILURE,DELAY")]
    {
        send(&service, sender, &[&format!("{} {notify}", KENJI.address)]);
    }
    assert_eq!((service.fetch(&KENJI).len(), service.fetch(&AYUMI).len()), (3, 0));
    assert_eq!(service.site.yubin(&["--json", "queue", "list"]).trim(), "[]");
}

#[test]
fn dsn_is_offered_where_a_report_finds_its_way_and_nobody_disabled_it() {
    let disabled = "disable = [\"DSN\"]\nprotocol = \"smtp\"\ntls = \"starttls\"\n";
    let without = Site::configuration_of(|door| if door == Door::Mx { disabled } else { door.settings() });
    for (outbound, configuration, offered) in
        [(true, Site::configuration(), true), (true, without, false), (false, Site::configuration(), false)]
    {
        let service = if outbound { service(&configuration) } else { Service::start() };
        let mut smtp = service.smtp(Door::Mx);
        assert_eq!(smtp.hello().offers("DSN"), offered, "{outbound}");
        if !offered {
            smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "250");
            smtp.ask(&format!("RCPT TO:<{}> NOTIFY=SUCCESS", KENJI.address), "555 5.5.4");
        }
    }
}
