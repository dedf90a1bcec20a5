//! The client's end of PLAIN and LOGIN.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::exchange::LONGEST_NAME;
use crate::{Mechanism, Secret};

/// A name or a password that the mechanism cannot carry: empty, with a NUL inside, or a name longer than a server must take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name (of at most 255 octets) and a password must be there and must not hold a NUL")]
pub struct Unencodable;

/// What a client has left to say.
///
/// ```
/// use auth_sasl::{ClientExchange, Mechanism, Secret};
///
/// let mut client = ClientExchange::new(Mechanism::Plain, "hanako", &Secret::new(*b"sakura")).unwrap();
/// assert_eq!(client.respond().unwrap().as_slice(), b"\0hanako\0sakura");
/// assert_eq!(client.respond(), None);
/// ```
#[derive(Debug)]
pub struct ClientExchange {
    /// In reverse, so that the next one is popped.
    responses: Vec<Response>,
}

struct Response(Zeroizing<Vec<u8>>);

impl core::fmt::Debug for Response {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[secret]")
    }
}

impl ClientExchange {
    /// Prepares the responses of `mechanism` for one login.
    pub fn new(mechanism: Mechanism, login: &str, password: &Secret) -> Result<Self, Unencodable> {
        let carried = |octets: &[u8]| !octets.is_empty() && !octets.contains(&0);
        if !carried(login.as_bytes()) || login.len() > LONGEST_NAME || !carried(password.expose()) {
            return Err(Unencodable);
        }
        let response = |parts: &[&[u8]]| Response(Zeroizing::new(parts.concat()));
        let responses = match mechanism {
            Mechanism::Login => alloc::vec![response(&[password.expose()]), response(&[login.as_bytes()])],
            Mechanism::Plain => alloc::vec![response(&[b"\0", login.as_bytes(), b"\0", password.expose()])],
        };
        Ok(Self { responses })
    }

    /// The next response, to send as an initial response or to a challenge. `None`: the server asks for more than the mechanism
    /// has; cancel with `*`.
    pub fn respond(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        self.responses.pop().map(|Response(octets)| octets)
    }
}
