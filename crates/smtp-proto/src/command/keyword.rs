//! The keywords of the parameters of MAIL and RCPT, each by one integer compare.

use crate::extension::Extension;

macro_rules! keywords {
    ($($name:ident = $constant:ident $word:literal of $extension:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Keyword {
            $($name,)*
        }

        $(const $constant: u128 = pack($word);)*

        impl Keyword {
            pub(super) fn parse(word: &str) -> Option<Self> {
                Some(match (word.len() <= 16).then(|| pack(word.as_bytes()))? {
                    $($constant => Self::$name,)*
                    _ => return None,
                })
            }

            /// Whose keyword it is.
            pub(super) const fn extension(self) -> Extension {
                match self { $(Self::$name => Extension::$extension,)* }
            }
        }
    };
}

keywords! {
    Auth       = AUTH       b"AUTH"        of Auth,
    Body       = BODY       b"BODY"        of EightBitMime,
    By         = BY         b"BY"          of DeliverBy,
    ConNeg     = CONNEG     b"CONNEG"      of ConNeg,
    ConPerm    = CONPERM    b"CONPERM"     of ConPerm,
    EnvId      = ENVID      b"ENVID"       of Dsn,
    HoldFor    = HOLDFOR    b"HOLDFOR"     of FutureRelease,
    HoldUntil  = HOLDUNTIL  b"HOLDUNTIL"   of FutureRelease,
    MtPriority = MTPRIORITY b"MT-PRIORITY" of MtPriority,
    MTrk       = MTRK       b"MTRK"        of Tracking,
    Notify     = NOTIFY     b"NOTIFY"      of Dsn,
    ORcpt      = ORCPT      b"ORCPT"       of Dsn,
    RequireTls = REQUIRETLS b"REQUIRETLS"  of RequireTls,
    Ret        = RET        b"RET"         of Dsn,
    Rrvs       = RRVS       b"RRVS"        of Rrvs,
    Size       = SIZE       b"SIZE"        of Size,
    SmtpUtf8   = SMTPUTF8   b"SMTPUTF8"    of SmtpUtf8,
    Solicit    = SOLICIT    b"SOLICIT"     of NoSoliciting,
    Submitter  = SUBMITTER  b"SUBMITTER"   of Submitter,
    TransId    = TRANSID    b"TRANSID"     of Checkpoint,
}

/// Up to sixteen characters as one number, in upper case.
const fn pack(mut word: &[u8]) -> u128 {
    let mut number = 0;
    while let [first, rest @ ..] = word {
        number = number << 8 | first.to_ascii_uppercase() as u128;
        word = rest;
    }
    number
}
