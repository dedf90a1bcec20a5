//! What a backup needs: the files of a mailbox by their names, and a way to put one back under the name that it had.
//!
//! A message's content never changes under its unique part, so that whoever has it by that name need not read it again.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::error::{During, Error};
use crate::maildir::Maildir;
use crate::name::{FileName, Namer};
use crate::path_of;
use crate::publish::Draft;
use crate::scan::{Place, list_names};

/// A message's file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filed {
    name: Vec<u8>,
    place: Place,
}

impl Filed {
    /// A name in `new/` or in `cur/`; `None` for what could be no file there.
    pub fn new(name: Vec<u8>, seen: bool) -> Option<Filed> {
        let harmless =
            !name.is_empty() && !name.starts_with(b".") && !name.contains(&b'/') && !name.contains(&0);
        harmless.then_some(Filed { name, place: if seen { Place::Cur } else { Place::New } })
    }

    /// Its name, with sizes and flags.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What of the name never changes.
    pub fn unique(&self) -> &[u8] {
        FileName::parse(&self.name).unique
    }

    /// The same message under a unique part of its own, where another message has the same: `nth` of them.
    #[must_use]
    pub fn apart(&self, nth: usize) -> Filed {
        let FileName { unique, rest, .. } = FileName::parse(&self.name);
        Filed { name: [unique, format!("~{nth}").as_bytes(), rest].concat(), place: self.place }
    }

    /// Seconds since 1970 at its delivery, where its name has them.
    pub fn delivered(&self) -> Option<u64> {
        let arrival = FileName::parse(&self.name).arrival;
        (arrival > 0).then_some(arrival / 1_000_000)
    }

    /// What POP3 shows for it.
    pub fn unique_id(&self) -> String {
        FileName::parse(&self.name).unique_id().into_owned()
    }

    /// Whether it lies in `cur/`, and not in `new/`.
    pub fn is_seen(&self) -> bool {
        self.place == Place::Cur
    }

    fn path(&self, maildir: &Maildir) -> PathBuf {
        path_of(&self.place.dir(maildir), &self.name)
    }
}

impl Maildir {
    /// Every message's file, in the order of unique parts, equal ones together. One that another program renamed meanwhile is there once, or twice: then one of
    /// its names is no more.
    pub fn filed(&self) -> Result<Vec<Filed>, Error> {
        let mut all = HashSet::new();
        list_names(self, &mut |place, name| {
            all.insert(Filed { name: name.to_vec(), place });
        })?;
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_unstable_by(|a, b| (a.unique(), a).cmp(&(b.unique(), b)));
        Ok(all)
    }

    /// Opens a message's file; `NotFound` if it is not there any longer.
    pub fn open_filed(&self, filed: &Filed) -> io::Result<File> {
        self.files.open(&filed.path(self))
    }

    /// Puts messages back, each under the name that it had; durable with [`PutBack::finish`].
    ///
    /// One whose unique part is there already, whatever flags it has got, is left alone: doing it again does nothing twice.
    pub fn put_back(&self) -> Result<PutBack<'_>, Error> {
        let there = self.filed()?.iter().map(|filed| filed.unique().to_vec()).collect();
        Ok(PutBack { maildir: self, there, namer: Namer::of_this_machine() })
    }
}

/// A mailbox that is being filled again.
#[derive(Debug)]
pub struct PutBack<'m> {
    maildir: &'m Maildir,
    there: HashSet<Vec<u8>>,
    namer: Namer,
}

impl PutBack<'_> {
    /// One message: `fill` writes its octets, and an error of it leaves nothing. `false` if it was there.
    pub fn put<E: From<Error>>(
        &mut self,
        filed: &Filed,
        fill: impl FnOnce(&mut Draft) -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.there.contains(filed.unique()) {
            return Ok(false);
        }
        let tmp = self.maildir.path().join("tmp").join(self.namer.next().as_str());
        let mut draft = Draft::create(self.maildir.files.clone(), tmp.clone()).during("create", &tmp)?;
        fill(&mut draft)?;
        draft.sync()?;
        draft.publish(&filed.path(self.maildir))?;
        self.there.insert(filed.unique().to_vec());
        Ok(true)
    }

    /// What was put back stays, whenever the power goes.
    pub fn finish(self) -> Result<(), Error> {
        for place in Place::ALL {
            let dir = place.dir(self.maildir);
            self.maildir.files.sync_dir(&dir).during("sync", &dir)?;
        }
        Ok(())
    }
}
