//! Known answers, both ends against each other, and that nothing secret is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod apop;
mod exchange;
mod line;
