//! An mbox file taken over. Messages have no names there: one is known by its octets, and equal ones by which of them it is. So what
//! was taken over is recognised when the file has grown, or lost messages, before the next run.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::mbox::{Piece, Quoting, delivered, part, read};
use super::{Batch, Imported, Session, Source, final_name};
use crate::error::{During, Error};
use crate::maildir::Maildir;
use crate::name::Fnv;
use crate::publish::Sizes;
use crate::scan::Place;
use crate::unique::base32;
use crate::wire::WireSize;

/// The host's part of the names of such messages.
const HOST: &str = "mbox";

/// A message of the file.
#[derive(Debug, Default)]
struct Found {
    from: u64,
    to: u64,
    seconds: u64,
    hash: u64,
    size: WireSize,
    id: Option<String>,
    seen: bool,
    flagged: bool,
    answered: bool,
    /// What some programs keep at the beginning for themselves.
    internal: bool,
}

impl Maildir {
    /// Takes over the messages of an mbox file, in their order; may be stopped and begun again. `progress` is called for each batch.
    ///
    /// Their POP3 unique ids are those of their `X-UIDL:` fields, where they have one.
    pub fn import_mbox(
        &self,
        source: &Path,
        quoting: Quoting,
        progress: &mut dyn FnMut(Imported),
    ) -> Result<Imported, Error> {
        let file = self.files.open(source).during("open", source)?;
        let messages = scan(&file, quoting).during("read", source)?;
        let mut session = Session::begin(self)?;
        let before: HashSet<String> = session.journal.iter().filter_map(|line| key_of(line)).collect();
        let mut report = Imported { found: messages.len(), ..Imported::default() };
        let mut ids = self.shown_ids()?;
        let mut batch = Batch::default();
        let mut times: HashMap<u64, u64> = HashMap::new();
        for (nth, message) in messages.iter().enumerate() {
            let copy = times.entry(message.hash).and_modify(|count| *count += 1).or_insert(0);
            let key = format!("{}{}", base32(message.hash, 13), base32(*copy, 3));
            if before.contains(&key) {
                report.before += 1;
                continue;
            }
            let unique = format!("{}.M{:06}R{key}.{HOST}", message.seconds, nth % 1_000_000);
            let source_of = message.source(source, unique);
            let sizes = Sizes { stored: message.size.stored(), wire: message.size.wire() };
            let name = final_name(&source_of, sizes, &mut ids, &mut report);
            let copying = |draft: &mut dyn FnMut(&[u8]) -> Result<(), Error>| {
                copy_out(&file, message, quoting, draft, source)
            };
            session.stage(&name, copying)?;
            report.taken += 1;
            batch.add(source_of.place, name, source_of.unique, sizes.stored);
            if batch.is_full() {
                session.take_over(&mut batch)?;
                progress(report);
            }
        }
        session.take_over(&mut batch)?;
        progress(report);
        Ok(report)
    }
}

/// What tells a message from all others, if the journal's line is of one that an mbox file had.
fn key_of(line: &str) -> Option<String> {
    let line = line.strip_suffix(HOST)?.strip_suffix('.')?;
    let (time, key) = line.split_at_checked(line.len().checked_sub(16)?)?;
    time.ends_with('R').then(|| key.to_owned())
}

impl Found {
    fn source(&self, path: &Path, unique: String) -> Source {
        let letters: String = [(self.flagged, 'F'), (self.answered, 'R'), (self.seen, 'S')]
            .iter()
            .filter(|flag| flag.0)
            .map(|flag| flag.1)
            .collect();
        let place = if letters.is_empty() { Place::New } else { Place::Cur };
        let flags = if letters.is_empty() { Vec::new() } else { format!(":2,{letters}").into_bytes() };
        let (path, unique, id) = (path.to_owned(), unique.into_bytes(), self.id.clone());
        Source { path, place, unique, flags, id, is_twin: false }
    }

    /// A field of the header that says something of the message in its old mailbox.
    fn note(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|&b| b == b':') else { return };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        match &*name.to_ascii_lowercase() {
            b"status" => self.seen = value.contains(&b'R'),
            b"x-status" => {
                (self.answered, self.flagged) = (value.contains(&b'A'), value.contains(&b'F'));
            }
            b"x-uidl" if !value.is_empty() && value.iter().all(u8::is_ascii_graphic) => {
                self.id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"x-imap" | b"x-imapbase" => self.internal |= self.is_first_of_its_program(),
            b"subject" => {
                self.internal |= value.starts_with(b"DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA")
                    && self.is_first_of_its_program();
            }
            _ => {}
        }
    }

    /// The data of such a program stand in the first message, and in none behind it.
    fn is_first_of_its_program(&self) -> bool {
        self.from == 0
    }
}

/// Every message, with what its header tells; nothing of it is kept in memory but that.
fn scan(file: &File, quoting: Quoting) -> io::Result<Vec<Found>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let length = file.metadata()?.len();
    let mut messages: Vec<Found> = Vec::new();
    let mut hash = Fnv::default();
    let mut in_header = false;
    // So the order of the file stays that of the messages.
    let mut latest = 0;
    let finish = |messages: &mut Vec<Found>, at: u64, hash: &Fnv| {
        if let Some(last) = messages.last_mut() {
            (last.to, last.hash) = (at, hash.folded());
        }
    };
    read(BufReader::with_capacity(256 * 1024, part(file, 0, length)?), quoting, &mut |piece| {
        match piece {
            Piece::From(at, line) => {
                finish(&mut messages, at, &hash);
                (hash, in_header) = (Fnv::default(), true);
                latest = delivered(line).unwrap_or(0).min(now).max(latest);
                messages.push(Found { from: at, seconds: latest, ..Found::default() });
            }
            Piece::Octets(octets) => {
                hash.update(octets);
                if let Some(message) = messages.last_mut() {
                    message.size.update(octets);
                    in_header &= octets != b"\n" && octets != b"\r\n";
                    if in_header {
                        message.note(octets);
                    }
                }
            }
        }
        Ok(())
    })?;
    finish(&mut messages, length, &hash);
    messages.retain(|message| !message.internal);
    Ok(messages)
}

/// The octets of one message, without its quoting.
fn copy_out(
    file: &File,
    message: &Found,
    quoting: Quoting,
    write: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    source: &Path,
) -> Result<(), Error> {
    let mut buffer = Vec::with_capacity(256 * 1024);
    let mut failed = None;
    let mut hash = Fnv::default();
    let reading = part(file, message.from, message.to).and_then(|part| {
        read(BufReader::with_capacity(256 * 1024, part), quoting, &mut |piece| {
            let Piece::Octets(octets) = piece else { return Ok(()) };
            hash.update(octets);
            buffer.extend_from_slice(octets);
            if buffer.len() >= 128 * 1024 {
                if let Err(error) = write(&buffer) {
                    failed = Some(error);
                    return Err(io::ErrorKind::Other.into());
                }
                buffer.clear();
            }
            Ok(())
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    reading.during("read", source)?;
    write(&buffer)?;
    if hash.folded() != message.hash {
        // A mailbox that is still in use is no source: its messages must not be taken for what they were a moment ago.
        return Err(io::Error::other("it changes while it is read")).during("read", source);
    }
    Ok(())
}
