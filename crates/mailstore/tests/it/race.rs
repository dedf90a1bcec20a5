//! Deliverers, a reader and another program at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use mailstore::faults::{Faults, Plan};
use mailstore::{Error, Listings, Maildir};

use crate::support::*;

const DELIVERERS: usize = 2;
const MESSAGES: usize = 200;

#[test]
fn l_04_two_deliverers_and_a_reader_lose_nothing_and_see_nothing_twice_or_in_part() {
    let scratch = scratch();
    let maildir = &scratch.maildir;
    let running = AtomicUsize::new(DELIVERERS);
    let text = |deliverer: usize, nth: usize| format!("{deliverer}/{nth}\r\n").repeat(500).into_bytes();
    let delivered = thread::scope(|scope| {
        let deliverers: Vec<_> = (0..DELIVERERS)
            .map(|deliverer| {
                let running = &running;
                scope.spawn(move || {
                    let delivered: BTreeMap<String, Vec<u8>> = (0..MESSAGES)
                        .map(|nth| text(deliverer, nth))
                        .map(|text| (deliver(maildir, &text).unwrap().unique_id, text))
                        .collect();
                    running.fetch_sub(1, Ordering::Release);
                    delivered
                })
            })
            .collect();
        // Another program reads new mail and sets flags: new/ to cur/, and renames within cur/.
        scope.spawn(|| {
            let mut flags = 0_usize;
            while running.load(Ordering::Acquire) > 0 {
                flags += 1;
                for name in names(maildir, "new") {
                    fs::rename(
                        maildir.path().join("new").join(&name),
                        maildir.path().join(format!("cur/{name}:2,")),
                    )
                    .unwrap();
                }
                for name in names(maildir, "cur") {
                    let base = name.split(':').next().unwrap();
                    let to = maildir.path().join(format!("cur/{base}:2,{}", ["", "S", "RS"][flags % 3]));
                    fs::rename(maildir.path().join("cur").join(&name), to).unwrap();
                }
            }
        });
        let mut seen = BTreeSet::new();
        while running.load(Ordering::Acquire) > 0 {
            let mut session = maildir.lock().unwrap();
            let listed = ids(&session);
            assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "one message twice");
            assert!(session.messages().all(|message| message.octets >= 2_500), "a message in part");
            if let Some(last) = session.len().checked_sub(1) {
                // It may be renamed between any two looks; it is never gone.
                assert_eq!(text_of(&mut session, last).len() as u64, session.message(last).unwrap().octets);
            }
            seen.extend(listed);
        }
        let delivered: BTreeMap<_, _> = deliverers.into_iter().flat_map(|d| d.join().unwrap()).collect();
        assert!(seen.iter().all(|id| delivered.contains_key(id)), "a unique id that nobody delivered");
        delivered
    });
    assert_eq!(delivered.len(), DELIVERERS * MESSAGES);
    assert_eq!(contents(maildir), delivered);
}

/// Messages in a second, by all deliverers together, and for how long: the rate at which a list that trusts time stamps loses mail.
const RATE: u32 = 200;
const SECONDS: u32 = 2;

#[test]
fn l_10_at_200_messages_a_second_each_list_has_all_that_was_delivered_before_it_began() {
    for grain in [Duration::from_nanos(1), Duration::from_secs(1)] {
        let scratch = scratch_in_memory();
        let files = Arc::new(Faults::new(Plan::Nothing).with_time_stamps_of(grain));
        let maildir = Maildir::at(files, scratch.maildir.path());
        let (delivered, listings) = (Mutex::new(BTreeSet::new()), Listings::default());
        let begin = Instant::now();
        thread::scope(|scope| {
            let deliverers: Vec<_> = (0..DELIVERERS as u32)
                .map(|deliverer| {
                    let (maildir, delivered) = (&maildir, &delivered);
                    scope.spawn(move || {
                        for nth in (deliverer..RATE * SECONDS).step_by(DELIVERERS) {
                            let due = Duration::from_secs(1) * nth / RATE;
                            thread::sleep(due.saturating_sub(begin.elapsed()));
                            let id = deliver(maildir, b"x\r\n").unwrap().unique_id;
                            delivered.lock().unwrap().insert(id);
                        }
                    })
                })
                .collect();
            while !deliverers.iter().all(thread::ScopedJoinHandle::is_finished) {
                for keeping in [false, true] {
                    let before = delivered.lock().unwrap().clone();
                    let session = if keeping { maildir.lock_keeping(&listings) } else { maildir.lock() };
                    let listed: BTreeSet<String> = ids(&session.unwrap()).into_iter().collect();
                    let missing: Vec<_> = before.difference(&listed).collect();
                    assert!(missing.is_empty(), "{} of {} missing", missing.len(), before.len());
                }
            }
        });
        assert_eq!(maildir.lock().unwrap().len(), (RATE * SECONDS) as usize);
        assert_eq!(maildir.lock_keeping(&listings).unwrap().len(), (RATE * SECONDS) as usize);
    }
}

/// A Maildir whose `cur/` changed so long ago that it counts as at rest, with one message in it.
fn at_rest() -> (Scratch, String) {
    let scratch = scratch();
    let id = deliver(&scratch.maildir, b"x\r\n").unwrap().unique_id;
    let name = scratch.file_of(&id);
    scratch.rename(&name, &format!("{}:2,S", name.replace("new/", "cur/")));
    (scratch, id)
}

fn rest(maildir: &Maildir) {
    let cur = fs::File::open(maildir.path().join("cur")).unwrap();
    cur.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

#[test]
fn r_05_a_message_that_a_listing_misses_while_it_is_renamed_is_not_missing_from_the_maildrop() {
    let (scratch, id) = at_rest();
    let path = scratch.maildir.path().join(scratch.file_of(&id));
    let blind = || Arc::new(Faults::new(Plan::Nothing).with_unseen(&path, 1));
    // The rename has just marked cur/ as changed: so it is listed again.
    assert_eq!(ids(&Maildir::at(blind(), scratch.maildir.path()).lock().unwrap()), std::slice::from_ref(&id));
    // With a time stamp of whole seconds the mark may be the same as before: what changed lately is listed twice all the same.
    let coarse = Faults::new(Plan::Nothing).with_unseen(&path, 1).with_time_stamps_of(Duration::from_secs(1));
    assert_eq!(
        ids(&Maildir::at(Arc::new(coarse), scratch.maildir.path()).lock().unwrap()),
        std::slice::from_ref(&id)
    );
    // At rest nothing can be missed, and one listing is enough.
    rest(&scratch.maildir);
    assert!(Maildir::at(blind(), scratch.maildir.path()).lock().unwrap().is_empty());
}

#[test]
fn r_07_a_message_that_one_listing_misses_is_not_called_gone() {
    for (missed, gone) in [(1, false), (2, true)] {
        let (scratch, id) = at_rest();
        let renamed = scratch.file_of(&id) + "R";
        // Listed under its old name; then another program renames it, and the search for it misses it so many times.
        let files = Faults::new(Plan::Nothing).with_unseen(&scratch.maildir.path().join(&renamed), missed);
        let mut session = Maildir::at(Arc::new(files), scratch.maildir.path()).lock().unwrap();
        scratch.rename(&scratch.file_of(&id), &renamed);
        rest(&scratch.maildir);
        let opened = session.open(0);
        assert_eq!(matches!(opened, Err(Error::Vanished(_))), gone, "{opened:?}");
        assert_eq!(opened.is_ok(), !gone);
    }
}
