//! Putting a queue directory in order after its owner died in whatever state.

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
    /// Messages that still wait for a mailbox: to be [retried](crate::Spool::retry).
    pub pending: Vec<QueueId>,
    /// Messages that wait for somebody elsewhere: to be [sent](crate::Spool::outbound). Their envelopes are not read yet, for there
    /// may be a million of them.
    pub outbound: Vec<QueueId>,
    /// Messages of which mailboxes get nothing before they are [released](crate::Spool::release).
    pub held: Vec<QueueId>,
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
    /// For a mailbox of ours.
    Body(QueueId),
    /// For who is elsewhere.
    Out(QueueId),
    /// The same, with the envelope.
    One(QueueId),
    Progress(QueueId),
    Unknown,
}

fn parse(name: &[u8]) -> Name {
    let parts = str::from_utf8(name).ok().and_then(|name| name.split_once('.'));
    let Some((Some(id), kind)) = parts.map(|(id, kind)| (QueueId::parse(id), kind)) else {
        return Name::Unknown;
    };
    match kind {
        "env" => Name::Envelope(id),
        "out" => Name::Out(id),
        "one" => Name::One(id),
        "q" => Name::Progress(id),
        nth if !nth.is_empty() && nth.bytes().all(|b| b.is_ascii_digit()) => Name::Body(id),
        _ => Name::Unknown,
    }
}

/// What else there is of a message with an envelope.
#[derive(Clone, Copy, Default)]
struct Found {
    body: bool,
    out: bool,
    one: bool,
    envelope: bool,
}

/// Only the directories themselves must be readable; any trouble with a single message is reported and passed by.
///
/// The directory is read twice, so that of a million messages only the ids are in memory.
pub(crate) fn recover(spool: &Spool) -> Result<Recovery, Error> {
    let mut recovery = Recovery::default();
    for name in list(spool, &spool.tmp())? {
        recovery.discard(spool, &spool.tmp().join(name));
    }
    for name in list(spool, &spool.done())? {
        let _ = spool.files().remove(&spool.done().join(name));
    }
    let mut envelopes = Vec::new();
    each_name(spool, |name, _| {
        if let Name::Envelope(id) | Name::One(id) = name {
            envelopes.push(id);
        }
    })?;
    envelopes.sort_unstable();
    envelopes.dedup();
    let mut found = vec![Found::default(); envelopes.len()];
    let (mut unaccepted, mut unknown) = (Vec::new(), Vec::new());
    each_name(spool, |name, text| match name {
        Name::Unknown => unknown.extend(str::from_utf8(text).map(str::to_owned)),
        Name::Envelope(id) | Name::Body(id) | Name::Out(id) | Name::One(id) | Name::Progress(id) => {
            match envelopes.binary_search(&id) {
                // Bodies are named before the envelope and go before it: one without an envelope was never accepted.
                Err(_) => unaccepted.extend(str::from_utf8(text).map(str::to_owned)),
                Ok(at) => {
                    if let Some(found) = found.get_mut(at) {
                        found.body |= matches!(name, Name::Body(_));
                        found.out |= matches!(name, Name::Out(_));
                        found.envelope |= matches!(name, Name::Envelope(_));
                        found.one |= matches!(name, Name::One(_));
                    }
                }
            }
        }
    })?;
    for name in unknown {
        recovery.set_aside(spool, name, "not a name of the queue".into());
    }
    for name in unaccepted {
        recovery.discard(spool, &spool.msg().join(name));
    }
    for (id, Found { body, out, one, envelope }) in envelopes.into_iter().zip(found) {
        if one && envelope {
            // A crash came while it was parted.
            recovery.trouble.extend(spool.drop_out(id).err());
        }
        let out = out || one;
        if body || !out {
            recovery.take_up(spool, id, body, out);
        } else {
            recovery.outbound.push(id);
        }
    }
    Ok(recovery)
}

fn each_name(spool: &Spool, mut each: impl FnMut(Name, &[u8])) -> Result<(), Error> {
    let dir = spool.msg();
    let listed = spool.files().list(&dir, &mut |entry| each(parse(entry.name), entry.name));
    Ok(listed.map_err(|error| mailstore::Error::new("list", &dir, error))?)
}

fn list(spool: &Spool, dir: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut take = |entry: Entry<'_>| names.extend(str::from_utf8(entry.name).map(str::to_owned));
    spool.files().list(dir, &mut take).map_err(|error| mailstore::Error::new("list", dir, error))?;
    Ok(names)
}

impl Recovery {
    /// Serves an accepted message, or sets it aside.
    fn take_up(&mut self, spool: &Spool, id: QueueId, body: bool, out: bool) {
        match spool.read(&spool.envelope(id)) {
            Ok(stored) if stored.envelope.queue_id == id => {
                match spool.is_held(&stored.envelope) {
                    Ok(false) => {}
                    // Without a body it was dropped, but for what is cleared up below.
                    Ok(true) if !body => {}
                    Ok(true) => {
                        self.held.push(id);
                        if out {
                            self.outbound.push(id);
                        }
                        return;
                    }
                    Err(Error::Malformed { malformed, .. }) => {
                        return self.set_message_aside(spool, id, &malformed.to_string());
                    }
                    Err(error) => {
                        self.pending.push(id);
                        self.trouble.push(error);
                        return;
                    }
                }
                let outcome = spool.serve_late(&stored);
                if outcome.pending.is_empty() && !out {
                    let _ = spool.files().remove(&spool.progress(id));
                    self.finished.push(id);
                }
                if !outcome.pending.is_empty() {
                    self.pending.push(id);
                }
                if out {
                    self.outbound.push(id);
                }
                self.trouble.extend(outcome.pending.into_iter().map(|(_, error)| error));
            }
            Ok(_) => self.set_message_aside(spool, id, "the envelope of another message"),
            Err(Error::Malformed { malformed, .. }) => {
                self.set_message_aside(spool, id, &malformed.to_string())
            }
            Err(error) => {
                // The disk's trouble, not the envelope's: it stays where it is.
                self.pending.push(id);
                self.trouble.push(error);
            }
        }
    }

    /// Everything of one message goes into `corrupt/`.
    pub(crate) fn set_message_aside(&mut self, spool: &Spool, id: QueueId, why: &str) {
        let mut names = Vec::new();
        let listed = each_name(spool, |name, text| {
            // The envelope last: as long as it is there, its bodies are not taken for unaccepted ones. But one that stands behind its
            // octets first: without the progress beside it the message would be sent anew.
            let place = match name {
                Name::One(of) if of == id => 0,
                Name::Body(of) | Name::Out(of) | Name::Progress(of) if of == id => 1,
                Name::Envelope(of) if of == id => 2,
                _ => return,
            };
            names.extend(str::from_utf8(text).map(|text| (place, text.to_owned())));
        });
        if let Err(error) = listed {
            self.trouble.push(error);
            return;
        }
        names.sort();
        for (_, name) in names {
            if !self.set_aside(spool, name, why.to_owned()) {
                return;
            }
        }
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
