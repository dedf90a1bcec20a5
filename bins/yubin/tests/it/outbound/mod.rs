//! Mail to other people's servers: Debian's Postfix as their host, Debian's NSD as who tells where it is.

mod others;
mod remote;
mod spool;
mod stopping;

use serde_json::Value;

use crate::clients::left_out;
use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, Door, Site};

use others::{NameServer, Postfix};

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\n.Hello.\r\n";

/// Our service with the two others around it.
struct World {
    service: Service,
    postfix: Postfix,
    _dns: NameServer,
}

impl World {
    fn start() -> Self {
        Self::with("", "")
    }

    /// With more lines in the zone, and in Postfix's main.cf.
    fn with(records: &str, main: &str) -> Self {
        Self::with_settings(records, main, "minimal_backoff = \"1s\"\nmaximal_backoff = \"1s\"")
    }

    /// And with these settings of ours, behind others of `[outbound]`.
    fn with_settings(records: &str, main: &str, settings: &str) -> Self {
        let postfix = Postfix::start_with(main);
        let dns = NameServer::start(&format!(
            "@ MX 10 mx\nmx A {}\nnull MX 0 .\ndead MX 10 closed\nclosed A 127.0.0.78\n{records}",
            postfix.address.ip()
        ));
        let site = Site::with_users();
        let outbound = format!(
            "[outbound]\nname_servers = [\"{}\"]\nmx_port = {}\n{settings}",
            dns.address,
            postfix.address.port()
        );
        site.configure(&Site::configuration().replace("[outbound]\nenabled = false", &outbound));
        Self { service: Service::serve(site), postfix, _dns: dns }
    }

    fn submit(&self, to: &str) -> String {
        let mut smtp = self.service.smtp(Door::Submissions);
        smtp.hello();
        smtp.authenticate(&AYUMI);
        smtp.send_mail(AYUMI.address, &[to], MESSAGE);
        smtp.quit();
        let wanted = |event: &Value| {
            let accepted = event["event"] == "recipient_accepted" && event["recipient"] == to;
            accepted.then(|| event["queue_id"].as_str().unwrap().to_owned())
        };
        self.service.smtpd.wait_for("an accepted message", wanted)
    }

    /// The first event of this name about a recipient.
    fn event(&self, name: &str, recipient: &str) -> Value {
        self.service.smtpd.wait_for(&format!("{name} of {recipient}"), |event| {
            (event["event"] == name && event["recipient"] == recipient).then(|| event.clone())
        })
    }

    fn queue(&self, arguments: &[&str]) -> Value {
        let text = self.service.site.yubin(&[&["--json", "queue"], arguments].concat());
        serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn o_01_what_a_customer_sends_arrives_or_comes_back_with_the_reason() {
    if left_out() {
        return;
    }
    let world = World::start();
    world.submit("hanako@example.com");
    let delivered = world
        .service
        .smtpd
        .wait_for("a delivery", |event| (event["event"] == "outbound_delivered").then(|| event.clone()));
    assert_eq!(delivered["recipient"], "hanako@example.com");
    assert_eq!(delivered["tls"], "TLSv1.3", "Postfix offers it with its own certificate: {delivered}");
    let message = world.postfix.mail();
    assert!(message.contains("\n.Hello.\n") && message.contains("\nSubject: hello\n"), "{message}");
    let return_paths: Vec<&str> = message.lines().filter(|line| line.starts_with("Return-Path:")).collect();
    assert_eq!(return_paths, [format!("Return-Path: <{}>", AYUMI.address)], "Postfix's own");

    for (recipient, status) in [
        ("nobody@example.com", "5.1.1"),
        ("a@null.example.com", "5.1.10"),
        ("a@nowhere.example.com", "5.1.2"),
    ] {
        let before = world.service.fetch(&AYUMI).len();
        let id = world.submit(recipient);
        world.service.smtpd.wait_for("a report", |event| {
            (event["event"] == "report_sent" && event["queue_id"] == id.as_str()).then_some(())
        });
        let reports = world.service.fetch(&AYUMI);
        assert_eq!(reports.len(), before + 1, "{recipient}");
        let report = String::from_utf8_lossy(reports.last().unwrap()).into_owned();
        for line in [format!("Final-Recipient: rfc822; {recipient}"), format!("Status: {status}")] {
            assert!(report.contains(&format!("{line}\r\n")), "{line}\n{report}");
        }
    }
    assert_eq!(world.queue(&["list"]), serde_json::json!([]));
}

#[test]
fn an_operator_sees_what_waits_and_why_and_throws_it_away() {
    if left_out() {
        return;
    }
    let world = World::start();
    let id = world.submit("a@dead.example.com");
    // The second try begins when the first is written down.
    world.service.smtpd.wait_for_events("outbound_deferred", 2);
    let status = world.queue(&["status"]);
    assert_eq!((&status["waiting"], &status["held"]), (&Value::from(1), &Value::from(0)), "{status}");
    assert_eq!(status["oldest"]["id"], id.as_str(), "{status}");
    let dead = serde_json::json!([{"domain": "dead.example.com", "messages": 1}]);
    assert_eq!(status["destinations"], dead, "{status}");
    assert!(status["daemon"]["deferred"].as_u64().unwrap() >= 1, "{status}");
    let list = world.queue(&["list", "--account", AYUMI.login, "--domain", "dead.example.com"]);
    assert_eq!(
        (&list[0]["id"], &list[0]["sender"]),
        (&Value::from(id.as_str()), &Value::from(AYUMI.address))
    );
    assert_eq!(world.queue(&["list", "--domain", "example.com"]), serde_json::json!([]));
    let shown = world.queue(&["show", &id]);
    assert_eq!(shown["recipients"][0]["state"], "waiting");
    assert!(shown["history"][0]["answer"].as_str().unwrap().starts_with("4.4."), "{shown}");
    let why = world.queue(&["why", &id]);
    assert!(why["recipients"][0]["last"].as_str().unwrap().starts_with("4.4."), "{why}");
    assert!(why["limiter"].as_str().unwrap().starts_with("a@dead.example.com: "), "{why}");
    // One that is not there keeps nothing from the others.
    let site = &world.service.site;
    let hold = ["queue", "hold", "0000000000000000", "no id", &id, "--reason", "to be looked at"];
    let held = site.run(Program::Yubin, &hold, "");
    let wrong = String::from_utf8_lossy(&held.stderr).into_owned();
    assert!(wrong.contains("0000000000000000") && wrong.contains("\"no id\" is no queue id"), "{wrong}");
    assert_eq!(held.status.code(), Some(1));
    assert_eq!(world.queue(&["list", "--held"])[0]["held"], "to be looked at");
    assert!(site.yubin(&["queue", "list", "--held"]).contains("to be looked at"));
    let status = world.queue(&["status"]);
    assert_eq!((&status["waiting"], &status["held"]), (&Value::from(0), &Value::from(1)), "{status}");
    world.queue(&["release", "--all"]);
    assert_eq!(world.queue(&["list", "--held"]), serde_json::json!([]));
    world.queue(&["drop", &id, "--reason", "spam"]);
    assert_eq!(world.queue(&["list"]), serde_json::json!([]));
    world.service.smtpd.wait_for("a word about it", |event| {
        (event["event"] == "queue_dropped" && event["reason"] == "spam").then_some(())
    });
    assert!(world.service.fetch(&AYUMI).is_empty());
}

#[test]
fn c_11_what_an_account_sent_that_was_suspended_elsewhere_is_listed_as_about_to_be_held() {
    if left_out() {
        return;
    }
    let world = World::with_settings("", "", "minimal_backoff = \"1h\"\nmaximal_backoff = \"1h\"");
    let id = world.submit("a@dead.example.com");
    world.event("outbound_deferred", "a@dead.example.com");
    let site = &world.service.site;
    assert_eq!(world.queue(&["list"])[0]["about_to_be_held"], Value::Null);
    // Another machine shares the accounts, and has a queue of its own.
    let ours = std::fs::read_to_string(site.path("yubin.toml")).unwrap();
    let theirs = ours.replacen("queue = \"queue\"", "queue = \"another\"", 1);
    assert_ne!(ours, theirs);
    site.configure(&theirs);
    site.yubin(&["account", "suspend", AYUMI.login]);
    site.configure(&ours);
    let why = format!("{} is suspended", AYUMI.login);
    let list = world.queue(&["list"]);
    assert_eq!((&list[0]["held"], &list[0]["about_to_be_held"]), (&Value::Null, &why.as_str().into()));
    assert!(site.yubin(&["queue", "list"]).contains(&why));
    assert!(site.yubin(&["queue", "why", &id]).contains(&format!("{why}: held at the next try")));
    // The daemon believes for a second what it has learnt of an account, and a try within that second is like the first.
    while world.queue(&["list"])[0]["held"].is_null() {
        site.run(Program::Yubin, &["queue", "retry", &id], "");
    }
    let list = world.queue(&["list"]);
    assert_eq!((&list[0]["held"], &list[0]["about_to_be_held"]), (&why.as_str().into(), &Value::Null));
}

#[test]
fn a_killed_daemon_goes_on_where_it_was_and_a_command_works_without_one() {
    if left_out() {
        return;
    }
    let mut world = World::start();
    let id = world.submit("a@dead.example.com");
    world.service = world.service.crash_smtpd();
    let found = world
        .service
        .smtpd
        .wait_for("how the queue stands", |event| (event["event"] == "queue_status").then(|| event.clone()));
    assert_eq!((&found["waiting"], &found["destinations"]), (&Value::from(1), &"dead.example.com 1".into()));
    world.service.smtpd.wait_for("another try", |event| {
        (event["event"] == "outbound_deferred" && event["queue_id"] == id.as_str()).then_some(())
    });
    let Service { smtpd, pop3d: _pop3d, site } = world.service;
    smtpd.terminate();
    assert!(smtpd.ended().0.success());
    let status: Value = serde_json::from_str(&site.yubin(&["--json", "queue", "status"])).unwrap();
    assert_eq!((&status["waiting"], &status["daemon"]), (&Value::from(1), &Value::Null), "{status}");
    site.yubin(&["queue", "drop", &id, "--reason", "nobody will send it"]);
    assert_eq!(site.yubin(&["--json", "queue", "list"]).trim(), "[]");
}
