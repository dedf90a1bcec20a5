//! SASL PLAIN (RFC 4616) and LOGIN, and POP3's APOP (RFC 1939 §7): both ends.
//!
//! A server's exchange ends in a [`Claim`]: what the client says of itself. Whether it is true is the caller's to find out, who has
//! the accounts; this crate has no opinion, no socket, no clock and no random numbers.
//!
//! ```
//! use auth_sasl::{Claim, Exchange, Mechanism, Step};
//!
//! let Step::Challenge(exchange) = Exchange::start(Mechanism::Login, None) else { panic!() };
//! assert_eq!(exchange.challenge(), b"Username:");
//! let Step::Challenge(exchange) = exchange.respond(b"hanako") else { panic!() };
//! let Step::Done(Claim::Password { login, password, .. }) = exchange.respond(b"sakura") else { panic!() };
//! assert_eq!((login.as_str(), password.expose()), ("hanako", &b"sakura"[..]));
//! ```
//!
//! The payloads here are raw octets. [`mod@line`] has the base64 forms in which SMTP (RFC 4954 §4) and POP3 (RFC 5034 §4) carry them,
//! where an absent initial response and an empty one differ.
//!
//! Secrets are zeroed when dropped and never printed.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod apop;
mod claim;
mod client;
mod exchange;
pub mod line;
mod mechanism_name;
mod secret;

pub use apop::{ApopDigest, Stamp, StampError};
pub use claim::Claim;
pub use client::{ClientExchange, Unencodable};
pub use exchange::{Exchange, Malformed, Mechanism, Step};
pub use mechanism_name::MechanismName;
pub use secret::Secret;
