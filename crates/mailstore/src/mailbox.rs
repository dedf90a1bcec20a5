//! The key of a mailbox: where its Maildir lies below the root of all.

use std::fmt;
use std::path::{Path, PathBuf};

/// The relative path of a Maildir below the store's root, as the account database gives it.
///
/// One or more names divided by `/` (so that a large store can spread its directories); no name is empty or begins with a
/// dot, and none has control characters: a key cannot lead out of the root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox(String);

/// The text is not the key of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be the key of a mailbox")]
pub struct BadMailbox(pub String);

/// The longest key, in octets: leaves room for the root and a file name below PATH_MAX.
const MAX_KEY: usize = 512;
/// The longest single name, in octets: NAME_MAX of the usual file systems.
const MAX_NAME: usize = 255;

impl Mailbox {
    /// Checks a key.
    pub fn new(key: impl Into<String>) -> Result<Mailbox, BadMailbox> {
        let key = key.into();
        let name_ok = |name: &str| {
            !name.is_empty()
                && name.len() <= MAX_NAME
                && !name.starts_with('.')
                && !name.contains(char::is_control)
        };
        if key.len() <= MAX_KEY && key.split('/').all(name_ok) {
            Ok(Mailbox(key))
        } else {
            Err(BadMailbox(key))
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory of this mailbox below `root`.
    pub fn below(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_below_the_root() {
        for good in ["tanaka", "a/b/tanaka", "tanaka@example.jp", "田中", "a..b"] {
            assert_eq!(Mailbox::new(good).unwrap().below(Path::new("/m")), Path::new("/m").join(good));
        }
        for bad in [
            "",
            "/",
            "/etc",
            "..",
            "a/../b",
            "a//b",
            "a/",
            ".hidden",
            "a/.b",
            "a\0b",
            "a\nb",
            &"x".repeat(256),
        ] {
            assert_eq!(Mailbox::new(bad), Err(BadMailbox(bad.to_owned())), "{bad:?}");
        }
    }
}
