//! Files with a key that is not in the database: of APOP's sealed secrets, and of the addresses under which mail is sent on.
//!
//! One line, the Base64 of 32 octets, for the daemons' user and its group alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use zeroize::Zeroizing;

use crate::error::OpenError;

/// Octets of a key.
pub(crate) const OCTETS: usize = 32;

/// A wrong path must not make us read a whole disk.
const LONGEST: u64 = 256;

/// Reads the key.
pub(crate) fn load(path: &Path) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let fault = |fault: String| OpenError::Key { path: path.to_owned(), fault };
    let unreadable = |error: io::Error| fault(format!("cannot be read: {error}"));
    let mut text = Zeroizing::new(Vec::new());
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(fault(
                "is missing; put it back, or make a first one with: yubin check --create".into(),
            ));
        }
        Err(error) => {
            return Err(fault(format!("cannot be read: {error}; it must belong to the daemons' user")));
        }
    };
    if file.metadata().map_err(unreadable)?.permissions().mode() & 0o007 != 0 {
        return Err(fault(format!("can be read by everyone; run: chmod 640 {}", path.display())));
    }
    (&mut file).take(LONGEST).read_to_end(&mut text).map_err(unreadable)?;
    let octets = BASE64_STANDARD.decode(text.trim_ascii()).map(Zeroizing::new).unwrap_or_default();
    if octets.len() != OCTETS {
        return Err(fault(
            "does not hold a key (one line, the Base64 of 32 octets); put the right one back".into(),
        ));
    }
    Ok(octets)
}

/// Makes a key that only its owner can read. A file that is there stays as it is.
pub(crate) fn generate(path: &Path) -> Result<(), OpenError> {
    let fault = |error: io::Error| OpenError::Key {
        path: path.to_owned(),
        fault: format!(
            "cannot be made: {error}; name a place where the daemons' user may write, such as /var/lib/yubin"
        ),
    };
    if path.exists() {
        return Ok(());
    }
    publish(path).map_err(fault)
}

/// Under its name the file is whole, or is not there: half of one that a power cut left would pass for a key that was lost. What is
/// sealed with it from now on needs it after the next power cut, too.
fn publish(path: &Path) -> io::Result<()> {
    let (mut octets, mut unique) = (Zeroizing::new([0; OCTETS]), [0; 8]);
    for random in [&mut octets[..], &mut unique] {
        aws_lc_rs::rand::fill(random).map_err(|_| io::Error::other("no random numbers"))?;
    }
    let line = Zeroizing::new(format!("{}\n", BASE64_STANDARD.encode(*octets)));
    let draft = Draft(path.with_added_extension(format!("{:016x}.new", u64::from_ne_bytes(unique))));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.0)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    match fs::hard_link(&draft.0, path) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        linked => linked?,
    }
    drop(draft);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// A file that goes, whatever came of it.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("apop.key");
        (dir, path)
    }

    #[test]
    fn a_key_file_is_made_once_and_private() {
        let (dir, path) = place();
        generate(&path).unwrap();
        let first = load(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        generate(&path).unwrap();
        assert_eq!(load(&path).unwrap(), first, "a second call keeps it");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_key_is_whole_or_missing_whoever_looks_meanwhile() {
        for _ in 0..20 {
            let (_dir, path) = place();
            let making = std::thread::spawn({
                let path = path.clone();
                move || generate(&path)
            });
            loop {
                match load(&path) {
                    Ok(_) => break,
                    Err(error) => assert!(error.to_string().contains("is missing"), "{error}"),
                }
                if making.is_finished() {
                    load(&path).unwrap();
                    break;
                }
            }
            making.join().unwrap().unwrap();
        }
    }

    #[test]
    fn a_bad_key_file_is_refused_with_words() {
        let (_dir, path) = place();
        let fault = || load(&path).err().unwrap().to_string();
        assert!(fault().contains("is missing"), "{}", fault());
        for content in ["", "tanuki", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(fault().contains("does not hold a key"), "{content}: {}", fault());
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(fault().contains("chmod 640"), "{}", fault());
    }
}
