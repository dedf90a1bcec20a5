//! A crash at each operation of the whole way in, for small and large messages.

use std::sync::Arc;

use mailstore::faults::{Faults, Plan, Stop};

use crate::support::*;

#[tokio::test]
async fn l_10_r_07_after_a_crash_anywhere_all_have_the_message_once_or_nobody() {
    for keys in [&["a"][..], &["a", "b", "a"]] {
        for octets in [10, 2 * SMALL] {
            let text = text(octets);
            'rounds: for at in 0.. {
                for stop in Stop::ALL {
                    let scratch = Scratch::in_memory();
                    drop(scratch.open());
                    let faults = Arc::new(Faults::new(Plan::StopAt(at, stop)));
                    let accepted = match scratch.try_open_on(faults.clone()) {
                        Ok(local) => send(&local, keys, &text).await.is_ok(),
                        Err(_) => false,
                    };
                    let _local = scratch.open();
                    let found = ["a", "b"].map(|key| scratch.messages(key));
                    let whole =
                        ["a", "b"].map(|key| vec![with_header(&text); usize::from(keys.contains(&key))]);
                    let nothing = found.iter().all(Vec::is_empty);
                    assert!(
                        found == whole || (nothing && !accepted),
                        "operation {at}, {stop:?}, accepted: {accepted}"
                    );
                    if !faults.stopped() {
                        assert!(accepted && scratch.remains().is_empty());
                        break 'rounds;
                    }
                }
            }
        }
    }
}
