//! What an SMTP server relies on when it answers 250.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod crash;
mod deliver;
mod outbound;
mod power;
mod quota;
mod retry;
mod space;
mod support;
