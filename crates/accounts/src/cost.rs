//! What a stored hash costs at each login. The numbers in it are whoever's who made it: one line of a file could otherwise keep a hashing
//! thread busy for years, and with as many logins as there are threads nobody could log in any more.

use argon2::{Params, password_hash::phc::PasswordHash};

use crate::foreign::Foreign;
use crate::limits;

/// Why a text is not taken for a password's hash.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HashFault {
    #[error(
        "this is no hash that can be verified here; known are {{SSHA}}, {{SSHA256}}, {{SSHA512}}, $1$, $2b$, $5$, $6$ and $argon2id$"
    )]
    Unknown,
    #[error(
        "this hash would hold up all logins: {what}={found}, and {most} is the most that is taken; set a new password instead"
    )]
    TooDear { what: &'static str, found: u64, most: u64 },
}

/// Whether a text is a hash that can be verified, in a time that a login may take.
pub(crate) fn check(stored: &str) -> Result<(), HashFault> {
    let within = |what, found: u32, most: u32| match found <= most {
        true => Ok(()),
        false => Err(HashFault::TooDear { what, found: found.into(), most: most.into() }),
    };
    match Foreign::parse(stored) {
        Some(Foreign::ShaCrypt(stored)) => within("rounds", rounds(stored), limits::SHA_CRYPT_ROUNDS),
        Some(Foreign::Bcrypt(stored)) => {
            let cost = bcrypt_cost(stored).ok_or(HashFault::Unknown)?;
            within("cost", cost, limits::BCRYPT_COST)
        }
        Some(Foreign::Md5Crypt { .. } | Foreign::Salted { .. }) => Ok(()),
        None if stored.starts_with("$argon2") => {
            let params = argon2(stored).ok_or(HashFault::Unknown)?;
            within("m", params.m_cost(), limits::FOREIGN_ARGON2_MEMORY_KIB)?;
            let written = params.m_cost().saturating_mul(params.t_cost());
            within("m*t", written, limits::FOREIGN_ARGON2_WRITTEN_KIB)
        }
        None => Err(HashFault::Unknown),
    }
}

/// The same of what came as octets: the text.
pub(crate) fn check_octets(stored: &[u8]) -> Result<&str, HashFault> {
    let text = std::str::from_utf8(stored).map_err(|_| HashFault::Unknown)?;
    check(text).map(|()| text)
}

/// `$6$rounds=N$SALT$HASH`; without the number, 5 000.
fn rounds(stored: &str) -> u32 {
    let field = stored.split('$').nth(2).and_then(|field| field.strip_prefix("rounds="));
    field.map_or(sha_crypt::Params::RECOMMENDED_ROUNDS, |rounds| rounds.parse().unwrap_or(u32::MAX))
}

/// `$2b$NN$` and what follows.
fn bcrypt_cost(stored: &str) -> Option<u32> {
    stored.split('$').nth(2)?.parse().ok()
}

/// A whole one: the parser takes one that was cut off, too.
fn argon2(stored: &str) -> Option<Params> {
    let hash = PasswordHash::new(stored).ok().filter(|hash| hash.salt.is_some() && hash.hash.is_some())?;
    Params::try_from(&hash).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_taken_and_what_would_hold_up_everybody_is_not() {
        let salted = "saltstring$28AJ/Owh4uFQlDyg1hU9ECJ5R4bO.fX7u.4XTE/3LO8";
        let sha = |rounds: &str| check(&format!("$5${rounds}{salted}"));
        for usual in ["", "rounds=5000$", "rounds=656000$", "rounds=1000000$"] {
            assert_eq!(sha(usual), Ok(()), "{usual}");
        }
        for dear in ["rounds=1000001$", "rounds=999999999$", "rounds=99999999999999999999$"] {
            assert!(matches!(sha(dear), Err(HashFault::TooDear { what: "rounds", .. })), "{dear}");
        }
        let bcrypt =
            |cost: &str| check(&format!("$2b${cost}$abcdefghijklmnopqrstuuhMPsq2sVxbyAktWJtmEuloXxVxcU1aK"));
        assert_eq!((bcrypt("05"), bcrypt("14")), (Ok(()), Ok(())));
        for dear in ["15", "31", "99"] {
            assert!(matches!(bcrypt(dear), Err(HashFault::TooDear { what: "cost", .. })), "{dear}");
        }
        let argon2 = |params: &str| {
            check(&format!(
                "$argon2id$v=19${params}$eXViaW4tZGVjb3ktc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            ))
        };
        for usual in ["m=12288,t=3,p=1", "m=65536,t=3,p=4", "m=262144,t=3,p=1"] {
            assert_eq!(argon2(usual), Ok(()), "{usual}");
        }
        for dear in ["m=262145,t=1,p=1", "m=4194304,t=1,p=1", "m=262144,t=4,p=1", "m=12288,t=4294967295,p=1"]
        {
            assert!(matches!(argon2(dear), Err(HashFault::TooDear { .. })), "{dear}");
        }
        for none in ["", "{MD5}x", "$2b$", "$argon2id$v=19$m=12288,t=3,p=1$eXViaW4tZGVjb3ktc2FsdA"] {
            assert_eq!(check(none), Err(HashFault::Unknown), "{none}");
        }
    }
}
