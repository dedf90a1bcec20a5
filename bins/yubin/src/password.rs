//! Where a new password comes from: the first line of stdin, or from us.

use std::io::{self, BufRead};

use accounts::{Unavailable, generate_password, password_weakness};
use auth_sasl::Secret;
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::failure::Failure;

/// Longer than any password that is accepted, so that a longer one is seen to be longer.
const LINE: usize = 4096;

/// A new password.
pub(crate) struct NewPassword {
    pub(crate) secret: Secret,
    /// It was made by us: nobody knows it yet, so it must be shown.
    made: bool,
}

impl NewPassword {
    pub(crate) fn get(from_stdin: bool) -> Result<Self, Failure> {
        let secret = if from_stdin { first_line(io::stdin().lock()) } else { made() }?;
        Ok(Self { secret, made: !from_stdin })
    }

    /// Refuses one that an operator gave and that would soon be guessed, for this login; ours are none of these.
    pub(crate) fn must_be_good(&self, login: &str, settings: &Settings, force: bool) -> Result<(), Failure> {
        let Some(least) = settings.config.accounts.password_min_length.filter(|_| !self.made && !force)
        else {
            return Ok(());
        };
        let least = usize::try_from(least).unwrap_or(usize::MAX);
        match password_weakness(&self.secret, login, least) {
            None => Ok(()),
            Some(why) => Err(Failure::Refused(format!(
                "{why}; choose another one, leave out --password-stdin to have one made, or take it all the same with --force"
            ))),
        }
    }

    /// What to print once: nothing where the operator gave it.
    pub(crate) fn to_show(&self) -> Option<String> {
        self.made.then(|| String::from_utf8_lossy(self.secret.expose()).into_owned())
    }
}

fn made() -> Result<Secret, Failure> {
    generate_password().map_err(|error: Unavailable| Failure::Refused(error.to_string()))
}

/// The line without its ending; blanks are part of a password.
fn first_line(input: impl BufRead) -> Result<Secret, Failure> {
    // Full size from the start: a vector that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE));
    input
        .take(LINE as u64)
        .read_until(b'\n', &mut line)
        .map_err(|error| Failure::Refused(format!("cannot read the password from stdin: {error}")))?;
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.is_empty() {
        return Err(Failure::Refused(
            "no password came on stdin; leave out --password-stdin to have one made".into(),
        ));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password() {
        for (input, password) in [
            (&b"sakura\n"[..], Some(&b"sakura"[..])),
            (b"sakura\r\nmore\n", Some(b"sakura")),
            (b"sakura", Some(b"sakura")),
            (b" two words \n", Some(b" two words ")),
            (b"\xff\xfe\n", Some(b"\xff\xfe")),
            (b"\n", None),
            (b"\r\n", None),
            (b"", None),
        ] {
            let read = first_line(input).ok();
            assert_eq!(read.as_ref().map(Secret::expose), password, "{input:?}");
        }
        let endless = io::BufReader::new(io::repeat(b'a'));
        assert_eq!(first_line(endless).unwrap().expose().len(), LINE);
    }
}
