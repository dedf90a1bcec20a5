//! A scratch Maildir, and what a test asks of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use mailstore::{Delivered, Error, Maildir, Maildrop, Namer};
use tempfile::TempDir;

pub(crate) struct Scratch {
    pub(crate) dir: TempDir,
    pub(crate) maildir: Maildir,
}

pub(crate) fn scratch() -> Scratch {
    let dir = tempfile::tempdir().unwrap();
    let maildir = Maildir::create(dir.path().join("tanaka")).unwrap();
    Scratch { dir, maildir }
}

/// A disk in memory, where thousands of rounds cost no waiting for syncs.
pub(crate) fn memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// As [`scratch`], for tests of many rounds or of a rate.
pub(crate) fn scratch_in_memory() -> Scratch {
    let dir = memory();
    let maildir = Maildir::create(dir.path().join("tanaka")).unwrap();
    Scratch { dir, maildir }
}

impl Scratch {
    pub(crate) fn put(&self, place: &str, name: &str, text: &[u8]) {
        fs::write(self.maildir.path().join(place).join(name), text).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.maildir.path().join(from), self.maildir.path().join(to)).unwrap();
    }

    /// Finds a message's file by its unique id.
    pub(crate) fn file_of(&self, id: &str) -> String {
        ["new", "cur"]
            .into_iter()
            .flat_map(|place| {
                names(&self.maildir, place).into_iter().map(move |name| format!("{place}/{name}"))
            })
            .find(|path| path[4..].starts_with(id))
            .unwrap()
    }
}

pub(crate) fn deliver(maildir: &Maildir, text: &[u8]) -> Result<Delivered, Error> {
    let mut delivery = maildir.begin(&Namer::new("mx.example.jp"))?;
    for piece in text.chunks(text.len().div_ceil(2).max(1)) {
        delivery.write(piece)?;
    }
    delivery.commit()
}

pub(crate) fn names(maildir: &Maildir, place: &str) -> Vec<String> {
    names_in(&maildir.path().join(place))
}

pub(crate) fn names_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn text_of(maildrop: &mut Maildrop, index: usize) -> Vec<u8> {
    let mut text = Vec::new();
    maildrop.open(index).unwrap().read_to_end(&mut text).unwrap();
    text
}

pub(crate) fn ids(maildrop: &Maildrop) -> Vec<String> {
    maildrop.messages().map(|message| message.unique_id).collect()
}

/// Every message by its unique id, as one session shows it; ids are asserted to be unique.
pub(crate) fn contents(maildir: &Maildir) -> BTreeMap<String, Vec<u8>> {
    let mut maildrop = maildir.lock().unwrap();
    let ids = ids(&maildrop);
    let contents: BTreeMap<_, _> =
        ids.iter().enumerate().map(|(index, id)| (id.clone(), text_of(&mut maildrop, index))).collect();
    assert_eq!(contents.len(), ids.len(), "unique ids repeat");
    contents
}
