//! What the mail store promises, shown on a real disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod archive;
mod crash;
mod deliver;
mod full;
mod import;
mod listings;
mod model;
mod notice;
mod power;
mod quota;
mod race;
mod read;
mod retention;
mod session;
mod support;
