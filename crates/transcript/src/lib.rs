//! Runs telephone-call scripts against a protocol machine, at every cut of the client's octets.
//!
//! ```text
//! # a comment
//! ! starttls on                       an option, handed to whoever makes the machine
//! S: 220 mx.example.jp ESMTP Yubin    the machine sends this line and CRLF
//! C: MAIL FROM:<a@example.jp>         the client sends this line and CRLF
//! E: mail a@example.jp => accept      the machine asks; the answer is given
//! E: reset                            the machine tells
//! B: Subject: x                       octets of a body, this line and CRLF
//! C> .\r                              as C:, without CRLF; `S>` and `B>` likewise
//! ~ tls                               the channel is encrypted from here
//! ~ close                             the machine must have closed by here
//! ```
//!
//! In what C, S and B say, `\r`, `\n`, `\t`, `\\`, `\xHH` are octets and `\[1000 ab]` is `ab` a thousand times. Lines of one party
//! that stand together are sent together. Every script is run with them whole, octet by octet, and at random cuts; what happens must
//! be the same each time.

mod run;
mod script;

pub use run::{run, run_directory};

/// What one step of a machine brought about, beside the octets that it wrote.
#[derive(Debug, PartialEq, Eq)]
pub enum Happening {
    /// A question; the script has the answer.
    Asked(String),
    /// Octets of a body.
    Body(Vec<u8>),
    /// The machine is done; nothing more is fed to it.
    Closed(String),
    /// The machine wants more input than it was given.
    NeedInput,
    /// News.
    Told(String),
}

/// A protocol machine, as the scripts see it: an adapter in the tests of each protocol crate.
pub trait Machine {
    /// What the machine says before it is asked anything.
    fn greet(&mut self, out: &mut Vec<u8>);
    /// Takes octets from the front of `input`, appends what is to be sent, and says how many and what happened.
    fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> (usize, Happening);
    /// Answers the last question with the script's words.
    fn answer(&mut self, answer: &str, out: &mut Vec<u8>);
    /// The channel is encrypted from here.
    fn tls_established(&mut self);
}
