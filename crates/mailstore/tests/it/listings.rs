//! Listings that are kept from one session to the next.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mailstore::faults::{Faults, Op, Plan};
use mailstore::{Error, Listings, Maildir};

use crate::support::{Scratch, deliver, ids, names, scratch};

/// As if nothing had changed for an hour.
fn rest(maildir: &Maildir) {
    for place in ["new", "cur"] {
        let dir = File::open(maildir.path().join(place)).unwrap();
        dir.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
}

/// Two messages at rest, in a maildrop that was opened once.
fn known() -> (Scratch, Arc<Faults>, Maildir, Listings) {
    let scratch = scratch();
    for text in [b"a\r\n", b"b\r\n"] {
        deliver(&scratch.maildir, text).unwrap();
    }
    rest(&scratch.maildir);
    let files = Arc::new(Faults::new(Plan::Nothing).with_changed_as_modified());
    let listings = Listings::default();
    let maildir = Maildir::at(files.clone(), scratch.maildir.path());
    assert!(maildir.lock_known(&listings, usize::MAX).is_none(), "nobody was here yet");
    assert_eq!(maildir.lock_keeping(&listings).unwrap().len(), 2);
    (scratch, files, maildir, listings)
}

#[test]
fn a_maildrop_at_rest_is_listed_once() {
    let (_scratch, files, maildir, listings) = known();
    let lists = |files: &Faults| files.log().into_iter().filter(|op| *op == Op::List).count();
    let before = lists(&files);
    assert!(before > 0);
    for _ in 0..3 {
        let session = maildir.lock_known(&listings, 2).unwrap().unwrap();
        assert_eq!(ids(&session), ids(&session));
        assert_eq!(session.len(), 2);
        assert!(matches!(maildir.lock_known(&listings, 2), Some(Err(Error::InUse))));
        drop(session);
        assert_eq!(maildir.lock_keeping(&listings).unwrap().len(), 2);
    }
    assert_eq!(lists(&files), before);
    assert!(maildir.lock_known(&listings, 1).is_none(), "more messages than were asked for");
}

/// By another program.
type Change<'c> = &'c dyn Fn(&Scratch);

#[test]
fn whatever_changes_a_maildrop_is_seen_by_the_next_session() {
    let deliver_one = |scratch: &Scratch| drop(deliver(&scratch.maildir, b"c\r\n").unwrap());
    let first = |scratch: &Scratch| names(&scratch.maildir, "new").remove(0);
    let remove = |scratch: &Scratch| {
        fs::remove_file(scratch.maildir.path().join("new").join(first(scratch))).unwrap();
    };
    let read = |scratch: &Scratch| {
        let name = first(scratch);
        scratch.rename(&format!("new/{name}"), &format!("cur/{name}:2,S"));
    };
    let changes: [(Change<'_>, usize); 3] = [(&deliver_one, 3), (&remove, 1), (&read, 2)];
    for (change, left) in changes {
        let (scratch, _, maildir, listings) = known();
        change(&scratch);
        assert!(maildir.lock_known(&listings, usize::MAX).is_none());
        for _ in 0..2 {
            let mut session = maildir.lock_keeping(&listings).unwrap();
            assert_eq!(session.len(), left);
            assert!((0..left).all(|index| session.open(index).is_ok()));
        }
        // What was deleted by a session of ours is no exception.
        rest(&maildir);
        let mut session = maildir.lock_keeping(&listings).unwrap();
        assert!(session.remove([0]).iter().all(|removal| removal.result.is_ok()));
        drop(session);
        assert!(maildir.lock_known(&listings, usize::MAX).is_none());
        assert_eq!(maildir.lock_keeping(&listings).unwrap().len(), left - 1);
    }
}

#[test]
fn a_maildrop_that_changed_a_moment_ago_is_not_kept() {
    let (_scratch, _, maildir, listings) = known();
    deliver(&maildir, b"c\r\n").unwrap();
    assert_eq!(maildir.lock_keeping(&listings).unwrap().len(), 3);
    assert!(maildir.lock_known(&listings, usize::MAX).is_none());
}

#[test]
fn a_time_stamp_that_somebody_set_is_no_rest() {
    let (scratch, _, _, listings) = known();
    let maildir = Maildir::at(Arc::new(Faults::new(Plan::Nothing)), scratch.maildir.path());
    deliver(&maildir, b"c\r\n").unwrap();
    rest(&maildir);
    assert_eq!(maildir.lock_keeping(&listings).unwrap().len(), 3);
    assert!(maildir.lock_known(&listings, usize::MAX).is_none(), "it changed a moment ago");
}

#[test]
fn a_size_that_could_not_be_read_is_not_kept() {
    let (scratch, files, maildir, listings) = known();
    // Of another program: its name tells no size, and it is opened for that.
    scratch.put("cur", "1.foreign:2,", b"x\n");
    rest(&maildir);
    files.fail_next(Op::Open, rustix::io::Errno::ACCESS);
    files.fail_next(Op::Open, rustix::io::Errno::ACCESS);
    let sizes = |session: mailstore::Maildrop| session.messages().map(|message| message.octets).min();
    assert_eq!(sizes(maildir.lock_keeping(&listings).unwrap()), Some(2), "the file's");
    assert_eq!(sizes(maildir.lock_keeping(&listings).unwrap()), Some(3), "the message's");
}
