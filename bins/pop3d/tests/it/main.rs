//! The server over real sockets: its own client in clear, and Python's poplib for everything with TLS in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod certificates;
mod client;
mod doors;
mod house;
mod login;
mod maildrop;
mod program;
mod retention;
mod trouble;
