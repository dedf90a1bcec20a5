//! A scratch store.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use delivery::{
    Accepted, DeliveryError, Envelope, LocalDelivery, Mailbox, OpenError, QueueId, Recipient, StoreConfig,
};
use mailstore::Maildir;
use mailstore::files::{Disk, Files};
use tempfile::TempDir;

pub(crate) const SMALL: usize = 4096;
pub(crate) const HEADER: &[u8] = b"Return-Path: <sato@example.jp>\r\n";

pub(crate) struct Scratch {
    dir: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch { dir: tempfile::tempdir().unwrap() }
    }

    /// Where syncs cost nothing, for tests of many rounds.
    pub(crate) fn in_memory() -> Scratch {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Scratch { dir: dir.unwrap() }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn mailbox(&self, key: &str) -> PathBuf {
        self.dir.path().join("mail").join(key)
    }

    pub(crate) fn try_open_on(&self, files: Arc<dyn Files>) -> Result<LocalDelivery, OpenError> {
        LocalDelivery::open_on(files, self.config())
    }

    pub(crate) fn config(&self) -> StoreConfig {
        let config =
            StoreConfig::new(self.dir.path().join("mail"), self.dir.path().join("queue"), "mx.example.jp");
        StoreConfig { small_message: SMALL, ..config }
    }

    pub(crate) fn open_on(&self, files: Arc<dyn Files>) -> LocalDelivery {
        self.try_open_on(files).unwrap()
    }

    pub(crate) fn open(&self) -> LocalDelivery {
        self.open_on(Arc::new(Disk))
    }

    /// What lies anywhere but as a message in a mailbox.
    pub(crate) fn remains(&self) -> Vec<PathBuf> {
        let mut remains: Vec<PathBuf> = ["queue/tmp", "queue/msg", "queue/corrupt"]
            .iter()
            .flat_map(|part| entries(&self.dir.path().join(part)))
            .collect();
        for mailbox in entries(&self.dir.path().join("mail")) {
            remains.extend(entries(&mailbox.join("tmp")));
        }
        remains
    }

    /// The messages in a mailbox: none if it was never made.
    pub(crate) fn messages(&self, key: &str) -> Vec<Vec<u8>> {
        let Ok(maildir) = Maildir::open(self.mailbox(key)) else { return Vec::new() };
        let mut maildrop = maildir.lock().unwrap();
        (0..maildrop.len())
            .map(|index| {
                let mut text = Vec::new();
                maildrop.open(index).unwrap().read_to_end(&mut text).unwrap();
                text
            })
            .collect()
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
}

pub(crate) fn envelope(keys: &[&str]) -> Envelope {
    let to = |key: &&str| Recipient::new(Mailbox::new(*key).unwrap(), format!("{key}@example.jp"));
    Envelope::new(QueueId::new(), "sato@example.jp", keys.iter().map(to).collect())
}

pub(crate) async fn send(
    local: &LocalDelivery,
    keys: &[&str],
    text: &[u8],
) -> Result<Accepted, DeliveryError> {
    let mut incoming = local.begin(envelope(keys), HEADER.to_vec());
    for piece in text.chunks(1000) {
        incoming.write(piece).await?;
    }
    incoming.commit().await
}

/// A message of this many octets.
pub(crate) fn text(octets: usize) -> Vec<u8> {
    let mut text = b"Subject: a\r\n\r\n".to_vec();
    text.extend(
        b"0123456789abcdefghijklmnopqrstuvwxyz\r\n"
            .iter()
            .cycle()
            .take(octets.saturating_sub(text.len() + 2)),
    );
    text.extend(b"\r\n");
    text
}

pub(crate) fn with_header(text: &[u8]) -> Vec<u8> {
    [HEADER, text].concat()
}
