//! Sizes of messages whose names do not tell them: those that other programs delivered.
//!
//! POP3 has to announce octets with CRLF line endings; the `,S=` of other programs counts their file, which has LF. So such a
//! file is read (of one with `,W=` its last octet as a rule), once: what was measured is kept in a file beside the messages. It is a cache and never a truth: content
//! under a name does not change, and without the cache the next login is slow, nothing else.

use std::collections::HashMap;
use std::fmt::Write;
use std::io::{self, Read};

use crate::error::Error;
use crate::maildir::Maildir;
use crate::name::{FileName, Namer, unique_id};
use crate::publish::Draft;
use crate::scan::Table;
use crate::wire::WireSize;

const CACHE_FILE: &str = "yubin-sizes";
const HEADER: &str = "yubin-sizes 1";

/// Fills in every missing size. Messages that another program removed meanwhile leave the table. Says whether all sizes are exact now:
/// where not, a later look may find more.
pub(crate) fn measure(maildir: &Maildir, table: &mut Table) -> Result<bool, Error> {
    let unmeasured = table.unmeasured();
    if unmeasured.is_empty() {
        return Ok(true);
    }
    let known = load(maildir);
    let mut lines = String::new();
    let (mut learnt, mut exact) = (false, true);
    let mut gone = Vec::new();
    for index in unmeasured {
        let Some(row) = table.row(index) else { continue };
        let id = unique_id(&table.unique(row)).into_owned();
        let octets = match known.get(&id) {
            Some(&octets) => octets,
            None => match read(maildir, table, index)? {
                Measured::Read(octets) => {
                    learnt = true;
                    octets
                }
                Measured::Unreadable(octets) => {
                    table.set_octets(index, octets);
                    exact = false;
                    continue;
                }
                Measured::Gone => {
                    gone.push(index);
                    continue;
                }
            },
        };
        table.set_octets(index, octets);
        let _ = writeln!(lines, "{id} {octets}");
    }
    table.drop_rows(&gone);
    if learnt {
        // A cache that cannot be written costs time and nothing else.
        let _ = store(maildir, &lines);
    }
    Ok(exact)
}

enum Measured {
    Gone,
    Read(u64),
    /// One file that cannot be read must not hide all the others: it is listed with the size that the system knows, and to retrieve it
    /// tells what is wrong with it.
    Unreadable(u64),
}

fn read(maildir: &Maildir, table: &mut Table, index: usize) -> Result<Measured, Error> {
    for look in 0..2 {
        let Some(row) = table.row(index) else { return Ok(Measured::Gone) };
        let path = table.path(maildir, row);
        let claimed = FileName::parse(&table.name(row)).claimed;
        let measured = maildir.files.open(&path).and_then(|file| match claimed {
            Some(claimed) => WireSize::claimed(file, claimed),
            None => WireSize::of(file).map(|size| size.wire()),
        });
        match measured {
            Ok(octets) => return Ok(Measured::Read(octets)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && look == 0 => {
                table.refresh(maildir, index)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let stat = maildir.files.stat(&path);
                return stat
                    .map(|stat| Measured::Unreadable(stat.octets))
                    .map_err(|_| Error::new("read", &path, error));
            }
        }
    }
    Ok(Measured::Gone)
}

/// `<header>` LF, then a line `<unique id> SP <octets>` LF for each message. A line that is broken is not there.
fn load(maildir: &Maildir) -> HashMap<String, u64> {
    let mut text = Vec::new();
    let file = maildir.files.open(&maildir.path().join(CACHE_FILE));
    if file.and_then(|mut file| file.read_to_end(&mut text)).is_err() {
        return HashMap::new();
    }
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.split_inclusive('\n').map_while(|line| line.strip_suffix('\n'));
    if lines.next() != Some(HEADER) {
        return HashMap::new();
    }
    lines
        .filter_map(|line| line.split_once(' ').and_then(|(id, n)| Some((id.to_owned(), n.parse().ok()?))))
        .collect()
}

fn store(maildir: &Maildir, lines: &str) -> Result<(), Error> {
    let name = Namer::of_this_machine().next();
    let tmp = maildir.path().join("tmp").join(name.as_str());
    let mut draft =
        Draft::create(maildir.files.clone(), tmp.clone()).map_err(|e| Error::new("create", &tmp, e))?;
    draft.write(format!("{HEADER}\n{lines}").as_bytes())?;
    draft.sync()?;
    draft.replace(&maildir.path().join(CACHE_FILE))
}
