//! APOP (RFC 1939 §7) needs the password itself, so it is stored sealed: AES-256-GCM under a key in a file outside
//! the database, bound to its account, so that neither a stolen database nor one row copied to another opens anything.
//!
//! A sealed secret is `v1.` and the Base64 of 12 octets of nonce, the ciphertext and 16 octets of tag.

use std::path::Path;

use auth_sasl::Secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::prelude::{BASE64_STANDARD, Engine};
use zeroize::Zeroizing;

use crate::error::{OpenError, Unavailable};
use crate::{AccountId, key_file};

const VERSION: &str = "v1.";

pub(crate) struct ApopKey(RandomizedNonceKey);

impl ApopKey {
    /// Reads the key file.
    pub(crate) fn load(path: &Path) -> Result<Self, OpenError> {
        Self::from_octets(&key_file::load(path)?).map_err(|error| OpenError::Key {
            path: path.to_owned(),
            fault: format!("cannot be used: {error}"),
        })
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

/// What is authenticated with the secret but not stored in it.
fn binding(account: AccountId) -> Aad<String> {
    Aad::from(format!("yubin apop {VERSION}{account}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(octet: u8) -> ApopKey {
        ApopKey::from_octets(&[octet; key_file::OCTETS]).unwrap()
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
}
