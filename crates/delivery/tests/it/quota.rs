//! Quotas, from RCPT to the mailbox.

use std::fs;
use std::sync::Arc;

use delivery::{DeliveryError, LocalDelivery, Mailbox, Quota, StoreConfig, Usage, WarningConfig};
use mailstore::faults::{Faults, Op, Plan, Stop};
use rustix::io::Errno;

use crate::support::*;

const QUOTA: Quota = Quota { octets: Some(1000), messages: None };

fn mailbox(key: &str) -> Mailbox {
    Mailbox::new(key).unwrap()
}

/// As a server does it: each RCPT reserves, DATA begins, the end commits.
async fn send_reserved(local: &LocalDelivery, keys: &[&str], octets: usize) -> Result<usize, DeliveryError> {
    let mut reservations = Vec::new();
    for key in keys {
        reservations.push(local.reserve(&mailbox(key), "", QUOTA, Some(octets as u64)).await?);
    }
    let mut incoming = local.begin(envelope(keys), Vec::new()).settling(reservations);
    incoming.write(&text(octets)).await?;
    Ok(incoming.commit().await?.deferred)
}

async fn held(local: &LocalDelivery, key: &str) -> Usage {
    local.recount(&mailbox(key), QUOTA).await.unwrap()
}

fn ledger(scratch: &Scratch, key: &str) -> String {
    fs::read_to_string(scratch.mailbox(key).join("maildirsize")).unwrap()
}

#[tokio::test]
async fn l_03_a_full_mailbox_is_said_at_rcpt_and_others_get_theirs() {
    let scratch = Scratch::new();
    let local = scratch.open();
    assert_eq!(send_reserved(&local, &["a"], 600).await.unwrap(), 0);
    assert!(matches!(send_reserved(&local, &["a"], 600).await, Err(DeliveryError::OverQuota(_))));
    assert_eq!(send_reserved(&local, &["a", "b"], 400).await.unwrap(), 0);
    assert_eq!(
        (ledger(&scratch, "a"), ledger(&scratch, "b")),
        ("1000S\n600 1\n400 1\n".into(), "1000S\n0 0\n400 1\n".into())
    );
    assert!(matches!(
        local.reserve(&mailbox("a"), "taro@example.jp", QUOTA, Some(1)).await,
        Err(DeliveryError::OverQuota(_))
    ));
    assert_eq!(held(&local, "a").await, Usage { octets: 1000, messages: 2 });
}

#[tokio::test]
async fn l_03_a_message_of_which_nothing_was_said_is_asked_for_at_its_end() {
    let scratch = Scratch::new();
    let local = scratch.open();
    let send = async |declared: Option<u64>, keys: &[&str], octets| {
        let mut reserved = Vec::new();
        for key in keys {
            reserved.push(local.reserve(&mailbox(key), "", QUOTA, declared).await?);
        }
        let mut incoming = local.begin(envelope(keys), Vec::new()).settling(reserved);
        incoming.write(&text(octets)).await?;
        incoming.commit().await.map(drop)
    };
    send(None, &["a"], 900).await.unwrap();
    for declared in [None, Some(50)] {
        assert!(matches!(send(declared, &["a"], 101).await, Err(DeliveryError::OverQuota(_))));
        send(declared, &["a"], 50).await.unwrap();
    }
    assert_eq!((held(&local, "a").await.octets, scratch.remains().len()), (1000, 0));
    // What one held is free for the next.
    assert!(matches!(send(None, &["b"], 1001).await, Err(DeliveryError::OverQuota(_))));
    send(Some(1), &["b"], 1000).await.unwrap();
    // Among several, one who has no room now had room when it was asked.
    send(None, &["c", "d"], 1100).await.unwrap();
    assert_eq!(held(&local, "c").await, held(&local, "d").await);
}

#[tokio::test]
async fn l_03_what_is_on_its_way_counts_until_it_comes_or_does_not() {
    let scratch = Scratch::new();
    let local = scratch.open();
    let reservation = local.reserve(&mailbox("a"), "taro@example.jp", QUOTA, Some(600)).await.unwrap();
    assert!(local.reserve(&mailbox("a"), "taro@example.jp", QUOTA, Some(600)).await.is_err());
    drop(local.begin(envelope(&["a"]), Vec::new()).settling(vec![reservation]));
    local.reserve(&mailbox("a"), "taro@example.jp", QUOTA, Some(600)).await.unwrap();
}

#[tokio::test]
async fn a_recipient_who_is_served_later_is_counted_later() {
    let scratch = Scratch::new();
    let local = scratch.open();
    let reservations = vec![
        local.unchecked(&mailbox("a"), "taro@example.jp", QUOTA),
        local.unchecked(&mailbox("b"), "taro@example.jp", QUOTA),
    ];
    fs::write(scratch.mailbox("b"), "not a directory").unwrap();
    let mut incoming = local.begin(envelope(&["a", "b"]), Vec::new()).settling(reservations);
    incoming.write(&text(100)).await.unwrap();
    assert_eq!(incoming.commit().await.unwrap().deferred, 1);
    fs::remove_file(scratch.mailbox("b")).unwrap();
    assert_eq!(local.retry().await, 0);
    for key in ["a", "b"] {
        local.reserve(&mailbox(key), "taro@example.jp", QUOTA, Some(1)).await.unwrap();
        assert_eq!(ledger(&scratch, key), "1000S\n100 1\n");
    }
}

#[tokio::test]
async fn l_03_counting_that_fails_is_our_trouble_and_the_mail_can_be_taken() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let faults = Faults::new(Plan::Nothing).without(Op::Stat, Errno::IO);
    let local = scratch.open_on(Arc::new(faults));
    let refused = local.reserve(&mailbox("a"), "taro@example.jp", QUOTA, None).await;
    assert!(matches!(refused, Err(DeliveryError::Io(_))), "{refused:?}");
    let mut incoming = local.begin(envelope(&["a"]), Vec::new()).settling(vec![local.unchecked(
        &mailbox("a"),
        "taro@example.jp",
        QUOTA,
    )]);
    incoming.write(&text(100)).await.unwrap();
    incoming.commit().await.unwrap();
    assert_eq!(scratch.messages("a").len(), 1);
}

/// To one mailbox that may hold 100 000 octets.
async fn send_warned(local: &LocalDelivery, octets: usize) {
    let quota = Quota { octets: Some(100_000), messages: None };
    let reserved = local.reserve(&mailbox("a"), "taro@example.jp", quota, Some(octets as u64)).await.unwrap();
    let mut incoming = local.begin(envelope(&["a"]), Vec::new()).settling(vec![reserved]);
    incoming.write(&text(octets)).await.unwrap();
    incoming.commit().await.unwrap();
}

#[tokio::test]
async fn l_09_the_owner_of_a_nearly_full_mailbox_gets_one_message_about_it() {
    let scratch = Scratch::new();
    let warning = WarningConfig { percent: 90, from: "postmaster@mx.example.jp".into() };
    let local = LocalDelivery::open(StoreConfig { warning: Some(warning), ..scratch.config() }).unwrap();
    let warnings = || {
        let messages = scratch.messages("a").into_iter();
        let about = |message: &Vec<u8>| message.starts_with(b"Return-Path: <>\r\n");
        messages.filter(about).map(|message| String::from_utf8(message).unwrap()).collect::<Vec<_>>()
    };
    send_warned(&local, 89_000).await;
    assert_eq!(warnings().len(), 0);
    send_warned(&local, 1000).await;
    assert_eq!(warnings().len(), 1);
    assert!(warnings()[0].contains("To: <taro@example.jp>\r\n"), "{}", warnings()[0]);
    send_warned(&local, 1000).await;
    assert_eq!(warnings().len(), 1, "once");
    // Its own octets are in the ledger too.
    let sizes = scratch.messages("a").iter().map(|message| message.len()).sum::<usize>();
    let ledger = ledger(&scratch, "a");
    let lines = ledger.lines().skip(1).map(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap());
    assert_eq!(lines.sum::<usize>(), sizes, "{ledger}");

    let maildir = mailstore::Maildir::open(scratch.mailbox("a")).unwrap();
    let books = mailstore::Ledger::new().warning_at(90);
    let quota = Quota { octets: Some(100_000), messages: None };
    maildir.lock().unwrap().booked(books, quota).remove(0..4);
    send_warned(&local, 90_000).await;
    assert_eq!(warnings().len(), 1, "again, since it was less full");
}

/// A store that warns, with one message of 89 000 octets in a mailbox that may hold 100 000.
async fn nearly_full() -> (Scratch, StoreConfig) {
    let scratch = Scratch::in_memory();
    let warning = WarningConfig { percent: 90, from: "postmaster@mx.example.jp".into() };
    let config = StoreConfig { warning: Some(warning), ..scratch.config() };
    let local = LocalDelivery::open(config.clone()).unwrap();
    send_warned(&local, 89_000).await;
    (scratch, config)
}

#[tokio::test]
async fn l_03_l_05_l_09_whatever_fails_or_stops_the_message_is_safe_the_books_are_true_and_the_owner_is_warned_once_at_most()
 {
    let quota = Quota { octets: Some(100_000), messages: None };
    let plans = |at| {
        let failures = [Errno::NOSPC, Errno::IO].map(|errno| Plan::FailAt(at, errno));
        Stop::ALL.map(|stop| Plan::StopAt(at, stop)).into_iter().chain(failures)
    };
    for at in 0.. {
        let mut touched = false;
        for plan in plans(at) {
            let (scratch, config) = nearly_full().await;
            let faults = Arc::new(Faults::new(plan.clone()));
            let accepted = match LocalDelivery::open_on(faults.clone(), config.clone()) {
                Ok(local) => {
                    let reserved = local.reserve(&mailbox("a"), "taro@example.jp", quota, Some(2000)).await;
                    let reserved = reserved.unwrap_or_else(|_| local.unchecked(&mailbox("a"), "", quota));
                    let mut incoming = local.begin(envelope(&["a"]), Vec::new()).settling(vec![reserved]);
                    incoming.write(&text(2000)).await.is_ok() && incoming.commit().await.is_ok()
                }
                Err(_) => false,
            };
            touched |= faults.stopped() || faults.failed();
            let count =
                |messages: &[Vec<u8>], octets| messages.iter().filter(|it| it.len() == octets).count();
            let messages = scratch.messages("a");
            assert_eq!(count(&messages, 89_000), 1);
            let there = count(&messages, 2000);
            assert!(there == usize::from(accepted) || (there == 1 && faults.stopped()), "{plan:?}");
            // A new process, whose first question is a message.
            let local = LocalDelivery::open(config).unwrap();
            send_warned(&local, 500).await;
            let messages = scratch.messages("a");
            let warnings = messages.iter().filter(|it| it.starts_with(b"Return-Path: <>")).count();
            assert!(warnings <= 1, "{plan:?}");
            let sum: usize = messages.iter().map(Vec::len).sum();
            let ledger = ledger(&scratch, "a");
            let octets = |line: &str| line.split(' ').next().unwrap().parse::<usize>().unwrap();
            assert_eq!(ledger.lines().skip(1).map(octets).sum::<usize>(), sum, "{plan:?}: {ledger}");
        }
        if !touched {
            return;
        }
    }
}
