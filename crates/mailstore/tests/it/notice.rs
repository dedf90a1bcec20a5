//! How often the owner of a mailbox is told of a virus.

use std::fs::File;
use std::thread;
use std::time::{Duration, SystemTime};

use mailstore::{Error, Maildir};

use crate::support::scratch;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// As if the owner had been told then.
fn told_at(maildir: &Maildir, then: SystemTime) {
    let mark = File::options().write(true).open(maildir.path().join("yubin-virus-notice")).unwrap();
    mark.set_modified(then).unwrap();
}

#[test]
fn v_03_an_owner_is_told_again_when_the_time_is_over_and_not_before() {
    let scratch = scratch();
    let maildir = &scratch.maildir;
    let due = maildir.virus_notice_due(DAY).unwrap().unwrap();
    assert!(maildir.virus_notice_due(DAY).unwrap().is_none(), "somebody is about to");
    drop(due);
    maildir.virus_notice_due(DAY).unwrap().expect("nobody did").told().unwrap();
    assert!(maildir.virus_notice_due(DAY).unwrap().is_none());
    let now = SystemTime::now();
    told_at(maildir, now - DAY + Duration::from_secs(600));
    assert!(maildir.virus_notice_due(DAY).unwrap().is_none());
    told_at(maildir, now - DAY);
    maildir.virus_notice_due(DAY).unwrap().expect("a day is over").told().unwrap();
    assert!(maildir.virus_notice_due(DAY).unwrap().is_none());
    // By a clock that is somewhat ahead, and by one that was quite wrong.
    told_at(maildir, now + Duration::from_secs(600));
    assert!(maildir.virus_notice_due(DAY).unwrap().is_none());
    told_at(maildir, now + 2 * DAY);
    assert!(maildir.virus_notice_due(DAY).unwrap().is_some());
}

#[test]
fn v_03_of_many_at_once_one_tells() {
    let scratch = scratch();
    let tells = || scratch.maildir.virus_notice_due(DAY).unwrap().map(|due| due.told().unwrap()).is_some();
    let told = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(tells)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).filter(|told| *told).count()
    });
    assert_eq!(told, 1);
}

#[test]
fn where_there_is_no_maildir_yet_nobody_is_told() {
    let scratch = scratch();
    let nowhere = scratch.dir.path().join("nobody");
    let due = Maildir::at(std::sync::Arc::new(mailstore::files::Disk), nowhere).virus_notice_due(DAY);
    assert!(matches!(due, Err(Error::NotMaildir(_))), "{due:?}");
}
