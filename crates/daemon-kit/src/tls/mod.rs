//! TLS 1.2 and 1.3: identities, the choice between them by SNI, and the facts of a session.

mod acceptor;
mod client;
mod failure;
mod hello;
mod identity;
mod info;

pub use acceptor::Acceptor;
pub use client::{ClientAuthority, ClientCertificate};
pub use failure::TlsFailure;
pub use hello::HelloFacts;
pub use identity::{Identity, IdentityError, Unfit};
pub use info::TlsInfo;
