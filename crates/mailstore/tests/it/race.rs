//! Deliverers, a reader and another program at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

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
