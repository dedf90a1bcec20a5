//! Room that is kept free.

use std::sync::Arc;
use std::time::Duration;

use delivery::DeliveryError;
use mailstore::faults::{Faults, Op, Plan};
use mailstore::{Reserve, Space};
use rustix::io::Errno;

use crate::support::*;

const FULL: Space = Space { octets: 10, files: Some(5000) };
const EMPTY: Space = Space { octets: 1 << 40, files: Some(5000) };

#[tokio::test(start_paused = true)]
async fn l_05_too_little_space_is_said_before_the_message_comes_and_only_while_it_lasts() {
    let scratch = Scratch::new();
    let faults = Arc::new(Faults::new(Plan::Nothing));
    let local = scratch.open_on(faults.clone());
    for (space, taken) in [
        (EMPTY, true),
        (FULL, false),
        (Space { files: Some(10), ..EMPTY }, false),
        (Space { files: None, ..EMPTY }, true),
        (Space { octets: Reserve::default().octets, ..EMPTY }, true),
    ] {
        faults.set_space(space);
        // The answer before this one has been forgotten by now.
        tokio::time::advance(Duration::from_secs(2)).await;
        for size in [None, Some(0)] {
            let room = local.room(size).await;
            assert_eq!(room.is_ok(), taken, "{space:?}");
            assert!(taken || matches!(room, Err(DeliveryError::NoSpace(_))));
        }
    }
    // A message that is itself too large is refused, and others are not.
    assert!(local.room(Some(1)).await.is_err());
    assert!(local.room(None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn l_05_the_file_system_is_asked_once_a_second_however_often_we_are() {
    let scratch = Scratch::new();
    let faults = Arc::new(Faults::new(Plan::Nothing));
    let local = scratch.open_on(faults.clone());
    let asked = || faults.log().iter().filter(|op| **op == Op::Space).count();
    for second in 1..=3 {
        for _ in 0..1000 {
            local.room(Some(100)).await.unwrap();
        }
        assert_eq!(asked(), 2 * second, "the Maildirs and the queue");
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn l_05_what_came_since_the_file_system_was_asked_counts() {
    let scratch = Scratch::new();
    let faults = Arc::new(Faults::new(Plan::Nothing));
    let local = scratch.open_on(faults.clone());
    let space = Space { octets: Reserve::default().octets + 1000, ..EMPTY };
    faults.set_space(space);
    local.room(Some(1000)).await.unwrap();
    let mut incoming = local.begin(envelope(&["a"]), Vec::new());
    incoming.write(&text(900)).await.unwrap();
    local.room(Some(50)).await.unwrap();
    assert!(matches!(local.room(Some(101)).await, Err(DeliveryError::NoSpace(_))));
    incoming.write(&text(900)).await.unwrap();
    assert!(matches!(local.room(None).await, Err(DeliveryError::NoSpace(_))));
    drop(incoming);
    // The file system knows better, once it is asked again.
    tokio::time::advance(Duration::from_secs(1)).await;
    local.room(Some(1000)).await.unwrap();
}

#[tokio::test]
async fn l_05_a_file_system_that_cannot_be_asked_refuses_nothing() {
    let scratch = Scratch::new();
    let local = scratch.open_on(Arc::new(Faults::new(Plan::Nothing).without(Op::Space, Errno::NOSYS)));
    local.room(Some(1 << 30)).await.unwrap();
}

#[tokio::test]
async fn l_05_whatever_fails_nothing_is_left_in_part_and_nothing_accepted_is_lost() {
    for errno in [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::MFILE] {
        for keys in [&["a"][..], &["a", "b"]] {
            for octets in [10, 2 * SMALL] {
                let text = text(octets);
                for at in 0.. {
                    let scratch = Scratch::in_memory();
                    drop(scratch.open());
                    let faults = Arc::new(Faults::new(Plan::FailAt(at, errno)));
                    let sent = match scratch.try_open_on(faults.clone()) {
                        Ok(local) => send(&local, keys, &text).await.ok(),
                        Err(_) => None,
                    };
                    // The trouble is over; whoever still waits is served.
                    let _local = scratch.open();
                    let expected = if sent.is_some() { vec![with_header(&text)] } else { Vec::new() };
                    for key in keys {
                        assert!(
                            scratch.messages(key) == expected,
                            "{errno} at {at}, accepted: {}",
                            sent.is_some()
                        );
                    }
                    assert!(scratch.remains().is_empty(), "{errno} at {at}: {:?}", scratch.remains());
                    if !faults.failed() {
                        assert!(sent.is_some());
                        break;
                    }
                }
            }
        }
    }
}
