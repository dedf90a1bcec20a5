//! POP3, both ends, without I/O: [`Session`] is the server's, [`ClientSession`] the client's.
//!
//! A [`Session`] is a function of octets and answers. It knows no socket, clock or file, and it does not wait: the caller owns the
//! input and the output, and [`Session::step`] says how much of the input it dealt with and what the caller is to do next.
//!
//! ```
//! use pop3_proto::{Channel, Config, Content, Event, Maildrop, Refusal, Session};
//!
//! // One message, one user, and a client that sends everything at once.
//! let letter = b"Subject: hello\r\n\r\n.signed, with a dot\r\n";
//! let mut input = &b"USER hanako\r\nPASS sakura\r\nRETR 1\r\nQUIT\r\n"[..];
//!
//! let mut session = Session::new(Config::new("pop.example.jp").into(), Channel::Encrypted, None);
//! let mut out = Vec::new();
//! session.greet(&mut out);
//! loop {
//!     let step = session.step(input, &mut out)?;
//!     input = &input[step.consumed..];
//!     match step.event {
//!         Event::Login(claim) if claim.verify_secret(&auth_sasl::Secret::new("sakura")) => {
//!             let mut maildrop = Maildrop::default();
//!             maildrop.push(letter.len() as u64, "1700000000.M1P2.mx")?;
//!             session.accept_login(maildrop, &mut out)?;
//!         }
//!         Event::Login(_) => session.refuse(Refusal::Credentials, &mut out)?,
//!         Event::Retrieve { .. } => {
//!             session.accept(&mut out)?;
//!             let (mut content, mut rest) = (Content::whole(), &letter[..]);
//!             while let Some(piece) = content.next(rest) {
//!                 out.extend_from_slice(piece.octets);
//!                 rest = &rest[piece.consumed..];
//!             }
//!             out.extend_from_slice(content.finish());
//!             session.body_sent()?;
//!         }
//!         Event::Commit { .. } => session.accept(&mut out)?,
//!         Event::Close(_) => break,
//!         Event::NeedInput | Event::Flush => {} // a server sends `out` here, and reads
//!         _ => session.refuse(Refusal::Temporary, &mut out)?,
//!     }
//! }
//! let said = String::from_utf8_lossy(&out);
//! assert!(said.contains("+OK 39 octets\r\nSubject: hello\r\n\r\n..signed, with a dot\r\n.\r\n+OK goodbye\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What stands where
//!
//! | read first | |
//! |---|---|
//! | `table.rs` | which command is allowed when |
//! | `grammar.rs` | what a command line looks like |
//! | `replies.rs` | everything that the server says |
//! | `limits.rs` | how much it takes |
//! | `session.rs` | how these come together |
//! | `client.rs` | the other end |
//!
//! # What a caller is asked
//!
//! Login, RETR, TOP, QUIT and STLS are questions ([`Event`]): the caller answers with [`Session::accept_login`],
//! [`Session::accept`] or [`Session::refuse`]; until then a step is [`Misuse`]. STAT, LIST, UIDL, DELE and RSET never leave the
//! session: it has the sizes, the unique-ids and the deletion marks in its [`Maildrop`]. Messages never enter it: the caller sends
//! them through [`Content`].
//!
//! # Invariants
//!
//! - A client's fault is a reply and a counter, never an `Err`.
//! - How the input is cut changes nothing.
//! - Output is bounded: [`Event::Flush`] comes when [`limits::OUTPUT`] octets are waiting.
//! - A session that ends without QUIT deletes nothing, for only [`Event::Commit`] tells the caller to (RFC 1939 §6).
//! - No command in TRANSACTION allocates, once the output has grown to its size.
//!
//! # Standards
//!
//! RFC 1939 (POP3, with TOP, UIDL and APOP), RFC 2449 (CAPA, response codes), RFC 2595 (STLS), RFC 3206 (`SYS/`, `AUTH`),
//! RFC 5034 (AUTH; also alone, as clients from before CAPA use it), RFC 6856 (UTF8, LANG in English and Japanese).
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod capabilities;
pub mod client;
mod command;
mod config;
mod content;
mod decimal;
mod event;
mod grammar;
mod language;
pub mod limits;
mod listing;
mod maildrop;
mod replies;
mod session;
mod table;
mod words;

pub use client::{ClientEvent, ClientSession, ClientStep, ResponseCode, ServerFault};
pub use command::{Command, Hidden, MessageNumber, Sasl, Verb};
pub use config::{Channel, Config, Expire, LoginDelay};
pub use content::Content;
pub use event::{CloseReason, Event, Misuse, Refusal, Step};
pub use grammar::{Fault, Problem};
pub use language::Language;
pub use limits::Limits;
pub use maildrop::{BadMessage, Listing, Maildrop, Totals};
pub use session::Session;
pub use words::{InvalidText, Topic};
