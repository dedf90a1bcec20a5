//! The server's end of PLAIN and LOGIN.

use alloc::string::{String, ToString};

use crate::{Claim, Secret};

/// A mechanism that this crate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// `LOGIN`: never standardised, spoken by everyone: the name and the password, each asked for.
    Login,
    /// `PLAIN`, RFC 4616.
    Plain,
}

impl Mechanism {
    /// All of them, in the order in which a server offers them.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Login];

    /// The mechanism of that name, in any case (RFC 4422 §3.1 has upper case; clients do not).
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::Plain => "PLAIN",
        }
    }
}

/// A client's response that its mechanism does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response does not follow the mechanism's form")]
pub struct Malformed;

/// Where an exchange stands after a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send [`Exchange::challenge`], and pass the response to [`Exchange::respond`].
    Challenge(Exchange),
    /// The exchange is over; verify the claim.
    Done(Claim),
    /// The exchange is over without a claim.
    Malformed,
}

/// An exchange that waits for the client's next response.
#[derive(Debug, PartialEq, Eq)]
pub struct Exchange(Awaiting);

#[derive(Debug, PartialEq, Eq)]
enum Awaiting {
    LoginName,
    LoginPassword { login: String },
    Plain,
}

impl Exchange {
    /// Starts an exchange. `initial` is the decoded initial response; one that is there but empty is a response, too.
    pub fn start(mechanism: Mechanism, initial: Option<&[u8]>) -> Step {
        let exchange = Self(match mechanism {
            Mechanism::Login => Awaiting::LoginName,
            Mechanism::Plain => Awaiting::Plain,
        });
        match initial {
            Some(response) => exchange.respond(response),
            None => Step::Challenge(exchange),
        }
    }

    /// What to send to the client, before base64. LOGIN's prompts are those that every client knows.
    pub const fn challenge(&self) -> &'static [u8] {
        match self.0 {
            Awaiting::LoginName => b"Username:",
            Awaiting::LoginPassword { .. } => b"Password:",
            Awaiting::Plain => b"",
        }
    }

    /// Takes the client's decoded response.
    pub fn respond(self, response: &[u8]) -> Step {
        match self.0 {
            Awaiting::LoginName => match identity(response) {
                Ok(login) => Step::Challenge(Self(Awaiting::LoginPassword { login })),
                Err(Malformed) => Step::Malformed,
            },
            Awaiting::LoginPassword { login } => match password(response) {
                Ok(password) => Step::Done(Claim::password(login, password)),
                Err(Malformed) => Step::Malformed,
            },
            Awaiting::Plain => plain(response).map_or(Step::Malformed, Step::Done),
        }
    }
}

/// `message = [authzid] UTF8NUL authcid UTF8NUL passwd` (RFC 4616 §2): each at least one character but the authzid.
fn plain(message: &[u8]) -> Result<Claim, Malformed> {
    let mut parts = message.split(|&octet| octet == 0);
    let (Some(authorization), Some(login), Some(secret), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Malformed);
    };
    let authorization = match authorization {
        b"" => String::new(),
        name => identity(name)?,
    };
    Ok(Claim::Password { authorization, login: identity(login)?, password: password(secret)? })
}

/// The longest name in octets that RFC 4616 §2 asks a server to take. What is longer is nobody's, and would fill the log.
pub(crate) const LONGEST_NAME: usize = 255;

/// A name is text without control characters, so that it can never break a log line or a reply.
fn identity(octets: &[u8]) -> Result<String, Malformed> {
    let name = core::str::from_utf8(octets).map_err(|_| Malformed)?;
    match name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        true => Err(Malformed),
        false => Ok(name.to_string()),
    }
}

/// A password is any octets but NUL; old clients send it in their own character set.
fn password(octets: &[u8]) -> Result<Secret, Malformed> {
    match octets.is_empty() || octets.contains(&0) {
        true => Err(Malformed),
        false => Ok(Secret::new(octets)),
    }
}
