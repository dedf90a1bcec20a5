//! Both ends: transcripts at every cut, every command in every state, hostile bodies, the contracts with the callers, one end against the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod body;
mod client;
mod contract;
mod hostile;
mod limits;
mod peers;
mod script;
mod tls;
mod words;
