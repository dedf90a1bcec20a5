//! The power goes at each operation, and of what was not synced any part is gone: afterwards S0 or S3, once, and every unique id
//! as it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailstore::faults::{Faults, Op, Plan};
use mailstore::files::{Disk, Files};
use mailstore::power_cut::{Recorder, Renames};
use mailstore::{Error, Maildir};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::support::*;

const ALL: &[Renames] = &[Renames::Whole, Renames::OldNameMayStay];

struct World {
    dir: TempDir,
    recorder: Arc<Recorder>,
}

impl World {
    /// What is there now is durable; what follows is recorded.
    fn record(dir: TempDir, inner: Arc<dyn Files>) -> World {
        let recorder = Arc::new(Recorder::over(inner, dir.path()).unwrap());
        World { dir, recorder }
    }

    fn maildir(&self) -> Maildir {
        Maildir::at(self.recorder.clone(), self.path())
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("tanaka")
    }

    /// Calls `check` with the Maildir on every disk that a power cut can leave, and with how much had been done; says how many.
    fn each_power_cut(&self, renames: &[Renames], mut check: impl FnMut(usize, &Path)) -> usize {
        let mut count = 0;
        for &renames in renames {
            for at in 0..=self.recorder.len() {
                for image in self.recorder.images(at, renames) {
                    let after = memory();
                    image.write_to(after.path()).unwrap();
                    check(at, &after.path().join("tanaka"));
                    count += 1;
                }
            }
        }
        count
    }
}

fn found(path: &Path) -> BTreeMap<String, Vec<u8>> {
    match Maildir::open(path) {
        Err(Error::NotMaildir(_)) => BTreeMap::new(),
        maildir => contents(&maildir.unwrap()),
    }
}

#[test]
fn l_10_r_07_a_power_cut_during_delivery_leaves_all_or_nothing() {
    let lacking = Faults::new(Plan::Nothing).without(Op::RenameNew, Errno::INVAL);
    for inner in [Arc::new(Disk) as Arc<dyn Files>, Arc::new(lacking)] {
        let world = World::record(memory(), inner);
        // The first message of an account makes its Maildir; the second finds it.
        Maildir::create_on(world.recorder.clone(), world.path()).unwrap();
        let mut accepted = Vec::new();
        for text in [&b"first\r\n"[..], b"second\r\n"] {
            let delivered = deliver(&world.maildir(), text).unwrap();
            accepted.push((world.recorder.len(), delivered.unique_id, text.to_vec()));
        }
        let tried = world.each_power_cut(ALL, |at, path| {
            let found = found(path);
            for (since, id, text) in &accepted {
                match found.get(id) {
                    Some(there) => assert_eq!(there, text, "in part, after {at} operations"),
                    None => assert!(at < *since, "accepted and lost, after {at} operations"),
                }
            }
            assert!(found.keys().all(|id| accepted.iter().any(|(_, known, _)| known == id)), "{found:?}");
        });
        assert!(tried > 50, "{tried}");
    }
}

#[test]
fn r_05_r_07_a_power_cut_during_expunge_brings_no_message_back_that_was_said_to_be_gone() {
    let dir = memory();
    let maildir = Maildir::create(dir.path().join("tanaka")).unwrap();
    let ids: Vec<_> = (0..4).map(|n| deliver(&maildir, &[b'0' + n]).unwrap().unique_id).collect();
    let read = names(&maildir, "new").into_iter().find(|name| name.starts_with(&ids[1])).unwrap();
    std::fs::rename(
        dir.path().join("tanaka/new").join(&read),
        dir.path().join(format!("tanaka/cur/{read}:2,S")),
    )
    .unwrap();
    let before = contents(&maildir);

    let world = World::record(dir, Arc::new(Disk));
    let mut session = world.maildir().lock().unwrap();
    assert!(session.remove([1, 2]).iter().all(|removal| removal.result.is_ok()));
    drop(session);
    let done = world.recorder.len();
    let later = deliver(&world.maildir(), b"later").unwrap().unique_id;
    world.each_power_cut(ALL, |at, path| {
        let mut after = found(path);
        after.remove(&later);
        for (index, id) in ids.iter().enumerate() {
            let kept = [0, 3].contains(&index);
            assert!(!kept || after.contains_key(id), "a message that nobody deleted");
            assert!(kept || at < done || !after.contains_key(id), "deleted and back, after {at} operations");
        }
        assert!(after.iter().all(|(id, text)| before.get(id) == Some(text)), "a unique id changed");
    });
}

#[test]
fn r_05_r_07_a_power_cut_while_equal_names_are_put_apart_loses_neither() {
    let dir = memory();
    Maildir::create(dir.path().join("tanaka")).unwrap();
    std::fs::write(dir.path().join("tanaka/new/1.M2P3.mx,S=3"), b"one").unwrap();
    std::fs::write(dir.path().join("tanaka/cur/1.M2P3.mx,S=4:2,S"), b"four").unwrap();
    let world = World::record(dir, Arc::new(Disk));
    let shown = contents(&world.maildir());
    let done = world.recorder.len();
    // Where the old name may stay, a message can be shown by both: neither is lost, and no test needs to say more.
    world.each_power_cut(&[Renames::Whole], |at, path| {
        let after = found(path);
        let mut texts: Vec<_> = after.values().cloned().collect();
        texts.sort();
        assert_eq!(texts, [&b"four"[..], b"one"], "after {at} operations");
        assert!(at < done || after.len() == shown.len());
    });
}

#[test]
fn r_06_sizes_are_right_whatever_a_power_cut_leaves_of_their_cache() {
    let dir = memory();
    let maildir = Maildir::create(dir.path().join("tanaka")).unwrap();
    std::fs::write(maildir.path().join("cur/1.a.mx,S=4:2,S"), b"a\nb\n").unwrap();
    drop(maildir.lock().unwrap());
    assert!(maildir.path().join("yubin-sizes").exists());
    std::fs::write(maildir.path().join("new/2.b.mx"), b"no line ending").unwrap();
    let world = World::record(dir, Arc::new(Disk));
    drop(world.maildir().lock().unwrap());
    assert!(!world.recorder.is_empty(), "the cache was written again");
    world.each_power_cut(ALL, |at, path| {
        let session = Maildir::open(path).unwrap().lock().unwrap();
        let octets: Vec<_> = session.messages().map(|message| message.octets).collect();
        assert_eq!(octets, [6, 16], "after {at} operations");
    });
}
