//! The operator's command: the real binary, without daemons.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod administration;
mod explain;
mod failures;
mod tables;
mod world;
