//! The short memory of good logins: a client that polls every few minutes costs one Argon2 computation, not one a poll.
//!
//! What is remembered is a keyed hash over the account, the stored credential and the password. The key is random and never leaves
//! the process, so that the hash is of no use elsewhere; the stored credential is what the database holds at the moment of the login
//! (`answers.rs`), so that a changed password, a removed account or a renewed hash makes the memory worthless at once, whoever changed it.

use std::fmt;
use std::time::Instant;

use auth_sasl::Secret;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use aws_lc_rs::rand::SystemRandom;

use crate::recent::Recent;
use crate::{AccountId, limits};

/// Half of an HMAC-SHA-256: enough that nobody meets one by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Mark([u8; 16]);

pub(crate) struct Remembered {
    key: Key,
    good: Recent<Mark>,
}

impl Remembered {
    pub(crate) fn new() -> Result<Self, Unspecified> {
        let good = Recent::new(limits::REMEMBERED_FOR, limits::REMEMBERED_LOGINS, Instant::now());
        Ok(Self { key: Key::generate(HMAC_SHA256, &SystemRandom::new())?, good })
    }

    /// What stands for this password with this credential. Every part but the last has its length before it.
    pub(crate) fn mark(&self, account: AccountId, stored: &str, password: &Secret) -> Mark {
        let mut hash = Context::with_key(&self.key);
        hash.update(&account.get().to_le_bytes());
        hash.update(&(stored.len() as u64).to_le_bytes());
        hash.update(stored.as_bytes());
        hash.update(password.expose());
        let mut mark = [0; 16];
        for (to, from) in mark.iter_mut().zip(hash.sign().as_ref()) {
            *to = *from;
        }
        Mark(mark)
    }

    /// Whether it was good a short while ago.
    pub(crate) fn knows(&self, mark: Mark) -> bool {
        self.good.knows(mark, Instant::now())
    }

    pub(crate) fn learn(&self, mark: Mark) {
        self.good.learn(mark, Instant::now());
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[remembered logins]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_password_one_credential_one_account_and_one_process() {
        let (one, other) = (Remembered::new().unwrap(), Remembered::new().unwrap());
        let password = Secret::new("sakura");
        let mark = |account, stored, password: &Secret| one.mark(AccountId::new(account), stored, password);
        let good = mark(1, "$argon2id$a", &password);
        assert_eq!(good, mark(1, "$argon2id$a", &password));
        for different in [
            mark(2, "$argon2id$a", &password),
            mark(1, "$argon2id$b", &password),
            mark(1, "$argon2id$a", &Secret::new("sakur")),
            mark(1, "$argon2id$as", &Secret::new("akura")),
            other.mark(AccountId::new(1), "$argon2id$a", &password),
        ] {
            assert_ne!(good, different);
        }
    }
}
