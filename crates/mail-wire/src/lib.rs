//! The bytes that SMTP and POP3 share.
//!
//! Three machines, each fed with whatever a read returned and each handing back slices of that input, never a copy:
//!
//! - [`LineFinder`] finds command lines of bounded length and stays in step behind over-long ones.
//! - [`Unstuffer`] takes the dot-stuffing of a message off (RFC 5321 §4.5.2) and reports bare CR and bare LF.
//! - [`Stuffer`] puts it on (RFC 1939 §3) and turns the bare LF of a foreign file into CRLF.
//!
//! None of them knows a protocol, a socket, a clock or a file. How the input is cut never changes what comes out: the tests
//! hold all three against a bytewise reference over every string of a small alphabet, at every cut.
#![no_std]

#[cfg(test)]
extern crate std;

mod line;
mod run;
mod stuff;
mod unstuff;

pub use line::{Ending, Found, LineFinder};
pub use stuff::{Piece, Stuffer};
pub use unstuff::{Bare, Chunk, Unstuffer};
