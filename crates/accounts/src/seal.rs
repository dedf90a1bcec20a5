//! APOP (RFC 1939 §7) needs the password itself, so it is stored sealed: AES-256-GCM under a key in a file outside
//! the database, bound to its account, so that neither a stolen database nor one row copied to another opens anything.
//!
//! A sealed secret is `v1.` and the Base64 of 12 octets of nonce, the ciphertext and 16 octets of tag.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use auth_sasl::Secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::prelude::{BASE64_STANDARD, Engine};
use zeroize::Zeroizing;

use crate::AccountId;
use crate::error::{OpenError, Unavailable};

const KEY_OCTETS: usize = 32;
const VERSION: &str = "v1.";

pub(crate) struct ApopKey(RandomizedNonceKey);

impl ApopKey {
    /// Reads the key file.
    pub(crate) fn load(path: &Path) -> Result<Self, OpenError> {
        Self::from_octets(&load_key(path)?).map_err(|error| OpenError::Key {
            path: path.to_owned(),
            fault: format!("cannot be used: {error}"),
        })
    }

    /// Makes a key file that only its owner can read. A file that is there stays as it is.
    pub(crate) fn generate(path: &Path) -> Result<(), OpenError> {
        generate_key(path)
    }

    /// Seals a password for one account.
    pub(crate) fn seal(&self, account: AccountId, secret: &Secret) -> Result<String, Unavailable> {
        let sealing = || Unavailable::when("sealing an APOP secret");
        let plain = secret.expose();
        // Room for the tag from the start, or growing would leave a copy of the plain text behind.
        let mut sealed = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(plain);
        let nonce = self.0.seal_in_place_append_tag(binding(account), &mut sealed).map_err(sealing())?;
        let mut whole = nonce.as_ref().to_vec();
        whole.extend_from_slice(&sealed);
        Ok(format!("{VERSION}{}", BASE64_STANDARD.encode(whole)))
    }

    /// Opens what [`ApopKey::seal`] sealed for the same account under the same key.
    pub(crate) fn open(&self, account: AccountId, sealed: &str) -> Result<Secret, Unavailable> {
        let broken = |what: &'static str| Unavailable::when("opening a sealed APOP secret")(what);
        let text = sealed.strip_prefix(VERSION).ok_or_else(|| broken("it is of an unknown version"))?;
        let whole = BASE64_STANDARD.decode(text).map_err(|_| broken("it is damaged"))?;
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN).ok_or_else(|| broken("it is damaged"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken("it is damaged"))?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let plain = self
            .0
            .open_in_place(nonce, binding(account), &mut buffer)
            .map_err(|_| broken("it was sealed with another key, or for another account"))?;
        Ok(Secret::new(plain.to_vec()))
    }

    fn from_octets(octets: &[u8]) -> Result<Self, aws_lc_rs::error::Unspecified> {
        RandomizedNonceKey::new(&AES_256_GCM, octets).map(Self)
    }
}

/// Reads the key file: one line, the Base64 of 32 octets.
pub(crate) fn load_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let fault = |fault: String| OpenError::Key { path: path.to_owned(), fault };
    let mut text = Zeroizing::new(Vec::new());
    let mut file = match fs::File::open(path) {
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
    let mode = file.metadata().map_err(|e| fault(format!("cannot be read: {e}")))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(fault(format!("can be read by everyone; run: chmod 640 {}", path.display())));
    }
    // A wrong path must not make us read a whole disk.
    (&mut file).take(256).read_to_end(&mut text).map_err(|e| fault(format!("cannot be read: {e}")))?;
    let octets = BASE64_STANDARD.decode(text.trim_ascii()).map(Zeroizing::new).unwrap_or_default();
    if octets.len() != KEY_OCTETS {
        return Err(fault(
            "does not hold a key (one line, the Base64 of 32 octets); put the right one back".into(),
        ));
    }
    Ok(octets)
}

/// Makes a key file that only its owner can read. A file that is there stays as it is.
pub(crate) fn generate_key(path: &Path) -> Result<(), OpenError> {
    let fault = |error: io::Error| OpenError::Key {
        path: path.to_owned(),
        fault: format!(
            "cannot be made: {error}; name a place where the daemons' user may write, such as /var/lib/yubin"
        ),
    };
    let mut octets = Zeroizing::new([0; KEY_OCTETS]);
    aws_lc_rs::rand::fill(&mut *octets).map_err(|_| fault(io::Error::other("no random numbers")))?;
    let line = Zeroizing::new(format!("{}\n", BASE64_STANDARD.encode(*octets)));
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        other => other.map_err(fault)?,
    };
    // Secrets will be sealed with it from now on: it must be there after a power cut.
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)
}

/// What is authenticated with the secret but not stored in it.
fn binding(account: AccountId) -> Aad<String> {
    Aad::from(format!("yubin apop {VERSION}{account}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(octet: u8) -> ApopKey {
        ApopKey::from_octets(&[octet; KEY_OCTETS]).unwrap()
    }

    #[test]
    fn r_04_a_secret_opens_only_with_its_key_for_its_account_and_whole() {
        let (one, two) = (AccountId::new(1), AccountId::new(2));
        let sealed = key(1).seal(one, &Secret::new("tanstaaf")).unwrap();
        assert!(!sealed.contains("tanstaaf"));
        assert_eq!(key(1).open(one, &sealed).unwrap().expose(), b"tanstaaf");
        assert!(key(1).open(two, &sealed).is_err(), "another account's row");
        assert!(key(2).open(one, &sealed).is_err(), "another key");
        for cut in 0..sealed.len() {
            assert!(key(1).open(one, &sealed[..cut]).is_err(), "the first {cut} characters");
        }
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone().into_bytes();
            damaged[at] ^= 1;
            assert!(key(1).open(one, &String::from_utf8(damaged).unwrap()).is_err(), "a bit at {at}");
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike() {
        let seal = || key(1).seal(AccountId::new(1), &Secret::new("tanstaaf")).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_key_file_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("apop.key");
        ApopKey::generate(&path).unwrap();
        let first = fs::read(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        ApopKey::generate(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first, "a second call keeps it");
        let sealed = ApopKey::load(&path).unwrap().seal(AccountId::new(7), &Secret::new("x")).unwrap();
        assert_eq!(ApopKey::load(&path).unwrap().open(AccountId::new(7), &sealed).unwrap().expose(), b"x");
    }

    #[test]
    fn a_bad_key_file_is_refused_with_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("apop.key");
        let fault = || ApopKey::load(&path).err().unwrap().to_string();
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
