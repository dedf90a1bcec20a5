use alloc::string::String;

use crate::{ApopDigest, Secret, Stamp};

/// What a client claims, at the end of an exchange. The caller verifies it against its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// APOP: knows the secret that account and server share, and shows it without sending it.
    Apop {
        /// The name of the maildrop.
        login: String,
        /// The stamp of this session's greeting.
        stamp: Stamp,
        /// The digest that the client sent.
        digest: ApopDigest,
    },
    /// PLAIN, LOGIN, and POP3's USER and PASS.
    Password {
        /// PLAIN's authorization identity (RFC 4616 §2): who to act as. Empty: the same as `login`.
        authorization: String,
        /// The authentication identity: whose password this is.
        login: String,
        /// The password, octet for octet.
        password: Secret,
    },
}

impl Claim {
    /// A name and a password as POP3's USER and PASS give them.
    pub fn password(login: impl Into<String>, password: Secret) -> Self {
        Self::Password { authorization: String::new(), login: login.into(), password }
    }

    /// The name that the client logs in with, as it was sent.
    pub fn login(&self) -> &str {
        match self {
            Self::Apop { login, .. } | Self::Password { login, .. } => login,
        }
    }

    /// Whether the claim holds against a secret that is known in clear, in constant time. Hashed passwords are verified by whoever
    /// knows the hash.
    pub fn verify_secret(&self, secret: &Secret) -> bool {
        match self {
            Self::Apop { stamp, digest, .. } => ApopDigest::compute(stamp, secret) == *digest,
            Self::Password { password, .. } => password == secret,
        }
    }
}
