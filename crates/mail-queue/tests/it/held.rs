//! Messages that are held from the start: accepted as any other, given to nobody, and released or dropped once.

use std::sync::Arc;

use mail_queue::{Envelope, Error, QueueId, Recovery, Remote, Spool, View, waiting};
use mailstore::faults::{Faults, Plan, Stop};

use crate::support::*;

const KEYS: [&str; 2] = ["a", "b"];
const WHY: &str = "not looked at";

fn for_all(id: QueueId, addresses: &[&str]) -> Envelope {
    let remotes = addresses.iter().map(|address| Remote::new(*address)).collect();
    Envelope { remotes, ..envelope(id, &KEYS) }
}

pub(crate) fn hold(spool: &Spool, id: QueueId, addresses: &[&str]) -> Result<(), Error> {
    let mut incoming = spool.begin(id)?;
    incoming.write(TEXT)?;
    let sizes = incoming.accept_held(for_all(id, addresses), WHY)?;
    assert_eq!(sizes.stored, TEXT.len() as u64);
    Ok(())
}

pub(crate) fn counts(scratch: &Scratch) -> [usize; 2] {
    KEYS.map(|key| scratch.messages(key).len())
}

fn assert_held(scratch: &Scratch, id: QueueId, recovery: &Recovery, when: &str) {
    assert!(recovery.corrupt.is_empty() && recovery.trouble.is_empty(), "{when}: {recovery:?}");
    assert_eq!(recovery.held, [id], "{when}");
    assert_eq!(counts(scratch), [0, 0], "{when}");
    let seen = View::new(&scratch.queue()).outbound(id).unwrap().unwrap();
    assert_eq!(seen.progress.hold.as_deref(), Some(WHY), "{when}");
    assert_eq!(seen.held_here, seen.envelope.recipients, "{when}");
}

#[test]
fn a_held_message_is_seen_and_given_to_nobody_before_it_is_released() {
    for addresses in [&[][..], &["x@example.com"]] {
        let scratch = Scratch::new();
        let (spool, _) = scratch.open();
        let id = QueueId::new();
        hold(&spool, id, addresses).unwrap();
        assert_eq!(View::new(&scratch.queue()).ids().unwrap(), [id]);
        assert_eq!(spool.retry(id).unwrap().delivered, 0, "whoever retries");
        assert_eq!(waiting(&scratch.queue()).unwrap(), []);
        drop(spool);
        let (spool, recovery) = scratch.open();
        assert_held(&scratch, id, &recovery, "after a restart");
        assert_eq!(recovery.outbound.len(), addresses.len());

        assert_eq!(spool.release(id).unwrap().unwrap().delivered, 2);
        assert_eq!(counts(&scratch), [1, 1]);
        if addresses.is_empty() {
            scratch.assert_queue_empty("its mailboxes have it");
            assert!(spool.release(id).unwrap().is_none());
        } else {
            let left = spool.outbound(id).unwrap().unwrap();
            assert_eq!((left.progress.hold, left.held_here), (None, vec![]));
        }
    }
}

#[test]
fn a_dropped_one_comes_to_no_mailbox() {
    for addresses in [&[][..], &["x@example.com"]] {
        let scratch = Scratch::new();
        let (spool, _) = scratch.open();
        let id = QueueId::new();
        hold(&spool, id, addresses).unwrap();
        assert_eq!(spool.drop_held(id).unwrap().len(), 2);
        assert_eq!(spool.outbound(id).unwrap().is_some(), !addresses.is_empty());
        drop(spool);
        let (_spool, recovery) = scratch.open();
        assert!(recovery.corrupt.is_empty() && recovery.held.is_empty(), "{recovery:?}");
        assert_eq!(counts(&scratch), [0, 0]);
        if addresses.is_empty() {
            scratch.assert_queue_empty("it was dropped");
        }
    }
}

/// Does something under a crash at each of its operations.
fn crashed(
    prepare: fn(&Spool, QueueId),
    act: fn(&Spool, QueueId) -> bool,
    check: fn(&Scratch, QueueId, bool, &str),
) {
    for (at, stop) in (0..).flat_map(|at| Stop::ALL.map(|stop| (at, stop))) {
        let scratch = Scratch::new();
        let id = QueueId::new();
        prepare(&scratch.open().0, id);
        let faults = Arc::new(Faults::new(Plan::StopAt(at, stop)));
        let done = scratch.open_on(faults.clone()).is_ok_and(|(spool, _)| act(&spool, id));
        check(&scratch, id, done, &format!("operation {at}, {stop:?}"));
        if !faults.stopped() {
            break;
        }
    }
}

#[test]
fn v_04_a_crash_anywhere_holds_it_whole_or_leaves_nothing() {
    let check = |scratch: &Scratch, id: QueueId, done: bool, when: &str| {
        let (_spool, recovery) = scratch.open();
        if done || !recovery.held.is_empty() {
            assert_held(scratch, id, &recovery, when);
        } else {
            assert_eq!(counts(scratch), [0, 0], "{when}");
            scratch.assert_queue_empty(when);
        }
    };
    crashed(|_, _| (), |spool, id| hold(spool, id, &[]).is_ok(), check);
}

#[test]
fn v_04_a_crash_anywhere_releases_it_for_all_mailboxes_once_or_leaves_it_held() {
    let check = |scratch: &Scratch, id: QueueId, done: bool, when: &str| {
        let (spool, recovery) = scratch.open();
        if !recovery.held.is_empty() {
            assert!(!done, "{when}");
            assert_held(scratch, id, &recovery, when);
            spool.release(id).unwrap().unwrap();
        }
        assert_eq!(counts(scratch), [1, 1], "{when}");
        scratch.assert_queue_empty(when);
    };
    let release = |spool: &Spool, id| spool.release(id).is_ok_and(|outcome| outcome.is_some());
    crashed(|spool, id| hold(spool, id, &[]).unwrap(), release, check);
}

#[test]
fn v_04_a_crash_anywhere_while_it_is_dropped_gives_it_to_nobody() {
    let check = |scratch: &Scratch, id: QueueId, done: bool, when: &str| {
        let (spool, recovery) = scratch.open();
        assert!(recovery.corrupt.is_empty(), "{when}: {recovery:?}");
        assert!(recovery.held.is_empty() || !done, "{when}");
        spool.drop_held(id).unwrap();
        assert_eq!(counts(scratch), [0, 0], "{when}");
        scratch.assert_queue_empty(when);
    };
    crashed(|spool, id| hold(spool, id, &[]).unwrap(), |spool, id| spool.drop_held(id).is_ok(), check);
}

#[test]
fn a_dead_machines_held_messages_are_held_by_who_adopts_them() {
    let (dead, scratch) = (Scratch::new(), Scratch::new());
    let ids = [QueueId::new(), QueueId::new()];
    {
        let (spool, _) = dead.open();
        hold(&spool, ids[0], &[]).unwrap();
        hold(&spool, ids[1], &["x@example.com"]).unwrap();
    }
    let (spool, _) = scratch.open();
    let (adopted, recovery) = spool.adopt(&dead.queue()).unwrap();
    assert_eq!(adopted, ids, "{recovery:?}");
    dead.assert_queue_empty("it was adopted");
    assert_eq!(View::new(&scratch.queue()).ids().unwrap(), ids);
    for id in ids {
        assert_eq!(spool.release(id).unwrap().unwrap().delivered, 2);
    }
    assert_eq!(counts(&scratch), [2, 2]);
}
