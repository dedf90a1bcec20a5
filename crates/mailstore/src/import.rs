//! Mail of another server, taken over with the unique ids that it showed, so that no customer fetches everything again.
//!
//! The source is only read. Messages go through a directory of their own beside `new/` and `cur/`, a batch at a time:
//!
//! 1. They are copied there, durably, under their final names, which hold the foreign unique id (`,U=`).
//! 2. `yubin-imported` is replaced by one that names them too. **From here on they are imported**, and never will be again,
//!    whatever the customer does with them.
//! 3. Each is moved to its place.
//!
//! So the import can be stopped at any point and begun again: what is in that directory and not in `yubin-imported` is removed,
//! what is in both is moved. Later runs take what has come to the source since.

mod foreign;
mod from_mbox;
mod mbox;
mod twins;

pub use mbox::Quoting;

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{During, Error};
use crate::files::{Entry, make_dir_durable};
use crate::maildir::Maildir;
use crate::name::{FileName, MAX_FILE_NAME, escape_id, short_unique, unique_id};
use crate::path_of;
use crate::publish::{Draft, Sizes, publish};
use crate::scan::Place;
use crate::wire::WireSize;
use foreign::UniqueIds;

/// So many messages, or octets, are taken over together: each time the journal is written anew.
const BATCH: usize = 1000;
const BATCH_OCTETS: u64 = 64 << 20;

const STAGING: &str = "yubin-import";
const JOURNAL: &str = "yubin-imported";
const LOCK: &str = "yubin-import.lock";
const HEADER: &str = "yubin-imported 1";

/// How the other server made its unique ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// Dovecot's `pop3_uidl_format`; used where there is a `dovecot-uidlist`.
    pub pop3_uidl_format: String,
}

impl Default for ImportOptions {
    /// Dovecot's own default.
    fn default() -> ImportOptions {
        ImportOptions { pop3_uidl_format: "%08Xu%08Xv".into() }
    }
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Messages in the source.
    pub found: usize,
    /// Of them, those that this run took over.
    pub taken: usize,
    /// Those that an earlier run had taken over.
    pub before: usize,
    /// Of those taken over, those whose unique part another file of the source had too: they have one of their own here, and so
    /// another unique id.
    pub renamed: usize,
    /// Messages with a unique id that cannot be kept: one that another message has, or that no file name can hold.
    pub ids_lost: usize,
}

/// A message of the source.
struct Source {
    path: PathBuf,
    place: Place,
    unique: Vec<u8>,
    flags: Vec<u8>,
    id: Option<String>,
    /// Another file has the unique part that this one had.
    is_twin: bool,
}

/// Messages that are taken over together: where each belongs, its name, and by what it is remembered.
#[derive(Debug, Default)]
struct Batch {
    messages: Vec<(Place, Vec<u8>, Vec<u8>)>,
    octets: u64,
}

impl Batch {
    fn add(&mut self, place: Place, name: Vec<u8>, unique: Vec<u8>, octets: u64) {
        self.messages.push((place, name, unique));
        self.octets += octets;
    }

    fn is_full(&self) -> bool {
        self.messages.len() >= BATCH || self.octets >= BATCH_OCTETS
    }
}

/// An import under way: alone in its mailbox, with what earlier ones left put in order.
#[derive(Debug)]
struct Session<'m> {
    maildir: &'m Maildir,
    journal: BTreeSet<String>,
    lock: std::fs::File,
}

impl Maildir {
    /// Takes over the messages of another server's Maildir; may be stopped and begun again. `progress` is called for each batch.
    /// [`Error::InUse`] if another import into this mailbox is under way.
    ///
    /// Its POP3 unique ids are those of its `dovecot-uidlist` or `courierpop3dsizelist`, or else its file names as qmail shows them.
    pub fn import(
        &self,
        source: &Path,
        options: &ImportOptions,
        progress: &mut dyn FnMut(Imported),
    ) -> Result<Imported, Error> {
        let mut session = Session::begin(self)?;
        let messages = list_source(self, source, options)?;
        let mut report = Imported { found: messages.len(), ..Imported::default() };
        let mut ids: HashSet<String> = self.shown_ids()?;
        let mut batch = Batch::default();
        for message in messages {
            if session.journal.contains(&journal_line(&message.unique)) {
                report.before += 1;
                continue;
            }
            let Some((name, stored)) = session.stage_file(&message, &mut ids, &mut report)? else { continue };
            batch.add(message.place, name, message.unique, stored);
            if batch.is_full() {
                session.take_over(&mut batch)?;
                progress(report);
            }
        }
        session.take_over(&mut batch)?;
        progress(report);
        Ok(report)
    }

    /// The unique ids that this mailbox shows already.
    fn shown_ids(&self) -> Result<HashSet<String>, Error> {
        let mut ids = HashSet::new();
        for place in Place::ALL {
            let dir = place.dir(self);
            let mut take = |entry: Entry<'_>| {
                ids.insert(FileName::parse(entry.name).unique_id().into_owned());
            };
            self.files.list(&dir, &mut take).during("list", &dir)?;
        }
        Ok(ids)
    }
}

impl<'m> Session<'m> {
    fn begin(maildir: &'m Maildir) -> Result<Session<'m>, Error> {
        let staging = maildir.path().join(STAGING);
        make_dir_durable(&*maildir.files, &staging)?;
        let path = maildir.path().join(LOCK);
        let lock = maildir.files.lock(&path).during("lock", &path)?.ok_or(Error::InUse)?;
        let session = Session { maildir, journal: load_journal(maildir)?, lock };
        session.finish()?;
        Ok(session)
    }

    fn staging(&self) -> PathBuf {
        self.maildir.path().join(STAGING)
    }

    /// Copies a message; its name and size. `None` if the source has it no longer.
    fn stage_file(
        &self,
        message: &Source,
        ids: &mut HashSet<String>,
        report: &mut Imported,
    ) -> Result<Option<(Vec<u8>, u64)>, Error> {
        let mut file = match self.maildir.files.open(&message.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.during("open", &message.path)?,
        };
        let size = WireSize::of(&file).during("read", &message.path)?;
        let sizes = Sizes { stored: size.stored(), wire: size.wire() };
        io::Seek::rewind(&mut file).during("read", &message.path)?;
        let name = final_name(message, sizes, ids, report);
        self.stage(&name, |write| {
            let mut buffer = vec![0; 256 * 1024];
            loop {
                match file.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(n) => write(buffer.get(..n).unwrap_or_default())?,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error).during("read", &message.path),
                }
            }
        })?;
        report.taken += 1;
        report.renamed += usize::from(message.is_twin);
        Ok(Some((name, sizes.stored)))
    }

    /// Step 1: a durable file of this name, with what `fill` writes.
    fn stage(
        &self,
        name: &[u8],
        fill: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = path_of(&self.staging(), name);
        let mut draft = Draft::create(self.maildir.files.clone(), path.clone()).during("create", &path)?;
        fill(&mut |octets| draft.write(octets))?;
        draft.sync()?;
        draft.keep();
        Ok(())
    }

    /// Steps 2 and 3.
    fn take_over(&mut self, batch: &mut Batch) -> Result<(), Error> {
        batch.octets = 0;
        if batch.messages.is_empty() {
            return Ok(());
        }
        let staging = self.staging();
        self.maildir.files.sync_dir(&staging).during("sync", &staging)?;
        self.journal.extend(batch.messages.iter().map(|(_, _, unique)| journal_line(unique)));
        store_journal(self.maildir, &self.journal)?;
        for (place, name, _) in batch.messages.drain(..) {
            self.put_in_place(place, &name)?;
        }
        self.sync_places()
    }

    /// What an earlier run left: what it had taken over is put in place, the rest is removed.
    fn finish(&self) -> Result<(), Error> {
        let (staging, files) = (self.staging(), &self.maildir.files);
        let mut names = Vec::new();
        let mut take = |entry: Entry<'_>| names.push(entry.name.to_vec());
        files.list(&staging, &mut take).during("list", &staging)?;
        for name in names {
            let parsed = FileName::parse(&name);
            if self.journal.contains(&journal_line(parsed.unique)) {
                let place = if parsed.rest.contains(&b':') { Place::Cur } else { Place::New };
                self.put_in_place(place, &name)?;
            } else {
                let path = path_of(&staging, &name);
                files.remove(&path).during("remove", &path)?;
            }
        }
        self.sync_places()
    }

    fn put_in_place(&self, place: Place, name: &[u8]) -> Result<(), Error> {
        let from = path_of(&self.staging(), name);
        let to = path_of(&place.dir(self.maildir), name);
        publish(&*self.maildir.files, &from, &to).during("publish a message as", &to)
    }

    fn sync_places(&self) -> Result<(), Error> {
        for place in Place::ALL {
            let dir = place.dir(self.maildir);
            self.maildir.files.sync_dir(&dir).during("sync", &dir)?;
        }
        Ok(())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread is just starting has a copy of it until it executes.
        let _ = self.lock.unlock();
    }
}

/// The foreign unique part, so that arrivals keep their order; true sizes; the foreign id, unless it is that part; the flags.
fn final_name(message: &Source, sizes: Sizes, ids: &mut HashSet<String>, report: &mut Imported) -> Vec<u8> {
    let name = |unique: &[u8], id: &str| {
        let Sizes { stored, wire } = sizes;
        let field = if id.is_empty() { String::new() } else { format!(",U={}", escape_id(id)) };
        [unique, format!(",S={stored},W={wire}{field}").as_bytes(), &message.flags].concat()
    };
    let unique = short_unique(&message.unique);
    let id = message.id.as_deref().map_or_else(|| unique_id(&message.unique), |id| unique_id(id.as_bytes()));
    let with_id = name(&unique, &id);
    if with_id.len() <= MAX_FILE_NAME && ids.insert(id.clone().into_owned()) {
        return if *id == *unique_id(&unique) { name(&unique, "") } else { with_id };
    }
    report.ids_lost += 1;
    name(&unique, "")
}

fn list_source(maildir: &Maildir, source: &Path, options: &ImportOptions) -> Result<Vec<Source>, Error> {
    if !source.join("cur").is_dir() {
        return Err(Error::NotMaildir(source.to_owned()));
    }
    let ids = UniqueIds::of(source, &options.pop3_uidl_format)?;
    let mut messages = Vec::new();
    for (part, place) in [("new", Place::New), ("cur", Place::Cur)] {
        let dir = source.join(part);
        let mut take = |entry: Entry<'_>| {
            let parsed = FileName::parse(entry.name);
            if entry.other_kind || entry.name.starts_with(b".") {
                return;
            }
            let flags = parsed.rest.iter().position(|&b| b == b':').and_then(|at| parsed.rest.get(at..));
            messages.push(Source {
                path: path_of(&dir, entry.name),
                // Flags are for cur/ alone.
                place: if flags.is_some() { Place::Cur } else { place },
                unique: parsed.unique.to_vec(),
                flags: flags.unwrap_or(if place == Place::Cur { b":2," } else { b"" }).to_vec(),
                id: ids.id_of(entry.name).or_else(|| parsed.qmails_id()),
                is_twin: false,
            });
        };
        match maildir.files.list(&dir, &mut take) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(Error::NotMaildir(source.to_owned()));
            }
            outcome => outcome.during("list", &dir)?,
        }
    }
    twins::put_apart(&*maildir.files, messages)
}

/// The name by which a message is remembered: that of its file here, whose characters need no escaping.
fn journal_line(unique: &[u8]) -> String {
    unique_id(&short_unique(unique)).into_owned()
}

fn load_journal(maildir: &Maildir) -> Result<BTreeSet<String>, Error> {
    let path = maildir.path().join(JOURNAL);
    let mut text = String::new();
    match maildir.files.open(&path).and_then(|mut file| file.read_to_string(&mut text)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        outcome => outcome.during("read", &path)?,
    };
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        // Without it, everything would be imported again: that is for a person to decide.
        return Err(io::Error::from(io::ErrorKind::InvalidData)).during("understand", &path);
    }
    Ok(lines.map(str::to_owned).collect())
}

fn store_journal(maildir: &Maildir, journal: &BTreeSet<String>) -> Result<(), Error> {
    let tmp = maildir.path().join("tmp").join(crate::Namer::of_this_machine().next().as_str());
    let mut text = format!("{HEADER}\n");
    for line in journal {
        text += line;
        text.push('\n');
    }
    let mut draft = Draft::create(maildir.files.clone(), tmp.clone()).during("create", &tmp)?;
    draft.write(text.as_bytes())?;
    draft.sync()?;
    draft.replace(&maildir.path().join(JOURNAL))?;
    maildir.files.sync_dir(maildir.path()).during("sync", maildir.path())
}
