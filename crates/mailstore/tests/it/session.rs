//! One session a maildrop.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use mailstore::{Error, Maildir};

use crate::support::*;

#[test]
fn r_12_sessions_exclude_each_other_and_end_with_their_owner() {
    let scratch = scratch();
    let session = scratch.maildir.lock().unwrap();
    let same = Maildir::open(scratch.maildir.path()).unwrap();
    assert!(matches!(same.lock(), Err(Error::InUse)), "two in one process");
    let link = scratch.dir.path().join("other-name");
    std::os::unix::fs::symlink(scratch.maildir.path(), &link).unwrap();
    assert!(matches!(Maildir::open(&link).unwrap().lock(), Err(Error::InUse)), "by another path");
    drop(session);
    drop(same.lock().unwrap());
}

#[test]
fn r_12_a_session_in_another_process_excludes_and_vanishes_when_killed() {
    let scratch = scratch();
    drop(scratch.maildir.lock().unwrap());
    let lock = scratch.maildir.path().join("yubin-pop3.lock");
    // flock(1) stands for another pop3d: it becomes the program that tells when it has the lock, and is then killed.
    let mut other = Command::new("flock")
        .arg("--no-fork")
        .arg(&lock)
        .args(["sh", "-c", "echo locked; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    BufReader::new(other.stdout.as_mut().unwrap()).read_line(&mut told).unwrap();
    assert_eq!(told, "locked\n");
    assert!(matches!(scratch.maildir.lock(), Err(Error::InUse)));
    deliver(&scratch.maildir, b"delivery asks for no lock").unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(scratch.maildir.lock().unwrap().len(), 1);
}

#[test]
fn r_12_a_session_does_not_block_delivery() {
    let scratch = scratch();
    deliver(&scratch.maildir, b"first").unwrap();
    let session = scratch.maildir.lock().unwrap();
    deliver(&scratch.maildir, b"second").unwrap();
    assert_eq!(session.len(), 1, "a session shows its moment");
    drop(session);
    assert_eq!(scratch.maildir.lock().unwrap().len(), 2);
}

#[test]
fn a_session_can_move_between_threads() {
    fn check<T: Send + 'static>(_: &T) {}
    let scratch = scratch();
    check(&scratch.maildir);
    check(&scratch.maildir.begin(&mailstore::Namer::new("mx")).unwrap());
    check(&scratch.maildir.lock().unwrap());
}
