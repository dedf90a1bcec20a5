//! Accepting and serving.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use mail_queue::{Envelope, Error, QueueId, Recipient, Spool, SpoolConfig};
use mailstore::faults::{Faults, Op, Plan};
use rustix::io::Errno;

use crate::support::*;

#[test]
fn l_04_one_body_for_any_number_of_mailboxes() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let keys = ["a", "b", "c/d", "a"];
    let outcome = send(&spool, &keys).unwrap();
    assert_eq!(
        (outcome.delivered, outcome.pending.len()),
        (3, 0),
        "the mailbox that stands there twice gets one copy"
    );
    let mut inodes = Vec::new();
    for key in ["a", "b", "c/d"] {
        let messages = scratch.messages(key);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].1, TEXT);
        let new = fs::read_dir(scratch.mailbox(key).join("new")).unwrap().next().unwrap().unwrap();
        assert!(new.file_name().to_str().unwrap().ends_with(&format!(",S={}", TEXT.len())));
        inodes.push(new.metadata().unwrap().ino());
    }
    assert!(inodes.iter().all(|inode| *inode == inodes[0]), "the same bytes");
    scratch.assert_queue_empty("delivery");
}

#[test]
fn l_10_what_an_older_version_left_in_the_queue_is_served() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let id = QueueId::new();
    let queue = scratch.root().join("queue/msg");
    let octets = TEXT.len();
    let envelope = format!(
        "yubin-envelope 1\nid {id}\nhost mx.example.jp\nfrom a@example.net\nstored {octets}\nwire {octets}\nto a\nto b\nend\n"
    );
    fs::write(queue.join(format!("{id}.0")), TEXT).unwrap();
    fs::write(queue.join(format!("{id}.1")), TEXT).unwrap();
    fs::write(queue.join(format!("{id}.env")), envelope).unwrap();
    let (_spool, recovery) = scratch.open();
    assert_eq!(recovery.finished, [id], "{recovery:?}");
    for key in ["a", "b"] {
        assert_eq!(scratch.messages(key).iter().map(|(_, text)| &text[..]).collect::<Vec<_>>(), [TEXT]);
    }
    scratch.assert_queue_empty("the recovery");
}

#[test]
fn h_11_where_each_copy_says_for_whom_it_is_each_is_a_file_of_its_own() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let envelope = Envelope { delivered_to: true, ..envelope(QueueId::new(), &["a", "c/d"]) };
    let outcome = send_as(&spool, envelope).unwrap();
    assert_eq!((outcome.delivered, outcome.pending.len()), (2, 0));
    for key in ["a", "c/d"] {
        let own = [format!("Delivered-To: {key}@example.jp\r\n").as_bytes(), TEXT].concat();
        assert_eq!(scratch.messages(key)[0].1, own);
        let new = fs::read_dir(scratch.mailbox(key).join("new")).unwrap().next().unwrap().unwrap();
        let name = new.file_name().into_string().unwrap();
        assert!(name.ends_with(&format!(",S={}", own.len())), "{name}");
        assert_eq!(new.metadata().unwrap().nlink(), 1);
    }
    scratch.assert_queue_empty("delivery with heads");
}

#[test]
fn l_04_the_body_and_the_envelope_are_synced_before_anybody_is_served() {
    let scratch = Scratch::new();
    drop(scratch.open());
    for key in ["a", "b"] {
        mailstore::Maildir::create(scratch.mailbox(key)).unwrap();
    }
    let faults = Arc::new(Faults::new(Plan::Nothing));
    let (spool, _) = scratch.open_on(faults.clone()).unwrap();
    let before = faults.log().len();
    send(&spool, &["a", "b"]).unwrap();
    use Op::*;
    let body = [CreateNew, Write, Write, Sync];
    let names = [Link, RenameNew, SyncDir];
    let envelope = [CreateNew, Write, Sync, RenameNew, SyncDir];
    let mailboxes = [Stat, RenameNew, SyncDir, Stat, RenameNew, SyncDir];
    assert_eq!(faults.log()[before..], [&body[..], &names, &envelope, &mailboxes, &[Remove]].concat());
}

#[test]
fn file_systems_without_links_or_without_one_for_all_get_copies() {
    for (lacking, mount) in
        [(Some((Op::Link, Errno::PERM)), false), (None, true), (Some((Op::RenameNew, Errno::INVAL)), true)]
    {
        let scratch = Scratch::new();
        let mut faults = Faults::new(Plan::Nothing);
        if let Some((op, errno)) = lacking {
            faults = faults.without(op, errno);
        }
        if mount {
            faults = faults.with_mount(&scratch.maildirs());
        }
        let (spool, _) = scratch.open_on(Arc::new(faults)).unwrap();
        assert_eq!(send(&spool, &["a", "b", "c"]).unwrap().delivered, 3);
        for key in ["a", "b", "c"] {
            assert_eq!(scratch.messages(key).iter().map(|(_, text)| &text[..]).collect::<Vec<_>>(), [TEXT]);
        }
        scratch.assert_queue_empty("delivery by copies");
    }
}

#[test]
fn what_is_dropped_or_for_nobody_leaves_nothing() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let mut incoming = spool.begin(QueueId::new()).unwrap();
    incoming.write(TEXT).unwrap();
    drop(incoming);
    scratch.assert_queue_empty("a drop");
    assert!(matches!(send(&spool, &[]), Err(Error::NoRecipients)));
    scratch.assert_queue_empty("no recipients");
}

#[test]
fn l_05_a_failed_operation_accepts_for_nobody_or_keeps_for_all() {
    for errno in [Errno::NOSPC, Errno::IO] {
        let (mut refused, mut kept) = (0, 0);
        for at in 0.. {
            let scratch = Scratch::new();
            drop(scratch.open());
            let faults = Arc::new(Faults::new(Plan::FailAt(at, errno)));
            let sent = match scratch.open_on(faults.clone()) {
                Ok((spool, _)) => send(&spool, &["a", "b"]),
                Err(error) => Err(error),
            };
            if !faults.failed() {
                assert_eq!(sent.unwrap().delivered, 2);
                break;
            }
            let now = [scratch.messages("a").len(), scratch.messages("b").len()];
            match sent {
                Err(error) => {
                    assert_eq!(error.is_no_space(), errno == Errno::NOSPC, "{error}");
                    scratch.assert_queue_empty("a refusal");
                    assert_eq!(now, [0, 0], "refused, operation {at}");
                    refused += 1;
                }
                Ok(outcome) => {
                    assert_eq!(outcome.delivered + outcome.pending.len(), 2);
                    // The trouble is over; whoever still waits is served.
                    let (_, recovery) = scratch.open();
                    assert!(recovery.pending.is_empty() && recovery.corrupt.is_empty(), "{recovery:?}");
                    assert_eq!(
                        [scratch.messages("a").len(), scratch.messages("b").len()],
                        [1, 1],
                        "operation {at}"
                    );
                    scratch.assert_queue_empty("the restart");
                    kept += 1;
                }
            }
        }
        assert!(refused >= 12 && kept >= 4, "{refused} refused, {kept} kept");
    }
}

#[test]
fn one_recipients_trouble_is_not_the_others() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    fs::create_dir_all(scratch.maildirs()).unwrap();
    fs::write(scratch.mailbox("b"), "not a directory").unwrap();
    let id = QueueId::new();
    let mut incoming = spool.begin(id).unwrap();
    incoming.write(TEXT).unwrap();
    let outcome = incoming.accept(envelope(id, &["a", "b", "c"])).unwrap().deliver();
    assert_eq!((outcome.delivered, outcome.pending.len()), (2, 1));
    assert_eq!(outcome.pending[0].0.as_str(), "b");
    assert_eq!(spool.retry(id).unwrap().pending.len(), 1, "still");
    fs::remove_file(scratch.mailbox("b")).unwrap();
    assert!(spool.retry(id).unwrap().pending.is_empty());
    for key in ["a", "b", "c"] {
        assert_eq!(scratch.messages(key).len(), 1, "{key}");
    }
    assert_eq!(spool.retry(id).unwrap().delivered, 0, "nothing left");
    scratch.assert_queue_empty("the retry");
}

#[test]
fn a_queue_has_one_owner() {
    let scratch = Scratch::new();
    let (spool, _) = scratch.open();
    let incoming = spool.begin(QueueId::new()).unwrap();
    assert!(matches!(scratch.open_on(Arc::new(mailstore::files::Disk)), Err(Error::InUse(_))));
    drop(spool);
    assert!(
        matches!(scratch.open_on(Arc::new(mailstore::files::Disk)), Err(Error::InUse(_))),
        "a message is on its way in"
    );
    drop(incoming);
    scratch.open();
}

#[test]
fn l_10_what_cannot_be_read_is_set_aside_and_the_start_goes_on() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let msg = scratch.queue().join("msg");
    let put = |name: String, text: &[u8]| fs::write(msg.join(name), text).unwrap();
    // A good one between bad ones: the others must not keep it from its recipients.
    let (empty, torn, other, good, left) =
        (QueueId::new(), QueueId::new(), QueueId::new(), QueueId::new(), QueueId::new());
    let text = |id: QueueId| {
        format!("yubin-envelope 1\nid {id}\nhost mx\nfrom \nstored {0}\nwire {0}\nto a\nend\n", TEXT.len())
    };
    put(format!("{empty}.env"), b"");
    put(format!("{empty}.0"), TEXT);
    put(format!("{torn}.env"), &text(torn).as_bytes()[..50]);
    put(format!("{other}.env"), text(good).as_bytes());
    put(format!("{good}.env"), text(good).as_bytes());
    put(format!("{good}.0"), TEXT);
    put(format!("{left}.0"), b"never accepted");
    put("README".into(), b"who put this here?");
    fs::write(scratch.queue().join("tmp/growing"), b"never accepted").unwrap();

    let (_spool, recovery) = scratch.open();
    assert_eq!(recovery.finished, [good]);
    assert_eq!(recovery.discarded, 2);
    assert_eq!((recovery.pending.len(), recovery.trouble.len()), (0, 0));
    let mut expected = vec![
        format!("{empty}.0"),
        format!("{empty}.env"),
        format!("{torn}.env"),
        format!("{other}.env"),
        "README".into(),
    ];
    expected.sort();
    let mut corrupt: Vec<_> = recovery.corrupt.into_iter().map(|(name, _why)| name).collect();
    corrupt.sort();
    assert_eq!((&corrupt, scratch.names("corrupt")), (&expected, expected.clone()));
    assert!(scratch.names("msg").is_empty() && scratch.names("tmp").is_empty());
    assert_eq!(scratch.messages("a").len(), 1);
}

#[test]
fn l_10_what_waits_is_seen_without_a_change_under_the_name_that_it_will_have() {
    let scratch = Scratch::new();
    let (queue, mail) = (scratch.root().join("queue"), scratch.root().join("mail"));
    assert!(mail_queue::waiting(&queue).unwrap().is_empty(), "there is no queue");
    let config = SpoolConfig { queue: queue.clone(), maildirs: mail.clone(), host: "mx".into() };
    let (spool, _) = Spool::open(config).unwrap();
    std::fs::write(mail.join("b"), "not a directory").unwrap();
    let id = QueueId::new();
    let mut incoming = spool.begin(id).unwrap();
    incoming.write(b"Hello.\n").unwrap();
    let to = |key| Recipient::new(mailstore::Mailbox::new(key).unwrap(), "tanaka@example.jp");
    let outcome = incoming.accept(Envelope::new(id, "", vec![to("a"), to("b")])).unwrap().deliver();
    assert_eq!(outcome.pending.len(), 1);
    let waiting = mail_queue::waiting(&queue).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(std::fs::read(&waiting[0].path).unwrap(), b"Hello.\n");
    std::fs::remove_file(mail.join("b")).unwrap();
    assert!(spool.retry(id).unwrap().pending.is_empty());
    let there = mailstore::Maildir::open(mail.join("b")).unwrap().filed().unwrap();
    assert_eq!(there, [waiting[0].filed.clone()]);
    assert!(mail_queue::waiting(&queue).unwrap().is_empty());
}

#[test]
fn l_07_an_envelope_that_the_disk_does_not_show_is_not_taken_for_none() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let msg = scratch.queue().join("msg");
    // What is read as a file and is none gives an error that is not the absence of a file, to root too.
    fs::create_dir(msg.join(format!("{}.env", QueueId::new()))).unwrap();
    assert!(matches!(mail_queue::waiting(&scratch.queue()), Err(Error::Files(_))));
}
