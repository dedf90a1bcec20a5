//! A crash at each operation: afterwards S0 or S3, once, and every unique id as it was.

use std::sync::Arc;

use mailstore::Maildir;
use mailstore::faults::{Faults, Op, Plan, Stop};
use rustix::io::Errno;

use crate::support::*;

/// The file systems on which delivery takes another way.
const LACKING: [&[(Op, Errno)]; 2] = [&[], &[(Op::RenameNew, Errno::INVAL)]];

fn stops() -> impl Iterator<Item = (usize, Stop)> {
    (0..).flat_map(|at| Stop::ALL.map(|stop| (at, stop)))
}

fn faults(at: usize, stop: Stop, lacking: &[(Op, Errno)]) -> Arc<Faults> {
    Arc::new(
        lacking.iter().fold(Faults::new(Plan::StopAt(at, stop)), |f, (op, errno)| f.without(*op, *errno)),
    )
}

#[test]
fn l_10_r_07_a_crash_anywhere_in_delivery_leaves_all_or_nothing() {
    for lacking in LACKING {
        let mut reached = 0;
        for (at, stop) in stops() {
            let scratch = scratch();
            let before = deliver(&scratch.maildir, b"before\r\n").unwrap().unique_id;
            let faults = faults(at, stop, lacking);
            let outcome = deliver(&Maildir::at(faults.clone(), scratch.maildir.path()), b"Hello.\r\n");
            let mut found = contents(&scratch.maildir);
            assert_eq!(found.remove(&before).as_deref(), Some(&b"before\r\n"[..]), "others are untouched");
            assert!(found.len() <= 1, "twice: operation {at}, {stop:?}");
            assert!(found.values().all(|text| text == b"Hello.\r\n"), "in part: operation {at}, {stop:?}");
            if let Ok(delivered) = &outcome {
                assert!(
                    found.contains_key(&delivered.unique_id),
                    "accepted and lost: operation {at}, {stop:?}"
                );
            }
            if !faults.stopped() {
                outcome.unwrap();
                assert!(names(&scratch.maildir, "tmp").is_empty());
                break;
            }
            reached = at;
        }
        assert!(reached >= 5, "create, two writes, sync, rename, sync of the directory");
    }
}

#[test]
fn r_07_r_08_a_crash_anywhere_in_marking_keeps_every_message_and_every_unique_id() {
    for lacking in LACKING {
        for (at, stop) in stops() {
            let scratch = scratch();
            for text in ["one\r\n", "two\r\n", "red\r\n"] {
                deliver(&scratch.maildir, text.as_bytes()).unwrap();
            }
            let before = contents(&scratch.maildir);
            let faults = faults(at, stop, lacking);
            let session = Maildir::at(faults.clone(), scratch.maildir.path()).lock();
            let outcome = session.and_then(|mut session| session.mark_read([0, 2]));
            assert_eq!(contents(&scratch.maildir), before, "operation {at}, {stop:?}");
            if !faults.stopped() {
                assert_eq!(outcome.unwrap(), 2);
                break;
            }
        }
    }
}

#[test]
fn r_05_r_07_a_crash_anywhere_in_expunge_keeps_what_was_not_deleted_and_every_unique_id() {
    for (at, stop) in stops() {
        let scratch = scratch();
        let ids: Vec<_> = (0..4).map(|n| deliver(&scratch.maildir, &[b'0' + n]).unwrap().unique_id).collect();
        let read = scratch.file_of(&ids[1]);
        scratch.rename(&read, &format!("{}:2,S", read.replace("new/", "cur/")));
        let before = contents(&scratch.maildir);

        let faults = faults(at, stop, &[]);
        let mut session = Maildir::at(faults.clone(), scratch.maildir.path()).lock().unwrap();
        let removals = session.remove([1, 2]);
        drop(session);

        let after = contents(&scratch.maildir);
        for (index, id) in ids.iter().enumerate() {
            if [0, 3].contains(&index) {
                assert_eq!(after.get(id), before.get(id), "a message that nobody deleted");
            }
        }
        for removal in &removals {
            let there = after.get(&ids[removal.index]);
            assert!(there.is_none() || removal.result.is_err(), "deleted and back: operation {at}, {stop:?}");
            assert!(there.is_none_or(|text| Some(text) == before.get(&ids[removal.index])));
        }
        assert!(after.keys().all(|id| before.contains_key(id)), "a unique id changed");
        if !faults.stopped() {
            assert_eq!(after.len(), 2);
            break;
        }
    }
}

#[test]
fn r_05_r_07_a_crash_while_equal_names_are_put_apart_loses_neither() {
    for (at, stop) in stops() {
        let scratch = scratch();
        scratch.put("new", "1.M2P3.mx,S=3", b"one");
        scratch.put("cur", "1.M2P3.mx,S=4:2,S", b"four");
        let faults = faults(at, stop, &[]);
        drop(Maildir::at(faults.clone(), scratch.maildir.path()).lock());
        let after = contents(&scratch.maildir);
        let mut texts: Vec<_> = after.values().cloned().collect();
        texts.sort();
        assert_eq!(texts, [&b"four"[..], b"one"], "operation {at}, {stop:?}");
        assert_eq!(after, contents(&scratch.maildir), "and the ids stay");
        if !faults.stopped() {
            break;
        }
    }
}

#[test]
fn r_05_r_06_a_crash_while_sizes_are_kept_changes_no_size_and_no_unique_id() {
    for (at, stop) in stops() {
        let scratch = scratch();
        scratch.put("cur", "1.a.mx,S=4:2,S", b"a\nb\n");
        drop(scratch.maildir.lock().unwrap());
        scratch.put("new", "2.b.mx", b"no line ending");
        let faults = faults(at, stop, &[]);
        drop(Maildir::at(faults.clone(), scratch.maildir.path()).lock());
        let session = scratch.maildir.lock().unwrap();
        let listed: Vec<_> = session.messages().map(|m| (m.unique_id, m.octets)).collect();
        assert_eq!(listed, [("1.a.mx".to_owned(), 6), ("2.b.mx".to_owned(), 16)], "operation {at}, {stop:?}");
        if !faults.stopped() {
            assert!(names(&scratch.maildir, "tmp").is_empty());
            break;
        }
    }
}
