//! SMTP (RFC 5321) and message submission (RFC 6409) without I/O.
//!
//! [`client`] has the client's end. [`Session`] is the server's: a function of octets and answers, with no socket, clock, file or async in it. The caller owns
//! both buffers, feeds what it read and sends what was written:
//!
//! ```
//! use std::sync::Arc;
//! use smtp_proto::{Channel, Config, Event, Session};
//!
//! let mut session = Session::new(Arc::new(Config::new("mx.example.jp")), Channel::Clear);
//! let (mut out, mut body) = (Vec::new(), Vec::new());
//! session.greet(&mut out);
//! let mut input: &[u8] = b"EHLO pc\r\nMAIL FROM:<a@example.jp>\r\nRCPT TO:<b@example.jp>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n";
//! loop {
//!     let step = session.step(input, &mut out)?;
//!     input = &input[step.consumed..];
//!     match step.event {
//!         // Whatever needs a decision is a question. `refuse` answers it, too; nothing happens meanwhile.
//!         Event::Hello(_) | Event::Mail(_) | Event::Rcpt(_) | Event::BodyStart => session.accept(&mut out)?,
//!         Event::Body(octets) => body.extend_from_slice(octets),
//!         Event::BodyEnd => session.accept(&mut out)?, // 250: it must be on disk by now
//!         Event::NeedInput => break,                   // send `out`, read more
//!         Event::Close(_) => break,                    // send `out`, close
//!         Event::Authenticate(_) | Event::StartTls | Event::Verify(_) | Event::Reset(_) => {}
//!     }
//! }
//! assert_eq!(body, b"hi\r\n");
//! assert!(out.ends_with(b"221 2.0.0 mx.example.jp closing\r\n"));
//! # Ok::<(), smtp_proto::Misuse>(())
//! ```
//!
//! A peer's fault becomes a reply and a counter inside; `Err` is [`Misuse`]: the caller broke the contract. What a newcomer reads first:
//! `server/table.rs` (which command when), `replies.rs` (every reply the server can speak), `limits.rs` (every limit, with its reason).
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod client;
mod command;
mod extension;
mod grammar;
mod limits;
mod lines;
mod replies;
mod reply;
mod server;
mod words;

pub use command::{ClientName, Mail, Rcpt};
pub use extension::{Extension, Extensions};
pub use grammar::address::{
    AddressLiteral, Domain, DomainName, ForwardPath, LocalPart, Mailbox, ReversePath,
};
pub use grammar::date_time::DateTime;
pub use grammar::delivery::{ByMode, DeliverBy, Hold, Priority, ValidSince};
pub use grammar::marks::{BodyType, Solicitation, Submitter, Tracking, TransactionId};
pub use grammar::notification::{Notify, OriginalRecipient, Return};
pub use grammar::parameter::Xtext;
pub use limits::{Limits, Patience};
pub use reply::{Code, Enhanced, InvalidReply, Reply};
pub use server::{
    Auth, BareLines, Channel, CloseReason, Config, Event, FutureRelease, Hello, Misuse, ResetReason, Session,
    StartTls, Step, Unmet,
};
pub use words::Topic;

/// The example of the project's README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
