//! POP3, both ends.

mod client;
mod command;
mod content;
mod server;

pub use client::client;
pub use command::command;
pub use content::content;
pub use server::server;
