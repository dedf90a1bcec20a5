//! Any mixture of deliveries, sessions and other programs' doings against a plain map.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use crate::support::*;

#[derive(Debug, Clone)]
enum Step {
    Deliver(Vec<u8>),
    /// Another program delivers with LF endings and a name of its own.
    Foreign(Vec<u8>),
    Abandon,
    /// Another program sets flags, moving the message to `cur/`.
    Flag(prop::sample::Index, &'static str),
    /// Another program removes it.
    Steal(prop::sample::Index),
    Expunge(Vec<prop::sample::Index>),
}

fn step() -> impl Strategy<Value = Step> {
    let text = proptest::collection::vec(prop::sample::select(&b"a.\r\n"[..]), 0..12);
    prop_oneof![
        4 => text.clone().prop_map(Step::Deliver),
        2 => text.prop_map(Step::Foreign),
        1 => Just(Step::Abandon),
        3 => (any::<prop::sample::Index>(), prop::sample::select(&["", "S", "RS"][..])).prop_map(|(i, f)| Step::Flag(i, f)),
        1 => any::<prop::sample::Index>().prop_map(Step::Steal),
        2 => proptest::collection::vec(any::<prop::sample::Index>(), 0..3).prop_map(Step::Expunge),
    ]
}

/// What RETR would send for this file, without the stuffing.
fn on_the_wire(text: &[u8]) -> usize {
    let mut wire = Vec::new();
    for &byte in text {
        if byte == b'\n' && wire.last() != Some(&b'\r') {
            wire.push(b'\r');
        }
        wire.push(byte);
    }
    if !text.is_empty() && !wire.ends_with(b"\n") {
        wire.extend(b"\r\n");
    }
    wire.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn r_05_the_maildrop_is_the_map_of_what_was_delivered_and_not_removed(steps in proptest::collection::vec(step(), 1..25)) {
        let scratch = scratch();
        let path = scratch.maildir.path();
        let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (nth, step) in steps.into_iter().enumerate() {
            match step {
                Step::Deliver(text) => {
                    let delivered = deliver(&scratch.maildir, &text).unwrap();
                    prop_assert_eq!(delivered.octets, on_the_wire(&text) as u64);
                    model.insert(delivered.unique_id, text);
                }
                Step::Foreign(text) => {
                    let name = format!("1355543030.M{nth}P1.mx");
                    scratch.put("new", &name, &text);
                    model.insert(name, text);
                }
                Step::Abandon => drop(scratch.maildir.begin(&mailstore::Namer::new("mx")).unwrap()),
                Step::Flag(which, flags) if !model.is_empty() => {
                    let at = scratch.file_of(model.keys().nth(which.index(model.len())).unwrap());
                    let base = at.split(':').next().unwrap().replace("new/", "cur/");
                    scratch.rename(&at, &format!("{base}:2,{flags}"));
                }
                Step::Steal(which) if !model.is_empty() => {
                    let id = model.keys().nth(which.index(model.len())).unwrap().clone();
                    fs::remove_file(path.join(scratch.file_of(&id))).unwrap();
                    model.remove(&id);
                }
                Step::Expunge(which) if !model.is_empty() => {
                    let mut session = scratch.maildir.lock().unwrap();
                    let doomed: std::collections::BTreeSet<usize> = which.iter().map(|i| i.index(session.len())).collect();
                    let listed = ids(&session);
                    for removal in session.remove(doomed) {
                        removal.result.unwrap();
                        model.remove(&listed[removal.index]);
                    }
                }
                Step::Flag(..) | Step::Steal(_) | Step::Expunge(_) => {}
            }
            prop_assert_eq!(&contents(&scratch.maildir), &model);
            for message in scratch.maildir.lock().unwrap().messages() {
                prop_assert_eq!(message.octets, on_the_wire(&model[&*message.unique_id]) as u64);
            }
        }
        prop_assert!(names(&scratch.maildir, "tmp").is_empty());
    }
}
