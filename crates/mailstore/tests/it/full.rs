//! Full disks and other refusals of the operating system, at every operation.

use std::sync::Arc;

use mailstore::faults::{Faults, Op, Plan};
use mailstore::{Error, Maildir};
use rustix::io::Errno;

use crate::support::*;

#[test]
fn l_05_a_failed_operation_leaves_no_partial_file_and_says_why() {
    for errno in [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::MFILE] {
        for at in 0.. {
            let scratch = scratch();
            let before = deliver(&scratch.maildir, b"before").unwrap();
            let faults = Arc::new(Faults::new(Plan::FailAt(at, errno)));
            let outcome = deliver(&Maildir::at(faults.clone(), scratch.maildir.path()), b"Hello.\r\n");
            if !faults.failed() {
                outcome.unwrap();
                break;
            }
            let error = outcome.expect_err("a failure is not acceptance");
            let no_space = matches!(errno, Errno::NOSPC | Errno::DQUOT);
            assert_eq!(matches!(error, Error::NoSpace { .. }), no_space, "{error:?}");
            assert_eq!(error.is_no_space(), no_space);
            assert!(names(&scratch.maildir, "tmp").is_empty(), "operation {at}, {errno}");
            assert_eq!(contents(&scratch.maildir).into_keys().collect::<Vec<_>>(), [before.unique_id]);
        }
    }
}

#[test]
fn r_07_a_message_that_cannot_be_removed_is_said_and_stays() {
    let scratch = scratch();
    let kept: Vec<_> = (0..3).map(|_| deliver(&scratch.maildir, b"x\r\n").unwrap().unique_id).collect();
    let faults = Arc::new(Faults::new(Plan::Nothing).without(Op::Remove, Errno::ACCESS));
    let mut session = Maildir::at(faults, scratch.maildir.path()).lock().unwrap();
    let removals = session.remove([0, 2]);
    assert_eq!(removals.iter().map(|r| r.index).collect::<Vec<_>>(), [0, 2]);
    assert!(removals.iter().all(|r| matches!(&r.result, Err(Error::Io { action: "remove", .. }))));
    drop(session);
    assert_eq!(contents(&scratch.maildir).into_keys().collect::<Vec<_>>(), kept);
}

#[test]
fn r_07_an_expunge_that_is_not_durable_is_not_called_done() {
    let scratch = scratch();
    deliver(&scratch.maildir, b"x\r\n").unwrap();
    let faults = Arc::new(Faults::new(Plan::Nothing).without(Op::SyncDir, Errno::IO));
    let mut session = Maildir::at(faults, scratch.maildir.path()).lock().unwrap();
    assert!(matches!(&session.remove([0])[0].result, Err(Error::Io { action: "sync", .. })));
}
