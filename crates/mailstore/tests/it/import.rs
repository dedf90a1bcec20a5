//! Mail taken over from another server.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mailstore::faults::{Faults, Plan, Stop};
use mailstore::power_cut::{Recorder, Renames};
use mailstore::{ImportOptions, Imported, Maildir, Quoting};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::support::*;

/// What Debian's Dovecot 2.3.19 wrote when its POP3 server showed these three messages; and a fourth, which came after that.
const UIDLIST: &str = "3 V1795318075 N4 Gbdd41e003b61026b7e25000083ecc375\n\
    1 W17 :1355543030.M92914P1206.mx\n2 :1355543031.M5P6V08I09_0.mx,S=14,W=17\n3 W17 :1355543032.1234.mx\n";

/// File name, content, and the id that it showed.
const MESSAGES: [(&str, &str, &str); 4] = [
    ("cur/1355543030.M92914P1206.mx:2,", "Subject: a\n\nb\n", "000000016b02613b"),
    ("cur/1355543031.M5P6V08I09_0.mx,S=14,W=17:2,FS", "Subject: c\n\nd\n", "000000026b02613b"),
    ("cur/1355543032.1234.mx:2,", "Subject: e\n\nf\n", "000000036b02613b"),
    ("new/1355543033.M1P1.mx", "not listed\r\n", "1355543033.M1P1.mx"),
];

/// That Maildir, and its messages by their ids.
fn dovecot() -> (TempDir, BTreeMap<String, Vec<u8>>) {
    let dir = memory();
    for part in ["tmp", "new", "cur"] {
        fs::create_dir(dir.path().join(part)).unwrap();
    }
    fs::write(dir.path().join("dovecot-uidlist"), UIDLIST).unwrap();
    for (name, text, _) in MESSAGES {
        fs::write(dir.path().join(name), text).unwrap();
    }
    (dir, MESSAGES.map(|(_, text, id)| (id.to_owned(), text.as_bytes().to_vec())).into())
}

fn import(maildir: &Maildir, source: &Path) -> Result<Imported, mailstore::Error> {
    maildir.import(source, &ImportOptions::default(), &mut |_| {})
}

#[test]
fn r_05_every_message_keeps_the_unique_id_that_the_old_server_showed() {
    let (source, messages) = dovecot();
    let scratch = scratch_in_memory();
    let report = import(&scratch.maildir, source.path()).unwrap();
    assert_eq!(report, Imported { found: 4, taken: 4, before: 0, renamed: 0, ids_lost: 0 });
    assert_eq!(contents(&scratch.maildir), messages);
    let octets: Vec<_> = scratch.maildir.lock().unwrap().messages().map(|message| message.octets).collect();
    assert_eq!(octets, [17, 17, 17, 12], "in the order of their arrival, as on the wire");
    assert!(names(&scratch.maildir, "cur").iter().any(|name| name.ends_with(":2,FS")), "flags stay");
    // Flags of another program do not touch the id.
    let name = scratch.file_of("1355543033");
    scratch.rename(&name, &format!("{}:2,S", name.replace("new/", "cur/")));
    assert_eq!(contents(&scratch.maildir), messages);
    assert!(
        !source.path().join("yubin-pop3.lock").exists()
            && fs::read_dir(source.path().join("new")).unwrap().count() == 1
    );
}

#[test]
fn what_was_imported_is_not_imported_again_and_what_came_since_is() {
    let (source, mut messages) = dovecot();
    let scratch = scratch_in_memory();
    import(&scratch.maildir, source.path()).unwrap();
    let mut session = scratch.maildir.lock().unwrap();
    session.remove([0]);
    drop(session);
    messages.remove("000000016b02613b");
    fs::write(source.path().join("new/1355543034.M4P1.mx"), "later").unwrap();
    messages.insert("1355543034.M4P1.mx".into(), b"later".to_vec());
    let report = import(&scratch.maildir, source.path()).unwrap();
    assert_eq!(report, Imported { found: 5, taken: 1, before: 4, renamed: 0, ids_lost: 0 });
    assert_eq!(contents(&scratch.maildir), messages);
}

#[test]
fn r_05_an_import_that_crashes_anywhere_is_finished_by_the_next_exactly_once() {
    let (source, messages) = dovecot();
    for at in 0.. {
        for stop in Stop::ALL {
            let scratch = scratch_in_memory();
            let faults = Arc::new(Faults::new(Plan::StopAt(at, stop)));
            drop(import(&Maildir::at(faults.clone(), scratch.maildir.path()), source.path()));
            // Whoever sees a message already sees it as it will be; what is fetched and deleted stays so.
            let mut found = contents(&scratch.maildir);
            assert!(
                found.iter().all(|(id, text)| messages.get(id) == Some(text)),
                "operation {at}, {stop:?}"
            );
            let mut session = scratch.maildir.lock().unwrap();
            let all = session.len();
            assert!(session.remove(0..all).iter().all(|removal| removal.result.is_ok()));
            drop(session);
            import(&scratch.maildir, source.path()).unwrap();
            let rest = contents(&scratch.maildir);
            assert!(
                rest.keys().all(|id| !found.contains_key(id)),
                "imported again: operation {at}, {stop:?}"
            );
            found.extend(rest);
            assert_eq!(found, messages, "operation {at}, {stop:?}");
            if !faults.stopped() {
                return;
            }
        }
    }
}

#[test]
fn r_05_so_it_is_after_a_power_cut() {
    let (source, messages) = dovecot();
    let scratch = scratch_in_memory();
    let recorder = Arc::new(Recorder::new(scratch.dir.path()).unwrap());
    import(&Maildir::at(recorder.clone(), scratch.maildir.path()), source.path()).unwrap();
    for at in 0..=recorder.len() {
        for image in recorder.images(at, Renames::Whole) {
            let after = memory();
            image.write_to(after.path()).unwrap();
            let maildir = Maildir::open(after.path().join("tanaka")).unwrap();
            import(&maildir, source.path()).unwrap();
            assert_eq!(contents(&maildir), messages, "after {at} operations");
        }
    }
}

/// As UW's programs keep it: their own message first, two equal ones, one with the id that it showed.
const MBOX: &str = "From MAILER-DAEMON Sat Nov 21 09:00:00 2026\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n\
    X-IMAP: 1 2\n\nfor the program\n\n\
    From a@example.org Sat Nov 21 09:00:00 2026\nStatus: RO\nX-UIDL: 1a2b,3c\n\n>From the start\n\n\
    From a@example.org Sat Nov 21 08:00:00 2026\nSubject: twice\n\n1\n\n\
    From a@example.org Sat Nov 21 10:00:00 2026\nSubject: twice\n\n1\n\n";

fn import_mbox(maildir: &Maildir, source: &Path) -> Result<Imported, mailstore::Error> {
    maildir.import_mbox(source, Quoting::Mboxrd, &mut |_| {})
}

fn mbox() -> (TempDir, std::path::PathBuf) {
    let dir = memory();
    let path = dir.path().join("taro");
    fs::write(&path, MBOX).unwrap();
    (dir, path)
}

/// In their order.
fn texts(maildir: &Maildir) -> Vec<String> {
    let mut session = maildir.lock().unwrap();
    (0..session.len()).map(|index| std::io::read_to_string(session.open(index).unwrap()).unwrap()).collect()
}

#[test]
fn r_05_an_mbox_is_taken_over_in_its_order_with_the_ids_that_it_names() {
    let (_dir, source) = mbox();
    let scratch = scratch_in_memory();
    assert_eq!(
        import_mbox(&scratch.maildir, &source).unwrap(),
        Imported { found: 3, taken: 3, before: 0, renamed: 0, ids_lost: 0 }
    );
    let twice = "Subject: twice\n\n1\n";
    let first = "Status: RO\nX-UIDL: 1a2b,3c\n\nFrom the start\n";
    assert_eq!(texts(&scratch.maildir), [first, twice, twice]);
    let ids: Vec<_> = contents(&scratch.maildir).into_keys().collect();
    assert!(ids.contains(&"1a2b,3c".to_owned()) && ids.len() == 3, "{ids:?}");
    assert!(names(&scratch.maildir, "cur")[0].ends_with(":2,S"));

    // Some are deleted here, some there, and others come.
    scratch.maildir.lock().unwrap().remove([0, 1]);
    let more = MBOX.replace("From a@example.org Sat Nov 21 08:00:00 2026\nSubject: twice\n\n1\n\n", "")
        + "From b@example.org Sat Nov 21 11:00:00 2026\n\nnew\n\n";
    fs::write(&source, more).unwrap();
    assert_eq!(
        import_mbox(&scratch.maildir, &source).unwrap(),
        Imported { found: 3, taken: 1, before: 2, renamed: 0, ids_lost: 0 }
    );
    assert_eq!(texts(&scratch.maildir), [twice, "\nnew\n"]);
}

/// Wherever an import crashes, the next one finishes it, whatever the customer has fetched and deleted in between.
fn crash_everywhere(import: impl Fn(&Maildir) -> Result<Imported, mailstore::Error>) {
    let whole = scratch_in_memory();
    import(&whole.maildir).unwrap();
    let messages = contents(&whole.maildir);
    for at in 0.. {
        for stop in Stop::ALL {
            let scratch = scratch_in_memory();
            let faults = Arc::new(Faults::new(Plan::StopAt(at, stop)));
            drop(import(&Maildir::at(faults.clone(), scratch.maildir.path())));
            let mut found = contents(&scratch.maildir);
            let mut session = scratch.maildir.lock().unwrap();
            session.remove(0..found.len());
            drop(session);
            import(&scratch.maildir).unwrap();
            for (id, text) in contents(&scratch.maildir) {
                assert_eq!(found.insert(id, text), None, "imported again: operation {at}, {stop:?}");
            }
            assert_eq!(found, messages, "operation {at}, {stop:?}");
            if !faults.stopped() {
                return;
            }
        }
    }
}

#[test]
fn r_05_an_mbox_import_that_crashes_anywhere_is_finished_by_the_next_exactly_once() {
    let (_dir, source) = mbox();
    crash_everywhere(|maildir| import_mbox(maildir, &source));
}

/// Four files with one unique part, one of them by two names, and another message.
fn twins() -> TempDir {
    let dir = memory();
    for part in ["tmp", "new", "cur"] {
        fs::create_dir(dir.path().join(part)).unwrap();
    }
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    for (nth, (name, text)) in [
        ("cur/1355543030.M5P1.mx,S=6:2,S", "first\n"),
        ("cur/1355543030.M5P1.mx:2,FS", "second\n"),
        ("new/1355543030.M5P1.mx", "second\n"),
        ("new/1355543030.M5P1.mx,S=6", "third\n"),
        ("new/1355543031.M6P1.mx", "alone\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = dir.path().join(name);
        fs::write(&file, text).unwrap();
        let modified = long_ago + Duration::from_secs(nth as u64);
        fs::File::options().append(true).open(file).unwrap().set_modified(modified).unwrap();
    }
    let linked = dir.path().join("cur/1355543030.M5P1.mx,S=6:2,");
    fs::hard_link(dir.path().join("new/1355543030.M5P1.mx,S=6"), linked).unwrap();
    dir
}

#[test]
fn r_05_two_files_with_one_unique_part_are_two_messages() {
    let (source, scratch) = (twins(), scratch_in_memory());
    let report = import(&scratch.maildir, source.path()).unwrap();
    assert_eq!(report, Imported { found: 5, taken: 5, before: 0, renamed: 3, ids_lost: 0 });
    let mut all = texts(&scratch.maildir);
    all.sort_unstable();
    assert_eq!(all, ["alone\n", "first\n", "second\n", "second\n", "third\n"]);
    // The oldest has the id that the old server showed.
    assert_eq!(contents(&scratch.maildir)["1355543030.M5P1.mx,S=6"], b"first\n");

    // Flags of the old server and its own deletions make none of them new.
    fs::rename(
        source.path().join("cur/1355543030.M5P1.mx:2,FS"),
        source.path().join("cur/1355543030.M5P1.mx:2,FRS"),
    )
    .unwrap();
    fs::remove_file(source.path().join("new/1355543030.M5P1.mx,S=6")).unwrap();
    let count = contents(&scratch.maildir).len();
    scratch.maildir.lock().unwrap().remove(0..count);
    fs::write(source.path().join("cur/1355543030.M5P1.mx:2,T"), "later\n").unwrap();
    let report = import(&scratch.maildir, source.path()).unwrap();
    assert_eq!(report, Imported { found: 6, taken: 1, before: 5, renamed: 1, ids_lost: 0 });
    assert_eq!(texts(&scratch.maildir), ["later\n"]);
}

#[test]
fn r_05_an_import_of_such_files_that_crashes_anywhere_is_finished_by_the_next_exactly_once() {
    let source = twins();
    crash_everywhere(|maildir| import(maildir, source.path()));
}

#[test]
fn qmails_ids_are_its_file_names() {
    let (source, scratch) = (memory(), scratch_in_memory());
    for part in ["tmp", "new", "cur"] {
        fs::create_dir(source.path().join(part)).unwrap();
    }
    for name in ["new/1355543033.1234.mx", "cur/1355543034.1235.mx,S=3:2,S"] {
        fs::write(source.path().join(name), "a\r\n").unwrap();
    }
    import(&scratch.maildir, source.path()).unwrap();
    let ids: Vec<_> = contents(&scratch.maildir).into_keys().collect();
    assert_eq!(ids, ["1355543033.1234.mx", "1355543034.1235.mx,S=3"]);
}

#[test]
fn one_import_at_a_time() {
    let (source, _) = dovecot();
    let scratch = scratch_in_memory();
    let mut second = None;
    let options = ImportOptions::default();
    scratch
        .maildir
        .import(source.path(), &options, &mut |_| second = Some(import(&scratch.maildir, source.path())))
        .unwrap();
    assert!(matches!(second, Some(Err(mailstore::Error::InUse))), "{second:?}");
}

#[test]
fn l_05_an_import_that_finds_the_disk_full_is_finished_by_the_next() {
    let (source, messages) = dovecot();
    for errno in [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::MFILE] {
        for at in 0.. {
            let scratch = scratch_in_memory();
            let faults = Arc::new(Faults::new(Plan::FailAt(at, errno)));
            let done = import(&Maildir::at(faults.clone(), scratch.maildir.path()), source.path());
            let found = contents(&scratch.maildir);
            assert!(found.iter().all(|(id, text)| messages.get(id) == Some(text)), "{errno} at {at}");
            if !faults.failed() {
                done.unwrap();
                break;
            }
            import(&scratch.maildir, source.path()).unwrap();
            assert_eq!(contents(&scratch.maildir), messages, "{errno} at {at}");
        }
    }
}
