//! Messages leave, and their files become those of the next ones, without anybody reading one for the other.

use std::fs;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::channel;

use mail_queue::{Envelope, Error, Fate, QueueId, Remote, Spool, View};
use mailstore::faults::{Faults, Op, Plan};
use mailstore::files::Disk;
use mailstore::power_cut::{Recorder, Renames};
use rustix::io::Errno;

use crate::support::*;

const LONG: &[u8] = b"Subject: long\r\n\r\nThe first of two messages, which is the longer one.\r\n";

fn accept(spool: &Spool, id: QueueId, text: &[u8]) -> Result<(), Error> {
    let mut incoming = spool.begin(id)?;
    incoming.write(text)?;
    let remotes = vec![Remote::new("x@example.com")];
    let accepted = incoming.accept(Envelope { remotes, ..envelope(id, &[]) })?;
    assert_eq!(accepted.deliver().delivered, 0);
    Ok(())
}

/// What [`Spool::leave`] says, when it says it.
fn leave(spool: &Spool, id: QueueId) -> Result<bool, Error> {
    let (tell, told) = channel();
    drop(spool.leave(id, move |left| tell.send(left).unwrap()));
    told.recv().unwrap()
}

fn octets(mut octets: impl Read) -> Vec<u8> {
    let mut read = Vec::new();
    octets.read_to_end(&mut read).unwrap();
    read
}

#[test]
fn a_message_that_left_is_gone_and_its_file_is_the_next_ones() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let (first, second) = (QueueId::new(), QueueId::new());
    accept(&spool, first, LONG).unwrap();
    assert!(leave(&spool, first).unwrap());
    assert!(!leave(&spool, first).unwrap(), "it had left before");
    assert_eq!(spool.outbound(first).unwrap(), None);
    assert_eq!(spool.record(first, |_, _| panic!("nobody waits")).unwrap(), None);
    assert_eq!(scratch.names("done"), [first.to_string()]);
    accept(&spool, second, TEXT).unwrap();
    assert!(scratch.names("done").is_empty(), "the second is in its file");
    assert_eq!(octets(spool.open_body(second).unwrap()), TEXT);
    assert_eq!(View::new(&scratch.queue()).ids().unwrap(), [second]);
    assert!(leave(&spool, second).unwrap());
    // Nothing of what has left lies about for long.
    assert_eq!((spool.sweep(), spool.sweep()), (1, 0));
    let left = scratch.queue().join("done").join(second.to_string());
    assert_eq!(fs::read(&left).unwrap(), b"");
    // And of that can become another, too.
    let third = QueueId::new();
    accept(&spool, third, LONG).unwrap();
    assert_eq!(octets(spool.open_body(third).unwrap()), LONG);
    assert!(leave(&spool, third).unwrap());
    drop(spool);
    assert!(scratch.names("done").is_empty(), "{:?}", scratch.names("done"));
}

#[test]
fn a_large_file_is_not_kept_as_it_is() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let id = QueueId::new();
    accept(&spool, id, &[b'x'; 100_000]).unwrap();
    assert!(leave(&spool, id).unwrap());
    assert_eq!(spool.sweep(), 0);
    assert_eq!(fs::metadata(scratch.queue().join("done").join(id.to_string())).unwrap().len(), 0);
}

#[test]
fn who_reads_a_message_that_has_left_reads_it_to_its_end() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let ids = [(); 3].map(|()| QueueId::new());
    accept(&spool, ids[0], LONG).unwrap();
    let here = spool.open_body(ids[0]).unwrap();
    // Another process, which makes a copy.
    let (_, there) = View::new(&scratch.queue()).copied(ids[0]).unwrap().unwrap();
    assert!(leave(&spool, ids[0]).unwrap());
    accept(&spool, ids[1], TEXT).unwrap();
    assert_eq!((octets(here), octets(there)), (LONG.to_vec(), LONG.to_vec()));
    assert_eq!(octets(spool.open_body(ids[1]).unwrap()), TEXT);
    // Nobody reads any more.
    assert!(leave(&spool, ids[1]).unwrap());
    accept(&spool, ids[2], LONG).unwrap();
    assert!(scratch.names("done").is_empty());
}

#[test]
fn a_file_that_cannot_be_used_again_is_not_missed() {
    for op in [Op::Reopen, Op::Cut] {
        let scratch = Scratch::new();
        let faults = Arc::new(Faults::new(Plan::Nothing));
        let (spool, _) = scratch.open_on(faults.clone()).unwrap();
        let [first, second, third] = [(); 3].map(|()| QueueId::new());
        accept(&spool, first, LONG).unwrap();
        assert!(leave(&spool, first).unwrap());
        faults.fail_next(op, Errno::IO);
        let accepted = accept(&spool, second, TEXT);
        assert_eq!(accepted.is_ok(), op == Op::Reopen, "{op:?}");
        assert!(faults.failed(), "{op:?}");
        accept(&spool, third, TEXT).unwrap();
        let there: Vec<QueueId> = [second, third].into_iter().skip(usize::from(accepted.is_err())).collect();
        assert_eq!(View::new(&scratch.queue()).ids().unwrap(), there, "{op:?}");
        assert!(there.iter().all(|id| octets(spool.open_body(*id).unwrap()) == TEXT), "{op:?}");
        assert!(scratch.names("done").is_empty() && scratch.names("tmp").is_empty(), "{op:?}");
    }
}

#[test]
fn what_is_being_changed_does_not_leave_so_simply() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let id = QueueId::new();
    accept(&spool, id, TEXT).unwrap();
    let hold = spool.record(id, |_, progress| {
        assert!(!leave(&spool, id).unwrap(), "an operator is at it");
        progress.hold = Some("asked for".into());
    });
    assert!(hold.unwrap().is_some());
    assert!(spool.outbound(id).unwrap().is_some());
}

#[test]
fn o_01_a_power_cut_anywhere_shows_no_message_for_another() {
    for (renames, texts) in [Renames::Whole, Renames::OldNameMayStay]
        .into_iter()
        .flat_map(|renames| [[LONG, TEXT], [TEXT, LONG]].map(|texts| (renames, texts)))
    {
        let scratch = Scratch::new();
        let recorder = Arc::new(Recorder::over(Arc::new(Disk), scratch.root()).unwrap());
        let (spool, _) = scratch.open_on(recorder.clone()).unwrap();
        let ids = [QueueId::new(), QueueId::new()];
        accept(&spool, ids[0], texts[0]).unwrap();
        let first = recorder.len();
        assert!(leave(&spool, ids[0]).unwrap());
        let left = recorder.len();
        accept(&spool, ids[1], texts[1]).unwrap();
        let second = recorder.len();
        assert!(scratch.names("done").is_empty(), "no new file");
        let mut disks = 0;
        for at in 0..=recorder.len() {
            for image in recorder.images(at, renames) {
                disks += 1;
                let when = format!("{renames:?}, after {at} of {first}, {left}, {second}");
                let after = Scratch::new();
                image.write_to(after.root()).unwrap();
                let (spool, recovery) = after.open();
                assert!(recovery.corrupt.is_empty() && recovery.trouble.is_empty(), "{when}: {recovery:?}");
                let there = ids.map(|id| spool.outbound(id).unwrap().is_some());
                assert!(there[0] || at < first || at > first, "{when}: {there:?}");
                assert!(!there[0] || at < left, "it would be sent again: {when}");
                assert!(there[1] || at < second, "lost: {when}");
                for (nth, _) in there.iter().enumerate().filter(|(_, there)| **there) {
                    let outbound = spool.outbound(ids[nth]).unwrap().unwrap();
                    assert_eq!(octets(spool.open_body(ids[nth]).unwrap()), texts[nth], "{when}");
                    assert!(outbound.progress.recipients.iter().all(|it| it.fate == Fate::Waiting), "{when}");
                }
            }
        }
        assert!(disks > 20, "{disks}");
    }
}

#[test]
fn a_message_leaves_though_its_file_has_no_place_to_go_to() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let id = QueueId::new();
    accept(&spool, id, TEXT).unwrap();
    fs::remove_dir(scratch.queue().join("done")).unwrap();
    assert!(!leave(&spool, id).unwrap(), "not so simply");
    let left = spool.record(id, |_, progress| progress.recipients[0].fate = Fate::Delivered);
    assert!(left.unwrap().is_some());
    assert_eq!(spool.outbound(id).unwrap(), None);
    assert!(scratch.names("msg").is_empty());
}
