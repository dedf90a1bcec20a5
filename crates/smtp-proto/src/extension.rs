//! The registered service extensions, and which of them a listener offers.

use core::fmt;

macro_rules! extensions {
    ($($(#[$doc:meta])* $name:ident = $keyword:literal,)*) => {
        /// A service extension that takes part in the session or in the parameters of MAIL and RCPT. SIZE, STARTTLS, AUTH and
        /// FUTURERELEASE have settings of their own in [`crate::Config`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Extension {
            $($(#[$doc])* $name,)*
        }

        impl Extension {
            /// All of them, in the order in which EHLO's answer names them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The keyword in EHLO's answer.
            pub const fn keyword(self) -> &'static str {
                match self { $(Self::$name => $keyword),* }
            }
        }
    };
}

extensions! {
    /// RFC 2920
    Pipelining = "PIPELINING",
    /// RFC 1870
    Size = "SIZE",
    /// RFC 3207
    StartTls = "STARTTLS",
    /// RFC 4954
    Auth = "AUTH",
    /// RFC 6152
    EightBitMime = "8BITMIME",
    /// RFC 3030 §3. Only for who can give back every octet as it came: bare CR and LF are not policed in such a body.
    BinaryMime = "BINARYMIME",
    /// RFC 3030 §2
    Chunking = "CHUNKING",
    /// RFC 6531
    SmtpUtf8 = "SMTPUTF8",
    /// RFC 3461
    Dsn = "DSN",
    /// RFC 2034. When it is not announced the codes are there all the same: they are text to who does not know them.
    EnhancedStatusCodes = "ENHANCEDSTATUSCODES",
    /// RFC 9422
    Limits = "LIMITS",
    /// RFC 2852
    DeliverBy = "DELIVERBY",
    /// RFC 4865
    FutureRelease = "FUTURERELEASE",
    /// RFC 6710
    MtPriority = "MT-PRIORITY",
    /// RFC 8689; on encrypted channels only.
    RequireTls = "REQUIRETLS",
    /// RFC 7293
    Rrvs = "RRVS",
    /// RFC 4405
    Submitter = "SUBMITTER",
    /// RFC 3865
    NoSoliciting = "NO-SOLICITING",
    /// RFC 3885
    Tracking = "MTRK",
    /// RFC 1845
    Checkpoint = "CHECKPOINT",
    /// RFC 4141
    ConPerm = "CONPERM",
    /// RFC 4141
    ConNeg = "CONNEG",
    /// RFC 5321 §4.1.1.8
    Help = "HELP",
}

/// A set of extensions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extensions(u32);

impl Extensions {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// What asks nothing of the caller: no envelope to keep, nothing to do later.
    pub const fn plain() -> Self {
        Self::NONE
            .with(Extension::Pipelining)
            .with(Extension::Size)
            .with(Extension::EightBitMime)
            .with(Extension::Chunking)
            .with(Extension::EnhancedStatusCodes)
            .with(Extension::Limits)
            .with(Extension::Help)
    }

    /// This set and one more.
    #[must_use]
    pub const fn with(self, extension: Extension) -> Self {
        Self(self.0 | 1 << extension as u32)
    }

    /// This set and one less.
    #[must_use]
    pub const fn without(self, extension: Extension) -> Self {
        Self(self.0 & !(1 << extension as u32))
    }

    /// This set with or without one.
    #[must_use]
    pub const fn set(self, extension: Extension, on: bool) -> Self {
        if on { self.with(extension) } else { self.without(extension) }
    }

    /// Whether it is there.
    pub const fn contains(self, extension: Extension) -> bool {
        self.0 & 1 << extension as u32 != 0
    }

    /// Those that are there, in the order of EHLO's answer.
    pub fn iter(self) -> impl Iterator<Item = Extension> {
        Extension::ALL.iter().copied().filter(move |extension| self.contains(*extension))
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = Extensions::NONE;
        for &extension in Extension::ALL {
            assert!(!set.contains(extension));
            set = set.with(extension);
            assert!(set.contains(extension));
        }
        assert!(set.iter().eq(Extension::ALL.iter().copied()));
        assert_eq!(Extension::ALL.iter().fold(set, |set, one| set.without(*one)), Extensions::NONE);
        assert_eq!(Extensions::NONE.set(Extension::Dsn, true).set(Extension::Dsn, false), Extensions::NONE);
    }
}
