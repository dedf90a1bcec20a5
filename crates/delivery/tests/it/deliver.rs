//! Small and large, for one and for several.

use std::sync::Arc;

use delivery::DeliveryError;
use mailstore::faults::{Faults, Op, Plan};
use mailstore::files::Disk;
use rustix::io::Errno;

use crate::support::*;

#[tokio::test]
async fn l_04_any_size_arrives_byte_for_byte_behind_the_header_in_every_mailbox() {
    for keys in [&["a"][..], &["a", "b", "c"], &["a", "b", "a"]] {
        for octets in [16, SMALL - HEADER.len(), SMALL - HEADER.len() + 1, SMALL, 3 * SMALL, 100_000] {
            let scratch = Scratch::new();
            let local = scratch.open();
            let text = text(octets);
            let accepted = send(&local, keys, &text).await.unwrap();
            assert_eq!((accepted.octets as usize, accepted.deferred), (HEADER.len() + octets, 0));
            for key in keys {
                assert_eq!(scratch.messages(key), [with_header(&text)], "{key}, {octets} octets");
            }
            assert!(scratch.remains().is_empty(), "{:?}", scratch.remains());
        }
    }
}

#[tokio::test]
async fn pieces_may_have_any_size() {
    let scratch = Scratch::new();
    let local = scratch.open();
    let text = text(5 * SMALL);
    for size in [1, 7, SMALL - 1, SMALL, SMALL + 1, 5 * SMALL] {
        let mut incoming = local.begin(envelope(&["a"]), HEADER.to_vec());
        for piece in text.chunks(size) {
            incoming.write(piece).await.unwrap();
        }
        incoming.commit().await.unwrap();
    }
    assert_eq!(scratch.messages("a"), vec![with_header(&text); 6]);
}

#[tokio::test]
async fn a_small_message_touches_no_file_before_its_end() {
    let scratch = Scratch::new();
    let faults = Arc::new(Faults::new(Plan::Nothing));
    let local = scratch.open_on(faults.clone());
    for keys in [&["a"][..], &["a", "b"]] {
        let before = faults.log().len();
        let mut incoming = local.begin(envelope(keys), HEADER.to_vec());
        incoming.write(&text(SMALL - HEADER.len())).await.unwrap();
        assert_eq!(faults.log().len(), before);
        incoming.commit().await.unwrap();
        let log = faults.log();
        assert_eq!(
            log[before..].iter().filter(|op| **op == Op::Write).count(),
            keys.len(),
            "the body; an envelope"
        );
    }
}

#[tokio::test]
async fn a_large_message_is_written_in_buffers_that_hold_no_more_than_a_small_one() {
    let scratch = Scratch::new();
    let faults = Arc::new(Faults::new(Plan::Nothing));
    let local = scratch.open_on(faults.clone());
    let writes = || faults.log().iter().filter(|op| **op == Op::Write).count();
    let mut incoming = local.begin(envelope(&["a"]), Vec::new());
    incoming.write(&[b'x'; SMALL]).await.unwrap();
    assert_eq!(writes(), 0, "it may be a small one");
    for nth in 0..20 {
        incoming.write(&[b'x'; SMALL / 2]).await.unwrap();
        assert!([nth.max(1), nth + 1].contains(&writes()), "one is filled, one may still be written: {nth}");
    }
    incoming.commit().await.unwrap();
    assert_eq!(writes(), 21);
}

#[tokio::test]
async fn l_05_whichever_piece_cannot_be_written_the_sender_learns_it_and_nothing_is_left() {
    for keys in [&["a"][..], &["a", "b"]] {
        for at in 0.. {
            let scratch = Scratch::in_memory();
            drop(scratch.open());
            let faults = Arc::new(Faults::new(Plan::FailAt(at, Errno::NOSPC)));
            let Ok(local) = scratch.try_open_on(faults.clone()) else { continue };
            let before = faults.log().len();
            let sent = send(&local, keys, &text(4 * SMALL)).await;
            let log = faults.log();
            if log.len() <= at {
                assert!(sent.is_ok());
                break;
            }
            if at >= before && log[at] == Op::Write {
                assert!(matches!(sent, Err(DeliveryError::NoSpace(_))), "operation {at}: {sent:?}");
                assert!(keys.iter().all(|key| scratch.messages(key).is_empty()), "operation {at}");
                assert!(scratch.remains().is_empty(), "operation {at}: {:?}", scratch.remains());
            }
        }
    }
}

#[tokio::test]
async fn l_05_what_the_disk_refuses_of_a_large_message_early_is_told_though_its_end_is_synced() {
    let syncs = |faults: &Faults| faults.log().iter().filter(|op| **op == Op::Sync).count();
    for keys in [&["a"][..], &["a", "b"]] {
        for failing in [false, true] {
            let scratch = Scratch::new();
            let faults = Arc::new(Faults::new(Plan::Nothing));
            let local = scratch.open_on(faults.clone());
            let before = syncs(&faults);
            if failing {
                faults.fail_next(Op::Sync, Errno::IO);
            }
            let text = text(5 << 20);
            let sent = send(&local, keys, &text).await;
            if failing {
                assert!(matches!(sent, Err(DeliveryError::Io(_))), "{sent:?}");
                assert_eq!(syncs(&faults), before + 1, "it was the early one");
                assert!(keys.iter().all(|key| scratch.messages(key).is_empty()));
            } else {
                sent.unwrap();
                assert!(syncs(&faults) > before + keys.len(), "{keys:?}: none was early");
                assert!(keys.iter().all(|key| scratch.messages(key) == [with_header(&text)]));
            }
            assert!(scratch.remains().is_empty(), "{:?}", scratch.remains());
        }
    }
}

#[test]
fn what_is_dropped_leaves_nothing() {
    let scratch = Scratch::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let local = scratch.open();
        for keys in [&["a"][..], &["a", "b"]] {
            for octets in [10, 5 * SMALL] {
                let mut incoming = local.begin(envelope(keys), HEADER.to_vec());
                incoming.write(&text(octets)).await.unwrap();
                drop(incoming);
            }
        }
    });
    // A file is removed on the pool; the end of the runtime waits for that.
    drop(runtime);
    assert!(scratch.remains().is_empty(), "{:?}", scratch.remains());
    assert!(scratch.messages("a").is_empty() && scratch.messages("b").is_empty());
}

#[tokio::test]
async fn l_05_a_full_disk_is_said_as_such_and_the_message_is_undone() {
    for (op, errno, full) in
        [(Op::Write, Errno::NOSPC, true), (Op::CreateNew, Errno::DQUOT, true), (Op::Sync, Errno::IO, false)]
    {
        for keys in [&["a"][..], &["a", "b"]] {
            for octets in [10, 5 * SMALL] {
                let scratch = Scratch::new();
                let local = scratch.open_on(Arc::new(Faults::new(Plan::Nothing).without(op, errno)));
                let error = send(&local, keys, &text(octets)).await.unwrap_err();
                assert_eq!(matches!(error, DeliveryError::NoSpace(_)), full, "{error:?}");
                assert_eq!(matches!(error, DeliveryError::Io(_)), !full, "{error:?}");
                assert!(scratch.remains().is_empty(), "{:?}", scratch.remains());
                assert!(keys.iter().all(|key| scratch.messages(key).is_empty()));
            }
        }
    }
}

#[tokio::test]
async fn after_an_error_every_call_fails() {
    let scratch = Scratch::new();
    let local = scratch.open_on(Arc::new(Faults::new(Plan::Nothing).without(Op::Write, Errno::NOSPC)));
    let mut incoming = local.begin(envelope(&["a"]), Vec::new());
    assert!(matches!(incoming.write(&text(2 * SMALL)).await, Err(DeliveryError::NoSpace(_))));
    assert!(matches!(incoming.write(b"more").await, Err(DeliveryError::Io(_))));
    assert!(matches!(incoming.commit().await, Err(DeliveryError::Io(_))));
    let nobody = local.begin(envelope(&[]), Vec::new());
    assert!(matches!(nobody.commit().await, Err(DeliveryError::NoRecipients)));
}

#[tokio::test(flavor = "multi_thread")]
async fn l_10_many_sessions_at_once_lose_nothing() {
    let scratch = Scratch::new();
    let local = scratch.open();
    let sessions: Vec<_> = (0..200)
        .map(|nth: usize| {
            let local = local.clone();
            tokio::spawn(async move {
                let keys: &[&str] = if nth.is_multiple_of(2) { &["a"] } else { &["a", "b"] };
                send(&local, keys, &text(20 + nth * 50)).await.unwrap();
            })
        })
        .collect();
    for session in sessions {
        session.await.unwrap();
    }
    let expected = |step: usize| {
        let mut texts: Vec<_> =
            (step - 1..200).step_by(step).map(|nth| with_header(&text(20 + nth * 50))).collect();
        texts.sort();
        texts
    };
    for (key, step) in [("a", 1), ("b", 2)] {
        let mut found = scratch.messages(key);
        found.sort();
        assert!(found == expected(step), "{key}");
    }
    assert!(scratch.remains().is_empty());
}

#[tokio::test]
async fn a_store_has_one_owner() {
    let scratch = Scratch::new();
    let local = scratch.open();
    assert!(matches!(scratch.try_open_on(Arc::new(Disk)), Err(delivery::OpenError::InUse(_))));
    drop(local);
    scratch.open();
}

#[tokio::test]
async fn l_10_a_root_that_went_away_is_not_made_anew() {
    let scratch = Scratch::new();
    let local = scratch.open();
    let root = scratch.root().join("mail");
    std::fs::remove_dir(&root).unwrap();
    // One mailbox, and several: nothing is promised where it would be hidden when the file system comes back.
    let refused = send(&local, &["a"], &text(10)).await;
    assert!(matches!(refused, Err(DeliveryError::Io(_))), "{refused:?}");
    let waiting = send(&local, &["a", "b"], &text(10)).await.unwrap();
    assert_eq!(waiting.deferred, 2, "the queue keeps it for both");
    assert!(!root.exists());
    std::fs::create_dir(&root).unwrap();
    assert_eq!(local.retry().await, 0);
    assert_eq!((scratch.messages("a").len(), scratch.messages("b").len()), (1, 1));
}
