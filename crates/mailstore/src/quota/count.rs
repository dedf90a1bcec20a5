//! What lies in a Maildir.

use std::io;
use std::path::{Path, PathBuf};

use super::Usage;
use crate::error::{During, Error};
use crate::files::Entry;
use crate::maildir::Maildir;
use crate::name::FileName;
use crate::path_of;

/// Counts the messages of a mailbox and of its folders, from directory entries alone where names tell sizes.
pub(super) fn count(maildir: &Maildir) -> Result<Usage, Error> {
    let mut usage = Usage::default();
    for folder in folders(maildir)? {
        for part in ["new", "cur"] {
            usage = usage.plus(count_directory(maildir, &folder.join(part))?);
        }
    }
    Ok(usage)
}

/// The Maildir itself, and the folders of Maildir++: directories in it whose names begin with a dot.
fn folders(maildir: &Maildir) -> Result<Vec<PathBuf>, Error> {
    let path = maildir.path();
    let mut folders = vec![path.to_owned()];
    let mut take = |entry: Entry<'_>| {
        if entry.other_kind && entry.name.starts_with(b".") {
            folders.push(path_of(path, entry.name));
        }
    };
    maildir.files.list(path, &mut take).during("list", path)?;
    Ok(folders)
}

fn count_directory(maildir: &Maildir, dir: &Path) -> Result<Usage, Error> {
    let mut usage = Usage::default();
    let mut unknown = Vec::new();
    let mut take = |entry: Entry<'_>| {
        if entry.other_kind || entry.name.starts_with(b".") {
            return;
        }
        match FileName::parse(entry.name).stored {
            Some(octets) => usage = usage.plus(Usage::of_message(octets)),
            None => unknown.push(path_of(dir, entry.name)),
        }
    };
    match maildir.files.list(dir, &mut take) {
        // A directory with a dot that is no folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
        outcome => outcome.during("list", dir)?,
    }
    for path in unknown {
        match maildir.files.stat(&path) {
            // Renamed or removed since; whoever did it has changed the directory, and it will be counted again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            stat => usage = usage.plus(Usage::of_message(stat.during("look at", &path)?.octets)),
        }
    }
    Ok(usage)
}
