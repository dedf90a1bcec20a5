//! Mail of another server, taken over by the operator's command while the daemons serve.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, KENJI, Site};
use crate::quota;

const MESSAGES: usize = 1200;

/// As Dovecot leaves it: every message is in its list.
fn dovecot(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut list = format!("3 V1795318075 N{} Gbdd41e003b61026b7e25000083ecc375\n", MESSAGES + 1);
    let mut messages = BTreeMap::new();
    for part in ["tmp", "new", "cur"] {
        fs::create_dir_all(directory.join(part)).unwrap();
    }
    for uid in 1..=MESSAGES {
        let name = format!("{}.M{uid:06}P1206.mx", 1_355_543_030 + uid);
        let text = format!("Subject: {uid}\n\n.the body of {uid}\n");
        fs::write(directory.join(format!("cur/{name}:2,S")), &text).unwrap();
        list += &format!("{uid} W{} :{name}\n", text.len() + 3);
        messages.insert(format!("{uid:08x}6b02613b"), text.replace('\n', "\r\n").into_bytes());
    }
    fs::write(directory.join("dovecot-uidlist"), list).unwrap();
    messages
}

/// What the customer's program sees: each message by its id.
fn seen(service: &Service) -> BTreeMap<String, Vec<u8>> {
    let mut pop3 = service.mailbox(&KENJI);
    let ids = pop3.list("UIDL");
    let messages: BTreeMap<_, _> = ids
        .iter()
        .enumerate()
        .map(|(at, line)| (line.split_once(' ').unwrap().1.to_owned(), pop3.retrieve(at + 1)))
        .collect();
    assert_eq!(messages.len(), ids.len(), "an id twice");
    pop3.quit();
    messages
}

fn import(site: &Site, kind: &str, source: &Path) -> Value {
    let source = source.to_str().unwrap();
    serde_json::from_str(&site.yubin(&["import", kind, source, KENJI.login, "--json"])).unwrap()
}

#[test]
fn r_05_an_import_that_is_killed_again_and_again_takes_each_message_once_with_its_old_id() {
    let site = Site::with_users();
    site.yubin(&["account", "set", KENJI.login, "quota=1GiB"]);
    let source = site.path("old");
    let messages = dovecot(&source);
    let service = Service::serve(site);
    let mut killed = 0;
    for round in 0..12 {
        let mut command = service.site.command(Program::Yubin);
        command.args(["import", "maildir", source.to_str().unwrap(), KENJI.login]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Another moment in each round; that it is in the midst of things is what many rounds are for.
        thread::sleep(Duration::from_millis(20 + round * 7));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "every import was done before it could be killed");
    let report = import(&service.site, "maildir", &source);
    assert_eq!(report["found"], MESSAGES);
    assert_eq!((&report["ids_lost"], &report["messages"]), (&Value::from(0), &Value::from(MESSAGES)));
    assert_eq!(seen(&service), messages);
    let again = import(&service.site, "maildir", &source);
    assert_eq!((&again["taken"], &again["before"]), (&Value::from(0), &Value::from(MESSAGES)));
    let place = fs::read_dir(service.site.path("mail")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(quota::ledger(&place), quota::on_disk(&place), "counted anew behind the import");
}

#[test]
fn r_05_an_mbox_is_imported_and_a_source_that_is_none_is_said() {
    let service = Service::start();
    let text = "From a@b Sat Nov 21 09:00:00 2026\nX-UIDL: id-of-old\n\n>From you\n\nFrom a@b Sat Nov 21 09:00:00 2026\n\n2\n\n";
    let source = service.site.write("taro", text);
    let report = import(&service.site, "mbox", &source);
    assert_eq!((&report["taken"], &report["login"]), (&Value::from(2), &Value::from(KENJI.login)));
    assert_eq!(seen(&service)["id-of-old"], b"X-UIDL: id-of-old\r\n\r\nFrom you\r\n");

    for (kind, path, expected) in [
        ("maildir", "nowhere", "is not a Maildir"),
        ("mbox", "nowhere", "No such file"),
        ("maildir", "taro", "is not a Maildir"),
    ] {
        let path = service.site.path(path);
        let output =
            service.site.run(Program::Yubin, &["import", kind, path.to_str().unwrap(), KENJI.login], "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.contains(expected)), (Some(1), true), "{error}");
    }
}

#[test]
fn what_is_no_mbox_is_said_to_be_none() {
    let site = Site::with_users();
    let source = site.write("letter", "Subject: x\n\nFrom a@b Sat Nov 21 09:00:00 2026\n\n1\n");
    let output = site.run(Program::Yubin, &["import", "mbox", source.to_str().unwrap(), KENJI.login], "");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("no mbox"), "{error}");
    assert_eq!(site.mail_files(), [] as [std::path::PathBuf; 0]);
}

#[test]
fn c_13_an_account_that_closes_takes_its_mail_along_and_nobody_gets_its_names() {
    let service = Service::start();
    for body in ["From me\r\n>From you\r\nto Fromage\r\n", "..\r\n\r\n\r\n", "no end"] {
        let message = format!("Subject: x\r\n\r\n{}\r\n", body.trim_end_matches("\r\n"));
        service.receive("friend@example.org", &[KENJI.address], message.as_bytes());
    }
    let site = &service.site;
    site.yubin(&["account", "close", KENJI.login, "--grace", "30"]);
    let before = seen(&service);
    let file = site.path("kenji.mbox");
    let path = file.to_str().unwrap();
    let report: Value =
        serde_json::from_str(&site.yubin(&["export", "mbox", KENJI.login, path, "--json"])).unwrap();
    assert_eq!((&report["messages"], before.len()), (&Value::from(3), 3));
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    assert!(seen(&service) == before, "the mailbox was only read");
    let again = site.run(Program::Yubin, &["export", "mbox", KENJI.login, path], "");
    assert!(String::from_utf8_lossy(&again.stderr).contains("File exists"), "{again:?}");

    // What is in the file is what was in the mailbox.
    site.yubin(&["import", "mbox", path, AYUMI.login]);
    let mut there: Vec<_> = service.fetch(&AYUMI);
    let mut here: Vec<_> = before.into_values().collect();
    there.sort();
    here.sort();
    assert_eq!(there, here);
    // Also when it came, and from whom.
    let second = site.path("ayumi.mbox");
    site.yubin(&["export", "mbox", AYUMI.login, second.to_str().unwrap()]);
    let envelopes = |file: &std::path::Path| -> Vec<String> {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
        let mut lines: Vec<_> =
            text.lines().filter(|line| line.starts_with("From ")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!((envelopes(&second).len(), envelopes(&second)), (3, envelopes(&file)));

    site.yubin(&["account", "remove", KENJI.login]);
    let taken = site.run(Program::Yubin, &["address", "add", KENJI.alias, AYUMI.login], "");
    assert!(String::from_utf8_lossy(&taken.stderr).contains("it is free again in 90 days"), "{taken:?}");
}
