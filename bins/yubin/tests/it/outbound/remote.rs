//! What other people's hosts and name servers do, and what comes of it.

use serde_json::Value;

use super::World;
use crate::clients::left_out;
use crate::harness::site::AYUMI;

const HANAKO: &str = "hanako@example.com";

/// One recipient, who is refused for now.
const GREYLIST: &str =
    "check_recipient_access inline:{{hanako@example.com=450 4.7.1 Greylisted, come again}}";

#[test]
fn o_01_who_is_greylisted_comes_again_and_the_sender_hears_nothing_of_it() {
    if left_out() {
        return;
    }
    let world = World::with("", &format!("smtpd_recipient_restrictions = {GREYLIST}, permit\n"));
    let id = world.submit(HANAKO);
    let deferred = world.event("outbound_deferred", HANAKO);
    assert_eq!((&deferred["status"], &deferred["queue_id"]), (&"4.7.1".into(), &Value::from(id.as_str())));
    // The second try begins when the first is written down.
    world.service.smtpd.wait_for_events("outbound_deferred", 2);
    let why = world.queue(&["why", &id]);
    let last = why["recipients"][0]["last"].as_str().unwrap();
    assert!(last.starts_with("450 4.7.1 ") && last.contains("Greylisted, come again"), "{why}");
    world.postfix.reconfigure("smtpd_recipient_restrictions = reject_unauth_destination");
    let delivered = world.event("outbound_delivered", HANAKO);
    assert_eq!(delivered["queue_id"], id.as_str());
    assert!(world.postfix.mail().contains("\nSubject: hello\n"));
    assert_eq!(world.queue(&["list"]), serde_json::json!([]));
    assert!(world.service.fetch(&AYUMI).is_empty());
}

#[test]
fn o_02_a_host_without_tls_gets_it_in_clear_text() {
    if left_out() {
        return;
    }
    let world = World::with("", "smtpd_tls_security_level = none\n");
    world.submit(HANAKO);
    assert_eq!(world.event("outbound_delivered", HANAKO)["tls"], "clear");
    assert!(world.postfix.mail().contains("\nSubject: hello\n"));
}

#[test]
fn o_02_where_tls_is_demanded_a_host_without_it_gets_nothing_until_it_has_it() {
    if left_out() {
        return;
    }
    let settings = "minimal_backoff = \"1s\"\nmaximal_backoff = \"1s\"\n\
                    [[route]]\ndomain = \"example.com\"\ntls = \"encrypt\"";
    let world = World::with_settings("", "smtpd_tls_security_level = none\n", settings);
    let id = world.submit(HANAKO);
    let deferred = world.event("outbound_deferred", HANAKO);
    assert_eq!(deferred["status"], "4.7.4", "{deferred}");
    world.service.smtpd.wait_for_events("outbound_deferred", 2);
    let why = world.queue(&["why", &id]);
    assert!(
        why["recipients"][0]["last"].as_str().unwrap().contains("TLS is demanded, and not offered"),
        "{why}"
    );
    assert!(!world.service.smtpd.log().contains("outbound_delivered"));
    world.postfix.reconfigure("smtpd_tls_security_level = may");
    let delivered = world.event("outbound_delivered", HANAKO);
    assert_eq!((&delivered["tls"], &delivered["queue_id"]), (&"TLSv1.3".into(), &Value::from(id.as_str())));
    assert!(world.postfix.mail().contains("\nSubject: hello\n"));
}

#[test]
fn o_01_a_domain_or_host_by_another_name_is_found_and_our_own_name_is_a_loop() {
    if left_out() {
        return;
    }
    let records = "alias CNAME example.com.\nby-alias MX 10 mx-alias\nmx-alias CNAME mx\n\
                   loop MX 10 mx.example.jp.\nbehind MX 10 mx.example.jp.\nbehind MX 5 mx\n";
    let domains = "virtual_mailbox_domains = alias.example.com, by-alias.example.com, behind.example.com\n\
                   virtual_mailbox_maps = static:hanako/\n";
    let world = World::with(records, domains);
    for domain in ["alias.example.com", "by-alias.example.com", "behind.example.com"] {
        let recipient = format!("hanako@{domain}");
        world.submit(&recipient);
        let delivered = world.event("outbound_delivered", &recipient);
        assert!(delivered["answer"].as_str().unwrap().starts_with("250 2.0.0 "), "{delivered}");
    }
    assert!(world.service.fetch(&AYUMI).is_empty());
    // RFC 5321 §5.1: what comes back to us, who do not know the domain, would never end.
    let id = world.submit("a@loop.example.com");
    assert_eq!(world.event("outbound_failed", "a@loop.example.com")["status"], "5.4.6");
    world.service.smtpd.wait_for("a report", |event| {
        (event["event"] == "report_sent" && event["queue_id"] == id.as_str()).then_some(())
    });
    let reports = world.service.fetch(&AYUMI);
    assert!(String::from_utf8_lossy(&reports[0]).contains("Status: 5.4.6\r\n"));
    assert_eq!(world.queue(&["list"]), serde_json::json!([]));
}

#[test]
fn o_01_a_name_server_in_trouble_is_never_taken_for_a_no() {
    if left_out() {
        return;
    }
    let world = World::with("elsewhere MX 10 mx.lame.example.\n", "");
    let recipients = ["a@broken.example", "a@lame.example", "a@elsewhere.example.com"];
    for recipient in recipients {
        world.submit(recipient);
    }
    for recipient in recipients {
        let again = std::cell::Cell::new(0);
        world.service.smtpd.wait_for("two tries", |event| {
            let this = event["recipient"] == recipient && event["event"] == "outbound_deferred";
            again.set(again.get() + usize::from(this));
            if this {
                assert_eq!(event["status"], "4.4.3", "{event}");
            }
            (again.get() == 2).then_some(())
        });
    }
    let log = world.service.smtpd.log();
    assert!(!log.contains("outbound_failed") && !log.contains("report_sent"), "{log}");
    assert_eq!(world.queue(&["status"])["waiting"], 3);
    assert!(world.service.fetch(&AYUMI).is_empty());
}
