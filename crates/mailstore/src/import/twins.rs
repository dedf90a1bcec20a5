//! Files of a source that share their unique part: a bad copy, a restored backup, two machines with one name and one clock.

use std::io::{self, Read};

use super::Source;
use crate::error::{During, Error};
use crate::files::{Files, Stat};
use crate::name::{FileName, Fnv};
use crate::unique::base32;

/// The host's part of the names that such files get.
const HOST: &str = "again";

/// Sees to it that each file stands there once, and that each has its own unique part. The oldest keeps it; that of another is made of
/// what is in it, so that it is recognised in the next run whatever became of its flags.
pub(super) fn put_apart(files: &dyn Files, mut messages: Vec<Source>) -> Result<Vec<Source>, Error> {
    messages.sort_by(|a, b| a.unique.cmp(&b.unique));
    let mut apart = Vec::with_capacity(messages.len());
    let mut messages = messages.into_iter().peekable();
    while let Some(message) = messages.next() {
        let unique = message.unique.clone();
        let mut group = vec![message];
        while let Some(twin) = messages.next_if(|next| next.unique == unique) {
            group.push(twin);
        }
        match group.len() {
            1 => apart.append(&mut group),
            _ => apart.extend(told_apart(files, group)?),
        }
    }
    Ok(apart)
}

fn told_apart(files: &dyn Files, group: Vec<Source>) -> Result<Vec<Source>, Error> {
    let mut present: Vec<(Stat, Source)> = Vec::new();
    for message in group {
        match files.stat(&message.path) {
            Ok(stat) => present.push((stat, message)),
            // It got flags, or was read, while we listed: its other name is here too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).during("look at", &message.path),
        }
    }
    present.sort_by_key(|(stat, _)| (stat.modified, stat.identity));
    present.dedup_by_key(|(stat, _)| stat.identity);
    let mut hashes = Vec::new();
    let mut apart = Vec::new();
    for (nth, (_, mut message)) in present.into_iter().enumerate() {
        if nth > 0 {
            let Some(hash) = hash(files, &message)? else { continue };
            let copy = hashes.iter().filter(|&&other| other == hash).count();
            hashes.push(hash);
            message.unique = unique(&message.unique, hash, copy as u64);
            message.id = None;
            message.is_twin = true;
        }
        apart.push(message);
    }
    Ok(apart)
}

/// As the queue makes names, at the same time as the other's, so that the order of arrivals stays.
fn unique(shared: &[u8], hash: u64, copy: u64) -> Vec<u8> {
    let arrival = FileName::parse(shared).arrival;
    let key = format!("{}{}", base32(hash, 13), base32(copy, 3));
    format!("{}.M{:06}R{key}.{HOST}", arrival / 1_000_000, arrival % 1_000_000).into_bytes()
}

/// Of the shared part and the content; `None` if the source has it no longer under this name.
fn hash(files: &dyn Files, message: &Source) -> Result<Option<u64>, Error> {
    let mut file = match files.open(&message.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.during("open", &message.path)?,
    };
    let mut hash = Fnv::default();
    hash.update(&message.unique);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(hash.folded())),
            Ok(octets) => hash.update(buffer.get(..octets).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).during("read", &message.path),
        }
    }
}
