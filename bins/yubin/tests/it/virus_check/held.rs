//! Messages in an operator's hands: accepted and durable, in no mailbox, and released or dropped by `yubin queue`.

use serde_json::{Value, json};

use super::clamd::{CLEAN, Clamd, Played, infected};
use super::{arrives, service, submits};
use crate::backup::lose_everything;
use crate::clients::left_out;
use crate::harness::Service;
use crate::harness::site::{AYUMI, KENJI};

/// A service whose mail leaves, to nowhere, so that its queue takes orders.
pub(super) fn holding(clamd: &str, section: &str) -> Service {
    let service = service(clamd, "", "");
    let text = std::fs::read_to_string(service.site.path("yubin.toml")).unwrap();
    let text = text
        .replace("protocol = \"smtp\"\n", "protocol = \"smtp\"\nvirus_check = \"always\"\n")
        .replace(&format!("clamd = \"{clamd}\"\n"), &format!("clamd = \"{clamd}\"\n{section}\n"))
        .replace("[outbound]\nenabled = false", "[outbound]\nsmarthost = \"127.0.0.1:9\"");
    let Service { smtpd, pop3d, site } = service;
    drop((smtpd, pop3d));
    // Keys that it may name; without a word to clamd, which may be played.
    site.configure(&text.replace(clamd, "unix:nobody"));
    site.yubin(&["check", "--create"]);
    site.configure(&text);
    Service::serve(site)
}

pub(super) fn queue(service: &Service, arguments: &[&str]) -> Value {
    let text = service.site.yubin(&[&["--json", "queue"], arguments].concat());
    serde_json::from_str(&text).unwrap()
}

fn in_mailboxes(service: &Service) -> [usize; 2] {
    [&AYUMI, &KENJI].map(|user| service.fetch(user).len())
}

#[test]
fn v_03_v_04_what_nobody_looked_through_is_held_and_released_or_dropped() {
    let nobody = Played::always(drop);
    let mut service = holding(&nobody.0, "on_fail = \"hold\"");
    arrives(&service, &[AYUMI.address], CLEAN, "250");
    arrives(&service, &[AYUMI.address, KENJI.address], CLEAN, "250");
    submits(&service, &KENJI, &[KENJI.address, "hanako@example.com"], CLEAN, "250");
    assert_eq!(in_mailboxes(&service), [0, 0]);
    for occasion in ["before a crash", "after it"] {
        let list = queue(&service, &["list", "--held"]);
        assert_eq!(list.as_array().unwrap().len(), 3, "{occasion}: {list}");
        let held = list[0]["held"].as_str().unwrap();
        assert!(held.starts_with("not checked for viruses: it hung up"), "{occasion}: {held}");
        assert_eq!(list[0]["recipients"][0]["address"], AYUMI.address);
        assert_eq!(list[0]["recipients"][0]["state"], "held");
        assert_eq!(in_mailboxes(&service), [0, 0], "{occasion}");
        service = service.crash_smtpd();
    }
    let list = queue(&service, &["list"]);
    let id = |nth: usize| list[nth]["id"].as_str().unwrap();
    queue(&service, &["release", id(0)]);
    assert_eq!(in_mailboxes(&service), [1, 0]);
    queue(&service, &["drop", id(1), "--reason", "looked at by hand"]);
    service.smtpd.wait_for("a word about it", |event| {
        (event["event"] == "queue_dropped" && event["recipient"] == KENJI.address).then_some(())
    });
    assert_eq!(in_mailboxes(&service), [1, 0]);
    queue(&service, &["release", "--all"]);
    assert_eq!(in_mailboxes(&service), [1, 1]);
    service.smtpd.wait_for("a try", |event| {
        (event["event"] == "outbound_deferred" && event["recipient"] == "hanako@example.com").then_some(())
    });
    assert_eq!(queue(&service, &["list", "--held"]), json!([]));
}

#[test]
fn v_01_a_virus_can_be_held_instead_of_refused() {
    if left_out() {
        return;
    }
    let clamd = Clamd::start("");
    let service = holding(&clamd.unix(), "on_virus = \"hold\"");
    arrives(&service, &[AYUMI.address], &infected(), "250");
    arrives(&service, &[AYUMI.address], CLEAN, "250");
    assert_eq!(in_mailboxes(&service), [1, 0]);
    let list = queue(&service, &["list", "--held"]);
    assert_eq!(list[0]["held"], "virus: Test.Eicar.UNOFFICIAL", "{list}");
    let shown = service.site.yubin(&["queue", "show", list[0]["id"].as_str().unwrap()]);
    assert!(shown.contains(&format!("{}: a mailbox here, held", AYUMI.address)), "{shown}");
    queue(&service, &["drop", "--held", "--reason", "a virus"]);
    assert_eq!(queue(&service, &["list"]), json!([]));
    assert_eq!(in_mailboxes(&service), [1, 0]);
}

#[test]
fn l_07_what_is_held_for_mailboxes_is_in_a_backup_and_comes_back_held() {
    let nobody = Played::always(drop);
    let service = holding(&nobody.0, "on_fail = \"hold\"");
    arrives(&service, &[AYUMI.address, KENJI.address], CLEAN, "250");
    let before = queue(&service, &["list", "--held"]);
    let place = service.site.path("backup");
    let backup = ["backup", place.to_str().unwrap()];
    let taken = service.site.yubin(&backup);
    assert!(taken.contains("1 held for mailboxes here"), "{taken}");

    // The fire, and everything from the backup; but for keys and configuration, which are elsewhere.
    let site = lose_everything(service);
    let restored = site.yubin(&["restore", "--from", place.to_str().unwrap(), "--all"]);
    assert!(restored.contains("1 messages, held"), "{restored}");
    let service = Service::serve(site);
    assert_eq!(in_mailboxes(&service), [0, 0], "nobody has looked at it yet");
    let after = queue(&service, &["list", "--held"]);
    assert_eq!((&after[0]["id"], &after[0]["recipients"]), (&before[0]["id"], &before[0]["recipients"]));
    let why = after[0]["held"].as_str().unwrap();
    assert!(why.starts_with("not checked for viruses") && why.contains("restored from the backup"), "{why}");
    // Once more, while it is there, changes nothing.
    service.site.yubin(&["restore", "--from", place.to_str().unwrap(), "--queue"]);
    queue(&service, &["release", "--held"]);
    assert_eq!(in_mailboxes(&service), [1, 1]);
    // It is in their mailboxes: what was restored once more is not delivered once more.
    service.site.yubin(&["restore", "--from", place.to_str().unwrap(), "--queue"]);
    queue(&service, &["release", "--held"]);
    assert_eq!(in_mailboxes(&service), [1, 1]);
}

/// Without a daemon the command does it itself.
#[test]
fn v_04_what_is_held_is_released_where_no_daemon_runs() {
    let nobody = Played::always(drop);
    let service = holding(&nobody.0, "on_fail = \"hold\"");
    arrives(&service, &[AYUMI.address], CLEAN, "250");
    let Service { smtpd, pop3d, site } = service;
    smtpd.terminate();
    assert!(smtpd.ended().0.success());
    site.yubin(&["queue", "release", "--held"]);
    drop(pop3d);
    assert_eq!(in_mailboxes(&Service::serve(site)), [1, 0]);
}
