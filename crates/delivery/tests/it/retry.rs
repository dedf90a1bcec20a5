//! Recipients that cannot be served at once.

use std::fs;

use crate::support::*;

#[tokio::test]
async fn one_recipients_trouble_does_not_refuse_the_message_for_the_others() {
    let scratch = Scratch::new();
    let local = scratch.open();
    fs::write(scratch.mailbox("b"), "not a directory").unwrap();
    let accepted = send(&local, &["a", "b", "c"], b"x\r\n").await.unwrap();
    assert_eq!(accepted.deferred, 1);
    assert_eq!((scratch.messages("a").len(), scratch.messages("c").len()), (1, 1));
    assert_eq!(local.retry().await, 1);
    fs::remove_file(scratch.mailbox("b")).unwrap();
    assert_eq!(local.retry().await, 0);
    assert_eq!(scratch.messages("b"), [with_header(b"x\r\n")]);
    assert_eq!((scratch.messages("a").len(), scratch.messages("c").len()), (1, 1));
    assert!(scratch.remains().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_tried_again_in_the_background_also_after_a_restart() {
    let scratch = Scratch::new();
    let local = scratch.open();
    fs::write(scratch.mailbox("b"), "not a directory").unwrap();
    assert_eq!(send(&local, &["a", "b"], b"x\r\n").await.unwrap().deferred, 1);
    drop(local);
    let _local = scratch.open();
    assert!(!scratch.remains().is_empty());
    fs::remove_file(scratch.mailbox("b")).unwrap();
    // Time stands still but for the retries: it jumps to the next one whenever nothing else runs.
    while !scratch.remains().is_empty() {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!(scratch.messages("b").len(), 1);
}
