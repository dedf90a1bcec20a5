//! Names that share their unique part, which no two messages should.

use std::io;

use crate::error::{During, Error};
use crate::files::Stat;
use crate::maildir::Maildir;
use crate::name::{FileName, Namer};
use crate::publish::{Sizes, publish};
use crate::scan::{Place, Row, Table};
use crate::wire::WireSize;

/// Further names of a listed message: its index, and where the name is.
pub(crate) type Also = Vec<(usize, Place, Vec<u8>)>;

/// How often the directories are listed while names are being put apart: once, and once more for each change.
const LISTINGS: usize = 3;

/// Lists a Maildir so that each message stands there once and each has its own unique part.
///
/// Two names with one unique part are, mostly, one message that was renamed while we listed, seen at both places. Seldom they
/// are two links to one file. Otherwise they are two messages, and all but the oldest get new names.
pub(crate) fn list_apart(maildir: &Maildir) -> Result<(Table, Also), Error> {
    let mut listings = LISTINGS;
    loop {
        listings = listings.saturating_sub(1);
        let mut table = Table::list(maildir)?;
        let mut also = Also::new();
        let mut dropped = Vec::new();
        let mut renamed = false;
        for range in table.shared_names() {
            let mut present = Vec::new();
            for index in range.clone() {
                let Some(row) = table.row(index) else { continue };
                if let Some(stat) = stat(maildir, &table, row)? {
                    present.push((index, row, stat));
                }
            }
            present.sort_by_key(|(index, _, stat)| (stat.modified, stat.identity, *index));
            // Moved again since it was listed: any of its names will do, opening looks for the present one.
            let kept = present.first().map_or(range.start, |(index, ..)| *index);
            dropped.extend(range.filter(|&index| index != kept));
            let Some((_, _, first)) = present.first().copied() else { continue };
            for (_, row, stat) in present.into_iter().skip(1) {
                if stat.identity == first.identity {
                    also.push((kept, table.place(row), table.name(row).into_owned()));
                } else {
                    give_new_name(maildir, &table, row)?;
                    renamed = true;
                }
            }
        }
        if renamed && listings > 0 {
            continue;
        }
        for (index, ..) in &mut also {
            *index -= dropped.partition_point(|gone| gone < index);
        }
        table.drop_rows(&dropped);
        return Ok((table, also));
    }
}

fn stat(maildir: &Maildir, table: &Table, row: Row) -> Result<Option<Stat>, Error> {
    let path = table.path(maildir, row);
    match maildir.files.stat(&path) {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).during("look at", &path),
    }
}

/// Renames within its directory: a new unique part, true sizes, the flags it had.
fn give_new_name(maildir: &Maildir, table: &Table, row: Row) -> Result<(), Error> {
    let from = table.path(maildir, row);
    let size = match maildir.files.open(&from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => WireSize::of(file.during("open", &from)?).during("read", &from)?,
    };
    let name = table.name(row);
    let rest = FileName::parse(&name).rest;
    let flags = rest.iter().position(|&b| b == b':').and_then(|at| rest.get(at..)).unwrap_or_default();
    let sizes = Sizes { stored: size.stored(), wire: size.wire() };
    let mut new_name = Namer::of_this_machine().next().with_sizes(sizes).into_bytes();
    new_name.extend_from_slice(flags);
    let dir = table.place(row).dir(maildir);
    let to = crate::path_of(&dir, &new_name);
    match publish(&*maildir.files, &from, &to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => {
            outcome.during("rename", &from).and_then(|()| maildir.files.sync_dir(&dir).during("sync", &dir))
        }
    }
}
