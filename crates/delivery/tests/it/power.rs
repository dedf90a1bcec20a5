//! The power goes at each operation of the whole way in, and of what was not synced any part is gone.

use std::sync::Arc;

use mailstore::power_cut::{Recorder, Renames};

use crate::support::*;

#[tokio::test]
async fn l_10_r_07_after_a_power_cut_anywhere_all_have_the_message_once_or_nobody() {
    for keys in [&["a"][..], &["a", "b", "a"]] {
        for octets in [10, 2 * SMALL] {
            let text = text(octets);
            let scratch = Scratch::in_memory();
            let recorder = Arc::new(Recorder::new(scratch.root()).unwrap());
            let local = scratch.open_on(recorder.clone());
            let before = recorder.len();
            send(&local, keys, &text).await.unwrap();
            for at in before..=recorder.len() {
                for image in recorder.images(at, Renames::Whole) {
                    let after = Scratch::in_memory();
                    image.write_to(after.root()).unwrap();
                    let _local = after.open();
                    let found = ["a", "b"].map(|key| after.messages(key));
                    let whole =
                        ["a", "b"].map(|key| vec![with_header(&text); usize::from(keys.contains(&key))]);
                    let nothing = found.iter().all(Vec::is_empty) && at < recorder.len();
                    assert!(found == whole || nothing, "{keys:?}, {octets} octets, after {at} operations");
                }
            }
        }
    }
}
