//! The queue directory, and serving what is in it.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use mailstore::files::{Disk, Files, make_dir_durable};
use mailstore::{Draft, Mailbox, Maildir, Namer};

use crate::done::{Done, Leaving};
use crate::envelope::{Envelope, Recipient, Stored};
use crate::error::Error;
use crate::id::QueueId;
use crate::incoming::Incoming;
use crate::late::Late;
use crate::recover::{Recovery, recover};
use crate::together::Together;
use crate::view;

/// What a queue directory has besides its lock.
const SUBDIRECTORIES: [&str; 4] = ["tmp", "msg", "corrupt", "done"];

/// What every one has had from the first version on.
pub(crate) const LANDMARKS: [&str; 3] = ["tmp", "msg", "corrupt"];

/// Where things are.
#[derive(Debug, Clone)]
pub struct SpoolConfig {
    /// The queue directory; made if missing.
    pub queue: PathBuf,
    /// The directory of all Maildirs, on the same file system if messages are to be written once.
    pub maildirs: PathBuf,
    /// This host's name, for file names.
    pub host: String,
}

/// A queue directory that belongs to this process. Cheap to clone; it is given back when the last clone, and the last message on
/// its way in, are dropped.
#[derive(Clone)]
pub struct Spool {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) config: SpoolConfig,
    pub(crate) files: Arc<dyn Files>,
    /// One at a time changes what a message's `.q` says.
    pub(crate) changing: [Mutex<()>; 64],
    pub(crate) together: Together,
    pub(crate) done: Done,
    /// Messages that are just leaving: nobody else changes what is known of them meanwhile.
    pub(crate) leaving: Leaving,
    /// See [`Spool::take_late`].
    pub(crate) late: Mutex<Vec<Late>>,
    lock: File,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.done.remove_all(&*self.files, &self.config.queue.join("done"));
        // Closing the file is not enough: a child that another thread is just starting has a copy of it until it executes.
        let _ = self.lock.unlock();
    }
}

/// What came of serving an accepted message.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Mailboxes that have it now.
    pub delivered: usize,
    /// Mailboxes that do not have it yet, and why. The message stays in the queue for them.
    pub pending: Vec<(Mailbox, Error)>,
}

impl Spool {
    /// Takes possession of a queue directory, after a crash putting it in order; [`Error::InUse`] if another process has it.
    pub fn open(config: SpoolConfig) -> Result<(Spool, Recovery), Error> {
        Spool::open_on(Arc::new(Disk), config)
    }

    /// As [`open`](Spool::open), by other file operations than the [`Disk`]'s.
    pub fn open_on(files: Arc<dyn Files>, config: SpoolConfig) -> Result<(Spool, Recovery), Error> {
        for part in SUBDIRECTORIES {
            make_dir_durable(&*files, &config.queue.join(part))?;
        }
        // At the start, and never again: see `Maildir::create_below`.
        make_dir_durable(&*files, &config.maildirs)?;
        let path = config.queue.join("lock");
        let lock = files.lock(&path).map_err(|error| mailstore::Error::new("lock", &path, error))?;
        let lock = lock.ok_or_else(|| Error::InUse(config.queue.clone()))?;
        let spool = Spool {
            shared: Arc::new(Shared {
                config,
                files,
                changing: [const { Mutex::new(()) }; 64],
                together: Together::default(),
                done: Done::default(),
                leaving: Leaving::default(),
                late: Mutex::default(),
                lock,
            }),
        };
        let recovery = recover(&spool)?;
        Ok((spool, recovery))
    }

    /// Begins to take in a message. Dropped before it is accepted, it leaves nothing.
    pub fn begin(&self, id: QueueId) -> Result<Incoming, Error> {
        Incoming::begin(self, id)
    }

    /// Serves the recipients that an earlier try left; nothing to do is a success, and a held message is nothing to do.
    pub fn retry(&self, id: QueueId) -> Result<Outcome, Error> {
        match self.read(&self.envelope(id)) {
            Err(Error::Files(mailstore::Error::Io { source, .. }))
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(Outcome::default())
            }
            stored => {
                let stored = stored?;
                // Whoever released it serves it.
                if self.is_held(&stored.envelope)? {
                    Ok(Outcome::default())
                } else {
                    Ok(self.serve_late(&stored))
                }
            }
        }
    }

    /// Empties or removes the files of messages that have left, but for some of those that left since the last call, which may become
    /// those of others as they are; how many there are of these. To be called now and then as long as there are some: file systems that
    /// tell their disk of every block that gets free do that much faster for many files at a time.
    pub fn sweep(&self) -> usize {
        self.shared.done.sweep(self.files(), &self.done())
    }

    /// A file of a message that has left, for another.
    pub(crate) fn spare(&self) -> Option<Draft> {
        let path = self.done().join(self.shared.done.take()?.to_string());
        match Draft::reuse(self.shared.files.clone(), path.clone()) {
            Ok(draft) => Some(draft),
            Err(_) => {
                let _ = self.files().remove(&path);
                None
            }
        }
    }

    pub(crate) fn read(&self, path: &Path) -> Result<Stored, Error> {
        let text = view::read(self.files(), path)?;
        Stored::decode(&text).map_err(|malformed| Error::Malformed { path: path.to_owned(), malformed })
    }

    /// Moves each recipient's name of the body into its Maildir, and forgets the message when all have theirs.
    pub(crate) fn serve(&self, stored: &Stored) -> Outcome {
        self.serve_each(stored, |_, _| None)
    }

    /// The same, of a message that was accepted some time ago.
    pub(crate) fn serve_late(&self, stored: &Stored) -> Outcome {
        self.serve_each(stored, |nth, recipient| self.beginning(stored, nth, recipient))
    }

    /// `wanted`: what is to be known of a message that a recipient has got.
    fn serve_each(&self, stored: &Stored, wanted: impl Fn(usize, &Recipient) -> Option<Vec<u8>>) -> Outcome {
        let mut came = Vec::new();
        let Stored { envelope, host, .. } = stored;
        let id = envelope.queue_id;
        let unique = Namer::new(host).for_queued(id.micros(), &id.to_string());
        let mut outcome = Outcome::default();
        for (nth, recipient) in envelope.recipients.iter().enumerate() {
            let (source, sizes) = (self.body(id, nth), stored.sizes_for(recipient));
            let mailbox = &recipient.mailbox;
            let beginning = wanted(nth, recipient);
            let path = mailbox.below(&self.shared.config.maildirs);
            let maildir = Maildir::at(self.shared.files.clone(), &path);
            let adopted = match maildir.adopt(&source, &unique, sizes) {
                // The first message of an account.
                Err(mailstore::Error::NotMaildir(_)) => {
                    Maildir::create_below(self.shared.files.clone(), &self.shared.config.maildirs, mailbox)
                        .and_then(|maildir| maildir.adopt(&source, &unique, sizes))
                }
                adopted => adopted,
            };
            match adopted {
                Ok(_) => {
                    outcome.delivered += 1;
                    came.extend(beginning.map(|beginning| (recipient.clone(), beginning)));
                }
                Err(error) => outcome.pending.push((mailbox.clone(), error.into())),
            }
        }
        self.came_late(envelope, came);
        if outcome.pending.is_empty() {
            self.forget_if_done(envelope);
        }
        outcome
    }

    /// Takes the envelope away when nobody waits for the message any more.
    ///
    /// Whoever serves the last mailbox and whoever settles the last recipient elsewhere first take away their own name of the body,
    /// then look for the other's: so one of them, at least, sees that all is done.
    pub(crate) fn forget_if_done(&self, envelope: &Envelope) {
        let id = envelope.queue_id;
        let waits = |path: &Path| self.files().stat(path).is_ok();
        let elsewhere = !envelope.remotes.is_empty();
        if elsewhere {
            let here = (0..envelope.recipients.len()).any(|nth| waits(&self.body(id, nth)));
            if here || waits(&self.out(id)) {
                return;
            }
        }
        // If this fails or is lost, the next start finds an envelope with nothing left to do.
        let _ = self.files().remove(&self.envelope(id));
        if elsewhere && !waits(&self.one(id)) {
            let _ = self.files().remove(&self.progress(id));
        }
    }

    pub(crate) fn files(&self) -> &dyn Files {
        &*self.shared.files
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.shared.config.queue.join("tmp")
    }

    pub(crate) fn msg(&self) -> PathBuf {
        self.shared.config.queue.join("msg")
    }

    /// Where files lie that could not be understood, for an operator to look at.
    pub fn corrupt(&self) -> PathBuf {
        self.shared.config.queue.join("corrupt")
    }

    /// Files of messages that have left.
    pub(crate) fn done(&self) -> PathBuf {
        self.shared.config.queue.join("done")
    }

    /// All of a message whose recipients are all elsewhere.
    pub(crate) fn one(&self, id: QueueId) -> PathBuf {
        self.msg().join(format!("{id}.one"))
    }

    pub(crate) fn envelope(&self, id: QueueId) -> PathBuf {
        self.msg().join(format!("{id}.env"))
    }

    /// The name of the body that is there as long as somebody elsewhere waits for it.
    pub(crate) fn out(&self, id: QueueId) -> PathBuf {
        self.msg().join(format!("{id}.out"))
    }

    /// What became of the recipients elsewhere so far.
    pub(crate) fn progress(&self, id: QueueId) -> PathBuf {
        self.msg().join(format!("{id}.q"))
    }

    /// The name of the body that recipient `nth` is served with.
    pub(crate) fn body(&self, id: QueueId, nth: usize) -> PathBuf {
        self.msg().join(format!("{id}.{nth}"))
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spool").field(&self.shared.config.queue).finish()
    }
}
