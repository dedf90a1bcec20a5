//! The power goes at each operation, and of what was not synced any part is gone.

use std::path::Path;
use std::sync::Arc;

use mail_queue::QueueId;
use mailstore::faults::{Faults, Op, Plan};
use mailstore::files::{Disk, Files};
use mailstore::power_cut::{Recorder, Renames};
use rustix::io::Errno;

use crate::support::*;

const KEYS: [&str; 3] = ["a", "b", "c"];

/// Sends under a recorder; then tries every disk that a power cut can leave, restarts there, and calls `check` with whether the
/// message had been accepted and how often each mailbox has it.
fn each_power_cut(scratch: &Scratch, inner: Arc<dyn Files>, renames: Renames) -> [usize; 2] {
    let recorder = Arc::new(Recorder::over(inner, scratch.root()).unwrap());
    let (spool, _) = scratch.open_on(recorder.clone()).unwrap();
    let id = QueueId::new();
    let mut incoming = spool.begin(id).unwrap();
    incoming.write(TEXT).unwrap();
    let accepted = incoming.accept(envelope(id, &KEYS)).unwrap();
    let since = recorder.len();
    assert_eq!(accepted.deliver().delivered, KEYS.len());

    let (mut nobody, mut everybody) = (0, 0);
    for at in 0..=recorder.len() {
        for image in recorder.images(at, renames) {
            let after = Scratch::new();
            image.write_to(after.root()).unwrap();
            let (_spool, recovery) = after.open();
            let when = format!("{renames:?}, after {at} operations, accepted after {since}");
            assert!(recovery.corrupt.is_empty() && recovery.trouble.is_empty(), "{when}: {recovery:?}");
            after.assert_queue_empty(&when);
            let found = KEYS.map(|key| after.messages(key));
            match found.each_ref().map(Vec::len) {
                [0, 0, 0] => {
                    assert!(at < since, "lost: {when}");
                    nobody += 1;
                }
                counts => {
                    assert_eq!(counts, [1, 1, 1], "{when}");
                    everybody += 1;
                }
            }
            assert!(
                found.iter().flatten().all(|message| *message == (found[0][0].0.clone(), TEXT.to_vec())),
                "{when}"
            );
        }
    }
    [nobody, everybody]
}

#[test]
fn l_10_r_07_a_power_cut_anywhere_serves_all_recipients_once_or_none() {
    for renames in [Renames::Whole, Renames::OldNameMayStay] {
        let scratch = Scratch::new();
        let [nobody, everybody] = each_power_cut(&scratch, Arc::new(Disk), renames);
        assert!(nobody > 50 && everybody > 50, "{nobody} and {everybody} disks");
    }
}

#[test]
fn l_10_r_07_so_it_is_without_links_and_with_the_maildirs_on_another_file_system() {
    type Lacking = fn(Faults, &Path) -> Faults;
    let file_systems: [Lacking; 3] = [
        |faults, _| faults.without(Op::Link, Errno::PERM),
        |faults, _| faults.without(Op::RenameNew, Errno::INVAL),
        |faults, maildirs| faults.with_mount(maildirs),
    ];
    for lacking in file_systems {
        let scratch = Scratch::new();
        drop(scratch.open());
        let faults = lacking(Faults::new(Plan::Nothing), &scratch.maildirs());
        each_power_cut(&scratch, Arc::new(faults), Renames::Whole);
    }
}
