//! A message for other hosts, or a held one, a second time: what a backup keeps of it, and how it comes back.

use std::path::Path;

use mailstore::Draft;
use mailstore::files::{Disk, Files as _};

use crate::envelope::{Malformed, Stored};
use crate::error::Error;
use crate::id::QueueId;
use crate::incoming::{create, name_for_all, sync};
use crate::outbound::is_missing;
use crate::progress::Progress;
use crate::spool::Spool;
use crate::view::{self, View};
use crate::whole::{self, Octets};

/// What a queue knows of a message besides its octets, as it writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Who sent it, and to whom it goes.
    pub envelope: Vec<u8>,
    /// What became of its recipients so far; nothing of one that nobody has tried.
    pub progress: Option<Vec<u8>>,
    /// Whose mailboxes here do not get it before it is released: places in the envelope's list of them.
    pub here: Vec<usize>,
}

impl View {
    /// A message that waits for somebody elsewhere, or to be released, and its octets; `None` if it does not (any more).
    pub fn copied(&self, id: QueueId) -> Result<Option<(Copied, Octets)>, Error> {
        let there = |found: Result<Vec<u8>, Error>| match found {
            Err(error) if is_missing(&error) => Ok(None),
            found => found.map(Some),
        };
        let file = |kind: &str| self.dir().join(format!("{id}.{kind}"));
        if let Some((envelope, octets)) = self.whole(id)? {
            // The octets are open, and will be what they are; the progress goes after its message.
            let progress = there(view::read(&Disk, &file("q")))?;
            let there = Disk.stat(&file("one")).is_ok();
            return Ok(there.then_some((Copied { envelope, progress, here: Vec::new() }, octets)));
        }
        let Some(envelope) = there(view::read(&Disk, &file("env")))? else { return Ok(None) };
        let progress = there(view::read(&Disk, &file("q")))?;
        let known = view::outbound(&Disk, self.dir(), id)?;
        let held = known.as_ref().map(|known| known.held_here.as_slice()).unwrap_or_default();
        let all = known.iter().flat_map(|known| &known.envelope.recipients).enumerate();
        let here: Vec<usize> = all.filter(|(_, one)| held.contains(one)).map(|(nth, _)| nth).collect();
        // The octets last: as long as their name is there somebody waits, and the progress was of that time.
        let head = held.first().zip(known.as_ref()).map_or(0, |(one, known)| known.envelope.head(one).len());
        let own = here.first().map(|nth| (file(&nth.to_string()), head as u64));
        for (path, from) in [Some((file("out"), 0)), own].into_iter().flatten() {
            match Disk.open(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                body => {
                    let opened = body.and_then(|body| body.metadata().map(|found| (body, found.len())));
                    let (body, end) = opened.map_err(|error| mailstore::Error::new("open", &path, error))?;
                    let mut octets = Octets::of_file(body, end);
                    octets.go_to(from);
                    return Ok(Some((Copied { envelope, progress, here }, octets)));
                }
            }
        }
        Ok(None)
    }
}

impl View {
    /// The envelope's text and the octets of a message that is one file.
    fn whole(&self, id: QueueId) -> Result<Option<(Vec<u8>, Octets)>, Error> {
        let Some((path, file)) = view::open_one(&Disk, self.dir(), id)? else { return Ok(None) };
        match whole::envelope(&file).map_err(|error| mailstore::Error::new("read", &path, error))? {
            Ok((text, octets)) => Ok(Some((text, Octets::of_file(file, octets)))),
            Err(malformed) => Err(Error::Malformed { path, malformed }),
        }
    }
}

impl Spool {
    /// Puts a message back as it was, but held: since the copy was made it may have been sent, which nobody here can know. `pour`
    /// writes its octets. Of its mailboxes those wait that waited to have it released; the others are not served again.
    ///
    /// Why it was held, if it was, stands before `hold`: who releases it should know.
    ///
    /// `false`: it is in this queue, and stays as it is there.
    ///
    /// # Errors
    /// What `pour` says; or the copy is not one, or of other octets, or the disk would not.
    pub fn put_back<E: From<Error>>(
        &self,
        copied: &Copied,
        hold: &str,
        pour: impl FnOnce(&mut Draft) -> Result<(), E>,
    ) -> Result<bool, E> {
        let malformed = |malformed| Error::Malformed { path: "a copy".into(), malformed };
        let mut stored = Stored::decode(&copied.envelope).map_err(malformed)?;
        let mut nth = 0..;
        stored.envelope.recipients.retain(|_| nth.next().is_some_and(|nth| copied.here.contains(&nth)));
        let (id, remotes) = (stored.envelope.queue_id, stored.envelope.remotes.len());
        let here = !stored.envelope.recipients.is_empty();
        if remotes == 0 && !here {
            return Err(malformed(Malformed("nobody waits for it")).into());
        }
        if [self.envelope(id), self.one(id)].iter().any(|path| self.files().stat(path).is_ok()) {
            return Ok(false);
        }
        let mut progress = match &copied.progress {
            Some(text) => Progress::decode(text, id, remotes).map_err(malformed)?,
            None => Progress::new(remotes),
        };
        let why = progress.hold.take().map_or_else(|| hold.to_owned(), |why| format!("{why}; {hold}"));
        (progress.hold, progress.here) = (Some(why), here);
        let mut body = create(self, self.tmp().join(id.to_string()))?;
        pour(&mut body)?;
        if body.sizes() != stored.sizes {
            return Err(malformed(Malformed("its octets are not those of its envelope")).into());
        }
        // Of an earlier try that was cut.
        let bodies = (0..stored.envelope.recipients.len()).map(|nth| self.body(id, nth));
        for path in bodies.chain([self.out(id)]) {
            let _ = self.files().remove(&path);
        }
        let publish = |draft: Draft, path: &Path| -> Result<(), Error> {
            draft.sync()?;
            draft.replace(path)?;
            Ok(())
        };
        let text = |name: String, text: &[u8]| -> Result<Draft, Error> {
            let mut draft = create(self, self.tmp().join(name))?;
            draft.write(text)?;
            Ok(draft)
        };
        body.sync().map_err(Error::from)?;
        name_for_all(self, body, &stored, &mut Vec::new())?;
        publish(text(format!("{id}.q"), progress.encode(id).as_bytes())?, &self.progress(id))?;
        // As in accepting: all that the envelope speaks of is durable before it; without its hold it would be sent.
        sync(self)?;
        publish(text(format!("{id}.env"), stored.encode().as_bytes())?, &self.envelope(id))?;
        sync(self)?;
        Ok(true)
    }
}
