//! What was read, and what has been here for too long.

use std::time::{Duration, SystemTime};

use mailstore::{Error, Retention};

use crate::support::{deliver, ids, names, scratch, text_of};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const READ: Retention = Retention { read: Some(DAY), all: None };
const ALL: Retention = Retention { read: None, all: Some(DAY) };

#[test]
fn r_08_a_mark_lasts_moves_to_cur_and_changes_no_unique_id() {
    let scratch = scratch();
    for text in [b"one\r\n", b"two\r\n", b"red\r\n"] {
        deliver(&scratch.maildir, text).unwrap();
    }
    let mut session = scratch.maildir.lock().unwrap();
    let before = ids(&session);
    assert_eq!(session.mark_read([1, 2]).unwrap(), 2);
    assert_eq!(session.mark_read([1, 2]).unwrap(), 0, "once");
    assert_eq!(text_of(&mut session, 1), b"two\r\n", "still reached");
    session.remove([2]).into_iter().for_each(|removal| assert!(removal.result.is_ok()));
    drop(session);
    assert_eq!(names(&scratch.maildir, "cur"), [format!("{},S=5:2,S", before[1])]);
    assert_eq!(ids(&scratch.maildir.lock().unwrap()), before[..2]);
}

#[test]
fn r_08_a_mark_adds_to_the_flags_of_other_programs_and_asks_for_none_where_nothing_is() {
    let scratch = scratch();
    scratch.put("cur", "1.M1.other,S=5:2,F", b"one\r\n");
    scratch.put("new", "2.M1.other,S=5", b"two\r\n");
    scratch.put("new", "3.M1.other,S=5", b"red\r\n");
    let mut session = scratch.maildir.lock().unwrap();
    std::fs::remove_file(scratch.maildir.path().join("new/2.M1.other,S=5")).unwrap();
    scratch.rename("new/3.M1.other,S=5", "cur/3.M1.other,S=5:2,RT");
    assert_eq!(session.mark_read([0, 1, 2]).unwrap(), 2);
    assert!(matches!(session.mark_read([7]), Err(Error::NoSuchIndex(7))));
    assert_eq!(names(&scratch.maildir, "cur"), ["1.M1.other,S=5:2,FS", "3.M1.other,S=5:2,RST"]);
}

#[test]
fn r_08_mail_is_due_so_long_after_it_came_or_was_read() {
    let scratch = scratch();
    for text in [b"one\r\n", b"two\r\n"] {
        deliver(&scratch.maildir, text).unwrap();
    }
    scratch.put("new", "no-time-in-its-name", b"red\r\n");
    let long_ago = SystemTime::now() - 40 * DAY;
    let file = std::fs::File::open(scratch.maildir.path().join("new/no-time-in-its-name")).unwrap();
    file.set_modified(long_ago).unwrap();
    let mut session = scratch.maildir.lock().unwrap();
    assert_eq!(ids(&session)[0], "no-time-in-its-name");
    session.mark_read([1]).unwrap();

    let now = SystemTime::now();
    assert_eq!(session.due(Retention::default(), now + 1000 * DAY), [0; 0], "for ever");
    assert_eq!(session.due(ALL, now), [0], "by its file's time");
    assert_eq!(session.due(READ, now), [0; 0]);
    assert_eq!(session.due(READ, now + 2 * DAY), [1]);
    assert_eq!(session.due(ALL, now + 2 * DAY), [0, 1, 2]);
    assert_eq!(session.due(Retention { read: Some(DAY), all: Some(39 * DAY) }, now + 2 * DAY), [0, 1]);
}

/// A number at the front of a name need not be a time: nothing is as old as that.
#[test]
fn r_08_a_name_that_tells_of_no_possible_time_is_judged_by_its_file() {
    let scratch = scratch();
    for name in ["3.mx", "0.M1R01234567.mx,S=5", "599999999.M1P2.mx"] {
        scratch.put("new", name, b"new\r\n");
    }
    let session = scratch.maildir.lock().unwrap();
    assert_eq!(session.due(ALL, SystemTime::now()), [0; 0]);
}

/// It came long ago and was read just now: its days are counted from then.
#[test]
fn r_08_what_is_read_late_stays_its_days() {
    let scratch = scratch();
    scratch.put("new", "1000000000.M1P1Q1R01234567.mx,S=5", b"one\r\n");
    let mut session = scratch.maildir.lock().unwrap();
    session.mark_read([0]).unwrap();
    let now = SystemTime::now();
    assert_eq!(session.due(READ, now), [0; 0]);
    assert_eq!(session.due(READ, now + 2 * DAY), [0]);
}
