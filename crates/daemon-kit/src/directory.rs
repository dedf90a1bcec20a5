//! Whether a daemon could work in a directory, found out without touching anything in it.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use crate::daemon::{NeedsRepair, Trouble};

/// Looks whether this process's user could make, read and remove files in a directory, or make it where it is missing, which is done at
/// the start. `what` it is for, in words.
///
/// # Errors
/// What is in the way, and what to do.
pub fn check(what: &str, directory: &Path) -> Result<(), Trouble> {
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    // A relative one has no directory above it that could be looked at.
    let directory = &std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let user = rustix::process::geteuid().as_raw();
    fault(directory, user, |path| accessat(CWD, path, all, AtFlags::EACCESS))
        .map_or(Ok(()), |fault| Err(NeedsRepair::because(format!("{what} at {fault}"))))
}

fn fault(directory: &Path, user: u32, may_write: impl Fn(&Path) -> Result<(), Errno>) -> Option<String> {
    let (there, metadata) = match existing(directory) {
        Ok(found) => found,
        Err(error) => return Some(format!("{} cannot be used: {error}", directory.display())),
    };
    let (place, made) = (there.display(), there != directory);
    if !metadata.is_dir() {
        let wish = if made { "" } else { "; move it away" };
        return Some(format!("{} cannot be used: {place} is not a directory{wish}", directory.display()));
    }
    may_write(&there).err().map(|error| match made {
        false => format!(
            "{place} cannot be used: user {user} may not write there ({error}); run as root: chown -R {user} {place}"
        ),
        true => format!(
            "{} cannot be used: it is missing, and user {user} cannot make it in {place} ({error}); run as root: install -d -o {user} {0}",
            directory.display()
        ),
    })
}

/// The directory, or the nearest one above it that exists.
fn existing(directory: &Path) -> io::Result<(PathBuf, std::fs::Metadata)> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for path in directory.ancestors() {
        match path.metadata() {
            Ok(metadata) => return Ok((path.to_owned(), metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_told_with_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let (mail, file) = (root.path().join("mail"), root.path().join("file"));
        std::fs::create_dir(&mail).unwrap();
        std::fs::write(&file, "").unwrap();
        let told = |path: &Path, may: Result<(), Errno>| fault(path, 42, |_| may);
        for path in [&mail, &mail.join("a/b")] {
            assert_eq!(told(path, Ok(())), None);
            assert!(check("the queue", path).is_ok());
        }
        let barred = told(&mail, Err(Errno::ACCESS)).unwrap();
        assert!(
            barred.contains("user 42") && barred.ends_with(&format!("chown -R 42 {}", mail.display())),
            "{barred}"
        );
        let missing = told(&mail.join("a"), Err(Errno::ROFS)).unwrap();
        assert!(missing.contains("cannot make it in") && missing.ends_with("/mail/a"), "{missing}");
        assert!(check("the queue", Path::new("no-such-directory/queue")).is_ok(), "below where we stand");
        for path in [&file, &file.join("a")] {
            let fault = check("the queue", path).unwrap_err().to_string();
            assert!(fault.starts_with("the queue at") && fault.contains("file"), "{fault}");
        }
        assert_eq!(std::fs::read_dir(&mail).unwrap().count(), 0, "nothing was made");
    }
}
