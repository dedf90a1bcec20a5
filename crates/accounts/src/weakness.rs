//! Which passwords are guessed first, and are therefore not given to an account without a second word.

use auth_sasl::Secret;
use zeroize::Zeroizing;

/// What is tried first everywhere, in small letters and without the digits and signs that people put behind it.
const COMMON: &str = "abc access account admin administrator asdf asdfgh asdfghjk asdfghjkl asdfjkl baseball batman changeme \
    charlie computer daniel default doraemon dragon football guest hello hogehoge iloveyou internet jordan \
    letmein login mail master michael monkey mustang naruto ninja p@ssw0rd pass passpass passw0rd password \
    pikachu pokemon princess qawsedrf qaz qazwsx qazwsxedc qwer qwert qwertyui qwertyuiop qwerty sakura \
    sakurasakura samurai secret shadow starwars sunshine superman system temp test testtest trustno user webmail \
    welcome whatever yubin zaq zaqwsx zxcvbn zxcvbnm 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qaz2wsx3edc q1w2e3r4 zaq12wsx \
    zaq1xsw2";

/// Why a password would soon be guessed, if it would; `least` characters it must have at least. What no client could send is not looked
/// for here.
#[must_use]
pub fn password_weakness(password: &Secret, login: &str, least: usize) -> Option<String> {
    let text = Zeroizing::new(String::from_utf8_lossy(password.expose()).to_lowercase());
    let characters = text.chars().count();
    if characters < least {
        return Some(format!("the password has {characters} characters, fewer than {least}"));
    }
    let login = login.rsplit(':').next().unwrap_or_default().to_lowercase();
    // One or two characters are in many a good password.
    if login.chars().count() >= 3 && text.contains(&login) {
        return Some("the password contains the login".into());
    }
    let core = text.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    if COMMON.split(' ').any(|common| common == core || common == text.as_str()) {
        return Some("the password is one of those that are tried first".into());
    }
    is_row(&text).then(|| "the password is one character again and again, or a row such as 12345678".into())
}

/// One character again and again, or each the next, or each the one before; 0 is behind 9.
fn is_row(text: &str) -> bool {
    let step = |from: char, to: char| match (from, to) {
        ('9', '0') => Some(1),
        ('0', '9') => Some(-1),
        _ => Some(i64::from(u32::from(to)) - i64::from(u32::from(from))).filter(|step| step.abs() <= 1),
    };
    let steps: Vec<_> = text.chars().zip(text.chars().skip(1)).map(|(from, to)| step(from, to)).collect();
    steps.len() > 1 && steps.iter().all(|step| step.is_some() && Some(step) == steps.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_06_what_is_guessed_first_is_weak() {
        let weakness = |password: &str| password_weakness(&Secret::new(password), "asahi:ab4t-ash", 8);
        for (password, why) in [
            ("short", "fewer than 8"),
            ("\u{65e5}\u{672c}\u{8a9e}", "3 characters"),
            ("password", "tried first"),
            ("Password123!", "tried first"),
            ("P@ssw0rd", "tried first"),
            ("1qaz2wsx", "tried first"),
            ("12345678", "a row"),
            ("98765432", "a row"),
            ("1234567890", "a row"),
            ("abcdefgh", "a row"),
            ("zzzzzzzz", "a row"),
            ("ab4t-ash", "the login"),
            ("my AB4T-ASH pw", "the login"),
        ] {
            assert!(
                weakness(password).is_some_and(|text| text.contains(why)),
                "{password}: {:?}",
                weakness(password)
            );
        }
        for password in [
            "n9e3cee6c879yw",
            "two words",
            "pw-Correct-77",
            "\u{3044}\u{308d}\u{306f}\u{306b}\u{307b}\u{3078}\u{3068}\u{3061}!",
        ] {
            assert_eq!(weakness(password), None, "{password}");
        }
        assert_eq!(password_weakness(&Secret::new("x"), "", 1), None);
        for (login, is_weak) in [("n9", false), ("asahi:n9", false), ("n9e", true)] {
            let weakness = password_weakness(&Secret::new("n9e3cee6c879yw"), login, 8);
            assert_eq!(weakness.is_some(), is_weak, "{login}");
        }
    }
}
