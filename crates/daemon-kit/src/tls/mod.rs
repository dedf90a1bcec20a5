//! TLS 1.2 and 1.3: identities, the choice between them by SNI, and the facts of a session.

mod identity;

pub use identity::{Identity, IdentityError};
