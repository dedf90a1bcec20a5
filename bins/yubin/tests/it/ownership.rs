//! Whose files are among the mail: a daemon cannot read what root made there for it.

use std::fs;
use std::os::unix::fs::chown;

use rustix::process::geteuid;

use crate::harness::programs::Program;
use crate::harness::site::{KENJI, Site};

/// On Debian: nobody.
const ANOTHER: u32 = 65534;

#[test]
fn root_makes_nothing_among_the_mail_of_the_daemons_user() {
    if !geteuid().is_root() {
        eprintln!("only root can give a directory to another user; nobody else can do this wrong");
        return;
    }
    let site = Site::with_users();
    site.yubin(&["account", "set", KENJI.login, "expire_all=30"]);
    let letter = site.write("letter", "From a@b Sat Nov 21 09:00:00 2026\n\n1\n\n");
    let backup = site.path("backup");
    fs::create_dir(site.path("mail")).unwrap();
    site.yubin(&["backup", backup.to_str().unwrap()]);
    let letter = letter.to_str().unwrap();
    let commands: [&[&str]; 4] = [
        &["quota", "recount"],
        &["expire"],
        &["import", "mbox", letter, KENJI.login],
        &["restore", KENJI.login, "--from", backup.to_str().unwrap()],
    ];
    chown(site.path("mail"), Some(ANOTHER), None).unwrap();
    for command in commands {
        let output = site.run(Program::Yubin, command, "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && error.contains("runuser -u "), "{command:?}: {error}");
    }
    assert_eq!(fs::read_dir(site.path("mail")).unwrap().count(), 0);
    // To look is anybody's.
    site.yubin(&["quota", "show"]);
    site.yubin(&["expire", "--dry-run"]);
    chown(site.path("mail"), Some(0), None).unwrap();
    for command in commands {
        site.yubin(command);
    }
}
