//! Mail that goes after its days, from the operator's rules to what is left on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, HOST, KENJI, Site, User};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nx\r\n";

fn maildir(site: &Site, user: &User) -> PathBuf {
    let shown: Value = serde_json::from_str(&site.yubin(&["account", "show", user.login, "--json"])).unwrap();
    shown["maildir"].as_str().unwrap().into()
}

/// A message as it would lie there if it had come so many days ago.
fn put(maildir: &Path, days: u64, flags: &str) {
    let came = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60 + 60);
    let seconds = came.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    for part in ["new", "cur", "tmp"] {
        fs::create_dir_all(maildir.join(part)).unwrap();
    }
    let part = if flags.is_empty() { "new" } else { "cur" };
    let name = format!("{seconds}.M000001P1Q1R0000000{days}.mx,S={}{flags}", MESSAGE.len());
    fs::write(maildir.join(part).join(name), MESSAGE).unwrap();
}

fn count(maildir: &Path) -> usize {
    ["new", "cur"].iter().map(|part| fs::read_dir(maildir.join(part)).unwrap().count()).sum()
}

fn expire(site: &Site, arguments: &[&str]) -> Value {
    let arguments = [&["expire", "--json"], arguments].concat();
    serde_json::from_str(&site.yubin(&arguments)).unwrap()
}

#[test]
fn r_08_mail_goes_by_the_rules_of_account_and_domain_and_is_told_first() {
    let service = Service::start();
    let site = &service.site;
    let (ayumi, kenji) = (maildir(site, &AYUMI), maildir(site, &KENJI));
    for maildir in [&ayumi, &kenji] {
        for (days, flags) in [(9, ""), (7, ""), (5, ":2,S"), (1, "")] {
            put(maildir, days, flags);
        }
    }
    assert!(site.yubin(&["expire", "--dry-run"]).starts_with("no account, no domain and no [pop3] says"));

    site.yubin(&["domain", "set", HOST, "expire_all=8"]);
    site.yubin(&["account", "set", KENJI.login, "expire_all=none", "expire_read=4"]);
    let would = expire(site, &["--dry-run"]);
    assert_eq!(would["dry_run"], json!(true));
    let octets = MESSAGE.len();
    let all = json!([
        { "login": AYUMI.login, "expire_read_days": null, "expire_all_days": 8, "messages": 1, "octets": octets, "kept": null },
        // What was read was not read five days ago, as far as its file tells: it came to be there just now.
        { "login": KENJI.login, "expire_read_days": 4, "expire_all_days": null, "messages": 0, "octets": 0, "kept": null },
        { "login": "postmaster", "expire_read_days": null, "expire_all_days": 8, "messages": 0, "octets": 0, "kept": null },
    ]);
    assert_eq!(would["mailboxes"], all);
    assert_eq!(count(&ayumi), 4, "nothing has happened yet");

    // In a session nothing is taken from under its client.
    let session = service.mailbox(&AYUMI);
    assert_eq!(expire(site, &[AYUMI.login])["mailboxes"][0]["kept"], json!("in-use"));
    session.quit();

    assert_eq!(expire(site, &[])["mailboxes"], all);
    assert_eq!((count(&ayumi), count(&kenji)), (3, 4));
    assert_eq!(service.mailbox(&AYUMI).count(), 3);
    assert_eq!(expire(site, &[])["mailboxes"][0]["messages"], json!(0), "once");

    site.yubin(&["account", "set", AYUMI.login, "expire_all=1"]);
    assert_eq!(expire(site, &[AYUMI.login])["mailboxes"][0]["messages"], json!(3));
}

#[test]
fn r_08_r_15_rules_are_shown_and_what_is_none_is_refused() {
    let service = Service::start();
    let site = &service.site;
    site.yubin(&["account", "set", AYUMI.login, "expire_read=30", "login_delay=60"]);
    let shown: Value =
        serde_json::from_str(&site.yubin(&["account", "show", AYUMI.login, "--json"])).unwrap();
    assert_eq!(
        (&shown["expire_read"], &shown["expire_all"], &shown["login_delay"]),
        (&json!("30"), &json!("default"), &json!("60"))
    );
    for (arguments, status, said) in [
        (["account", "set", AYUMI.login, "expire_read=soon"], 2, "write expire_read=30"),
        (["account", "set", "nobody", "expire_read=3"], 1, "there is no account nobody"),
        (["domain", "set", "example.net", "expire_all=3"], 1, "is not ours"),
        (["domain", "set", HOST, "quota=3"], 2, "there is no quota; write expire_read=DAYS"),
    ] {
        let output = site.run(Program::Yubin, &arguments, "");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}
