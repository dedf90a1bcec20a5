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
