//! A message on its way into the queue.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mailstore::files::is_missing_feature;
use mailstore::{Draft, HeadStart, Mailbox, Sizes};

use crate::done::Turns;
use crate::envelope::{Envelope, Stored};
use crate::error::Error;
use crate::id::QueueId;
use crate::outbound::Outbound;
use crate::progress::Progress;
use crate::spool::{Outcome, Spool};
use crate::together::Change;
use crate::whole;

/// A growing message. Dropped before [`accept`](Incoming::accept), it leaves nothing.
#[derive(Debug)]
pub struct Incoming {
    spool: Spool,
    draft: Draft,
    hold: Option<String>,
}

/// A message that will not be lost.
#[derive(Debug)]
#[must_use = "it is safe, but nobody has it before `deliver`"]
pub struct Accepted {
    spool: Spool,
    stored: Stored,
    held: bool,
}

impl Incoming {
    pub(crate) fn begin(spool: &Spool, id: QueueId) -> Result<Incoming, Error> {
        let draft = match spool.spare() {
            Some(draft) => draft,
            None => create(spool, spool.tmp().join(id.to_string()))?,
        };
        Ok(Incoming { spool: spool.clone(), draft, hold: None })
    }

    /// From its first moment on nobody elsewhere gets it before it is released; why.
    pub fn hold(&mut self, why: String) {
        self.hold = Some(why);
    }

    /// Writes the next piece: one system call, so pieces should be large. After an error only dropping makes sense.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        Ok(self.draft.write(piece)?)
    }

    /// For a large message: see [`HeadStart`].
    pub fn head_start(&self) -> Option<HeadStart> {
        self.draft.head_start()
    }

    /// Makes the message durable for all recipients at once. From `Ok` on it is accepted (S3); after an error nothing is left.
    pub fn accept(self, envelope: Envelope) -> Result<Accepted, Error> {
        self.accept_as(envelope, None)
    }

    /// The same, but nobody gets the message, here or elsewhere, before it is [released](Spool::release). `why` is for operators.
    pub fn accept_held(self, envelope: Envelope, why: &str) -> Result<Sizes, Error> {
        self.accept_as(envelope, Some(why)).map(|accepted| accepted.stored.sizes)
    }

    fn accept_as(self, envelope: Envelope, from_all: Option<&str>) -> Result<Accepted, Error> {
        let Incoming { spool, draft, hold } = self;
        let envelope = envelope.without_duplicates();
        let (id, sizes) = (envelope.queue_id, draft.sizes());
        let stored = Stored { envelope, host: spool.shared.config.host.clone(), sizes };
        let Envelope { recipients, remotes, .. } = &stored.envelope;
        let (hold, here) = match from_all {
            Some(why) => (Some(why.to_owned()), true),
            None => (hold.filter(|_| !remotes.is_empty()), false),
        };
        // The word that it is held must be durable before its envelope is, which cannot stand behind its octets then.
        if recipients.is_empty() && hold.is_none() {
            return accept_one(spool, draft, stored);
        }

        draft.sync()?;
        let mut undo = Undo { spool: &spool, names: Vec::with_capacity(recipients.len() + 3) };
        name_for_all(&spool, draft, &stored, &mut undo.names)?;
        let held = hold.is_some();
        if held {
            let progress = Progress { hold, here, ..Progress::new(remotes.len()) };
            let mut text = create(&spool, spool.tmp().join(format!("{id}.q")))?;
            text.write(progress.encode(id).as_bytes())?;
            text.sync()?;
            let name = spool.progress(id);
            text.publish(&name)?;
            undo.names.push(name);
        }
        // Before the envelope: a power cut may keep the later of two names that were not synced in between, and an envelope
        // without a recipient's name would say that this recipient has been served.
        sync(&spool)?;
        let mut text = create(&spool, spool.tmp().join(format!("{id}.env")))?;
        text.write(stored.encode().as_bytes())?;
        text.sync()?;
        let name = spool.envelope(id);
        text.publish(&name)?;
        undo.names.push(name);
        sync(&spool)?;
        undo.names.clear();
        drop(undo);
        Ok(Accepted { spool, stored, held })
    }
}

/// Gives a complete message, which is durable, its names for the recipients of its envelope; `names` are those that were given, also if
/// not all could be. They are not durable yet.
pub(crate) fn name_for_all(
    spool: &Spool,
    draft: Draft,
    stored: &Stored,
    names: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let Stored { envelope, sizes, .. } = stored;
    let (id, sizes) = (envelope.queue_id, *sizes);
    // Without heads all have the same file, one name for each mailbox and one for all who are elsewhere.
    let mut shared = Vec::new();
    for (nth, recipient) in envelope.recipients.iter().enumerate() {
        let name = spool.body(id, nth);
        if envelope.delivered_to {
            copy(spool, draft.path(), &envelope.head(recipient), &name, sizes)?;
            names.push(name);
        } else {
            shared.push(name);
        }
    }
    if !envelope.remotes.is_empty() {
        shared.push(spool.out(id));
    }
    let own = shared.pop();
    for name in shared {
        name_again(spool, draft.path(), &name, sizes)?;
        names.push(name);
    }
    // The last name is the one under which it was written.
    if let Some(name) = own {
        draft.publish(&name)?;
        names.push(name);
    }
    Ok(())
}

/// For nobody here: one file, which has its envelope behind its octets.
fn accept_one(spool: Spool, mut draft: Draft, stored: Stored) -> Result<Accepted, Error> {
    if stored.envelope.remotes.is_empty() {
        return Err(Error::NoRecipients);
    }
    draft.write(whole::behind(&stored).as_bytes())?;
    draft.sync()?;
    let name = spool.one(stored.envelope.queue_id);
    make(&spool, Change::Publish(draft, name))?;
    Ok(Accepted { spool, stored, held: false })
}

impl Accepted {
    /// Puts the message into the mailboxes. What cannot be done now stays in the queue, for [`Spool::retry`].
    pub fn deliver(self) -> Outcome {
        match self.stored.envelope.recipients.is_empty() {
            // Nobody here waits for it.
            true => Outcome::default(),
            false => self.spool.serve(&self.stored),
        }
    }

    /// The name of the message.
    pub fn queue_id(&self) -> QueueId {
        self.stored.envelope.queue_id
    }

    /// As the spool knows it, if it goes to other hosts too and nobody holds it: what [`Spool::outbound`] would read.
    pub fn outbound(&self) -> Option<Outbound> {
        let Stored { envelope, sizes, .. } = &self.stored;
        let progress = Progress::new(envelope.remotes.len());
        let found =
            || Outbound { envelope: envelope.clone(), sizes: *sizes, progress, held_here: Vec::new() };
        (self.is_outbound() && !self.held).then(found)
    }

    /// Whether it goes to other hosts too: then it is work for who looks after [`Spool::outbound`].
    pub fn is_outbound(&self) -> bool {
        !self.stored.envelope.remotes.is_empty()
    }

    /// Its octets, without anybody's head.
    pub fn sizes(&self) -> Sizes {
        self.stored.sizes
    }

    /// Who will have it, and how many octets each.
    pub fn recipients(&self) -> impl Iterator<Item = (&Mailbox, Sizes)> {
        let of = |recipient| self.stored.sizes_for(recipient);
        self.stored.envelope.recipients.iter().map(move |recipient| (&recipient.mailbox, of(recipient)))
    }
}

/// Takes back what was made, the last first, so that an envelope goes before what it speaks of.
struct Undo<'a> {
    spool: &'a Spool,
    names: Vec<PathBuf>,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        for path in self.names.iter().rev() {
            let _ = self.spool.files().remove(path);
        }
    }
}

/// Gives a complete file a second name; where the file system has no links, a second file.
pub(crate) fn name_again(spool: &Spool, from: &Path, to: &Path, sizes: Sizes) -> Result<(), Error> {
    match spool.files().link(from, to) {
        Err(error) if is_missing_feature(&error) => {}
        outcome => return outcome.map_err(|error| mailstore::Error::new("link", to, error).into()),
    }
    copy(spool, from, "", to, sizes)
}

/// Writes `head` and a complete file of these sizes into another one.
fn copy(spool: &Spool, from: &Path, head: &str, to: &Path, sizes: Sizes) -> Result<(), Error> {
    let reading = |error: io::Error| mailstore::Error::new("read", from, error);
    let mut source = spool.files().open(from).map_err(reading)?;
    let mut copy = create(spool, from.with_extension("copy"))?;
    if !head.is_empty() {
        copy.write(head.as_bytes())?;
    }
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => copy.write(buffer.get(..n).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(reading(error).into()),
        }
    }
    let octets = head.len() as u64;
    if copy.sizes() != (Sizes { stored: sizes.stored + octets, wire: sizes.wire + octets }) {
        return Err(reading(io::ErrorKind::UnexpectedEof.into()).into());
    }
    copy.sync()?;
    Ok(copy.publish(to)?)
}

pub(crate) fn create(spool: &Spool, path: PathBuf) -> Result<Draft, Error> {
    let draft = Draft::create(spool.shared.files.clone(), path.clone());
    Ok(draft.map_err(|error| mailstore::Error::new("create", &path, error))?)
}

pub(crate) fn sync(spool: &Spool) -> Result<(), Error> {
    make(spool, Change::Nothing)
}

/// Makes a change of `msg/` durable.
pub(crate) fn make(spool: &Spool, change: Change) -> Result<(), Error> {
    let (made, more) = spool.shared.together.make(spool.files(), &spool.msg(), change);
    if more {
        Turns::of(spool).elsewhere();
    }
    made
}
