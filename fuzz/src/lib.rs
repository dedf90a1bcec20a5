//! What must hold of the protocol crates whatever comes in: no panic, progress, well-formed replies, no difference by how the input is
//! cut, and parsing that undoes writing.
//!
//! Each target of `fuzz_targets/` calls one function of this name; `cargo test` here runs all of them over seeds that are cut from the
//! transcripts, so that they are tests, too, where no fuzzer is at hand. To fuzz: `cargo fuzz run server -- -dict=smtp.dict`.

mod client;
mod grammar;
pub mod seeds;
mod server;
mod wire;

pub use client::client;
pub use grammar::{command, reply, sasl};
pub use server::server;
pub use wire::unstuffing;

/// A function of this crate that takes whatever comes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("client", client),
    ("command", command),
    ("reply", reply),
    ("sasl", sasl),
    ("server", server),
    ("unstuffing", unstuffing),
];

/// The first octet of an input says how the rest is cut: 0 octet by octet, otherwise pieces of so many.
fn pieces(cut: u8, input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.chunks(usize::from(cut) + 1)
}
