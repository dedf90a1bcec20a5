//! Reading what we and others delivered.

use std::fs;
use std::sync::Arc;

use mailstore::faults::{Faults, Op, Plan};
use mailstore::{Error, Maildir, Removed};
use rustix::io::Errno;

use crate::support::*;

#[test]
fn r_06_our_own_messages_are_listed_without_opening_or_asking_a_file() {
    let scratch = scratch();
    for _ in 0..100 {
        deliver(&scratch.maildir, b"Hello.\r\n").unwrap();
    }
    let faults = Arc::new(Faults::new(Plan::Nothing));
    let session = Maildir::at(faults.clone(), scratch.maildir.path()).lock().unwrap();
    assert_eq!(session.len(), 100);
    let log = faults.log();
    assert!(!log.contains(&Op::Open), "{log:?}");
    assert!(log.iter().filter(|op| **op == Op::Stat).count() <= 5, "of directories only: {log:?}");
    assert!(!log.iter().any(|op| op.changes()), "nothing is changed by reading: {log:?}");
}

#[test]
fn foreign_messages_are_read_with_their_sizes_on_the_wire() {
    let scratch = scratch();
    // Dovecot, Courier, qmail, and one that says nothing; all with LF.
    scratch.put("cur", "1355543030.M92914P1206.mx,S=4,W=6:2,FS", b"a\nb\n");
    scratch.put("cur", "1355543030.M92915P1206.mx,S=18,W=20:2,", b"Subject: x\n\nno end");
    scratch.put("new", "1355543031.M5P6V08I09_0.mx,S=4", b"c\nd\n");
    scratch.put("cur", "1355543032.1234.mx:2,", b"e\n");
    scratch.put("new", "1355543033.qmail.mx", b"no line ending");
    scratch.put("cur", "weird name:2,S", b"f\r\n");
    // What is not a message.
    scratch.put("new", ".hidden", b"x");
    fs::create_dir(scratch.maildir.path().join("cur/folder")).unwrap();
    fs::create_dir(scratch.maildir.path().join(".Sent")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", scratch.maildir.path().join("new/1.link.mx")).unwrap();
    scratch.put("", "dovecot-uidlist", b"3 V1 N1\n");

    let mut session = scratch.maildir.lock().unwrap();
    let listed: Vec<_> = session.messages().map(|m| (m.unique_id, m.octets)).collect();
    let weird = listed[0].0.clone();
    assert!(weird.starts_with('~') && weird.len() == 33, "{weird}");
    let expected = [
        (&*weird, 3),
        ("1355543030.M92914P1206.mx", 6),
        // Dovecot counts what is there; the CRLF behind its last line is sent all the same.
        ("1355543030.M92915P1206.mx", 22),
        ("1355543031.M5P6V08I09_0.mx", 6),
        ("1355543032.1234.mx", 3),
        ("1355543033.qmail.mx", 16),
    ];
    assert_eq!(listed, expected.map(|(id, octets)| (id.to_owned(), octets)));
    assert_eq!(text_of(&mut session, 1), b"a\nb\n");
    assert_eq!(text_of(&mut session, 5), b"no line ending");
}

#[test]
fn a_foreign_message_is_measured_once() {
    let scratch = scratch();
    scratch.put("cur", "1.a.mx,S=4:2,S", b"a\nb\n");
    scratch.put("new", "2.b.mx", b"c\n");
    let sizes = |maildir: &Maildir| maildir.lock().unwrap().messages().map(|m| m.octets).collect::<Vec<_>>();
    assert_eq!(sizes(&scratch.maildir), [6, 3]);
    let opened = || {
        let faults = Arc::new(Faults::new(Plan::Nothing));
        let sizes = sizes(&Maildir::at(faults.clone(), scratch.maildir.path()));
        (sizes, faults.log().iter().filter(|op| **op == Op::Open).count())
    };
    assert_eq!(opened(), (vec![6, 3], 1), "only the cache");
    scratch.put("new", "3.c.mx", b"d");
    assert_eq!(opened(), (vec![6, 3, 3], 2), "the cache and the new one");
    fs::write(
        scratch.maildir.path().join("yubin-sizes"),
        "yubin-sizes 1\n1.a.mx 6\n2.b.mx garbage\n3.c.mx 3",
    )
    .unwrap();
    assert_eq!(opened(), (vec![6, 3, 3], 3), "broken lines of the cache are measured again");
    fs::write(scratch.maildir.path().join("yubin-sizes"), "").unwrap();
    assert_eq!(opened(), (vec![6, 3, 3], 4), "and a broken cache altogether");
}

#[test]
fn messages_come_in_the_order_of_their_arrival() {
    let scratch = scratch();
    let first = deliver(&scratch.maildir, b"1").unwrap().unique_id;
    let second = deliver(&scratch.maildir, b"2").unwrap().unique_id;
    scratch.put("new", "9.M10P1.mx,W=1", b"");
    scratch.put("new", "9.M9P1.mx,W=1", b"");
    scratch.put("new", "10.M1P1.mx,W=1", b"");
    let read = scratch.file_of(&first);
    scratch.rename(&read, &format!("{}:2,S", read.replace("new/", "cur/")));
    assert_eq!(
        ids(&scratch.maildir.lock().unwrap()),
        ["9.M9P1.mx", "9.M10P1.mx", "10.M1P1.mx", &first, &second]
    );
}

#[test]
fn r_05_a_unique_id_stays_through_flags_moves_and_sessions() {
    let scratch = scratch();
    let id = deliver(&scratch.maildir, b"x").unwrap().unique_id;
    let mut path = scratch.file_of(&id);
    for flags in [":2,", ":2,S", ":2,RS", ":2,DRST", ":2,"] {
        let to = format!("cur/{id},S=1,W=3{flags}");
        scratch.rename(&path, &to);
        path = to;
        assert_eq!(ids(&scratch.maildir.lock().unwrap()), std::slice::from_ref(&id));
    }
}

#[test]
fn r_05_what_another_program_renames_during_a_session_is_found_again() {
    let scratch = scratch();
    let texts: Vec<Vec<u8>> = (0..20).map(|n| format!("message {n}\r\n").into_bytes()).collect();
    for text in &texts {
        deliver(&scratch.maildir, text).unwrap();
    }
    let mut session = scratch.maildir.lock().unwrap();
    let ids = ids(&session);
    for (index, id) in ids.iter().enumerate() {
        let at = scratch.file_of(id);
        scratch.rename(&at, &format!("{}:2,S", at.replace("new/", "cur/")));
        assert_eq!(text_of(&mut session, index), texts[index]);
        let at = scratch.file_of(id);
        scratch.rename(&at, &format!("{at}R"));
    }
    let removals = session.remove(0..20);
    assert!(removals.iter().all(|r| matches!(r.result, Ok(Removed::Now))), "{removals:?}");
    assert!(names(&scratch.maildir, "cur").is_empty());
}

#[test]
fn r_07_what_another_program_removes_during_a_session_is_said_to_be_gone() {
    let scratch = scratch();
    let gone = deliver(&scratch.maildir, b"1").unwrap().unique_id;
    let kept = deliver(&scratch.maildir, b"2").unwrap().unique_id;
    let mut session = scratch.maildir.lock().unwrap();
    fs::remove_file(scratch.maildir.path().join(scratch.file_of(&gone))).unwrap();
    assert!(matches!(session.open(0), Err(Error::Vanished(id)) if id == gone));
    let removals = session.remove([0, 1, 1, 7]);
    assert!(matches!(removals[0].result, Ok(Removed::Before)));
    assert!(matches!(removals[1].result, Ok(Removed::Now)));
    assert!(matches!(removals[2].result, Ok(Removed::Before)), "said twice");
    assert!(matches!(removals[3].result, Err(Error::NoSuchIndex(7))));
    assert!(matches!(session.open(1), Err(Error::Vanished(id)) if id == kept));
    assert!(matches!(session.open(7), Err(Error::NoSuchIndex(7))));
    assert_eq!(session.message(7), None);
}

#[test]
fn r_05_two_messages_with_one_unique_part_are_both_reached_and_keep_distinct_ids_for_ever() {
    let scratch = scratch();
    scratch.put("cur", "1.M2P3.mx,S=3:2,S", b"one");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    fs::File::open(scratch.maildir.path().join("cur/1.M2P3.mx,S=3:2,S")).unwrap().set_modified(old).unwrap();
    assert_eq!(ids(&scratch.maildir.lock().unwrap()), ["1.M2P3.mx"]);

    scratch.put("cur", "1.M2P3.mx,S=4:2,FS", b"four");
    scratch.put("new", "1.M2P3.mx,S=3", b"two");
    let found = contents(&scratch.maildir);
    assert_eq!(found["1.M2P3.mx"], b"one", "the one that was there first keeps its id");
    let mut texts: Vec<_> = found.values().cloned().collect();
    texts.sort();
    assert_eq!(texts, [&b"four"[..], b"one", b"two"]);
    assert_eq!(
        names(&scratch.maildir, "cur").iter().filter(|n| n.ends_with(",S=4,W=6:2,FS")).count(),
        1,
        "flags stay"
    );

    fs::remove_file(scratch.maildir.path().join("cur/1.M2P3.mx,S=3:2,S")).unwrap();
    let mut rest = found;
    rest.remove("1.M2P3.mx");
    assert_eq!(contents(&scratch.maildir), rest, "the others do not inherit it");
}

#[test]
fn r_07_two_names_of_one_file_are_one_message_and_go_together() {
    let scratch = scratch();
    scratch.put("new", "1.M2P3.mx,S=3", b"one");
    scratch.put("new", "0.M2P3.mx,S=3", b"zero");
    scratch.put("new", "2.M2P3.mx,S=3", b"two");
    let path = scratch.maildir.path();
    fs::hard_link(path.join("new/1.M2P3.mx,S=3"), path.join("cur/1.M2P3.mx,S=3:2,S")).unwrap();
    fs::hard_link(path.join("new/2.M2P3.mx,S=3"), path.join("cur/2.M2P3.mx,S=3:2,S")).unwrap();
    let mut session = scratch.maildir.lock().unwrap();
    assert_eq!(ids(&session), ["0.M2P3.mx", "1.M2P3.mx", "2.M2P3.mx"]);
    assert_eq!(text_of(&mut session, 2), b"two");
    session.remove([2]).pop().unwrap().result.unwrap();
    drop(session);
    assert_eq!(contents(&scratch.maildir).into_keys().collect::<Vec<_>>(), ["0.M2P3.mx", "1.M2P3.mx"]);
    assert!(!path.join("cur/2.M2P3.mx,S=3:2,S").exists() && !path.join("new/2.M2P3.mx,S=3").exists());
}

#[test]
fn r_07_one_file_that_cannot_be_read_hides_no_other() {
    let scratch = scratch();
    deliver(&scratch.maildir, b"ours\r\n").unwrap();
    scratch.put("new", "1700000000.foreign", b"theirs\n");
    let faults = Faults::new(Plan::Nothing).without(Op::Open, Errno::ACCESS);
    let session = Maildir::at(Arc::new(faults), scratch.maildir.path()).lock().unwrap();
    let octets: Vec<u64> = session.messages().map(|message| message.octets).collect();
    assert_eq!(octets, [7, 6]);
    drop(session);
    // When it can be read again, its size on the wire is what counts.
    let session = scratch.maildir.lock().unwrap();
    assert_eq!(session.message(0).unwrap().octets, 8);
}
