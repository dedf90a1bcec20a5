//! Password hashes that other programs made: read for as long as nobody has logged in with them, renewed then.
//!
//! `{SSHA}`, `{SSHA256}`, `{SSHA512}` (RFC 2307 and its successors: the digest, then the salt, in base64), and the formats of crypt(3):
//! MD5 (`$1$`), SHA-256 (`$5$`), SHA-512 (`$6$`) and bcrypt (`$2a$`, `$2b$`, `$2y$`); these also behind `{CRYPT}`.

use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};
use sha_crypt::{PasswordVerifier as _, ShaCrypt};
use subtle::ConstantTimeEq as _;

/// A hash that is of one of these formats, and as long as they are.
pub(crate) enum Foreign<'h> {
    Salted { algorithm: &'static Algorithm, digest: Vec<u8>, salt: Vec<u8> },
    Md5Crypt { salt: &'h str, hash: &'h str },
    ShaCrypt(&'h str),
    Bcrypt(&'h str),
}

const SALTED: [(&str, &Algorithm); 3] =
    [("{SSHA}", &SHA1_FOR_LEGACY_USE_ONLY), ("{SSHA256}", &SHA256), ("{SSHA512}", &SHA512)];

impl<'h> Foreign<'h> {
    /// Nothing if it is of none of these formats.
    pub(crate) fn parse(stored: &'h str) -> Option<Self> {
        let scheme = |name: &str| {
            let (head, rest) = stored.split_at_checked(name.len())?;
            head.eq_ignore_ascii_case(name).then_some(rest)
        };
        for (name, algorithm) in SALTED {
            let Some(rest) = scheme(name) else { continue };
            let octets = BASE64_STANDARD.decode(rest).ok()?;
            let (digest, salt) = octets.split_at_checked(algorithm.output_len())?;
            return Some(Self::Salted { algorithm, digest: digest.to_vec(), salt: salt.to_vec() });
        }
        let stored = scheme("{CRYPT}").unwrap_or(stored);
        let (id, rest) = stored.strip_prefix('$')?.split_once('$')?;
        match id {
            "1" => {
                let (salt, hash) = rest.split_once('$')?;
                let salt = salt.get(..salt.len().min(8))?;
                (hash.len() == 22).then_some(Self::Md5Crypt { salt, hash })
            }
            "5" | "6" => sha_crypt::PasswordHashRef::new(stored).is_ok().then_some(Self::ShaCrypt(stored)),
            "2a" | "2b" | "2y" => (stored.len() == 60).then_some(Self::Bcrypt(stored)),
            _ => None,
        }
    }

    pub(crate) fn is_of(&self, password: &[u8]) -> bool {
        match self {
            Self::Salted { algorithm, digest, salt } => {
                let mut context = Context::new(algorithm);
                context.update(password);
                context.update(salt);
                context.finish().as_ref().ct_eq(digest).into()
            }
            Self::Md5Crypt { salt, hash } => {
                md5_crypt(password, salt.as_bytes()).as_bytes().ct_eq(hash.as_bytes()).into()
            }
            Self::ShaCrypt(stored) => ShaCrypt::default().verify_password(password, *stored).is_ok(),
            // It reads 72 octets, as those who made the hash did.
            Self::Bcrypt(stored) => bcrypt::verify(password, stored).unwrap_or(false),
        }
    }
}

/// The MD5 of crypt(3), as FreeBSD had it first; without `$1$SALT$`.
fn md5_crypt(password: &[u8], salt: &[u8]) -> String {
    let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut first = Md5::new().chain_update(password).chain_update(b"$1$").chain_update(salt);
    for octet in inner.iter().cycle().take(password.len()) {
        first.update([*octet]);
    }
    let mut length = password.len();
    while length > 0 {
        // Where the bit is set, a zero: a mistake of the first program that all later ones keep.
        let octet = if length & 1 == 1 { 0 } else { password.first().copied().unwrap_or(0) };
        first.update([octet]);
        length >>= 1;
    }
    let mut last = first.finalize();
    for round in 0..1_000_u32 {
        let mut next = Md5::new();
        let odd = round % 2 == 1;
        if odd {
            next.update(password)
        } else {
            next.update(last)
        }
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        if odd {
            next.update(last)
        } else {
            next.update(password)
        }
        last = next.finalize();
    }
    let octet = |index: usize| last.get(index).map_or(0, |octet| u32::from(*octet));
    let mut text = String::with_capacity(22);
    for (high, middle, low) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        put(&mut text, octet(high) << 16 | octet(middle) << 8 | octet(low), 4);
    }
    put(&mut text, octet(11), 2);
    text
}

/// Six bits a character, the lowest first.
fn put(text: &mut String, mut bits: u32, characters: usize) {
    const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for _ in 0..characters {
        text.push(DIGITS.get((bits & 63) as usize).map_or('.', |digit| char::from(*digit)));
        bits >>= 6;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &[u8] = b"natsu no umi 7";

    /// Made by crypt(3), by OpenSSL and by Python.
    const HASHES: [&str; 8] = [
        "$1$abcdefgh$1R8HZki36EkrrnI/VRa74.",
        "{crypt}$1$abcdefgh$1R8HZki36EkrrnI/VRa74.",
        "$5$saltstring$28AJ/Owh4uFQlDyg1hU9ECJ5R4bO.fX7u.4XTE/3LO8",
        "$6$saltstring$ekYy80OSOX.TrycbMdtUnDybMwQ1ZCWsZK4M//nwz5Uzu74TGfmrdHq.vD1VqXynWq5r8t5Liii71WLptRVJx0",
        "$2b$05$abcdefghijklmnopqrstuuhMPsq2sVxbyAktWJtmEuloXxVxcU1aK",
        "{SSHA}86T1/AWnBWzdHx80aL1wTkNr4IYBAnNhbHRzYWx0",
        "{SSHA256}K77yLBSVxKe77vNfLLpGtWopGIWE5g2CPWrE7s8we8EBAnNhbHRzYWx0",
        "{ssha512}z3DXSiepOYG4Oz9d77ZueBmB85jIXue0PoACJfzZ0OdJP2RBq+bqeuwYVi2htHihvie5O6l7bovSw4g4nvWsCQECc2FsdHNhbHQ=",
    ];

    #[test]
    fn c_15_every_format_holds_for_its_password_only() {
        for hash in HASHES {
            let foreign = Foreign::parse(hash).unwrap_or_else(|| panic!("{hash}"));
            assert!(foreign.is_of(PASSWORD), "{hash}");
            for wrong in [&b""[..], b"natsu no umi", b"natsu no umi 8", b"natsu no umi 7\0"] {
                assert!(!foreign.is_of(wrong), "{hash}");
            }
        }
        assert_eq!(md5_crypt(b"", b"abcdefgh"), "M55TzYaaccxVGbptZWaxX/");
        assert_eq!(md5_crypt(&[b'x'; 40], b"ab"), "jtRvJqDWXi2dyYBnMmGYN/");
    }

    #[test]
    fn what_is_cut_off_or_of_another_format_is_none() {
        let others = [
            "",
            "$",
            "$1$",
            "$1$abcdefgh",
            "{SSHA}",
            "{SSHA}!",
            "{MD5}x",
            "plain",
            "$y$j9T$x$y",
            "$argon2id$v=19",
        ];
        for other in others {
            assert!(Foreign::parse(other).is_none(), "{other}");
        }
        for hash in HASHES.iter().filter(|hash| !hash.starts_with('{') || hash.starts_with("{crypt}")) {
            let cut = &hash[..hash.len() - 1];
            assert!(Foreign::parse(cut).is_none_or(|foreign| !foreign.is_of(PASSWORD)), "{cut}");
        }
    }
}
