//! A crash at each operation of accepting and serving, and again at each operation of the recovery from it.

use std::fs;
use std::sync::Arc;

use mail_queue::{Envelope, QueueId};
use mailstore::faults::{Faults, Op, Plan, Stop};
use rustix::io::Errno;

use crate::support::*;

const KEYS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum FileSystem {
    Whole,
    NoLinks,
    NoRenameNew,
    MaildirsApart,
}

impl FileSystem {
    fn faults(self, scratch: &Scratch, plan: Plan) -> Arc<Faults> {
        let faults = Faults::new(plan);
        Arc::new(match self {
            FileSystem::Whole => faults,
            FileSystem::NoLinks => faults.without(Op::Link, Errno::PERM),
            FileSystem::NoRenameNew => faults.without(Op::RenameNew, Errno::INVAL),
            FileSystem::MaildirsApart => faults.with_mount(&scratch.maildirs()),
        })
    }
}

/// Sends one message under a plan; whether it was accepted, and whether the plan stopped the process.
fn send_under(scratch: &Scratch, file_system: FileSystem, plan: Plan) -> (bool, bool) {
    let faults = file_system.faults(scratch, plan);
    let accepted = scratch.open_on(faults.clone()).and_then(|(spool, _)| send(&spool, &KEYS)).is_ok();
    (accepted, faults.stopped())
}

fn stops() -> impl Iterator<Item = (usize, Stop)> {
    (0..).flat_map(|at| Stop::ALL.map(|stop| (at, stop)))
}

/// After a restart: all or none have it, whole, once, under one name; all if it was accepted.
fn assert_all_or_nothing(scratch: &Scratch, accepted: bool, when: &str) {
    let (_spool, recovery) = scratch.open();
    assert!(recovery.corrupt.is_empty() && recovery.trouble.is_empty(), "{when}: {recovery:?}");
    scratch.assert_queue_empty(when);
    let found = KEYS.map(|key| scratch.messages(key));
    let counts = found.each_ref().map(Vec::len);
    assert!(counts == [1; 3] || (counts == [0; 3] && !accepted), "{when}: {counts:?}, accepted: {accepted}");
    for message in found.iter().flatten() {
        assert_eq!(message, &(found[0][0].0.clone(), TEXT.to_vec()), "{when}");
    }
}

#[test]
fn l_10_r_07_a_crash_anywhere_serves_all_recipients_once_or_none() {
    for file_system in
        [FileSystem::Whole, FileSystem::NoLinks, FileSystem::NoRenameNew, FileSystem::MaildirsApart]
    {
        for (at, stop) in stops() {
            let scratch = Scratch::new();
            drop(scratch.open());
            let (accepted, stopped) = send_under(&scratch, file_system, Plan::StopAt(at, stop));
            assert_all_or_nothing(&scratch, accepted, &format!("{file_system:?}, operation {at}, {stop:?}"));
            if !stopped {
                break;
            }
        }
    }
}

#[test]
fn l_10_r_07_a_crash_anywhere_with_a_copy_for_each_recipient() {
    for (at, stop) in stops() {
        let scratch = Scratch::new();
        drop(scratch.open());
        let faults = FileSystem::Whole.faults(&scratch, Plan::StopAt(at, stop));
        let envelope = Envelope { delivered_to: true, ..envelope(QueueId::new(), &KEYS) };
        let sent = scratch.open_on(faults.clone()).and_then(|(spool, _)| send_as(&spool, envelope));
        let (_spool, recovery) = scratch.open();
        let when = format!("operation {at}, {stop:?}");
        assert!(recovery.corrupt.is_empty() && recovery.trouble.is_empty(), "{when}: {recovery:?}");
        scratch.assert_queue_empty(&when);
        let found = KEYS.map(|key| scratch.messages(key));
        let counts = found.each_ref().map(Vec::len);
        assert!(counts == [1; 3] || (counts == [0; 3] && sent.is_err()), "{when}: {counts:?}");
        for (key, messages) in KEYS.iter().zip(&found) {
            let own = [format!("Delivered-To: {key}@example.jp\r\n").as_bytes(), TEXT].concat();
            assert!(messages.iter().all(|(_, text)| *text == own), "{when}, {key}");
        }
        if !faults.stopped() {
            break;
        }
    }
}

#[test]
fn l_10_r_07_a_crash_during_the_recovery_from_a_crash_changes_nothing() {
    for at in 0.. {
        for stop in [Stop::Before, Stop::After] {
            for again in 0.. {
                let scratch = Scratch::new();
                drop(scratch.open());
                let (accepted, stopped) =
                    send_under(&scratch, FileSystem::Whole, Plan::StopAt(at, Stop::After));
                if !stopped {
                    return;
                }
                let faults = FileSystem::Whole.faults(&scratch, Plan::StopAt(again, stop));
                drop(scratch.open_on(faults.clone()));
                assert_all_or_nothing(&scratch, accepted, &format!("operation {at}, then {again} {stop:?}"));
                if !faults.stopped() {
                    break;
                }
            }
        }
    }
}

#[test]
fn l_10_what_a_customer_did_between_crash_and_restart_is_not_undone() {
    for file_system in [FileSystem::Whole, FileSystem::NoLinks, FileSystem::NoRenameNew] {
        for (at, stop) in stops() {
            let scratch = Scratch::new();
            drop(scratch.open());
            let (accepted, stopped) = send_under(&scratch, file_system, Plan::StopAt(at, stop));
            // Whoever has the message already fetches and deletes it.
            let fetched = KEYS.map(|key| {
                let Ok(maildir) = mailstore::Maildir::open(scratch.mailbox(key)) else { return 0 };
                let mut session = maildir.lock().unwrap();
                let all = session.len();
                assert!(session.remove(0..all).iter().all(|removal| removal.result.is_ok()));
                all
            });
            drop(scratch.open());
            let total = [0, 1, 2].map(|nth| fetched[nth] + scratch.messages(KEYS[nth]).len());
            assert!(
                total == [1; 3] || (total == [0; 3] && !accepted),
                "{file_system:?}, operation {at}, {stop:?}: {total:?}"
            );
            if !stopped {
                break;
            }
        }
    }
}

#[test]
fn l_10_a_copy_that_another_program_has_flagged_meanwhile_is_not_made_again() {
    for (at, stop) in stops() {
        let scratch = Scratch::new();
        drop(scratch.open());
        let (accepted, stopped) = send_under(&scratch, FileSystem::MaildirsApart, Plan::StopAt(at, stop));
        for key in KEYS {
            let Ok(new) = fs::read_dir(scratch.mailbox(key).join("new")) else { continue };
            for name in new.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
                let path = scratch.mailbox(key);
                fs::rename(path.join("new").join(&name), path.join(format!("cur/{name}:2,S"))).unwrap();
            }
        }
        let faults = FileSystem::MaildirsApart.faults(&scratch, Plan::Nothing);
        drop(scratch.open_on(faults));
        assert_all_or_nothing(&scratch, accepted, &format!("operation {at}, {stop:?}"));
        if !stopped {
            break;
        }
    }
}
