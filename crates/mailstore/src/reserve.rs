//! Room that is kept free, so that a full disk is said early and in time.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::Files;

/// What must stay free on a file system: below it no new mail is taken, so that mail which was taken can still be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// Octets.
    pub octets: u64,
    /// Files, where the file system has a fixed number of them.
    pub files: u64,
}

/// What is free for us on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Octets.
    pub octets: u64,
    /// Files that can still be made; `None` where only the octets limit them.
    pub files: Option<u64>,
}

/// A file system that is too full for more mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {} octets and {} files are free, {} and {} are to stay so", path.display(), space.octets,
    space.files.map_or_else(|| "any number of".to_owned(), |files| files.to_string()), reserve.octets, reserve.files)]
pub struct Low {
    /// A directory on it.
    pub path: PathBuf,
    /// What is free.
    pub space: Space,
    /// What is to stay free.
    pub reserve: Reserve,
}

impl Default for Reserve {
    /// 64 MiB: the messages that a busy server has in hand at one moment. 1000 files: likewise, with an envelope each.
    fn default() -> Reserve {
        Reserve { octets: 64 << 20, files: 1000 }
    }
}

impl Reserve {
    /// Nothing is kept free.
    pub const NONE: Reserve = Reserve { octets: 0, files: 0 };

    /// Whether `coming` octets in one file can be taken and the reserve is still there.
    pub fn allows(&self, space: Space, coming: u64) -> bool {
        let octets = space.octets.checked_sub(coming).is_some_and(|left| left >= self.octets);
        octets && space.files.is_none_or(|files| files > self.files)
    }

    /// Asks the file system on which `path` lies. An error is no answer: it says nothing about the space.
    pub fn check(&self, files: &dyn Files, path: &Path, coming: u64) -> io::Result<Result<(), Low>> {
        let space = files.space(path)?;
        Ok(match self.allows(space, coming) {
            true => Ok(()),
            false => Err(Low { path: path.to_owned(), space, reserve: *self }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l_05_the_reserve_stays_free() {
        let reserve = Reserve { octets: 100, files: 10 };
        for (octets, files, coming, allowed) in [
            (100, Some(11), 0, true),
            (99, Some(11), 0, false),
            (150, Some(11), 50, true),
            (150, Some(11), 51, false),
            (150, Some(11), u64::MAX, false),
            (150, Some(10), 0, false),
            (150, None, 0, true),
        ] {
            let space = Space { octets, files };
            assert_eq!(reserve.allows(space, coming), allowed, "{space:?} {coming}");
        }
        assert!(Reserve::NONE.allows(Space { octets: 0, files: Some(1) }, 0));
    }
}
