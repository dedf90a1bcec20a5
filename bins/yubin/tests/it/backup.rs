//! A second copy of everything, taken while the daemons serve; and the day on which it is needed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, KENJI, Site, User};
use crate::quota;

fn json_of(site: &Site, arguments: &[&str]) -> Value {
    serde_json::from_str(&site.yubin(&[arguments, &["--json"]].concat())).unwrap()
}

fn place(site: &Site) -> PathBuf {
    site.path("backup")
}

fn back_up(site: &Site, further: &[&str]) -> Value {
    json_of(site, &[&["backup", place(site).to_str().unwrap()], further].concat())
}

fn verify(site: &Site) -> Value {
    json_of(site, &["verify", place(site).to_str().unwrap()])
}

fn restore(site: &Site, further: &[&str]) -> Value {
    json_of(site, &[&["restore", "--from", place(site).to_str().unwrap()], further].concat())
}

/// The daemons die, and with them the disk of all mail.
fn lose_mail(service: Service) -> Site {
    let site = service.kill();
    for directory in ["mail", "queue"] {
        fs::remove_dir_all(site.path(directory)).unwrap();
    }
    site
}

/// The same, with the accounts.
pub(crate) fn lose_everything(service: Service) -> Site {
    let site = lose_mail(service);
    for file in ["accounts.sqlite", "accounts.sqlite-wal", "accounts.sqlite-shm"] {
        let _ = fs::remove_file(site.path(file));
    }
    site
}

/// Every message by its unique id, as a customer's program sees it.
fn seen(service: &Service, user: &User) -> BTreeMap<String, Vec<u8>> {
    let mut pop3 = service.mailbox(user);
    let ids = pop3.list("UIDL");
    let messages: BTreeMap<_, _> = ids
        .iter()
        .enumerate()
        .map(|(at, line)| (line.split_once(' ').unwrap().1.to_owned(), pop3.retrieve(at + 1)))
        .collect();
    assert_eq!(messages.len(), ids.len());
    pop3.quit();
    messages
}

fn message(nth: usize) -> Vec<u8> {
    format!("Subject: {nth}\r\n\r\n{}", ".line\r\n".repeat(nth * 10)).into_bytes()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// The file of a message with this in it.
fn file_with(site: &Site, text: &str) -> PathBuf {
    let files = site.mail_files();
    files.into_iter().find(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).contains(text)).unwrap()
}

#[test]
fn l_07_r_05_after_the_loss_of_everything_the_customers_see_what_they_saw() {
    let site = Site::with_users();
    site.yubin(&["account", "set", KENJI.login, "quota=1GiB"]);
    let mut service = Service::serve(site);
    for nth in 0..10 {
        service.receive("friend@example.org", &[KENJI.address, AYUMI.alias], &message(nth));
        service.receive("friend@example.org", &[KENJI.alias], &message(100 + nth));
    }
    let mut pop3 = service.mailbox(&KENJI);
    pop3.ask("DELE 1", "+OK");
    pop3.quit();
    let before = [seen(&service, &KENJI), seen(&service, &AYUMI)];
    assert_eq!(before.each_ref().map(BTreeMap::len), [19, 10]);

    // Mail comes in while it is taken.
    let report = thread::scope(|scope| {
        let sending = scope.spawn(|| {
            (0..20).for_each(|nth| service.receive("f@example.org", &[KENJI.address], &message(nth)))
        });
        let report = back_up(&service.site, &[]);
        sending.join().unwrap();
        report
    });
    assert!(report["messages"].as_u64().unwrap() >= 29, "{report}");
    assert_eq!(verify(&service.site)["damaged"], json!([]));
    for path in files_below(&place(&service.site)) {
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700), "{}", path.display());
    }

    let site = lose_everything(service);

    let restored = restore(&site, &["--all"]);
    assert_eq!(restored["restored"], report["messages"]);
    assert_eq!(restore(&site, &[KENJI.login])["restored"], 0, "again, and nothing is twice");
    service = Service::serve(site);
    for (user, before) in [&KENJI, &AYUMI].into_iter().zip(&before) {
        let after = seen(&service, user);
        assert!(before.iter().all(|(id, message)| after.get(id) == Some(message)), "{}", user.login);
    }
    for maildir in fs::read_dir(service.site.path("mail")).unwrap() {
        let maildir = maildir.unwrap().path();
        if maildir.file_name().unwrap().to_str().unwrap().starts_with(KENJI.login) {
            assert_eq!(quota::ledger(&maildir), quota::on_disk(&maildir), "counted anew");
        }
    }
    // The accounts are what they were: mail comes in, and passwords are good.
    service.receive("friend@example.org", &[AYUMI.alias], &message(1));
    assert_eq!(seen(&service, &AYUMI).len(), 11);
    let full = service.site.run(
        Program::Yubin,
        &["restore", "--all", "--from", place(&service.site).to_str().unwrap()],
        "",
    );
    let error = String::from_utf8(full.stderr).unwrap();
    assert!(full.status.code() == Some(1) && error.contains("not empty"), "{error}");
}

#[test]
fn l_08_what_a_backup_holds_is_never_read_again() {
    let service = Service::start();
    for nth in 0..5 {
        service.receive("friend@example.org", &[KENJI.address], &message(nth));
    }
    assert_eq!(back_up(&service.site, &[])["read"], 5);
    // Whoever read it would see that it is another.
    let file = file_with(&service.site, "Subject: 3");
    let text = fs::read(&file).unwrap();
    fs::write(&file, "spoilt").unwrap();
    // And another program sets a flag.
    let cur = file.parent().unwrap().with_file_name("cur").join(file.file_name().unwrap());
    fs::rename(&file, format!("{}:2,S", cur.display())).unwrap();
    service.receive("friend@example.org", &[KENJI.address], &message(7));
    let report = back_up(&service.site, &[]);
    assert_eq!((&report["messages"], &report["read"]), (&json!(6), &json!(1)), "{report}");

    fs::remove_file(format!("{}:2,S", cur.display())).unwrap();
    assert_eq!(restore(&service.site, &[KENJI.login])["restored"], 1);
    assert_eq!(fs::read(format!("{}:2,S", cur.display())).unwrap(), text, "under its name, with its flag");

    // Kept are two; what only older ones held goes.
    service.site.yubin(&["backup", place(&service.site).to_str().unwrap()]);
    let mut pop3 = service.mailbox(&KENJI);
    (1..=6).for_each(|nth| drop(pop3.ask(&format!("DELE {nth}"), "+OK")));
    pop3.quit();
    back_up(&service.site, &["--keep", "2"]);
    assert_eq!(verify(&service.site)["backups"].as_array().unwrap().len(), 2);
    let held = |site: &Site| files_below(&place(site).join("objects")).len();
    let with_messages = held(&service.site);
    assert_eq!(back_up(&service.site, &["--keep", "1"])["removed"], 2);
    assert_eq!(verify(&service.site)["damaged"], json!([]));
    assert!(held(&service.site) <= with_messages - 6, "{} {with_messages}", held(&service.site));
}

#[test]
fn l_06_mailboxes_above_the_limit_are_left_out_and_reported() {
    let site = Site::with_users();
    let limited =
        format!("\n[backup]\ndirectory = \"{}\"\nexclude_above = \"10kB\"\n", place(&site).display());
    site.configure(&(Site::configuration() + &limited));
    let service = Service::serve(site);
    service.receive("friend@example.org", &[KENJI.address], &message(1000));
    service.receive("friend@example.org", &[AYUMI.address], &message(1));
    let before = seen(&service, &AYUMI);
    let metrics = service.site.path("backup.prom");
    let report = json_of(&service.site, &["backup", "--metrics", metrics.to_str().unwrap()]);
    let excluded = report["excluded"].as_array().unwrap();
    assert_eq!((excluded.len(), &excluded[0]["login"]), (1, &json!(KENJI.login)), "{report}");
    assert!(excluded[0]["octets"].as_u64().unwrap() > 60_000 && excluded[0]["messages"] == 1);
    let metrics = fs::read_to_string(metrics).unwrap();
    assert!(metrics.contains("\nyubin_backup_excluded_accounts 1\n"), "{metrics}");

    let file = file_with(&service.site, "Subject: 1\r");
    fs::remove_file(file).unwrap();
    assert_eq!(json_of(&service.site, &["restore", AYUMI.login])["restored"], 1);
    assert_eq!(seen(&service, &AYUMI), before);
    let output = service.site.run(Program::Yubin, &["restore", KENJI.login], "");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("left out"), "{error}");
    // Off by default, and by the command for once. With the postmaster that `domain add` made there are three.
    let report = json_of(&service.site, &["backup", "--exclude-above", "1GiB"]);
    assert_eq!((&report["excluded"], &report["accounts"]), (&json!([]), &json!(3)));
}

#[test]
fn l_07_a_backup_that_is_cut_leaves_the_last_good_one_and_the_next_goes_on() {
    let service = Service::start();
    let maildir = service.site.path("mail");
    service.receive("friend@example.org", &[KENJI.address], &message(1));
    back_up(&service.site, &[]);
    // As many as keep it busy for a while.
    let kenjis = fs::read_dir(maildir).unwrap().next().unwrap().unwrap().path();
    for nth in 0..1000 {
        fs::write(kenjis.join(format!("new/{}.M{nth:06}P1.mx", 1_355_543_030 + nth)), message(nth % 50))
            .unwrap();
    }
    let mut cut = 0;
    for round in 0..8 {
        let mut command = service.site.command(Program::Yubin);
        command.args(["backup", place(&service.site).to_str().unwrap()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Another moment in each round; that it is in the midst of things is what many rounds are for.
        thread::sleep(Duration::from_millis(10 + round * 15));
        cut += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(verify(&service.site)["damaged"], json!([]));
    }
    assert!(cut > 0, "every backup was done before it could be killed");
    assert_eq!(back_up(&service.site, &[])["messages"], 1001);
    fs::remove_dir_all(&kenjis).unwrap();
    assert_eq!(restore(&service.site, &[KENJI.login])["restored"], 1001);
    assert_eq!(service.mailbox(&KENJI).count(), 1001);
}

#[test]
fn l_07_one_message_comes_back_and_what_is_damaged_is_said_and_hides_no_other() {
    let service = Service::start();
    for nth in 1..=3 {
        service.receive("friend@example.org", &[KENJI.address], &message(nth));
    }
    let before = seen(&service, &KENJI);
    back_up(&service.site, &[]);
    let (id, text) = before.iter().nth(1).unwrap();
    let mut pop3 = service.mailbox(&KENJI);
    (1..=3).for_each(|nth| drop(pop3.ask(&format!("DELE {nth}"), "+OK")));
    pop3.quit();
    let listed = restore(&service.site, &[KENJI.login, "--list"]);
    assert!(listed.as_array().unwrap().iter().any(|one| one["message"] == **id), "{listed}");
    restore(&service.site, &[KENJI.login, "--message", id]);
    assert_eq!(seen(&service, &KENJI), BTreeMap::from([(id.clone(), text.clone())]));

    let objects = files_below(&place(&service.site).join("objects"));
    let third = objects
        .iter()
        .find(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).contains("Subject: 3\r"));
    fs::write(third.unwrap(), "spoilt").unwrap();
    let from = place(&service.site);
    let from = from.to_str().unwrap();
    for arguments in [&["verify", from, "--json"][..], &["restore", KENJI.login, "--from", from, "--json"]] {
        let output = service.site.run(Program::Yubin, arguments, "");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{report}");
        assert_eq!(report["damaged"].as_array().unwrap().len(), 1, "{report}");
        assert!(report["damaged"].to_string().contains(KENJI.login), "{report}");
    }
    assert_eq!(seen(&service, &KENJI).len(), 2);
    let output =
        service.site.run(Program::Yubin, &["restore", KENJI.login, "--from", from, "--message", "none"], "");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn l_07_l_10_accepted_mail_that_still_waits_is_in_it_and_what_cannot_be_read_hides_nothing() {
    let service = Service::start();
    service.receive("friend@example.org", &[KENJI.address], &message(1));
    // AYUMI's mailbox cannot be made, so that hers waits.
    let shown = json_of(&service.site, &["account", "show", AYUMI.login]);
    let ayumis = PathBuf::from(shown["maildir"].as_str().unwrap());
    fs::write(&ayumis, "in the way").unwrap();
    service.receive("friend@example.org", &[KENJI.address, AYUMI.address], &message(2));
    service.smtpd.wait_for_events("delivery_deferred", 1);
    fs::remove_file(&ayumis).unwrap();
    // A name that can be opened by nobody.
    let kenjis = file_with(&service.site, "Subject: 1\r").parent().unwrap().to_owned();
    std::os::unix::fs::symlink("1.loop", kenjis.join("1.loop")).unwrap();
    fs::create_dir(kenjis.join("2.directory")).unwrap();
    let report = back_up(&service.site, &[]);
    assert_eq!(report["messages"], 3, "{report}");

    let site = lose_mail(service);
    for user in [KENJI, AYUMI] {
        restore(&site, &[user.login]);
    }
    let service = Service::serve(site);
    assert_eq!(service.fetch(&AYUMI).len(), 1);
    assert_eq!(service.fetch(&KENJI).len(), 2);
}

#[test]
fn l_07_r_05_what_was_imported_before_the_backup_is_not_imported_again_behind_it() {
    let site = Site::with_users();
    let text = "From a@b Sat Nov 21 09:00:00 2026\n\n1\n\nFrom a@b Sat Nov 21 09:00:00 2026\n\n2\n\n";
    let source = site.write("taro", text);
    let import = || json_of(&site, &["import", "mbox", source.to_str().unwrap(), KENJI.login]);
    assert_eq!(import()["taken"], 2);
    back_up(&site, &[]);
    fs::remove_dir_all(site.path("mail")).unwrap();
    assert_eq!(restore(&site, &[KENJI.login])["restored"], 2);
    assert_eq!((&import()["taken"], &import()["before"]), (&json!(0), &json!(2)));
    assert_eq!(site.mail_files().len(), 2);
}

#[test]
fn l_07_a_login_that_was_issued_anew_does_not_get_the_mail_of_whom_it_was_before() {
    let site = Site::with_users();
    let source = site.write("taro", "From a@b Sat Nov 21 09:00:00 2026\n\n1\n\n");
    site.yubin(&["import", "mbox", source.to_str().unwrap(), KENJI.login]);
    back_up(&site, &[]);
    fs::remove_dir_all(site.path("mail")).unwrap();
    site.yubin(&["account", "remove", KENJI.login]);
    site.yubin(&["account", "add", KENJI.login, "--force"]);
    let from = place(&site);
    let output = site.run(Program::Yubin, &["restore", KENJI.login, "--from", from.to_str().unwrap()], "");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("another account"), "{error}");
    assert!(!site.path("mail").exists() || site.mail_files().is_empty());
}

#[test]
fn l_07_a_restoration_of_everything_that_was_interrupted_goes_on() {
    let mut service = Service::start();
    for nth in 0..5 {
        service.receive("friend@example.org", &[KENJI.address, AYUMI.alias], &message(nth));
    }
    let before = [seen(&service, &KENJI), seen(&service, &AYUMI)];
    let report = back_up(&service.site, &[]);
    let shown = json_of(&service.site, &["account", "show", AYUMI.login]);
    let ayumis = PathBuf::from(shown["maildir"].as_str().unwrap());

    let site = lose_everything(service);
    // It stops in the midst: the accounts are there, one's mail cannot come.
    fs::create_dir(site.path("mail")).unwrap();
    fs::write(&ayumis, "in the way").unwrap();
    let from = place(&site);
    let all = ["restore", "--all", "--from", from.to_str().unwrap()];
    let stopped = site.run(Program::Yubin, &all, "");
    assert_eq!(stopped.status.code(), Some(1));
    assert!(site.yubin(&["account", "list"]).contains(AYUMI.login));
    // Another backup is not what was begun.
    back_up(&site, &[]);

    fs::remove_file(&ayumis).unwrap();
    let restored = restore(&site, &["--all"]);
    let count = |key: &str| restored[key].as_u64().unwrap();
    assert_eq!((&restored["backup"], &restored["accounts"]), (&report["backup"], &report["accounts"]));
    assert_eq!(count("restored") + count("there"), report["messages"].as_u64().unwrap());
    // Done once, it is not done again over what is used since.
    let full = site.run(Program::Yubin, &all, "");
    let error = String::from_utf8(full.stderr).unwrap();
    assert!(full.status.code() == Some(1) && error.contains("not empty"), "{error}");
    service = Service::serve(site);
    assert_eq!([seen(&service, &KENJI), seen(&service, &AYUMI)], before);
}

#[test]
fn l_07_l_08_damage_is_not_inherited_by_the_backups_that_follow() {
    let service = Service::start();
    for nth in 1..=4 {
        service.receive("friend@example.org", &[KENJI.address], &message(nth));
    }
    back_up(&service.site, &[]);
    let objects = place(&service.site).join("objects");
    let object = |nth: usize| {
        let subject = format!("Subject: {nth}\r");
        let found = files_below(&objects).into_iter().find(|file| {
            let octets = fs::read(file).unwrap();
            String::from_utf8_lossy(&octets).contains(&subject)
        });
        found.unwrap()
    };
    let (lost, cut, spoilt) = (object(1), object(2), object(3));
    fs::remove_file(&lost).unwrap();
    fs::write(&cut, "").unwrap();
    // A lost object and one of another size are seen at once, and made anew.
    assert_eq!(back_up(&service.site, &[])["read"], 2);
    assert_eq!(verify(&service.site)["damaged"], json!([]), "of both backups");

    // Octets that changed are seen by who reads them.
    let mut octets = fs::read(&spoilt).unwrap();
    octets[0] ^= 1;
    fs::write(&spoilt, octets).unwrap();
    let from = place(&service.site);
    let output = service.site.run(Program::Yubin, &["verify", from.to_str().unwrap(), "--json"], "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("yubin.toml backup now"), "{error}");
    assert_eq!(
        (report["damaged"].as_array().unwrap().len(), &report["set_aside"]),
        (2, &json!(1)),
        "{report}"
    );
    assert_eq!(back_up(&service.site, &[])["read"], 1);
    assert_eq!(verify(&service.site)["damaged"], json!([]), "of all three");
}

#[test]
fn l_07_what_waits_for_other_hosts_comes_back_held_and_is_sent_only_when_it_is_released() {
    let service = Service::with_mail_that_waits(&["a@elsewhere.example", KENJI.address], &message(3));
    let waits = json_of(&service.site, &["queue", "list"]);
    assert_eq!(back_up(&service.site, &[])["queued"], 1);
    assert_eq!(back_up(&service.site, &["--keep", "1"])["queued"], 1, "and the sweep leaves it");
    assert_eq!(verify(&service.site)["damaged"], json!([]));

    let site = lose_everything(service);
    let restored = restore(&site, &["--all"]);
    assert_eq!((&restored["held"], &restored["restored"]), (&json!(1), &json!(1)), "{restored}");
    assert_eq!(restore(&site, &["--queue"])["held"], 0, "it is there");
    let held = json_of(&site, &["queue", "list", "--held"]);
    for what in ["id", "sender", "account", "octets", "arrived"] {
        assert_eq!(held[0][what], waits[0][what], "{what}");
    }
    assert!(held[0]["recipients"][0]["attempts"].as_u64().unwrap() > 0, "with what is known of it: {held}");
    assert!(held[0]["held"].as_str().unwrap().contains("may have been sent since"), "{held}");

    let service = Service::serve(site);
    assert_eq!(service.fetch(&KENJI).len(), 1, "not once more from the queue");
    let id = held[0]["id"].as_str().unwrap();
    // With the daemon at work: what was dropped comes back, held again.
    service.site.yubin(&["queue", "drop", id, "--reason", "a mistake"]);
    assert_eq!(restore(&service.site, &["--queue"])["held"], 1);
    assert_eq!(json_of(&service.site, &["queue", "list", "--held"])[0]["id"], id);
    service.site.yubin(&["queue", "release", id]);
    service.site.yubin(&["queue", "retry", id]);
    service.smtpd.wait_for_events("outbound_deferred", 1);
    assert_eq!(json_of(&service.site, &["queue", "list", "--held"]), json!([]));
}
