//! The way in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mailstore::faults::{Faults, Op, Plan};
use mailstore::files::Disk;
use mailstore::{Adopted, Error, Maildir, Namer, Sizes};
use rustix::io::Errno;

use crate::support::*;

#[test]
fn l_04_delivery_is_one_private_file_in_new() {
    let scratch = scratch();
    let delivered = deliver(&scratch.maildir, b"Subject: a\r\n\r\nHello.\r\n").unwrap();
    assert_eq!(delivered.octets, 22);
    assert_eq!(names(&scratch.maildir, "new"), [format!("{},S=22", delivered.unique_id)]);
    assert!(names(&scratch.maildir, "tmp").is_empty() && names(&scratch.maildir, "cur").is_empty());
    let file = scratch.maildir.path().join("new").join(format!("{},S=22", delivered.unique_id));
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(scratch.maildir.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn l_04_file_and_directory_are_synced_in_this_order() {
    let scratch = scratch();
    let faults = Arc::new(Faults::new(Plan::Nothing));
    deliver(&Maildir::open_on(faults.clone(), scratch.maildir.path()).unwrap(), b"Hello.\r\n").unwrap();
    let log: Vec<Op> = faults.log().into_iter().filter(|op| op.changes()).collect();
    assert_eq!(log, [Op::CreateNew, Op::Write, Op::Write, Op::Sync, Op::RenameNew, Op::SyncDir]);
}

#[test]
fn what_is_dropped_leaves_nothing() {
    let scratch = scratch();
    let mut delivery = scratch.maildir.begin(&Namer::new("mx")).unwrap();
    delivery.write(b"Hello.").unwrap();
    assert_eq!(names(&scratch.maildir, "tmp").len(), 1);
    drop(delivery);
    for place in ["tmp", "new", "cur"] {
        assert!(names(&scratch.maildir, place).is_empty(), "{place}");
    }
}

#[test]
fn sizes_are_those_of_the_wire() {
    let scratch = scratch();
    for (text, octets, suffix) in [
        (&b""[..], 0, ",S=0"),
        (b"a\r\n", 3, ",S=3"),
        (b"a\n", 3, ",S=2,W=3"),
        (b"a", 3, ",S=1,W=3"),
        (b"a\r\nb\nc", 9, ",S=6,W=9"),
    ] {
        let delivered = deliver(&scratch.maildir, text).unwrap();
        assert_eq!(delivered.octets, octets, "{text:?}");
        assert!(scratch.file_of(&delivered.unique_id).ends_with(suffix), "{text:?}");
    }
    let session = scratch.maildir.lock().unwrap();
    assert_eq!(session.messages().map(|m| m.octets).collect::<Vec<_>>(), [0, 3, 3, 3, 9]);
}

#[test]
fn a_file_system_that_cannot_rename_without_replacing_gets_a_look_first() {
    for errno in [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP] {
        let scratch = scratch();
        let faults = Arc::new(Faults::new(Plan::Nothing).without(Op::RenameNew, errno));
        let delivered = deliver(&Maildir::at(faults, scratch.maildir.path()), b"Hello.\r\n").unwrap();
        assert_eq!(contents(&scratch.maildir), [(delivered.unique_id, b"Hello.\r\n".to_vec())].into());
        assert!(names(&scratch.maildir, "tmp").is_empty());
    }
}

#[test]
fn nothing_is_replaced_by_either_way_of_renaming() {
    let lacking = |faults: Faults| faults.without(Op::RenameNew, Errno::INVAL);
    for faults in [Faults::new(Plan::Nothing), lacking(Faults::new(Plan::Nothing))] {
        let scratch = scratch();
        let maildir = Maildir::at(Arc::new(faults), scratch.maildir.path());
        let name = Namer::new("mx").for_queued(1, "0123456789ABCDEF");
        scratch.put("new", &format!("{name},S=5"), b"first");
        let source = scratch.dir.path().join("source");
        fs::write(&source, "again").unwrap();
        assert_eq!(maildir.adopt(&source, &name, Sizes { stored: 5, wire: 5 }).unwrap(), Adopted::Already);
        assert!(!source.exists(), "there is nothing left to do with it");
        assert_eq!(contents(&scratch.maildir).into_values().collect::<Vec<_>>(), [b"first"]);
    }
}

#[test]
fn adopting_again_does_nothing_twice() {
    let sizes = Sizes { stored: 7, wire: 7 };
    type On = fn(Faults, &Path) -> Faults;
    let file_systems: [(On, Adopted); 4] = [
        (|faults, _| faults, Adopted::Moved),
        (|faults, _| faults.without(Op::RenameNew, Errno::INVAL), Adopted::Moved),
        (|faults, maildir| faults.with_mount(maildir), Adopted::Copied),
        (|faults, maildir| faults.with_mount(maildir).without(Op::RenameNew, Errno::INVAL), Adopted::Copied),
    ];
    for (on, how) in file_systems {
        let scratch = scratch();
        let faults = on(Faults::new(Plan::Nothing), scratch.maildir.path());
        let maildir = Maildir::at(Arc::new(faults), scratch.maildir.path());
        let name = Namer::new("mx").for_queued(1, "0123456789ABCDEF");
        let source = scratch.dir.path().join("source");
        fs::write(&source, "Hello\r\n").unwrap();
        assert_eq!(maildir.adopt(&source, &name, sizes).unwrap(), how);
        assert!(!source.exists());
        assert_eq!(maildir.adopt(&source, &name, sizes).unwrap(), Adopted::Already);
        assert_eq!(contents(&scratch.maildir), [(name.to_string(), b"Hello\r\n".to_vec())].into());

        if how == Adopted::Copied {
            // A crash between copy and removal leaves the source; meanwhile somebody read the message elsewhere.
            scratch.rename(&format!("new/{name},S=7"), &format!("cur/{name},S=7:2,S"));
            fs::write(&source, "Hello\r\n").unwrap();
            assert_eq!(maildir.adopt(&source, &name, sizes).unwrap(), Adopted::Already);
            assert_eq!(contents(&scratch.maildir).len(), 1);
        }
    }
}

#[test]
fn what_a_crash_left_of_a_named_delivery_is_written_anew_and_what_is_here_is_known() {
    let scratch = scratch();
    let name = Namer::new("mx").for_queued(1, "0123456789ABCDEF");
    scratch.put("tmp", name.as_str(), b"Hel");
    assert!(!scratch.maildir.holds(&name).unwrap(), "half of it is nothing");
    let mut delivery = scratch.maildir.begin_as(&name).unwrap();
    delivery.write(b"Hello\r\n").unwrap();
    delivery.commit().unwrap();
    assert_eq!(contents(&scratch.maildir), [(name.to_string(), b"Hello\r\n".to_vec())].into());
    scratch.rename(&format!("new/{name},S=7"), &format!("cur/{name},S=7:2,S"));
    assert!(scratch.maildir.holds(&name).unwrap());
    let missing = Maildir::at(Arc::new(Disk), scratch.dir.path().join("nobody"));
    assert!(!missing.holds(&name).unwrap());
    assert!(matches!(missing.begin_as(&name), Err(Error::NotMaildir(_))));
}

#[test]
fn a_missing_maildir_is_said_and_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/tanaka");
    let missing = Maildir::at(Arc::new(Disk), &path);
    assert!(matches!(missing.begin(&Namer::new("mx")), Err(Error::NotMaildir(p)) if p == path));
    assert!(matches!(missing.lock(), Err(Error::NotMaildir(p)) if p == path));
    assert!(matches!(Maildir::open(&path), Err(Error::NotMaildir(p)) if p == path));
    let name = Namer::new("mx").for_queued(1, "0123456789ABCDEF");
    let source = dir.path().join("source");
    fs::write(&source, "x").unwrap();
    assert!(matches!(missing.adopt(&source, &name, Sizes { stored: 1, wire: 3 }), Err(Error::NotMaildir(_))));
    assert!(source.exists());
    Maildir::create(&path).unwrap();
    Maildir::create(&path).unwrap();
    deliver(&Maildir::open(&path).unwrap(), b"x").unwrap();
}

#[test]
fn l_04_abandoned_files_in_tmp_are_swept() {
    let scratch = scratch();
    let old = fs::File::create(scratch.maildir.path().join("tmp/old")).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(37 * 3600)).unwrap();
    scratch.put("tmp", "young", b"");
    drop(scratch.maildir.lock().unwrap());
    assert_eq!(names(&scratch.maildir, "tmp"), ["young"], "a session sweeps what is older than 36 hours");
    assert_eq!(scratch.maildir.sweep(Duration::from_secs(3600)).unwrap(), 0);
    assert_eq!(scratch.maildir.sweep(Duration::ZERO).unwrap(), 1);
}

#[test]
fn l_10_a_copy_is_durable_before_its_source_goes() {
    // A crash came between the copy and the end of its source: both are there when the recovery adopts again.
    for place in ["new", "cur"] {
        let scratch = scratch();
        let source = scratch.dir.path().join("source");
        let name = Namer::new("mx.example.jp").for_queued(1_000_000, "X");
        fs::write(&source, b"text\r\n").unwrap();
        scratch.put(place, &format!("{}:2,S", name.as_str()), b"text\r\n");
        let faults = Arc::new(Faults::new(Plan::Nothing).with_mount(scratch.maildir.path()));
        let maildir = Maildir::at(faults.clone(), scratch.maildir.path());
        let adopted = maildir.adopt(&source, &name, Sizes { stored: 6, wire: 6 }).unwrap();
        assert_eq!(adopted, Adopted::Already);
        let log = faults.log();
        let removed = log.iter().position(|op| *op == Op::Remove).unwrap();
        // Both directories: it may have been read meanwhile.
        assert_eq!(log[..removed].iter().filter(|op| **op == Op::SyncDir).count(), 2, "{log:?}");
        assert!(!source.exists());
    }
}

/// What this process is to do for its parent: make names, in as many threads as a server has.
const NAMES: &str = "YUBIN_TEST_NAMES";

#[test]
fn l_04_names_of_many_processes_and_machines_do_not_repeat_whatever_their_clocks_say() {
    if std::env::var_os(NAMES).is_some() {
        let namer = mailstore::Namer::new("mx.example.jp");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..500).for_each(|_| println!("name {}", namer.next())));
            }
        });
        return;
    }
    // Copies of one virtual machine: the same host name, and process numbers that come again on each.
    let this = "deliver::l_04_names_of_many_processes_and_machines_do_not_repeat_whatever_their_clocks_say";
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", this, "--nocapture"]).env(NAMES, "").stdout(std::process::Stdio::piped());
            child.spawn().unwrap()
        })
        .collect();
    let mut randoms = std::collections::BTreeSet::new();
    for child in children {
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        // What is left of a name if time, process and counter were all the same.
        randoms.extend(output.lines().filter_map(|line| {
            let name = line.split("name ").nth(1)?;
            Some(name.split_once('R')?.1.to_owned())
        }));
    }
    assert_eq!(randoms.len(), 4 * 4 * 500);
}
