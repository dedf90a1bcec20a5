//! Passwords: made by us, or taken from a person.

use auth_sasl::Secret;
use zeroize::Zeroizing;

use crate::error::{AdminError, Unavailable};
use crate::limits;

/// 32 half-width lower-case letters and digits, of which none is taken for another on paper (no l, o, 0, 1).
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Makes a password of [`limits::GENERATED_PASSWORD`] characters that can be read out and typed.
///
/// # Errors
/// [`Unavailable`] when the system gives no random numbers.
pub fn generate_password() -> Result<Secret, Unavailable> {
    let mut random = Zeroizing::new([0_u8; limits::GENERATED_PASSWORD]);
    aws_lc_rs::rand::fill(&mut *random).map_err(Unavailable::when("making a password"))?;
    // 32 divides 256: every character is equally likely.
    let pick = |octet: &u8| ALPHABET.iter().copied().nth(usize::from(octet % 32)).unwrap_or(b'2');
    Ok(Secret::new(random.iter().map(pick).collect::<Vec<u8>>()))
}

/// Whether a text is of the shape of the passwords that we make.
pub(crate) fn reads_as_generated(text: &str) -> bool {
    text.len() == limits::GENERATED_PASSWORD
        && text.bytes().all(|octet| ALPHABET.contains(&octet))
        && text.bytes().any(|octet| octet.is_ascii_digit())
}

/// The shape of issued logins: `@` a letter, `#` a digit, every other character itself.
#[derive(Debug)]
pub(crate) struct Pattern(String);

/// The first 24 of the alphabet are its letters, the rest its digits.
const LETTERS: usize = 24;

impl Pattern {
    /// A shape that makes logins, and enough of them that nobody guesses the next one's.
    pub(crate) fn parse(text: &str) -> Result<Self, AdminError> {
        let example = text.replace('@', "a").replace('#', "2");
        let logins = text.bytes().fold(1_u64, |number, octet| match octet {
            b'@' => number.saturating_mul(LETTERS as u64),
            b'#' => number.saturating_mul((ALPHABET.len() - LETTERS) as u64),
            _ => number,
        });
        if logins < limits::PATTERN_LOGINS || crate::Login::parse(&example).is_err() {
            return Err(AdminError::Refused(format!(
                "'{}' is no shape of logins: write @ for a letter, # for a digit, and enough of them for {} logins, for example @@#@-@@@ or m####@@###@",
                text.escape_debug(),
                limits::PATTERN_LOGINS
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// A login of this shape, at random; without characters that are taken for others on paper, but for the fixed ones.
    pub(crate) fn fill(&self) -> Result<String, Unavailable> {
        let mut random = vec![0_u8; self.0.len()];
        aws_lc_rs::rand::fill(&mut random).map_err(Unavailable::when("making a login"))?;
        let (letters, digits) = ALPHABET.split_at(LETTERS);
        // Neither 24 nor 8 need to divide 256 here: a login is no secret.
        let pick = |of: &[u8], octet: u8| {
            of.iter().copied().nth(usize::from(octet) % of.len()).map_or('a', char::from)
        };
        let fill = |(shape, octet): (char, &u8)| match shape {
            '@' => pick(letters, *octet),
            '#' => pick(digits, *octet),
            other => other,
        };
        Ok(self.0.chars().zip(&random).map(fill).collect())
    }
}

/// Refuses a password that no client could send.
pub(crate) fn check_password(password: &Secret) -> Result<(), AdminError> {
    let octets = password.expose();
    let refused = |why: String| Err(AdminError::Refused(why));
    if octets.is_empty() {
        return refused("the password is empty; leave it out to have one made".into());
    }
    if octets.len() > limits::PASSWORD {
        return refused(format!(
            "the password is longer than {} octets, more than POP3's PASS can carry; choose a shorter one",
            limits::PASSWORD
        ));
    }
    if octets.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
        return refused(
            "the password contains a line break or a NUL, which PLAIN and PASS cannot carry".into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_is_half_width_lower_case_and_unambiguous() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let password = generate_password().unwrap();
            let octets = password.expose();
            assert_eq!(octets.len(), limits::GENERATED_PASSWORD);
            assert!(octets.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
            assert!(!octets.iter().any(|b| b"lo01".contains(b)));
            assert!(check_password(&password).is_ok());
            assert!(seen.insert(octets.to_vec()), "no password twice");
        }
    }

    #[test]
    fn s_19_logins_of_the_three_shapes_are_made() {
        for (shape, like) in
            [("@@#@-@@@", "ab4t-ash"), ("m####@@###@", "m1234ab567c"), ("u####@@###@", "u1234ab567c")]
        {
            let pattern = Pattern::parse(shape).unwrap();
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..50 {
                let login = pattern.fill().unwrap();
                assert_eq!(crate::Login::parse(&login).unwrap().as_str(), login);
                assert_eq!(login.len(), like.len());
                for (made, example) in login.chars().zip(like.chars()) {
                    let alike = made.is_ascii_digit() == example.is_ascii_digit()
                        && made.is_ascii_lowercase() == example.is_ascii_lowercase();
                    assert!(alike, "{login} {like}");
                }
                seen.insert(login);
            }
            assert!(seen.len() > 45, "they differ");
        }
        for nonsense in ["", "fixed", "@@", "@@@@@@@ ", "-@@@@@@@", "@@@@@@@@/", "全@@@@@@@@"] {
            assert!(Pattern::parse(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_password_that_no_client_could_send_is_refused() {
        for (password, accepted) in [
            (b"".to_vec(), false),
            (b"a".to_vec(), true),
            (b" two words ".to_vec(), true),
            ("日本".as_bytes().to_vec(), true),
            (b"a\0b".to_vec(), false),
            (b"a\rb".to_vec(), false),
            (b"a\nb".to_vec(), false),
            (vec![b'a'; limits::PASSWORD], true),
            (vec![b'a'; limits::PASSWORD + 1], false),
        ] {
            assert_eq!(check_password(&Secret::new(password.clone())).is_ok(), accepted, "{password:?}");
        }
    }
}
