//! Messages for other hosts: accepted with those for mailboxes at one instant, settled once, and never lost on the way.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::sync::Arc;

use mail_queue::{Envelope, Error, Fate, Forward, Outcome, QueueId, Remote, Spool, View};
use mailstore::faults::{Faults, Op, Plan, Stop};
use mailstore::files::Disk;
use mailstore::power_cut::{Recorder, Renames};
use rustix::io::Errno;

use crate::support::*;

fn mixed(id: QueueId, keys: &[&str], addresses: &[&str]) -> Envelope {
    let remotes = addresses.iter().map(|address| Remote::new(*address)).collect();
    Envelope { remotes, ..envelope(id, keys) }
}

fn accept(spool: &Spool, id: QueueId, keys: &[&str], addresses: &[&str]) -> Result<Outcome, Error> {
    let mut incoming = spool.begin(id)?;
    incoming.write(TEXT)?;
    Ok(incoming.accept(mixed(id, keys, addresses))?.deliver())
}

/// What a delivery agent does for one recipient: reads the message, then records what came of it.
fn send_to(spool: &Spool, id: QueueId, nth: usize, sent: &mut Vec<usize>) -> Result<(), Error> {
    let Some(outbound) = spool.outbound(id)? else { return Ok(()) };
    if outbound.progress.recipients[nth].fate != Fate::Waiting {
        return Ok(());
    }
    let mut text = Vec::new();
    spool.open_body(id)?.read_to_end(&mut text).unwrap();
    assert_eq!(text, TEXT);
    sent.push(nth);
    spool.record(id, |_, progress| progress.recipients[nth].fate = Fate::Delivered)?;
    Ok(())
}

#[test]
fn an_address_is_one_recipient_for_each_who_has_mail_sent_on_there() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let id = QueueId::new();
    let there = |address: &str, of: Option<(&str, bool)>| {
        let forward = of.map(|(recipient, kept)| {
            let reverse_path = "SRS0=a@example.jp".to_owned();
            Forward { reverse_path, recipient: format!("{recipient}@example.jp"), kept }
        });
        Remote { forward, ..Remote::new(address) }
    };
    let (direct, kept) = (there("x@example.com", None), there("x@example.com", Some(("a", true))));
    let other = there("x@example.com", Some(("b", false)));
    // What becomes of the first says nothing of the others: `b` has no copy, and the sender is told if `x` does not get theirs.
    let remotes = vec![kept.clone(), other.clone(), direct.clone(), kept.clone(), direct.clone()];
    let mut incoming = spool.begin(id).unwrap();
    incoming.write(TEXT).unwrap();
    incoming.accept(Envelope { remotes, ..envelope(id, &[]) }).unwrap().deliver();
    assert_eq!(spool.outbound(id).unwrap().unwrap().envelope.remotes, [kept, other, direct]);
}

#[test]
fn a_message_that_lost_its_end_is_not_read_as_if_it_were_whole() {
    for (keys, kind) in [(&["a"][..], "out"), (&[], "one")] {
        let scratch = Scratch::new();
        let (spool, _) = scratch.open();
        let id = QueueId::new();
        let envelope = mixed(id, keys, &["x@example.com"]);
        let mut incoming = spool.begin(id).unwrap();
        incoming.write(TEXT).unwrap();
        drop(incoming.accept(envelope).unwrap());
        let path = scratch.queue().join(format!("msg/{id}.{kind}"));
        let mut open = spool.open_body(id).unwrap();
        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(TEXT.len() as u64 - 1).unwrap();
        let error = open.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{kind}");
        match spool.open_body(id) {
            Ok(mut octets) => {
                assert_eq!(kind, "out");
                assert!(octets.read_to_end(&mut Vec::new()).is_err());
            }
            Err(error) => assert!(matches!(error, Error::Malformed { .. }), "{kind}: {error}"),
        }
    }
}

#[test]
fn one_rename_accepts_for_mailboxes_and_for_other_hosts() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let id = QueueId::new();
    let outcome = accept(&spool, id, &["a", "b"], &["x@example.com", "y@example.net"]).unwrap();
    assert_eq!(outcome.delivered, 2);
    for key in ["a", "b"] {
        assert_eq!(scratch.messages(key).len(), 1, "{key}");
    }
    let view = View::new(&scratch.queue());
    assert_eq!(view.ids().unwrap(), [id]);
    let seen = view.outbound(id).unwrap().unwrap();
    assert_eq!((seen.envelope.remotes.len(), seen.sizes.stored), (2, TEXT.len() as u64));

    let mut sent = Vec::new();
    send_to(&spool, id, 1, &mut sent).unwrap();
    let left = spool.outbound(id).unwrap().unwrap();
    assert_eq!(left.progress.recipients[0].fate, Fate::Waiting);
    assert_eq!(left.progress.recipients[1].fate, Fate::Delivered);
    send_to(&spool, id, 0, &mut sent).unwrap();
    assert_eq!(sent, [1, 0]);
    scratch.assert_queue_empty("both were sent");
    assert!(spool.record(id, |_, _| panic!("nobody waits")).unwrap().is_none());
}

#[test]
fn whoever_is_last_clears_up() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    fs::create_dir_all(scratch.maildirs()).unwrap();
    for mailbox_first in [true, false] {
        fs::write(scratch.mailbox("a"), "not a directory").unwrap();
        let id = QueueId::new();
        assert_eq!(accept(&spool, id, &["a"], &["x@example.com"]).unwrap().pending.len(), 1);
        let serve = || {
            fs::remove_file(scratch.mailbox("a")).unwrap();
            assert_eq!(spool.retry(id).unwrap().delivered, 1);
        };
        let send = || send_to(&spool, id, 0, &mut Vec::new()).unwrap();
        if mailbox_first {
            serve();
            assert!(spool.outbound(id).unwrap().is_some());
            send();
        } else {
            send();
            assert!(spool.outbound(id).unwrap().is_none());
            serve();
        }
        scratch.assert_queue_empty("both");
        fs::remove_dir_all(scratch.mailbox("a")).unwrap();
    }
}

/// After a restart on whatever is left, everything is sent that waits.
fn send_the_rest(scratch: &Scratch, when: &str) -> Vec<usize> {
    let (spool, recovery) = scratch.open();
    assert!(recovery.corrupt.is_empty() && recovery.trouble.is_empty(), "{when}: {recovery:?}");
    let mut sent = Vec::new();
    for id in recovery.outbound {
        for nth in [0, 1] {
            send_to(&spool, id, nth, &mut sent).unwrap();
        }
    }
    scratch.assert_queue_empty(when);
    sent
}

/// Who has it: of two mailboxes and two addresses, counted over the crash.
fn assert_promise(scratch: &Scratch, accepted: bool, mut sent: Vec<usize>, when: &str) {
    let before = sent.len();
    sent.extend(send_the_rest(scratch, when));
    let here = ["a", "b"].map(|key| scratch.messages(key).len());
    let reached: BTreeSet<usize> = sent.iter().copied().collect();
    if here == [0, 0] && reached.is_empty() {
        assert!(!accepted, "lost: {when}");
        return;
    }
    assert_eq!(here, [1, 1], "{when}");
    assert_eq!(reached.len(), 2, "{when}: {sent:?}");
    // SMTP itself allows no better than one copy more, of the one that was on its way (RFC 5321 §6.1).
    assert!(sent.len() <= 3 && (sent.len() == 2 || before > 0), "{when}: {sent:?}");
}

#[test]
fn l_10_r_07_a_crash_anywhere_loses_nobody_elsewhere_and_serves_mailboxes_once() {
    for lacking in [None, Some((Op::Link, Errno::PERM)), Some((Op::RenameNew, Errno::INVAL))] {
        for at in 0.. {
            let mut over = true;
            for stop in Stop::ALL {
                let scratch = Scratch::new();
                drop(scratch.open());
                let mut faults = Faults::new(Plan::StopAt(at, stop));
                if let Some((op, errno)) = lacking {
                    faults = faults.without(op, errno);
                }
                let faults = Arc::new(faults);
                let (mut accepted, mut sent) = (false, Vec::new());
                if let Ok((spool, _)) = scratch.open_on(faults.clone()) {
                    let id = QueueId::new();
                    accepted = accept(&spool, id, &["a", "b"], &["x@example.com", "y@example.net"]).is_ok();
                    for nth in [0, 1] {
                        if accepted && send_to(&spool, id, nth, &mut sent).is_err() {
                            break;
                        }
                    }
                }
                assert_promise(&scratch, accepted, sent, &format!("{lacking:?}, operation {at}, {stop:?}"));
                over &= !faults.stopped();
            }
            if over {
                break;
            }
        }
    }
}

#[test]
fn l_10_r_07_a_power_cut_anywhere_loses_nobody_elsewhere_and_serves_mailboxes_once() {
    for renames in [Renames::Whole, Renames::OldNameMayStay] {
        let scratch = Scratch::new();
        let recorder = Arc::new(Recorder::over(Arc::new(Disk), scratch.root()).unwrap());
        let (spool, _) = scratch.open_on(recorder.clone()).unwrap();
        let id = QueueId::new();
        let mut incoming = spool.begin(id).unwrap();
        incoming.write(TEXT).unwrap();
        let accepted = incoming.accept(mixed(id, &["a", "b"], &["x@example.com", "y@example.net"])).unwrap();
        let accepted_at = recorder.len();
        assert_eq!(accepted.deliver().delivered, 2);
        // What was sent when: `record` begins after the other host has it, and is remembered when it returns.
        let mut steps = Vec::new();
        for nth in [0, 1] {
            steps.push((nth, recorder.len()));
            send_to(&spool, id, nth, &mut Vec::new()).unwrap();
        }
        let mut disks = 0;
        for at in 0..=recorder.len() {
            for image in recorder.images(at, renames) {
                let after = Scratch::new();
                image.write_to(after.root()).unwrap();
                let sent =
                    steps.iter().filter(|(_, since)| *since <= at && at > accepted_at).map(|(nth, _)| *nth);
                let when = format!("{renames:?}, after {at} operations, accepted after {accepted_at}");
                assert_promise(&after, at >= accepted_at, sent.collect(), &when);
                disks += 1;
            }
        }
        assert!(disks > 100, "{disks}");
    }
}

#[test]
fn l_05_a_record_that_fails_changes_nothing() {
    for at in 0.. {
        let scratch = Scratch::new();
        let (spool, _) = scratch.open();
        let id = QueueId::new();
        accept(&spool, id, &[], &["x@example.com", "y@example.net"]).unwrap();
        drop(spool);
        let faults = Arc::new(Faults::new(Plan::FailAt(at, Errno::NOSPC)));
        let Ok((spool, _)) = scratch.open_on(faults.clone()) else { continue };
        let recorded = spool.record(id, |_, progress| progress.recipients[0].attempts = 7);
        drop(spool);
        let (spool, recovery) = scratch.open();
        assert_eq!(recovery.outbound, [id], "operation {at}");
        let attempts = spool.outbound(id).unwrap().unwrap().progress.recipients[0].attempts;
        if !faults.failed() {
            assert_eq!((recorded.is_ok(), attempts), (true, 7));
            return;
        }
        // An error at the directory's sync alone leaves it open which of the two a power cut would keep.
        assert!(attempts == 7 || recorded.is_err(), "operation {at}");
    }
}

#[test]
fn l_10_an_envelope_that_cannot_be_read_is_set_aside_with_its_message() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let ids = [QueueId::new(), QueueId::new(), QueueId::new()];
    for id in ids {
        accept(&spool, id, &[], &["x@example.com"]).unwrap();
    }
    let msg = scratch.queue().join("msg");
    fs::write(msg.join(format!("{}.one", ids[0])), "").unwrap();
    fs::write(msg.join(format!("{}.q", ids[1])), "yubin-progress 2\n").unwrap();
    for id in &ids[..2] {
        let Err(Error::Malformed { malformed, .. }) = spool.outbound(*id) else { panic!("read") };
        let recovery = spool.set_aside(*id, &malformed.to_string());
        assert!(recovery.trouble.is_empty() && !recovery.corrupt.is_empty(), "{recovery:?}");
    }
    assert_eq!(scratch.names("corrupt").len(), 3);
    drop(spool);
    assert_eq!(scratch.open().1.outbound, ids[2..]);
}

#[test]
fn a_dead_machines_queue_is_taken_over_whole() {
    let (dead, ours) = (Scratch::new(), Scratch::new());
    let (theirs, _) = dead.open();
    let (first, second) = (QueueId::new(), QueueId::new());
    accept(&theirs, first, &["a"], &["x@example.com", "y@example.net"]).unwrap();
    accept(&theirs, second, &[], &["z@example.org"]).unwrap();
    send_to(&theirs, first, 0, &mut Vec::new()).unwrap();
    let (spool, _) = ours.open();
    assert!(matches!(spool.adopt(&dead.queue()), Err(Error::InUse(_))), "its owner lives");
    drop(theirs);
    for at in 0.. {
        let mut over = true;
        for stop in Stop::ALL {
            // The machine that adopts dies too, at every operation in turn. Then it is started, sends what it has, and does it again.
            let (scratch, copy) = (Scratch::new(), Scratch::new());
            copy_tree(dead.root(), copy.root());
            drop(scratch.open());
            let faults = Arc::new(Faults::new(Plan::StopAt(at, stop)));
            if let Ok((spool, _)) = scratch.open_on(faults.clone()) {
                let _ = spool.adopt(&copy.queue());
            }
            let when = format!("operation {at}, {stop:?}");
            let mut sent = Vec::new();
            let (spool, recovery) = scratch.open();
            assert!(recovery.trouble.is_empty() && recovery.corrupt.is_empty(), "{when}: {recovery:?}");
            send_all(&spool, &recovery.outbound, &mut sent);
            let (adopted, recovery) = spool.adopt(&copy.queue()).unwrap();
            assert!(recovery.trouble.is_empty() && recovery.corrupt.is_empty(), "{when}: {recovery:?}");
            copy.assert_queue_empty(&when);
            send_all(&spool, &adopted, &mut sent);
            assert!(spool.adopt(&copy.queue()).unwrap().0.is_empty(), "{when}");
            sent.sort();
            assert_eq!(sent, [(first, 1), (second, 0)], "{when}");
            scratch.assert_queue_empty(&when);
            over &= !faults.stopped();
        }
        if over {
            break;
        }
    }
}

#[test]
fn a_crash_while_a_message_is_parted_sends_nothing_twice_if_its_owner_comes_back() {
    for at in 0.. {
        let (ours, theirs) = (Scratch::new(), Scratch::new());
        // Whoever adopts serves the mailboxes: here they wait.
        fs::create_dir_all(ours.maildirs()).unwrap();
        fs::write(ours.mailbox("a"), "not a directory").unwrap();
        drop(ours.open());
        let (spool, _) = theirs.open();
        fs::create_dir_all(theirs.maildirs()).unwrap();
        fs::write(theirs.mailbox("a"), "not a directory").unwrap();
        let id = QueueId::new();
        assert_eq!(accept(&spool, id, &["a"], &["x@example.com", "y@example.net"]).unwrap().pending.len(), 1);
        let mut sent = Vec::new();
        send_to(&spool, id, 0, &mut sent).unwrap();
        drop(spool);
        let faults = Arc::new(Faults::new(Plan::StopAt(at, Stop::After)));
        let mut here = Vec::new();
        if let Ok((spool, _)) = ours.open_on(faults.clone()) {
            let _ = spool.adopt(&theirs.queue());
        }
        let (spool, recovery) = ours.open();
        send_all(&spool, &recovery.outbound, &mut here);
        fs::remove_file(theirs.mailbox("a")).unwrap();
        let (spool, recovery) = theirs.open();
        assert!(recovery.trouble.is_empty() && recovery.corrupt.is_empty(), "operation {at}: {recovery:?}");
        for id in recovery.outbound {
            send_to(&spool, id, 1, &mut sent).unwrap();
        }
        let all: Vec<usize> = sent.into_iter().chain(here.into_iter().map(|(_, nth)| nth)).collect();
        assert_eq!(all, [0, 1], "operation {at}");
        drop(spool);
        let (_spool, recovery) = theirs.open();
        assert!(recovery.outbound.is_empty(), "operation {at}");
        assert_eq!(theirs.messages("a").len(), 1, "operation {at}");
        theirs.assert_queue_empty(&format!("operation {at}"));
        if !faults.stopped() {
            break;
        }
    }
}

#[test]
fn nothing_is_made_of_what_is_not_a_queue() {
    let (ours, other) = (Scratch::new(), Scratch::new());
    let (spool, _) = ours.open();
    let (missing, home) = (other.root().join("missing"), other.root().join("home"));
    fs::create_dir_all(home.join("tmp")).unwrap();
    for directory in [&missing, &home] {
        assert!(matches!(spool.adopt(directory), Err(Error::NotAQueue(named)) if named == *directory));
    }
    assert!(!missing.exists());
    assert_eq!(fs::read_dir(&home).unwrap().count(), 1, "what was there, and nothing more");
}

#[test]
fn what_is_on_another_file_system_is_not_taken_over() {
    let (dead, ours) = (Scratch::new(), Scratch::new());
    accept(&dead.open().0, QueueId::new(), &[], &["x@example.com"]).unwrap();
    drop(ours.open());
    let faults = Faults::new(Plan::Nothing).with_mount(&dead.queue());
    let (spool, _) = ours.open_on(Arc::new(faults)).unwrap();
    assert!(matches!(spool.adopt(&dead.queue()), Err(Error::Apart(_))));
    assert_eq!(View::new(&dead.queue()).ids().unwrap().len(), 1);
}

fn send_all(spool: &Spool, ids: &[QueueId], sent: &mut Vec<(QueueId, usize)>) {
    for id in ids {
        for nth in [0, 1] {
            let waits = spool.outbound(*id).unwrap().filter(|found| nth < found.progress.recipients.len());
            let mut one = Vec::new();
            if waits.is_some() {
                send_to(spool, *id, nth, &mut one).unwrap();
            }
            sent.extend(one.into_iter().map(|nth| (*id, nth)));
        }
    }
}

fn copy_tree(from: &std::path::Path, to: &std::path::Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
