//! Messages for other hosts that are held, from the start or later: whatever comes between, none is sent before its release, none is
//! lost, and none is swept away.

use std::sync::Arc;

use mail_queue::{Envelope, Error, Fate, QueueId, Remote, Spool};
use mailstore::faults::{Faults, Plan, Stop};
use mailstore::files::Disk;
use mailstore::power_cut::{Recorder, Renames};

use crate::held::{counts, hold};
use crate::support::*;

const WHY: &str = "to be looked at";

/// How a message comes to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// For who is elsewhere, from its first moment on.
    Elsewhere,
    /// From everybody, from its first moment on.
    FromAll,
    /// By an operator, who finds it in the queue.
    Later,
}

impl Held {
    const ALL: [Held; 3] = [Held::Elsewhere, Held::FromAll, Held::Later];

    fn accept(self, spool: &Spool, id: QueueId, keys: &[&str]) -> Result<(), Error> {
        let remotes = ["x@example.com", "y@example.net"].map(Remote::new).into();
        let envelope = Envelope { remotes, ..envelope(id, keys) };
        let mut incoming = spool.begin(id)?;
        incoming.write(TEXT)?;
        match self {
            Held::FromAll => return incoming.accept_held(envelope, WHY).map(drop),
            Held::Elsewhere => incoming.hold(WHY.into()),
            Held::Later => {}
        }
        let accepted = incoming.accept(envelope)?;
        assert_eq!(accepted.outbound().is_some(), self == Held::Later, "what is sent from memory");
        accepted.deliver();
        Ok(())
    }

    fn hold(self, spool: &Spool, id: QueueId) -> Result<(), Error> {
        match self {
            Held::Later => spool.record(id, |_, progress| progress.hold = Some(WHY.into())).map(drop),
            _ => Ok(()),
        }
    }
}

/// What a start finds of a message of which so much was answered: held, or not held yet, or nothing that had been accepted.
fn found(after: &Scratch, id: QueueId, (accepted, held): (bool, bool), kind: Held, when: &str) -> bool {
    let (spool, recovery) = after.open();
    assert!(recovery.corrupt.is_empty() && recovery.trouble.is_empty(), "{when}: {recovery:?}");
    let Some(outbound) = spool.outbound(id).unwrap() else {
        assert!(!accepted, "lost: {when}");
        after.assert_queue_empty(when);
        return false;
    };
    match outbound.progress.hold.as_deref() {
        Some(why) => assert_eq!(why, WHY, "{when}"),
        None => assert!(kind == Held::Later && !held, "it would be sent: {when}"),
    }
    assert_eq!(spool.sweep(), 0, "{when}");
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut spool.open_body(id).unwrap(), &mut text).unwrap();
    assert_eq!(text, TEXT, "{when}");
    spool.release(id).unwrap().unwrap();
    let sent = spool.record(id, |_, progress| {
        progress.recipients.iter_mut().for_each(|recipient| recipient.fate = Fate::Delivered);
    });
    assert!(sent.unwrap().is_some(), "{when}");
    spool.sweep();
    after.assert_queue_empty(when);
    true
}

#[test]
fn o_05_what_is_held_is_held_or_not_there_after_any_power_cut() {
    let keys: [&[&str]; 2] = [&[], &["a"]];
    for (kind, keys) in Held::ALL.into_iter().flat_map(|kind| keys.map(|keys| (kind, keys))) {
        for renames in [Renames::Whole, Renames::OldNameMayStay] {
            let scratch = Scratch::new();
            let recorder = Arc::new(Recorder::over(Arc::new(Disk), scratch.root()).unwrap());
            let (spool, _) = scratch.open_on(recorder.clone()).unwrap();
            let id = QueueId::new();
            kind.accept(&spool, id, keys).unwrap();
            let accepted_at = recorder.len();
            kind.hold(&spool, id).unwrap();
            let held_at = recorder.len();
            let (mut there, mut not) = (0, 0);
            for at in 0..=held_at {
                for image in recorder.images(at, renames) {
                    let after = Scratch::new();
                    image.write_to(after.root()).unwrap();
                    let when = format!("{kind:?}, {keys:?}, {renames:?}, after {at} of {held_at}");
                    let answered = (at >= accepted_at, at >= held_at);
                    let is = found(&after, id, answered, kind, &when);
                    there += usize::from(is);
                    not += usize::from(!is);
                }
            }
            assert!(there > 1 && not > 10, "{kind:?} {keys:?}: {there} {not}");
        }
    }
}

#[test]
fn o_05_what_is_held_is_held_or_not_there_after_a_crash_anywhere() {
    let keys: [&[&str]; 2] = [&[], &["a"]];
    for (kind, keys) in Held::ALL.into_iter().flat_map(|kind| keys.map(|keys| (kind, keys))) {
        for (at, stop) in (0..).flat_map(|at| Stop::ALL.map(|stop| (at, stop))) {
            let scratch = Scratch::new();
            drop(scratch.open());
            let (faults, id) = (Arc::new(Faults::new(Plan::StopAt(at, stop))), QueueId::new());
            let (mut accepted, mut held) = (false, false);
            if let Ok((spool, _)) = scratch.open_on(faults.clone()) {
                accepted = kind.accept(&spool, id, keys).is_ok();
                held = accepted && kind.hold(&spool, id).is_ok();
            }
            let when = format!("{kind:?}, {keys:?}, operation {at}, {stop:?}");
            found(&scratch, id, (accepted, held), kind, &when);
            if !faults.stopped() {
                break;
            }
        }
    }
}

#[test]
fn a_dead_machines_held_messages_are_held_once_whatever_the_adopting_one_dies_of() {
    for (at, stop) in (0..).flat_map(|at| Stop::ALL.map(|stop| (at, stop))) {
        let (dead, scratch) = (Scratch::new(), Scratch::new());
        let ids = [QueueId::new(), QueueId::new(), QueueId::new(), QueueId::new()];
        {
            let (spool, _) = dead.open();
            hold(&spool, ids[0], &[]).unwrap();
            hold(&spool, ids[1], &["x@example.com"]).unwrap();
            Held::Elsewhere.accept(&spool, ids[2], &[]).unwrap();
            Held::Later.accept(&spool, ids[3], &[]).unwrap();
            Held::Later.hold(&spool, ids[3]).unwrap();
        }
        drop(scratch.open());
        let faults = Arc::new(Faults::new(Plan::StopAt(at, stop)));
        if let Ok((spool, _)) = scratch.open_on(faults.clone()) {
            let _ = spool.adopt(&dead.queue());
        }
        let when = format!("operation {at}, {stop:?}");
        let (spool, first) = scratch.open();
        let (adopted, second) = spool.adopt(&dead.queue()).unwrap();
        for recovery in [&first, &second] {
            assert!(recovery.corrupt.is_empty() && recovery.trouble.is_empty(), "{when}: {recovery:?}");
        }
        let mut ours: Vec<QueueId> = first.held.into_iter().chain(first.outbound).collect();
        ours.dedup();
        assert!(!ours.iter().any(|id| adopted.contains(id)), "{when}: in both");
        dead.assert_queue_empty(&when);
        assert_eq!(counts(&scratch), [0, 0], "{when}");
        for id in ids {
            let held = spool.outbound(id).unwrap().unwrap();
            assert!(held.progress.hold.is_some(), "{when}");
            spool.release(id).unwrap().unwrap();
        }
        assert_eq!(counts(&scratch), [2, 2], "{when}");
        if !faults.stopped() {
            break;
        }
    }
}

#[test]
fn adopting_on_a_disk_that_says_no_once_loses_no_held_message() {
    for at in 0.. {
        let (dead, scratch) = (Scratch::new(), Scratch::new());
        let id = QueueId::new();
        hold(&dead.open().0, id, &[]).unwrap();
        drop(scratch.open());
        let faults = Arc::new(Faults::new(Plan::FailAt(at, rustix::io::Errno::IO)));
        if let Ok((spool, _)) = scratch.open_on(faults.clone()) {
            let _ = spool.adopt(&dead.queue());
        }
        let (spool, _) = scratch.open();
        let again = spool.adopt(&dead.queue());
        assert!(spool.outbound(id).unwrap().is_some(), "lost, operation {at}: {again:?}");
        spool.release(id).unwrap();
        assert_eq!(counts(&scratch), [1, 1], "operation {at}");
        if !faults.failed() {
            break;
        }
    }
}
