//! Putting a queue directory in order after its owner died in whatever state.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use mailstore::files::Entry;

use crate::error::Error;
use crate::id::QueueId;
use crate::spool::Spool;

/// What [`Spool::open`](crate::Spool::open) found and did.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Messages that had been accepted and now are with all their recipients.
    pub finished: Vec<QueueId>,
    /// Messages that still wait for a recipient: to be [retried](crate::Spool::retry).
    pub pending: Vec<QueueId>,
    /// Files of messages that had never been accepted, removed.
    pub discarded: usize,
    /// Files that were not understood, now in `corrupt/`, and why.
    pub corrupt: Vec<(String, String)>,
    /// What could not be done; these files are where they were.
    pub trouble: Vec<Error>,
}

/// A name in `msg/`.
enum Name {
    Envelope(QueueId),
    Body(QueueId),
    Unknown,
}

fn parse(name: &str) -> Name {
    let Some((id, kind)) = name.split_once('.') else { return Name::Unknown };
    match (QueueId::parse(id), kind) {
        (Some(id), "env") => Name::Envelope(id),
        (Some(id), nth) if !nth.is_empty() && nth.bytes().all(|b| b.is_ascii_digit()) => Name::Body(id),
        _ => Name::Unknown,
    }
}

/// Only the directories themselves must be readable; any trouble with a single message is reported and passed by.
pub(crate) fn recover(spool: &Spool) -> Result<Recovery, Error> {
    let mut recovery = Recovery::default();
    for name in list(spool, &spool.tmp())? {
        recovery.discard(spool, &spool.tmp().join(name));
    }
    let mut bodies = Vec::new();
    let mut envelopes = BTreeSet::new();
    let mut unknown = Vec::new();
    for name in list(spool, &spool.msg())? {
        match parse(&name) {
            Name::Envelope(id) => drop(envelopes.insert(id)),
            Name::Body(id) => bodies.push((id, name)),
            Name::Unknown => unknown.push(name),
        }
    }
    for name in unknown {
        recovery.set_aside(spool, name, "not a name of the queue".into());
    }
    // Bodies are named before the envelope and go before it: one without an envelope was never accepted.
    bodies.retain(|(id, name)| {
        let accepted = envelopes.contains(id);
        if !accepted {
            recovery.discard(spool, &spool.msg().join(name));
        }
        accepted
    });
    for id in envelopes {
        recovery.take_up(spool, id, bodies.iter().filter(|(of, _)| *of == id).map(|(_, name)| name));
    }
    Ok(recovery)
}

fn list(spool: &Spool, dir: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut take = |entry: Entry<'_>| names.extend(str::from_utf8(entry.name).map(str::to_owned));
    spool.files().list(dir, &mut take).map_err(|error| mailstore::Error::new("list", dir, error))?;
    Ok(names)
}

impl Recovery {
    /// Serves an accepted message, or sets it aside.
    fn take_up<'a>(&mut self, spool: &Spool, id: QueueId, bodies: impl Iterator<Item = &'a String>) {
        let name = format!("{id}.env");
        let why = match spool.read(&spool.msg().join(&name)) {
            Ok(stored) if stored.envelope.queue_id == id => {
                let outcome = spool.serve(&stored);
                if outcome.pending.is_empty() { &mut self.finished } else { &mut self.pending }.push(id);
                self.trouble.extend(outcome.pending.into_iter().map(|(_, error)| error));
                return;
            }
            Ok(_) => "the envelope of another message".to_owned(),
            Err(Error::Malformed { malformed, .. }) => malformed.to_string(),
            Err(error) => {
                // The disk's trouble, not the envelope's: it stays where it is.
                self.pending.push(id);
                self.trouble.push(error);
                return;
            }
        };
        // The envelope last: as long as it is there, its bodies are not taken for unaccepted ones.
        for body in bodies {
            if !self.set_aside(spool, body.clone(), why.clone()) {
                return;
            }
        }
        self.set_aside(spool, name, why);
    }

    fn discard(&mut self, spool: &Spool, path: &Path) {
        match spool.files().remove(path) {
            Ok(()) => self.discarded += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.trouble.push(mailstore::Error::new("remove", path, error).into()),
        }
    }

    fn set_aside(&mut self, spool: &Spool, name: String, why: String) -> bool {
        let (from, to) = (spool.msg().join(&name), spool.corrupt().join(&name));
        let moved = spool.files().rename(&from, &to);
        let done = moved.is_ok();
        match moved {
            Ok(()) => self.corrupt.push((name, why)),
            Err(error) => self.trouble.push(mailstore::Error::new("set aside", &from, error).into()),
        }
        done
    }
}
