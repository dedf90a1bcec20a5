//! The server over real sockets, in this process, against clients that mean harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod balancer;
mod envelope;
mod hostile;
mod house;
mod limits;
mod offered;
mod sending;
