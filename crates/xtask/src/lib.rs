//! What `cargo xtask` shares with the tests that it starts: other people's programs, and a PostgreSQL of one's own.

pub mod loopback;
pub mod postgres;
pub mod shell;
