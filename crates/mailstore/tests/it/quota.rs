//! The ledger, and what lies on the disk.

use std::fs;
use std::sync::Arc;

use mailstore::faults::{Faults, Op, Plan, Stop};
use mailstore::{Delivered, Error, Ledger, Maildir, Namer, Over, Quota, QuotaError, Usage};
use proptest::prelude::*;
use rustix::io::Errno;

use crate::support::*;

const NAMER: &str = "mx.example.jp";

fn octets(limit: u64) -> Quota {
    Quota { octets: Some(limit), messages: None }
}

/// What lies there, counted by looking at each file.
fn on_disk(scratch: &Scratch) -> Usage {
    let mut usage = Usage::default();
    for place in ["new", "cur"] {
        for name in names(&scratch.maildir, place) {
            let path = scratch.maildir.path().join(place).join(name);
            usage.octets += fs::metadata(path).unwrap().len();
            usage.messages += 1;
        }
    }
    usage
}

/// What the file says, read as plainly as possible.
fn in_file(scratch: &Scratch) -> Usage {
    let text = fs::read_to_string(scratch.maildir.path().join("maildirsize")).unwrap();
    let (mut octets, mut messages) = (0_i64, 0_i64);
    for line in text.lines().skip(1) {
        let (a, b) = line.split_once(' ').unwrap();
        octets += a.parse::<i64>().unwrap();
        messages += b.parse::<i64>().unwrap();
    }
    Usage { octets: octets as u64, messages: messages as u64 }
}

/// From RCPT to the end of the message.
fn take_in(ledger: &Ledger, maildir: &Maildir, quota: Quota, text: &[u8]) -> Result<Delivered, QuotaError> {
    let reservation = ledger.reserve(maildir, quota, text.len() as u64)?;
    let publish = || {
        let mut delivery = maildir.begin(&Namer::new(NAMER))?;
        delivery.write(text)?;
        delivery.commit()
    };
    let stored = |outcome: &Result<Delivered, Error>, _: &Maildir| outcome.as_ref().ok().map(|it| it.stored);
    ledger.settle(vec![reservation], publish, stored).map_err(QuotaError::Unknown)
}

#[test]
fn l_03_octets_and_messages_are_limited_and_what_is_on_its_way_counts() {
    let scratch = scratch_in_memory();
    let (ledger, maildir) = (Ledger::new(), &scratch.maildir);
    let quota = Quota { octets: Some(100), messages: Some(3) };
    let first = ledger.reserve(maildir, quota, 60).unwrap();
    let over = ledger.reserve(maildir, quota, 41);
    assert!(matches!(over, Err(QuotaError::Over(Over::Octets { would: 101, limit: 100 }))), "{over:?}");
    let [_second, _third] = [0, 40].map(|size| ledger.reserve(maildir, quota, size).unwrap());
    let over = ledger.reserve(maildir, quota, 0);
    assert!(matches!(over, Err(QuotaError::Over(Over::Messages { would: 4, limit: 3 }))), "{over:?}");
    drop(first);
    take_in(&ledger, maildir, quota, &[b'x'; 60]).unwrap();
    assert_eq!(ledger.usage(maildir, quota).unwrap(), Usage { octets: 60, messages: 1 });
    assert_eq!(in_file(&scratch), on_disk(&scratch));
    assert!(ledger.reserve(maildir, quota, 1).is_err(), "the messages on their way have the rest");
}

#[test]
fn l_03_a_mailbox_without_a_quota_has_no_ledger() {
    let scratch = scratch_in_memory();
    let faults = Arc::new(Faults::new(Plan::Nothing));
    let maildir = Maildir::at(faults.clone(), scratch.maildir.path());
    let ledger = Ledger::new();
    drop(ledger.reserve(&maildir, Quota::NONE, u64::MAX).unwrap());
    assert!(faults.log().is_empty());
    take_in(&ledger, &maildir, Quota::NONE, b"x").unwrap();
    assert!(!scratch.maildir.path().join("maildirsize").exists());
}

#[test]
fn l_03_a_full_mailbox_is_counted_before_anybody_is_refused() {
    let scratch = scratch_in_memory();
    let (ledger, maildir) = (Ledger::new(), &scratch.maildir);
    let id = take_in(&ledger, maildir, octets(10), b"ten octets").unwrap().unique_id;
    assert!(matches!(take_in(&ledger, maildir, octets(10), b"x"), Err(QuotaError::Over(_))));
    // A program that knows nothing of ledgers removes it.
    fs::remove_file(maildir.path().join(scratch.file_of(&id))).unwrap();
    take_in(&ledger, maildir, octets(10), b"x").unwrap();
    assert_eq!(in_file(&scratch), on_disk(&scratch));
}

#[test]
fn a_ledger_that_cannot_be_believed_is_made_anew() {
    for text in ["", "10S\n", "10S\n1 1", "10S\n\0\0\0\n", "999S\n7 1\n", "10S\n-5 -1\n", "10S\n3 1\n+x 1\n"]
    {
        let scratch = scratch_in_memory();
        scratch.put("new", "1.foreign.mx", b"12345");
        fs::create_dir_all(scratch.maildir.path().join(".Sent/cur")).unwrap();
        scratch.put(".Sent/cur", "2.foreign.mx,S=4:2,S", b"1234");
        scratch.put("", "maildirsize", text.as_bytes());
        let ledger = Ledger::new();
        for _ in 0..2 {
            let usage = ledger.usage(&scratch.maildir, octets(10)).unwrap();
            assert_eq!(usage, Usage { octets: 9, messages: 2 }, "folders count too; {text:?}");
        }
        assert_eq!(fs::read_to_string(scratch.maildir.path().join("maildirsize")).unwrap(), "10S\n9 2\n");
        scratch.put("", "maildirsize", text.as_bytes());
        assert_eq!(ledger.usage(&scratch.maildir, octets(10)).unwrap().octets, 9, "spoilt later: {text:?}");
    }
}

#[test]
fn lines_of_other_programs_are_added_and_a_long_ledger_is_made_short() {
    let scratch = scratch_in_memory();
    let ledger = Ledger::new();
    let quota = octets(1 << 20);
    ledger.usage(&scratch.maildir, quota).unwrap();
    let path = scratch.maildir.path().join("maildirsize");
    let text = fs::read_to_string(&path).unwrap() + "30 3\n-10 -1\n";
    fs::write(&path, text).unwrap();
    assert_eq!(ledger.usage(&scratch.maildir, quota).unwrap(), Usage { octets: 20, messages: 2 });
    for _ in 0..2000 {
        take_in(&ledger, &scratch.maildir, quota, b"x").unwrap();
    }
    assert!(fs::metadata(&path).unwrap().len() <= 5200);
    assert_eq!(ledger.usage(&scratch.maildir, quota).unwrap(), on_disk(&scratch));
}

#[test]
fn l_03_counting_that_fails_never_says_full() {
    for op in [Op::List, Op::Stat, Op::Append, Op::Rename, Op::CreateNew, Op::Open] {
        let scratch = scratch_in_memory();
        scratch.put("new", "1.foreign.mx", b"12345");
        let faults = Faults::new(Plan::Nothing).without(op, Errno::IO);
        let maildir = Maildir::at(Arc::new(faults), scratch.maildir.path());
        let reserved = Ledger::new().reserve(&maildir, octets(100), 10);
        assert!(matches!(reserved, Ok(_) | Err(QuotaError::Unknown(_))), "{op:?}: {reserved:?}");
        drop(Ledger::new().unchecked(&maildir, octets(100)));
    }
}

#[test]
fn l_09_an_owner_is_warned_once_until_the_mailbox_was_less_full() {
    let scratch = scratch_in_memory();
    let (maildir, quota) = (&scratch.maildir, octets(1000));
    let ledger = Ledger::new().warning_at(90);
    let fill = |octets: usize| drop(take_in(&ledger, maildir, quota, &vec![b'x'; octets]).unwrap());
    let due = |ledger: &Ledger| ledger.warning_due(maildir, quota).unwrap().map(|usage| usage.octets);
    fill(899);
    assert_eq!(due(&ledger), None);
    fill(1);
    assert_eq!(due(&Ledger::new()), None, "without a percentage nobody is warned");
    assert_eq!(due(&ledger), Some(900));
    fill(50);
    assert_eq!(due(&ledger), None, "twice");
    assert_eq!(due(&Ledger::new().warning_at(90)), None, "twice, by another process");
    ledger.not_warned(maildir);
    assert_eq!(due(&ledger), Some(950), "the warning had failed");
    maildir.lock().unwrap().booked(ledger.clone(), quota).remove([1]);
    assert_eq!(due(&ledger), None, "949 octets are still too many");
    maildir.lock().unwrap().booked(ledger.clone(), quota).remove([0]);
    fill(900);
    assert_eq!(due(&ledger), Some(950), "full again");
}

#[test]
fn deliveries_and_deletions_at_once_leave_a_true_ledger() {
    let scratch = scratch_in_memory();
    let (ledger, quota) = (Ledger::new(), octets(1 << 30));
    std::thread::scope(|scope| {
        for deliverer in 0..4_usize {
            let (ledger, maildir) = (&ledger, &scratch.maildir);
            scope.spawn(move || {
                for nth in 0..100 {
                    take_in(ledger, maildir, quota, &vec![b'x'; 10 * deliverer + nth]).unwrap();
                }
            });
        }
        for _ in 0..20 {
            ledger.recount(&scratch.maildir, quota).unwrap();
            let session = scratch.maildir.lock().unwrap();
            let some = session.len().min(5);
            session.booked(ledger.clone(), quota).remove(0..some);
        }
    });
    assert_eq!(in_file(&scratch), on_disk(&scratch));
}

#[derive(Debug, Clone)]
enum Step {
    Deliver(u8),
    GiveUp(u8),
    Expunge(Vec<prop::sample::Index>),
    /// The process stops in the middle, and another begins.
    CrashInDelivery(u8, usize, Stop),
    CrashInExpunge(Vec<prop::sample::Index>, usize, Stop),
    /// Another program, with no line in the ledger.
    Put(u8),
    Steal(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let which = || proptest::collection::vec(any::<prop::sample::Index>(), 0..3);
    let stop = || prop::sample::select(&Stop::ALL[..]);
    prop_oneof![
        4 => (0_u8..50).prop_map(Step::Deliver),
        1 => (0_u8..50).prop_map(Step::GiveUp),
        3 => which().prop_map(Step::Expunge),
        2 => ((0_u8..50), 0_usize..12, stop()).prop_map(|(size, at, stop)| Step::CrashInDelivery(size, at, stop)),
        2 => (which(), 0_usize..8, stop()).prop_map(|(which, at, stop)| Step::CrashInExpunge(which, at, stop)),
        1 => (0_u8..50).prop_map(Step::Put),
        1 => any::<prop::sample::Index>().prop_map(Step::Steal),
    ]
}

fn expunge(ledger: &Ledger, maildir: &Maildir, quota: Quota, which: &[prop::sample::Index]) {
    let Ok(session) = maildir.lock() else { return };
    let mut session = session.booked(ledger.clone(), quota);
    if !session.is_empty() {
        let doomed: std::collections::BTreeSet<_> = which.iter().map(|at| at.index(session.len())).collect();
        session.remove(doomed);
    }
}

/// Does one step; whether the ledger of this process may know less than the disk then.
fn take(scratch: &Scratch, ledger: &mut Ledger, quota: Quota, step: &Step, nth: usize) -> bool {
    let maildir = &scratch.maildir;
    let text = |size: u8| vec![b'x'; usize::from(size)];
    let crashing = |at, stop| Maildir::at(Arc::new(Faults::new(Plan::StopAt(at, stop))), maildir.path());
    match step {
        Step::Deliver(size) => drop(take_in(ledger, maildir, quota, &text(*size))),
        Step::GiveUp(size) => drop(ledger.reserve(maildir, quota, u64::from(*size))),
        Step::Expunge(which) => expunge(ledger, maildir, quota, which),
        Step::CrashInDelivery(size, at, stop) => {
            drop(take_in(ledger, &crashing(*at, *stop), quota, &text(*size)));
            *ledger = Ledger::new();
        }
        Step::CrashInExpunge(which, at, stop) => {
            expunge(ledger, &crashing(*at, *stop), quota, which);
            *ledger = Ledger::new();
        }
        Step::Put(size) => scratch.put("new", &format!("1355543030.M{nth}P1.mx"), &text(*size)),
        Step::Steal(which) => {
            let listed: Vec<_> = names(maildir, "new");
            if !listed.is_empty() {
                fs::remove_file(maildir.path().join("new").join(which.get(&listed))).unwrap();
            }
        }
    }
    matches!(step, Step::Put(_) | Step::Steal(_))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn l_03_the_ledger_equals_the_disk_and_nobody_is_refused_who_has_room(steps in proptest::collection::vec(step(), 1..25), limit in 1_u64..200) {
        let scratch = scratch_in_memory();
        let (mut ledger, quota) = (Ledger::new(), octets(limit));
        for (nth, step) in steps.iter().enumerate() {
            let strange = take(&scratch, &mut ledger, quota, step, nth);
            let disk = on_disk(&scratch);
            let room = limit.saturating_sub(disk.octets);
            let reserved = ledger.reserve(&scratch.maildir, quota, room);
            if disk.octets <= limit {
                prop_assert!(reserved.is_ok(), "refused with room: {:?}", reserved);
            }
            drop(reserved);
            if strange {
                ledger.recount(&scratch.maildir, quota).unwrap();
            } else if disk.octets <= limit {
                prop_assert!(ledger.reserve(&scratch.maildir, quota, room + 1).is_err());
            }
            prop_assert_eq!(ledger.usage(&scratch.maildir, quota).unwrap(), disk);
            prop_assert_eq!(in_file(&scratch), disk);
        }
    }
}
