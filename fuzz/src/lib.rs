//! What must hold of the protocol crates whatever comes in: no panic, progress, well-formed replies, no difference by how the input is
//! cut, and parsing that undoes writing.
//!
//! Each target of `fuzz_targets/` calls one function of this name; `cargo test` here runs all of them over seeds that are cut from the
//! transcripts, so that they are tests, too, where no fuzzer is at hand. To fuzz them all: `cargo xtask fuzz --seconds 60`.

pub mod pop3;
mod sasl;
pub mod seeds;
pub mod smtp;
mod wire;

pub use sasl::sasl;
pub use wire::unstuffing;

/// A function of this crate that takes whatever comes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("pop3_client", pop3::client),
    ("pop3_command", pop3::command),
    ("pop3_content", pop3::content),
    ("pop3_server", pop3::server),
    ("sasl", sasl),
    ("smtp_client", smtp::client),
    ("smtp_command", smtp::command),
    ("smtp_reply", smtp::reply),
    ("smtp_server", smtp::server),
    ("unstuffing", unstuffing),
];

/// The first octet of an input says how the rest is cut: 0 octet by octet, otherwise pieces of so many.
fn pieces(cut: u8, input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.chunks(usize::from(cut) + 1)
}
