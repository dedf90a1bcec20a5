//! A message for other hosts a second time, and back.

use std::io::Read;
use std::sync::Arc;

use mail_queue::{Copied, Envelope, Error, Fate, QueueId, Remote, Spool, View};
use mailstore::Draft;
use mailstore::faults::{Faults, Plan, Stop};

use crate::support::*;

/// A message that was tried once at one of its two recipients, as a backup has it.
fn copied(scratch: &Scratch, id: QueueId) -> (Copied, Vec<u8>) {
    let (spool, _) = scratch.open();
    let mut incoming = spool.begin(id).unwrap();
    incoming.write(TEXT).unwrap();
    let remotes = ["x@example.com", "y@example.net"].map(Remote::new).into();
    let accepted = incoming.accept(Envelope { remotes, ..envelope(id, &["a"]) }).unwrap();
    let _ = accepted.deliver();
    let view = View::new(&scratch.queue());
    assert_eq!(view.copied(id).unwrap().unwrap().0.progress, None, "nobody has tried it");
    spool.record(id, |_, progress| progress.recipients[1].fate = Fate::Delivered).unwrap();
    let (copied, mut file) = view.copied(id).unwrap().unwrap();
    let mut text = Vec::new();
    file.read_to_end(&mut text).unwrap();
    spool.record(id, |_, progress| progress.recipients[0].fate = Fate::Delivered).unwrap();
    assert!(view.copied(id).unwrap().is_none(), "nobody waits any more");
    (copied, text)
}

fn put(spool: &Spool, copied: &Copied, text: &[u8]) -> Result<bool, Error> {
    spool.put_back(copied, "look first", |draft: &mut Draft| Ok(draft.write(text)?))
}

#[test]
fn a_message_comes_back_held_with_what_was_known_of_it_and_once() {
    let (scratch, id) = (Scratch::new(), QueueId::new());
    let (copied, text) = copied(&scratch, id);
    let (spool, _) = scratch.open();
    assert!(put(&spool, &copied, b"another text\r\n").is_err());
    assert!(put(&spool, &Copied { envelope: b"nonsense".into(), ..copied.clone() }, &text).is_err());
    assert!(spool.outbound(id).unwrap().is_none());
    assert!(put(&spool, &copied, &text).unwrap());
    assert!(!put(&spool, &copied, &text).unwrap(), "it is there");
    let back = spool.outbound(id).unwrap().unwrap();
    assert_eq!(back.progress.hold.as_deref(), Some("look first"));
    let fates: Vec<Fate> = back.progress.recipients.iter().map(|it| it.fate).collect();
    assert_eq!(fates, [Fate::Waiting, Fate::Delivered]);
    assert_eq!(scratch.messages("a").len(), 1, "mailboxes are not served again");
    spool.record(id, |_, progress| progress.recipients[0].fate = Fate::Dropped).unwrap();
    scratch.assert_queue_empty("the end");
}

/// A message that two mailboxes here wait for, and these addresses, until it is released; as a backup has it.
fn held(id: QueueId, addresses: &[&str], delivered_to: bool) -> (Copied, Vec<u8>) {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let mut incoming = spool.begin(id).unwrap();
    incoming.write(TEXT).unwrap();
    let remotes = addresses.iter().map(|address| Remote::new(*address)).collect();
    incoming.accept_held(Envelope { remotes, delivered_to, ..envelope(id, &["a", "b"]) }, "a virus").unwrap();
    let (copied, mut file) = View::new(&scratch.queue()).copied(id).unwrap().unwrap();
    let mut text = Vec::new();
    file.read_to_end(&mut text).unwrap();
    (copied, text)
}

#[test]
fn l_07_what_is_held_for_mailboxes_comes_back_held_for_them_with_the_reason() {
    for (addresses, delivered_to) in [(&[][..], false), (&[], true), (&["x@example.com"], true)] {
        let (scratch, id) = (Scratch::new(), QueueId::new());
        let (copied, text) = held(id, addresses, delivered_to);
        assert_eq!((copied.here.as_slice(), &*text), (&[0, 1][..], TEXT));
        let (spool, _) = scratch.open();
        assert!(put(&spool, &copied, &text).unwrap());
        drop(spool);
        let (spool, recovery) = scratch.open();
        assert_eq!(recovery.held, [id]);
        let back = spool.outbound(id).unwrap().unwrap();
        assert_eq!(back.progress.hold.as_deref(), Some("a virus; look first"));
        assert_eq!((back.held_here.len(), back.envelope.remotes.len()), (2, addresses.len()));
        assert_eq!(spool.release(id).unwrap().unwrap().delivered, 2);
        for key in ["a", "b"] {
            let [(_, message)] = &*scratch.messages(key) else { panic!("{key}") };
            assert!(message.ends_with(TEXT));
            assert_eq!(message.starts_with(b"Delivered-To: "), delivered_to, "{key}");
        }
    }
}

#[test]
fn wherever_it_is_cut_nothing_is_in_the_queue_that_is_not_held() {
    for here in [false, true] {
        cut_everywhere(
            |scratch, id| if here { held(id, &["x@example.com"], true) } else { copied(scratch, id) },
        );
    }
}

fn cut_everywhere(make: impl Fn(&Scratch, QueueId) -> (Copied, Vec<u8>)) {
    for at in 0.. {
        let mut over = false;
        for stop in Stop::ALL {
            let (scratch, id) = (Scratch::new(), QueueId::new());
            let (copied, text) = make(&scratch, id);
            let faults = Arc::new(Faults::new(Plan::StopAt(at, stop)));
            if let Ok((spool, _)) = scratch.open_on(faults.clone()) {
                let _ = put(&spool, &copied, &text);
            }
            over |= !faults.stopped();
            let (spool, recovery) = scratch.open();
            assert!(recovery.corrupt.is_empty(), "operation {at}, {stop:?}: {:?}", recovery.corrupt);
            if let Some(found) = spool.outbound(id).unwrap() {
                assert!(found.progress.hold.is_some(), "operation {at}, {stop:?}");
                assert_eq!(found.held_here.len(), copied.here.len(), "operation {at}, {stop:?}");
            }
            // And it can be done again.
            put(&spool, &copied, &text).unwrap();
            assert!(spool.outbound(id).unwrap().unwrap().progress.hold.is_some());
        }
        if over {
            return;
        }
    }
}
