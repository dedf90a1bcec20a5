//! The Sender Rewriting Scheme: mail that is sent on leaves under a sender's address of our own domain, which SPF lets us use, and what
//! comes back to that address finds the sender, if it comes in time and we had made the address.
//!
//! `SRS0=HASH=TT=DOMAIN=LOCAL@us` stands for `LOCAL@DOMAIN`; `SRS1=HASH=FIRST==REST@us` for `SRS0=REST@FIRST`, an address that another
//! forwarder had made already: what comes back goes to that one, and the address does not grow with each. HASH is HMAC-SHA-1 of the
//! rest in small letters, cut; TT is the day in Base32, which comes again after 1024 days. As Mail::SRS, libsrs2 and PostSRSd have it.

use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key, sign};
use base64::prelude::{BASE64_STANDARD, Engine};

use crate::error::OpenError;
use crate::{key_file, limits};

/// Makes and reads the sender's addresses of mail that is sent on.
pub struct Srs {
    domain: String,
    hash: Key,
    marks: Key,
}

/// Why an address of this form is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrsFault {
    /// Its time is over.
    Expired,
    /// We never made it.
    Forged,
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Days until TT comes again.
const ROUND: i64 = 1024;

impl Srs {
    /// Reads the key file. `domain` is ours, its mail comes here, and its SPF record lets us send.
    ///
    /// # Errors
    /// [`OpenError::Key`], with what to do.
    pub fn load(path: &Path, domain: &str) -> Result<Self, OpenError> {
        Ok(Self::new(&key_file::load(path)?, domain))
    }

    /// Makes a key file that only its owner can read. A file that is there stays as it is.
    ///
    /// # Errors
    /// [`OpenError::Key`].
    pub fn generate(path: &Path) -> Result<(), OpenError> {
        key_file::generate(path)
    }

    fn new(key: &[u8], domain: &str) -> Self {
        let domain = domain.to_ascii_lowercase();
        let (hash, marks) = (Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), Key::new(HMAC_SHA256, key));
        Self { domain, hash, marks }
    }

    /// As whom a message from `LOCAL@DOMAIN` is sent on. `at`: seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn forward(&self, local_part: &str, domain: &str, at: i64) -> String {
        let rest = match kind(local_part) {
            Some(("0", rest)) => Some((domain, rest.to_owned())),
            // Already handed from one to another: the first stays who it is.
            Some((_, rest)) => rest
                .get(1..)
                .and_then(|rest| rest.split_once('='))
                .and_then(|(_, rest)| rest.split_once('='))
                .map(|(first, rest)| (first, rest.to_owned())),
            None => None,
        };
        match rest {
            Some((first, rest)) => {
                format!("SRS1={}={first}={rest}@{}", self.hash_of(&[first, &rest]), self.domain)
            }
            None => {
                let day = encode(at.div_euclid(24 * 3600));
                let hash = self.hash_of(&[&day, domain, local_part]);
                format!("SRS0={hash}={day}={domain}={local_part}@{}", self.domain)
            }
        }
    }

    /// Whom an address stands for; `None` if it is not of this form, or not in our domain.
    ///
    /// # Errors
    /// [`SrsFault`]: it is refused.
    pub fn reverse(&self, local_part: &str, domain: &str, at: i64) -> Option<Result<String, SrsFault>> {
        if !domain.eq_ignore_ascii_case(&self.domain) {
            return None;
        }
        let (kind, rest) = kind(local_part)?;
        let rest = rest.get(1..).unwrap_or_default();
        Some(if kind == "0" { self.reverse_first(rest, at) } else { self.reverse_second(rest) })
    }

    fn reverse_first(&self, rest: &str, at: i64) -> Result<String, SrsFault> {
        let mut parts = rest.splitn(4, '=');
        let (Some(hash), Some(day), Some(domain), Some(local_part)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SrsFault::Forged);
        };
        if domain.is_empty() || local_part.is_empty() || !self.holds(hash, &[day, domain, local_part]) {
            return Err(SrsFault::Forged);
        }
        let age = (at.div_euclid(24 * 3600) - decode(day).ok_or(SrsFault::Forged)?).rem_euclid(ROUND);
        // Another machine's clock may be a day ahead.
        if age > limits::SRS_DAYS && age != ROUND - 1 {
            return Err(SrsFault::Expired);
        }
        Ok(format!("{local_part}@{domain}"))
    }

    fn reverse_second(&self, rest: &str) -> Result<String, SrsFault> {
        let mut parts = rest.splitn(3, '=');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(hash), Some(first), Some(rest))
                if !first.is_empty() && rest.len() > 1 && self.holds(hash, &[first, rest]) =>
            {
                Ok(format!("SRS0{rest}@{first}"))
            }
            _ => Err(SrsFault::Forged),
        }
    }

    /// What stands in the header of what an account sends on, so that it is known when it comes back: nobody else can tell whose it is.
    #[must_use]
    pub fn loop_mark(&self, login: &str) -> String {
        let tag = sign(&self.marks, format!("loop {login}").as_bytes());
        let hex = tag.as_ref().iter().take(limits::LOOP_MARK).map(|octet| format!("{octet:02x}"));
        format!("{}@{}", hex.collect::<String>(), self.domain)
    }

    fn hash_of(&self, parts: &[&str]) -> String {
        let mut hash = self.whole_hash_of(parts);
        hash.truncate(limits::SRS_HASH);
        hash
    }

    fn whole_hash_of(&self, parts: &[&str]) -> String {
        let mut context = Context::with_key(&self.hash);
        parts.iter().for_each(|part| context.update(part.to_ascii_lowercase().as_bytes()));
        BASE64_STANDARD.encode(context.sign())
    }

    /// Some hosts change the letters of an address.
    fn holds(&self, hash: &str, parts: &[&str]) -> bool {
        let ours = self.hash_of(parts).to_ascii_lowercase();
        verify_slices_are_equal(ours.as_bytes(), hash.to_ascii_lowercase().as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for Srs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Srs").field("domain", &self.domain).finish_non_exhaustive()
    }
}

/// `0` or `1`, and what follows, which begins with one of three separators.
fn kind(local_part: &str) -> Option<(&str, &str)> {
    let (srs, rest) = local_part.split_at_checked(3)?;
    let (kind, rest) = rest.split_at_checked(1)?;
    let is =
        srs.eq_ignore_ascii_case("SRS") && ["0", "1"].contains(&kind) && rest.starts_with(['=', '-', '+']);
    is.then_some((kind, rest))
}

fn encode(day: i64) -> String {
    let digit = |shift: i64| {
        let place = usize::try_from((day.rem_euclid(ROUND) >> shift) & 31).unwrap_or_default();
        BASE32.get(place).copied().map_or('A', char::from)
    };
    [digit(5), digit(0)].iter().collect()
}

fn decode(text: &str) -> Option<i64> {
    let digit = |octet: u8| {
        let place = BASE32.iter().position(|other| *other == octet.to_ascii_uppercase())?;
        i64::try_from(place).ok()
    };
    match text.as_bytes() {
        [high, low] => Some(digit(*high)? * 32 + digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2020-01-01T00:01:00Z, the instant of the vectors.
    const NEW_YEAR: i64 = 1_577_836_860;
    const DAY: i64 = 24 * 3600;

    fn srs() -> Srs {
        Srs::new(b"tops3cr3t", "example.com")
    }

    /// With the four characters of a hash that the vectors have.
    fn cut(address: &str) -> String {
        let (front, rest) = address.split_at(9);
        format!("{front}{}", &rest[limits::SRS_HASH - 4..])
    }

    #[test]
    fn d_16_addresses_are_made_as_everybody_makes_them() {
        for (local_part, domain, made) in [
            ("test", "otherdomain.com", "SRS0=vmyz=2W=otherdomain.com=test@example.com"),
            ("testing", "otherdomain.com", "SRS0=rNNq=2W=otherdomain.com=testing@example.com"),
            ("SRS0=opaque+string", "otherdomain.com", "SRS1=chaI=otherdomain.com==opaque+string@example.com"),
            (
                "SRS1=X=thirddomain.com==opaque+string",
                "otherdomain.com",
                "SRS1=JIBX=thirddomain.com==opaque+string@example.com",
            ),
        ] {
            assert_eq!(cut(&srs().forward(local_part, domain, NEW_YEAR)), made);
        }
    }

    #[test]
    fn d_16_what_comes_back_in_time_finds_the_sender_and_nothing_else_does() {
        let srs = srs();
        let made = srs.forward("Test", "otherdomain.com", NEW_YEAR);
        let local_part = made.strip_suffix("@example.com").unwrap();
        let reverse = |local_part: &str, at| srs.reverse(local_part, "Example.COM", at);
        let sender = Some(Ok("Test@otherdomain.com".to_owned()));
        for days in [-1, 0, 21] {
            assert_eq!(reverse(local_part, NEW_YEAR + days * DAY), sender, "{days}");
        }
        let lower = local_part.to_ascii_lowercase();
        assert_eq!(reverse(&lower, NEW_YEAR), Some(Ok("test@otherdomain.com".to_owned())));
        for days in [-2, 22, 180, 1000] {
            assert_eq!(reverse(local_part, NEW_YEAR + days * DAY), Some(Err(SrsFault::Expired)), "{days}");
        }
        let again = srs.forward("SRS0=opaque+string", "otherdomain.com", NEW_YEAR);
        let again = again.strip_suffix("@example.com").unwrap();
        let first = Some(Ok("SRS0=opaque+string@otherdomain.com".to_owned()));
        assert_eq!(reverse(again, NEW_YEAR), first);
        for at in 5..local_part.len() {
            let mut forged = local_part.to_owned().into_bytes();
            forged[at] = if forged[at] == b'x' { b'y' } else { b'x' };
            let forged = String::from_utf8(forged).unwrap();
            if forged.eq_ignore_ascii_case(local_part) {
                continue;
            }
            assert_eq!(reverse(&forged, NEW_YEAR), Some(Err(SrsFault::Forged)), "{forged}");
        }
        for none in ["SRS0=", "SRS0=XjO9", "SRS0=XjO9=2V", "SRS0=XjO9=2V=otherdomain.com", "SRS1=", "SRS1-"] {
            assert_eq!(reverse(none, NEW_YEAR), Some(Err(SrsFault::Forged)), "{none}");
        }
        for other in ["test", "SRS2=a", "SRS0", "srs0x=a=b=c=d", ""] {
            assert_eq!(reverse(other, NEW_YEAR), None, "{other}");
        }
        assert_eq!(srs.reverse(local_part, "elsewhere.example", NEW_YEAR), None);
        let another = Srs::new(b"another", "example.com");
        assert_eq!(another.reverse(local_part, "example.com", NEW_YEAR), Some(Err(SrsFault::Forged)));
    }

    #[test]
    fn a_loop_mark_is_the_same_for_one_and_tells_nothing() {
        let srs = srs();
        assert_eq!(srs.loop_mark("ab4t-ash"), srs.loop_mark("ab4t-ash"));
        assert_ne!(srs.loop_mark("ab4t-ash"), srs.loop_mark("m1234ab567c"));
        assert!(!srs.loop_mark("ab4t-ash").contains("ash"));
        assert!(!format!("{srs:?}").contains("tops3cr3t"));
    }

    proptest! {
        #[test]
        fn d_16_whatever_is_sent_on_finds_back(
            local_part in "[A-Za-z0-9=+._-]{1,40}",
            domain in "[a-z0-9.-]{1,20}",
            at in 0_i64..10_000_000_000,
        ) {
            prop_assume!(kind(&local_part).is_none());
            let srs = srs();
            let made = srs.forward(&local_part, &domain, at);
            let (made, ours) = made.rsplit_once('@').unwrap();
            prop_assert_eq!(srs.reverse(made, ours, at), Some(Ok(format!("{local_part}@{domain}"))));
        }

        #[test]
        fn any_text_is_read_without_harm(text in "\\PC*", at in any::<i64>()) {
            let _ = srs().reverse(&text, "example.com", at);
            let _ = srs().reverse(&format!("SRS0={text}"), "example.com", at);
            let _ = srs().forward(&format!("SRS1={text}"), &text, at);
        }
    }
}
