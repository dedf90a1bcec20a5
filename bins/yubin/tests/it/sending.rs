//! Sending limits, end to end: what is over them is deferred, or held for an operator.

use std::net::Ipv4Addr;

use crate::harness::Service;
use crate::harness::site::{AYUMI, Door, Site};
use crate::harness::smtp::{Smtp, stuffed};
use crate::harness::wire::Wire;

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nHello\r\n";

/// Nobody listens where mail goes, so that it waits.
fn service(limits: &str) -> Service {
    let site = Site::with_users();
    let outbound = format!("{limits}\n[outbound]\nsmarthost = \"127.0.0.78:1\"");
    site.configure(&Site::configuration().replace("[outbound]\nenabled = false", &outbound));
    Service::serve(site)
}

fn ayumi(service: &Service) -> Smtp {
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp
}

fn send(service: &Service, to: &str) {
    let mut smtp = ayumi(service);
    smtp.send_mail(AYUMI.address, &[to], MESSAGE);
    smtp.quit();
}

fn held(service: &Service) -> Vec<serde_json::Value> {
    serde_json::from_str(&service.site.yubin(&["--json", "queue", "list", "--held"])).unwrap()
}

#[test]
fn o_05_what_is_over_the_limit_is_held_from_its_first_moment_and_released_by_an_operator() {
    let service = service("[sending_limits]\nrecipients_per_day = 2\nover = \"hold\"\n");
    send(&service, "a@elsewhere.example");
    send(&service, "b@elsewhere.example");
    assert_eq!(held(&service).len(), 0);
    send(&service, "c@elsewhere.example");
    let told = service.smtpd.wait_for("sending_limit_reached", |event| {
        (event["event"] == "sending_limit_reached").then(|| event.clone())
    });
    let word = |key: &str| told[key].as_str().unwrap().to_owned();
    assert_eq!(
        [word("who"), word("limit"), word("done")],
        ["account ab4t-ash", "recipients_per_day", "held"]
    );
    assert_eq!((&told["most"], &told["level"]), (&2.into(), &"ERROR".into()));

    // It is held whatever happens then.
    let service = service.crash_smtpd();
    send(&service, "d@elsewhere.example");
    let list = held(&service);
    let reason = list[0]["held"].as_str().unwrap();
    assert_eq!((list.len(), reason), (2, "account ab4t-ash is over its limit: recipients_per_day=2"));
    assert_eq!(service.smtpd.log().matches("sending_limit_reached").count(), 0, "it was told already");
    // What is held lies on the disk: it has an end, too. And a mailbox here has no queue before it.
    let mut smtp = ayumi(&service);
    smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "450 4.7.1");
    smtp.quit();
    let shown = service.site.yubin(&["account", "show", AYUMI.login]);
    assert!(shown.contains("4 of 2 recipients in this day"), "{shown}");

    service.site.yubin(&["queue", "release", "--account", AYUMI.login, "--held"]);
    assert_eq!(held(&service).len(), 0);
    service.site.yubin(&["queue", "retry", "--account", AYUMI.login]);
    service.site.yubin(&["account", "set", AYUMI.login, "recipients_per_day=none"]);
    send(&service, "e@elsewhere.example");
    assert_eq!(held(&service).len(), 0);
}

#[test]
fn o_05_who_is_held_elsewhere_is_told_of_mailboxes_here() {
    let service = service("[sending_limits]\nrecipients_per_day = 1\nover = \"hold\"\n");
    let mut smtp = ayumi(&service);
    smtp.envelope(AYUMI.address, &["a@elsewhere.example", "b@elsewhere.example"]);
    smtp.ask(&format!("RCPT TO:<{}>", AYUMI.address), "450 4.7.1");
    smtp.ask("RCPT TO:<c@elsewhere.example>", "450 4.7.1");
    smtp.ask("DATA", "354");
    smtp.wire.bytes(&stuffed(MESSAGE));
    smtp.expect("250");
    smtp.quit();
    assert_eq!(held(&service)[0]["recipients"].as_array().unwrap().len(), 2);
}

#[test]
fn o_05_an_address_inside_and_one_with_a_ticket_are_counted_too() {
    let site = Site::with_users();
    let limits = "\n[sending_limits]\nmessages_per_day = 2\naddress = { messages_per_day = 1 }\n\n\
                  [networks]\ninside = \"127.9.0.0/16\"\n\n[pop_before_smtp]\n\n[store]";
    let port_25 = "auth = \"optional\"\nclear_text_auth = true\n";
    let relay = "relay = [\"authenticated\", \"pop-before-smtp\", \"inside\"]\n";
    let configuration = Site::configuration()
        .replacen("enabled = false", "smarthost = \"127.0.0.78:1\"", 1)
        .replacen("\n[store]", limits, 1)
        .replacen(port_25, &format!("{port_25}{relay}"), 1);
    site.configure(&configuration);
    let service = Service::serve(site);
    let from = |ip: [u8; 4]| {
        let mut smtp = Smtp::greeted(Wire::clear_from(Ipv4Addr::from(ip), service.address(Door::Mx)));
        smtp.hello();
        smtp
    };
    let mut inside = from([127, 9, 0, 5]);
    inside.send_mail("printer@example.org", &["a@elsewhere.example"], MESSAGE);
    inside.envelope("printer@example.org", &[AYUMI.address]);
    inside.ask("RCPT TO:<a@elsewhere.example>", "450 4.7.1");
    inside.quit();
    let mut another = from([127, 9, 0, 6]);
    another.send_mail("printer@example.org", &["a@elsewhere.example"], MESSAGE);
    another.quit();

    // The one who has a ticket is known, and has the budget of its account, wherever it spends it.
    let home = Ipv4Addr::new(127, 8, 0, 5);
    let mut pop3 = crate::harness::pop3::Pop3::greeted(Wire::clear_from(home, service.address(Door::Pop3)));
    pop3.login(&AYUMI);
    pop3.quit();
    let mut ticket = from(home.octets());
    ticket.send_mail(AYUMI.address, &["a@elsewhere.example"], MESSAGE);
    send(&service, "a@elsewhere.example");
    ticket.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "250");
    ticket.ask("RCPT TO:<a@elsewhere.example>", "450 4.7.1");
    ticket.quit();
    ayumi(&service).ask(&format!("MAIL FROM:<{}>", AYUMI.address), "450 4.7.1");
    service.smtpd.wait_for_events("sending_limit_reached", 2);
    let log = service.smtpd.log();
    assert!(log.contains("address 127.9.0.5") && log.contains("account ab4t-ash"), "{log}");
}
