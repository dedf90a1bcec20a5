//! Root gives the operator's command: what it makes is the daemons' to use.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use crate::harness::programs::Program;
use crate::harness::site::{KENJI, Site};

/// `nobody`, as good a user for the daemons as any.
const DAEMONS: u32 = 65_534;

/// The same files, theirs from now on. Nothing where we are not root: then there is nobody to step down from.
fn given_away(site: Site) -> Option<Site> {
    for path in all(&site.path("")) {
        chown(path, Some(DAEMONS), Some(DAEMONS)).ok()?;
    }
    // What a person configures stays root's, and may be closed to everybody else.
    for file in ["yubin.toml", "key.pem"] {
        chown(site.path(file), Some(0), Some(0)).unwrap();
        fs::set_permissions(site.path(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    Some(site)
}

fn all(directory: &Path) -> Vec<PathBuf> {
    let inside = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let below = inside.flat_map(|path| if path.is_dir() { all(&path) } else { vec![path] });
    below.chain([directory.to_owned()]).collect()
}

/// What root has below the site, but for what it configured.
fn roots(site: &Site) -> Vec<PathBuf> {
    let mut found = all(&site.path(""));
    found.retain(|path| path.metadata().unwrap().uid() == 0);
    found.retain(|path| !["yubin.toml", "key.pem"].iter().any(|name| path.ends_with(name)));
    found
}

/// Something that only root may read, in a place that only root may enter.
fn private(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("source");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let name = file.to_str().unwrap().to_owned();
    (directory, name)
}

#[test]
fn what_root_imports_issues_and_counts_belongs_to_the_daemons() {
    let Some(site) = given_away(Site::with_users()) else { return };
    let (_place, mbox) = private("From a@example.net Sat Nov 21 10:00:00 2099\nSubject: 1\n\nbody\n");
    let (_place, table) =
        private("login,addresses,password\nm7654ab321d,taro@mx.example.jp,aki no yama 77\n");
    site.yubin(&["import", "mbox", &mbox, KENJI.login]);
    site.yubin(&["import", "accounts", &table]);
    site.yubin(&["quota", "recount"]);
    site.yubin(&["account", "set", KENJI.login, "expire_all=30"]);
    site.yubin(&["expire"]);
    site.yubin(&["account", "set", KENJI.login, "quota=1GiB"]);
    assert_eq!(roots(&site), Vec::<PathBuf>::new());
    assert_eq!(site.mail_files().len(), 1, "the message");
    assert!(!site.yubin(&["check"]).contains("warnings"));
    let change = site.yubin(&["audit", KENJI.login]);
    assert!(!change.contains("65534"), "who gave the command is still told: {change}");
}

#[test]
fn what_root_makes_and_restores_belongs_to_the_daemons() {
    let Some(site) = given_away(Site::with_users()) else { return };
    let (_place, mbox) = private("From a@example.net Sat Nov 21 10:00:00 2099\nSubject: 1\n\nbody\n");
    site.yubin(&["import", "mbox", &mbox, KENJI.login]);
    let backup = tempfile::tempdir().unwrap();
    let place = backup.path().join("backup");
    let place = place.to_str().unwrap();
    site.yubin(&["backup", place]);
    assert_eq!(fs::metadata(place).unwrap().uid(), 0, "a backup is where root says, and root's");
    fs::remove_dir_all(site.path("mail")).unwrap();
    for file in ["accounts.sqlite", "accounts.sqlite-wal", "accounts.sqlite-shm"] {
        let _ = fs::remove_file(site.path(file));
    }
    site.yubin(&["restore", "--all", "--from", place]);
    assert_eq!(roots(&site), Vec::<PathBuf>::new());
    assert_eq!(site.mail_files().len(), 1, "the message");

    let Some(empty) = given_away(Site::new()) else { return };
    empty.yubin(&["check", "--create"]);
    assert_eq!(roots(&empty), Vec::<PathBuf>::new());
    assert!(empty.path("accounts.sqlite").exists() && empty.path("apop.key").exists());
}

#[test]
fn a_maildir_or_a_database_that_is_somebody_elses_is_warned_of_with_the_command_that_mends_it() {
    let Some(site) = given_away(Site::with_users()) else { return };
    let (_place, mbox) = private("From a@example.net Sat Nov 21 10:00:00 2099\nSubject: 1\n\nbody\n");
    site.yubin(&["import", "mbox", &mbox, KENJI.login]);
    let maildir = fs::read_dir(site.path("mail")).unwrap().next().unwrap().unwrap().path();
    chown(maildir.join("new"), Some(0), Some(0)).unwrap();
    chown(site.path("accounts.sqlite"), Some(0), Some(0)).unwrap();
    let output = site.run(Program::Yubin, &["check"], "");
    let said = String::from_utf8(output.stdout).unwrap();
    let mail = site.path("mail");
    let mend = format!("1 Maildirs in {0} are not user 65534's", mail.display());
    for told in
        [mend, format!("chown -R 65534:65534 {}", mail.display()), "accounts.sqlite is not user".into()]
    {
        assert!(said.contains(&told), "{told}: {said}");
    }
}
