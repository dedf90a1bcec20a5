//! A scratch queue beside scratch Maildirs.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mail_queue::{Envelope, Error, Outcome, QueueId, Recipient, Recovery, Spool, SpoolConfig};
use mailstore::files::{Disk, Files};
use mailstore::{Mailbox, Maildir};
use tempfile::TempDir;

pub(crate) const TEXT: &[u8] = b"Subject: hello\r\n\r\nHello.\r\n";

pub(crate) struct Scratch {
    dir: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        // A killed process leaves the same on a disk in memory, where hundreds of rounds cost no waiting for syncs.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Scratch { dir: dir.unwrap() }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn queue(&self) -> PathBuf {
        self.dir.path().join("queue")
    }

    pub(crate) fn maildirs(&self) -> PathBuf {
        self.dir.path().join("mail")
    }

    pub(crate) fn open_on(&self, files: Arc<dyn Files>) -> Result<(Spool, Recovery), Error> {
        let config =
            SpoolConfig { queue: self.queue(), maildirs: self.maildirs(), host: "mx.example.jp".into() };
        Spool::open_on(files, config)
    }

    pub(crate) fn open(&self) -> (Spool, Recovery) {
        self.open_on(Arc::new(Disk)).unwrap()
    }

    pub(crate) fn names(&self, part: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.queue().join(part))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn assert_queue_empty(&self, when: &str) {
        for part in ["tmp", "msg", "corrupt"] {
            assert!(self.names(part).is_empty(), "{part} after {when}: {:?}", self.names(part));
        }
    }

    pub(crate) fn mailbox(&self, key: &str) -> PathBuf {
        self.maildirs().join(key)
    }

    /// The messages in a mailbox: none if it was never made.
    pub(crate) fn messages(&self, key: &str) -> Vec<(String, Vec<u8>)> {
        messages(&self.mailbox(key))
    }
}

pub(crate) fn messages(path: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(maildir) = Maildir::open(path) else { return Vec::new() };
    let mut maildrop = maildir.lock().unwrap();
    let ids: Vec<String> = maildrop.messages().map(|message| message.unique_id).collect();
    ids.into_iter()
        .enumerate()
        .map(|(index, id)| {
            let mut text = Vec::new();
            maildrop.open(index).unwrap().read_to_end(&mut text).unwrap();
            (id, text)
        })
        .collect()
}

pub(crate) fn envelope(queue_id: QueueId, keys: &[&str]) -> Envelope {
    let to = |key: &&str| Recipient::new(Mailbox::new(*key).unwrap(), format!("{key}@example.jp"));
    Envelope::new(queue_id, "sato@example.jp", keys.iter().map(to).collect())
}

pub(crate) fn send(spool: &Spool, keys: &[&str]) -> Result<Outcome, Error> {
    send_as(spool, envelope(QueueId::new(), keys))
}

pub(crate) fn send_as(spool: &Spool, envelope: Envelope) -> Result<Outcome, Error> {
    let mut incoming = spool.begin(envelope.queue_id)?;
    let (head, tail) = TEXT.split_at(TEXT.len() / 2);
    incoming.write(head)?;
    incoming.write(tail)?;
    Ok(incoming.accept(envelope)?.deliver())
}
