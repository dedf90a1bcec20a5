//! The queue of a machine that is dead becomes part of ours: each message by one rename, so that whatever comes between, it is in one of
//! the two at every moment and never in both.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::PoisonError;

use crate::envelope::Stored;
use crate::error::Error;
use crate::id::QueueId;
use crate::incoming::{create, make, name_again, sync};
use crate::outbound::Outbound;
use crate::recover::Recovery;
use crate::spool::{LANDMARKS, Spool, SpoolConfig};
use crate::together::Change;
use crate::whole;

/// What is read at once of a message that is written anew.
const PIECE: usize = 256 * 1024;

impl Spool {
    /// Takes over what waits in the queue directory of a machine that is dead; says which messages are ours now.
    ///
    /// Its mailboxes, which must be ours, are served at once. [`Error::InUse`] while its owner lives; [`Error::Apart`] if it is on
    /// another file system, where nothing can be taken over in one step;
    /// [`Error::NotAQueue`] if it is none. To be done again after a crash, which neither loses a message
    /// nor sends one twice.
    pub fn adopt(&self, queue: &Path) -> Result<(Vec<QueueId>, Recovery), Error> {
        // Nothing is made there: a slip of the pen would leave directories wherever it points.
        if LANDMARKS.iter().any(|part| self.files().stat(&queue.join(part)).is_err()) {
            return Err(Error::NotAQueue(queue.to_owned()));
        }
        let config = SpoolConfig { queue: queue.to_owned(), ..self.shared.config.clone() };
        let (other, mut recovery) = Spool::open_on(self.shared.files.clone(), config)?;
        // What its start has served.
        let late = other.take_late();
        self.shared.late.lock().unwrap_or_else(PoisonError::into_inner).extend(late);
        let mut adopted = Vec::new();
        let mut ids = std::mem::take(&mut recovery.outbound);
        ids.append(&mut recovery.held);
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            match self.adopt_one(&other, id) {
                Ok(true) => adopted.push(id),
                Ok(false) => {}
                Err(Error::Malformed { malformed, .. }) => {
                    recovery.set_message_aside(&other, id, &malformed.to_string());
                }
                Err(Error::Files(mailstore::Error::Io { source, .. }))
                    if source.kind() == io::ErrorKind::CrossesDevices =>
                {
                    return Err(Error::Apart(queue.to_owned()));
                }
                Err(error) => recovery.trouble.push(error),
            }
        }
        Ok((adopted, recovery))
    }

    fn adopt_one(&self, other: &Spool, id: QueueId) -> Result<bool, Error> {
        let Some(outbound) = other.outbound(id)? else { return Ok(false) };
        if !outbound.held_here.is_empty() {
            return self.adopt_held(other, &outbound).map(|()| true);
        }
        let recipients = outbound.envelope.remotes.len();
        let untouched = outbound.progress == crate::progress::Progress::new(recipients);
        let text = outbound.progress.encode(id);
        other.make_one(outbound)?;
        // What is known of it goes first: without it the message would be sent anew. Alone, here or there, it is nothing.
        if !untouched {
            let mut progress = create(self, self.tmp().join(format!("{id}.q")))?;
            progress.write(text.as_bytes())?;
            progress.sync()?;
            progress.replace(&self.progress(id))?;
            sync(self)?;
        }
        make(self, Change::Move(other.one(id), self.one(id)))?;
        sync(other)?;
        let _ = self.files().remove(&other.progress(id));
        Ok(true)
    }

    /// A message that mailboxes here wait for until it is released: all that its envelope speaks of has its name in our directory before
    /// the envelope moves, which is the one rename. Who was served already has no body there, and none here.
    fn adopt_held(&self, other: &Spool, outbound: &Outbound) -> Result<(), Error> {
        let Outbound { envelope, progress, .. } = outbound;
        let id = envelope.queue_id;
        let stored = other.read(&other.envelope(id))?;
        let mut names = Vec::new();
        for (nth, recipient) in envelope.recipients.iter().enumerate() {
            if outbound.held_here.contains(recipient) {
                names.push((other.body(id, nth), self.body(id, nth), stored.sizes_for(recipient)));
            }
        }
        if self.files().stat(&other.out(id)).is_ok() {
            names.push((other.out(id), self.out(id), stored.sizes));
        }
        for (theirs, ours, sizes) in &names {
            // Of an earlier try that was cut.
            let _ = self.files().remove(ours);
            name_again(self, theirs, ours, *sizes)?;
        }
        let mut text = create(self, self.tmp().join(format!("{id}.q")))?;
        text.write(progress.encode(id).as_bytes())?;
        text.sync()?;
        text.replace(&self.progress(id))?;
        sync(self)?;
        if let Err(error) = make(self, Change::Move(other.envelope(id), self.envelope(id))) {
            // It may have moved, and only not be durable yet: then these are all there is of the message.
            let stays = self.files().stat(&self.envelope(id)).err();
            if stays.is_none_or(|error| error.kind() != io::ErrorKind::NotFound) {
                return Err(error);
            }
            for path in names.iter().map(|(_, ours, _)| ours).chain([&self.progress(id)]) {
                let _ = self.files().remove(path);
            }
            return Err(error);
        }
        sync(other)?;
        // Without an envelope they are nothing: what a crash leaves of them, the next start removes.
        for path in names.iter().map(|(theirs, ..)| theirs).chain([&other.progress(id)]) {
            let _ = self.files().remove(path);
        }
        Ok(())
    }

    /// A message that waits for mailboxes too is parted: what goes elsewhere becomes one file, and what waits here stays as it is.
    fn make_one(&self, outbound: Outbound) -> Result<(), Error> {
        let id = outbound.envelope.queue_id;
        if self.files().stat(&self.one(id)).is_err() {
            let mut envelope = outbound.envelope;
            envelope.recipients.clear();
            let stored = Stored { envelope, host: self.shared.config.host.clone(), sizes: outbound.sizes };
            let mut octets = self.open_body(id)?;
            let mut draft = create(self, self.tmp().join(id.to_string()))?;
            let mut piece = vec![0; PIECE];
            loop {
                match octets.read(&mut piece) {
                    Ok(0) => break,
                    Ok(read) => draft.write(piece.get(..read).unwrap_or_default())?,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(mailstore::Error::new("read", &self.out(id), error).into()),
                }
            }
            draft.write(whole::behind(&stored).as_bytes())?;
            draft.sync()?;
            make(self, Change::Publish(draft, self.one(id)))?;
        }
        self.drop_out(id)
    }

    /// From here on `<id>.one` is all that goes elsewhere; a crash may have left the other name beside it.
    pub(crate) fn drop_out(&self, id: QueueId) -> Result<(), Error> {
        let out = self.out(id);
        match self.files().remove(&out) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => {
                removed.map_err(|error| mailstore::Error::new("remove", &out, error))?;
                sync(self)?;
            }
        }
        if let Ok(stored) = self.read(&self.envelope(id)) {
            self.forget_if_done(&stored.envelope);
        }
        Ok(())
    }
}
