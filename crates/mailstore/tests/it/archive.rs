//! Messages that are put back from a second copy.

use std::fs;
use std::io::Read;
use std::sync::Arc;

use mailstore::faults::{Faults, Plan, Stop};
use mailstore::power_cut::{Recorder, Renames};
use mailstore::{Error, Filed, Maildir};
use rustix::io::Errno;

use crate::support::*;

/// Names as they lie in a mailbox, with what is in each.
fn copied() -> Vec<(Filed, Vec<u8>)> {
    let scratch = scratch_in_memory();
    for nth in 0..3 {
        deliver(&scratch.maildir, format!("{nth}\r\n").as_bytes()).unwrap();
    }
    scratch.put("cur", "1355543030.M1P1.mx,S=2:2,FS", b"a\n");
    let filed = scratch.maildir.filed().unwrap();
    let read = |filed: &Filed| {
        let mut text = Vec::new();
        scratch.maildir.open_filed(filed).unwrap().read_to_end(&mut text).unwrap();
        text
    };
    filed.into_iter().map(|filed| (filed.clone(), read(&filed))).collect()
}

/// How many were put back.
fn put_all(maildir: &Maildir, copied: &[(Filed, Vec<u8>)]) -> Result<usize, Error> {
    let mut back = maildir.put_back()?;
    let mut count = 0;
    for (filed, text) in copied {
        count += usize::from(back.put(filed, |draft| draft.write(text))?);
    }
    back.finish()?;
    Ok(count)
}

fn lies_there(maildir: &Maildir) -> Vec<Filed> {
    assert!(names(maildir, "tmp").is_empty());
    maildir.filed().unwrap()
}

fn names_of(copied: &[(Filed, Vec<u8>)]) -> Vec<Filed> {
    copied.iter().map(|(filed, _)| filed.clone()).collect()
}

#[test]
fn l_07_what_is_put_back_has_the_name_that_it_had_and_is_there_once() {
    let (copied, scratch) = (copied(), scratch_in_memory());
    assert_eq!(put_all(&scratch.maildir, &copied).unwrap(), 4);
    assert_eq!(lies_there(&scratch.maildir), names_of(&copied));
    // Read, flagged and moved meanwhile.
    let flagged = scratch.file_of("1355543030");
    scratch.rename(&flagged, &flagged.replace(":2,FS", ":2,FRS"));
    fs::remove_file(scratch.maildir.path().join("new").join(&names(&scratch.maildir, "new")[0])).unwrap();
    assert_eq!(put_all(&scratch.maildir, &copied).unwrap(), 1);
    assert_eq!(scratch.maildir.filed().unwrap().len(), 4);
    assert!(names(&scratch.maildir, "cur")[0].ends_with(":2,FRS"));
}

#[test]
fn l_07_r_07_a_crash_or_a_failure_anywhere_is_finished_by_the_next_try() {
    let copied = copied();
    let plans = |at| {
        let failures =
            [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::MFILE].map(|errno| Plan::FailAt(at, errno));
        Stop::ALL.map(|stop| Plan::StopAt(at, stop)).into_iter().chain(failures)
    };
    for at in 0.. {
        let mut touched = false;
        for plan in plans(at) {
            let scratch = scratch_in_memory();
            let faults = Arc::new(Faults::new(plan.clone()));
            let done = put_all(&Maildir::at(faults.clone(), scratch.maildir.path()), &copied);
            touched |= faults.stopped() || faults.failed();
            assert!(done.is_err() || !faults.failed(), "{plan:?} was not told");
            // Whole or not at all, whoever looks meanwhile.
            for (filed, text) in &copied {
                if let Ok(mut file) = scratch.maildir.open_filed(filed) {
                    let mut found = Vec::new();
                    file.read_to_end(&mut found).unwrap();
                    assert_eq!(found, *text, "{plan:?}");
                }
            }
            put_all(&scratch.maildir, &copied).unwrap();
            assert_eq!(scratch.maildir.filed().unwrap(), names_of(&copied), "{plan:?}");
        }
        if !touched {
            return;
        }
    }
}

#[test]
fn l_07_what_is_said_to_be_put_back_survives_a_power_cut() {
    let (copied, scratch) = (copied(), scratch_in_memory());
    let recorder = Arc::new(Recorder::new(scratch.dir.path()).unwrap());
    put_all(&Maildir::at(recorder.clone(), scratch.maildir.path()), &copied).unwrap();
    for at in 0..=recorder.len() {
        for image in recorder.images(at, Renames::Whole) {
            let after = memory();
            image.write_to(after.path()).unwrap();
            let maildir = Maildir::open(after.path().join("tanaka")).unwrap();
            for filed in maildir.filed().unwrap() {
                let mut text = Vec::new();
                maildir.open_filed(&filed).unwrap().read_to_end(&mut text).unwrap();
                assert!(copied.contains(&(filed, text)), "in part, after {at} operations");
            }
            if at == recorder.len() {
                assert_eq!(maildir.filed().unwrap(), names_of(&copied));
            }
        }
    }
}

#[test]
fn names_that_are_none_are_refused() {
    for name in [&b""[..], b".", b"..", b".hidden", b"../x", b"a/b", b"a\0b"] {
        assert_eq!(Filed::new(name.to_vec(), true), None, "{name:?}");
    }
    let filed = Filed::new(b"1.a,S=2:2,S".to_vec(), true).unwrap();
    assert_eq!((filed.unique(), filed.apart(1).name()), (&b"1.a"[..], &b"1.a~1,S=2:2,S"[..]));
}
