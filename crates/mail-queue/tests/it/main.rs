//! What the queue promises, shown on a real disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod crash;
mod held;
mod held_elsewhere;
mod outbound;
mod power;
mod reuse;
mod second;
mod spool;
mod support;
