//! Criterion benches; `cargo xtask bench` runs them. Machines differ and are shared: read ratios within one run.
//!
//! - `parse`: nanoseconds a command, both protocols, through the session as a server drives it
//! - `session`: a whole session, and how often it allocates
//! - `body`: octets a second of un-stuffing and stuffing, beside `memcpy` over the same buffer
