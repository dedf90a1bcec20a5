//! The server's session: transcripts at every cut, every command in every state, hostile bodies, and its contract with the caller.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod body;
mod contract;
mod limits;
mod script;
mod tls;
