//! SMTP, both ends.

mod client;
mod grammar;
mod server;

pub use client::client;
pub use grammar::{command, reply};
pub use server::server;
