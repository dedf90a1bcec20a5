//! Criterion benches; `cargo xtask bench` runs them. Machines differ and are shared: read ratios within one run.
//!
//! - `parse`: nanoseconds a command, both protocols, through the session as a server drives it
//! - `session`: a whole session, and how often it allocates
//! - `body`: octets a second of un-stuffing and stuffing, beside `memcpy` over the same buffer
//! - `deliver`: deliveries a second through the crates, beside the disk's own limit
//! - `scan`: opening a maildrop of 100 000 messages
//!
//! Beside them, whole servers with other people's: `cargo xtask bench pop3`, `cargo xtask bench deliver`.

pub mod disk;
