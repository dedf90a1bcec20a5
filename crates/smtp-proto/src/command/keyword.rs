//! The keywords of the parameters of MAIL and RCPT, each by one integer compare.

use crate::extension::Extension;

macro_rules! keywords {
    ($($name:ident = $constant:ident $word:literal of $extension:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Keyword {
            $($name,)*
        }

        $(const $constant: u64 = pack($word);)*

        impl Keyword {
            pub(super) fn parse(word: &str) -> Option<Self> {
                let (keyword, whole): (Self, &[u8]) = match pack(word.as_bytes()) {
                    $($constant => (Self::$name, $word),)*
                    _ => return None,
                };
                (word.len() < HEAD || word.as_bytes().eq_ignore_ascii_case(whole)).then_some(keyword)
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

/// As many characters as fit into the number.
const HEAD: usize = 8;

/// The first eight characters as one number, in upper case: no two keywords have them in common.
const fn pack(word: &[u8]) -> u64 {
    let mut rest = match word.split_at_checked(HEAD) {
        Some((head, _)) => head,
        None => word,
    };
    let mut number = 0;
    while let [first, behind @ ..] = rest {
        number = number << 8 | first.to_ascii_uppercase() as u64;
        rest = behind;
    }
    number
}
