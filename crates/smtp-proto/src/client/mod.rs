//! The client's end of a session: RFC 5321, pipelined where the server offers it (RFC 2920).
//!
//! The caller asks: [`Session::hello`], [`Session::mail`], [`Session::rcpt`] and so on append a command to its buffer, as long as
//! [`Session::may_ask`]. The server's answers come as [`Event::Answered`], in the order of what was asked. Between the two there are
//! two cursors, what was asked last and what was answered last: that is all of pipelining.
//!
//! ```
//! use smtp_proto::client::{Asked, Event, Session};
//! use smtp_proto::{ForwardPath, Mail, Mailbox, Rcpt, ReversePath};
//!
//! let mut session = Session::new("client.example.jp");
//! let mut out = Vec::new();
//! let mut input: &[u8] = b"220 mx.example.jp\r\n250-mx.example.jp\r\n250 PIPELINING\r\n250 OK\r\n250 OK\r\n354 Go\r\n250 Queued\r\n";
//! loop {
//!     let step = session.step(input, &mut out);
//!     input = &input[step.consumed..];
//!     match step.event {
//!         Event::Answered { asked: Asked::Greeting, .. } => session.hello(&mut out)?,
//!         Event::Answered { asked: Asked::Hello, .. } => {
//!             session.mail(&Mail::new(ReversePath::Null), &mut out)?;
//!             let mailbox = Mailbox::parse("hanako@example.jp").unwrap();
//!             session.rcpt(&Rcpt::new(ForwardPath::Mailbox(mailbox)), &mut out)?;
//!             session.data(&mut out)?;
//!         }
//!         Event::Answered { asked: Asked::Data, answer } if answer.code().get() == 354 => {
//!             session.body(b"Subject: dots\n\n.\n", &mut out)?;
//!             session.end_body(&mut out)?;
//!         }
//!         Event::Answered { .. } => {}
//!         Event::NeedInput | Event::Close(_) => break, // send `out`, read more
//!     }
//! }
//! assert!(out.ends_with(b"DATA\r\nSubject: dots\r\n\r\n..\r\n.\r\n"));
//! # Ok::<(), smtp_proto::client::Misuse>(())
//! ```

mod answer;
mod ask;
mod features;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use auth_sasl::ClientExchange;
use auth_sasl::line::encode;
use mail_wire::Stuffer;

pub use answer::Answer;
use answer::{AnswerFinder, Unreadable};
pub use features::Features;

use crate::extension::Extension;
use crate::lines::Normaliser;
use crate::server::Channel;

/// Octets of a whole reply, all of its lines: as much as any server says to EHLO, many times over.
const LONGEST_ANSWER: usize = 16 << 10;

/// How far [`Session::step`] came.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the octets must be dropped from the input and the event must be looked at"]
pub struct Step<'i> {
    /// Octets to drop from the front of the input.
    pub consumed: usize,
    /// What happened.
    pub event: Event<'i>,
}

/// What the caller must know.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// The server answered what was asked longest ago.
    Answered {
        /// What was asked.
        asked: Asked,
        /// The whole reply.
        answer: Answer<'i>,
    },
    /// The session is over: send what was written, then close the connection.
    Close(CloseReason),
    /// Everything was taken: send what was written, read, and call again.
    NeedInput,
}

/// What a server's reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// AUTH, at the end of its exchange.
    Auth,
    /// The message, at its end: after DATA, and after the last chunk.
    Body,
    /// A chunk that is not the last.
    Chunk,
    /// DATA: 354 says that the body may come.
    Data,
    /// Nothing was asked: a server speaks first.
    Greeting,
    /// EHLO, or HELO when the server did not know EHLO.
    Hello,
    /// MAIL
    Mail,
    /// NOOP
    Noop,
    /// QUIT
    Quit,
    /// RCPT, with its number in the transaction, counted from 0.
    Rcpt(usize),
    /// RSET
    Rset,
    /// STARTTLS: 220 says that TLS may start, and nothing of the input is left behind it: where something is, the session closes
    /// instead. Do the handshake, then call [`Session::tls_established`].
    StartTls,
}

impl Asked {
    /// What may have more commands behind it before it is answered (RFC 2920 §3.1, RFC 3030 §2).
    const fn leads_on(self) -> bool {
        matches!(self, Self::Chunk | Self::Mail | Self::Rcpt(_) | Self::Rset)
    }
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Octets came behind the answer to STARTTLS in clear text: someone may have put them there.
    BytesBehindStartTls,
    /// QUIT was answered.
    Quit,
    /// The server said 421; what was not answered never will be.
    ServerClosing,
    /// The server speaks something else, or without being asked.
    Unreadable,
    /// A reply that does not end.
    TooLong,
}

/// The caller broke the contract; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// The session is over.
    #[error("the session is over")]
    Closed,
    /// A password must not cross a channel in clear text, unless [`Session::allow_clear_text_auth`] was said.
    #[error("the channel is not encrypted")]
    NotEncrypted,
    /// The server does not offer what this needs.
    #[error("the server does not offer {}", .0.keyword())]
    NotOffered(Extension),
    /// A command out of its order.
    #[error("not in this state")]
    OutOfOrder,
    /// A login or a password that no mechanism can carry.
    #[error("this login cannot be sent")]
    Unencodable,
    /// What was asked before must be answered first.
    #[error("an answer must come first")]
    Wait,
}

/// One SMTP session, the client's end.
#[derive(Debug)]
pub struct Session {
    name: String,
    finder: AnswerFinder,
    /// What was asked and not answered: asked last at its back, answered next at its front.
    outstanding: VecDeque<Asked>,
    state: State,
    features: Features,
    encrypted: bool,
    clear_text_auth: bool,
    exchange: Option<ClientExchange>,
    /// EHLO was refused, and HELO said instead.
    tried_helo: bool,
    transaction: Transaction,
}

#[derive(Debug)]
enum State {
    /// Commands may be asked.
    Command,
    /// The body is on its way.
    Body(Outgoing),
    TlsDue,
    Closing(CloseReason),
    Closed,
}

/// A message on its way out: nothing bare leaves (RFC 5321 §2.3.8), and no line ends it early (§4.5.2).
#[derive(Clone, Debug, Default)]
struct Outgoing {
    normaliser: Normaliser,
    stuffer: Stuffer,
}

#[derive(Debug, Default)]
struct Transaction {
    /// Whether MAIL was asked.
    open: bool,
    /// Its addresses may be beyond ASCII.
    smtputf8: bool,
    /// Its body has no lines.
    binary: bool,
    asked: usize,
    answered: usize,
    accepted: usize,
    /// The message between two chunks.
    chunks: Option<Outgoing>,
}

impl Session {
    /// On a fresh connection in clear text; `name` is this host's name or its address in brackets.
    pub fn new(name: impl Into<String>) -> Self {
        Self::over(name, Channel::Clear)
    }

    /// On a fresh connection, encrypted perhaps from its first octet.
    pub fn over(name: impl Into<String>, channel: Channel) -> Self {
        Self {
            name: name.into(),
            finder: AnswerFinder::new(LONGEST_ANSWER),
            outstanding: VecDeque::from([Asked::Greeting]),
            state: State::Command,
            features: Features::NONE,
            encrypted: channel == Channel::Encrypted,
            clear_text_auth: false,
            exchange: None,
            tried_helo: false,
            transaction: Transaction::default(),
        }
    }

    /// Lets a password cross a channel in clear text.
    pub const fn allow_clear_text_auth(&mut self) {
        self.clear_text_auth = true;
    }

    /// What the server offers.
    pub const fn features(&self) -> &Features {
        &self.features
    }

    /// Whether another command may be asked now, before an answer comes.
    pub fn may_ask(&self) -> bool {
        matches!(self.state, State::Command)
            && self.outstanding.back().is_none_or(|last| {
                last.leads_on() && self.features.extensions.contains(Extension::Pipelining)
            })
    }

    /// How many questions are not answered yet.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Takes octets from the front of `input`, which starts where the last step left off; may append to `out` what follows from
    /// them without a decision.
    pub fn step<'i>(&mut self, input: &'i [u8], out: &mut Vec<u8>) -> Step<'i> {
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let event = match self.state {
                State::Closed => Event::NeedInput,
                State::Closing(reason) => self.close(reason),
                State::TlsDue if rest.is_empty() => Event::NeedInput,
                State::TlsDue => self.close(CloseReason::BytesBehindStartTls),
                State::Body(_) | State::Command => match self.finder.find(rest) {
                    Ok(None) => Event::NeedInput,
                    Err(Unreadable::Malformed) => self.close(CloseReason::Unreadable),
                    Err(Unreadable::TooLong) => self.close(CloseReason::TooLong),
                    Ok(Some(answer)) => {
                        consumed += answer.len();
                        if self.is_go_ahead_for_tls(&answer) && input.len() > consumed {
                            // RFC 3207 §4.2: who puts octets there is not the one that TLS will prove. Nobody hears of the yes.
                            return Step { consumed, event: self.close(CloseReason::BytesBehindStartTls) };
                        }
                        let Some(event) = self.answered(answer, out) else { continue };
                        event
                    }
                },
            };
            return Step { consumed, event };
        }
    }

    /// The handshake that STARTTLS led to is done. Everything the server said before is forgotten (RFC 3207 §4.2): say
    /// [`Session::hello`] again.
    pub fn tls_established(&mut self) -> Result<(), Misuse> {
        if !matches!(self.state, State::TlsDue) {
            return Err(Misuse::OutOfOrder);
        }
        self.state = State::Command;
        self.encrypted = true;
        self.features = Features::NONE;
        Ok(())
    }

    fn is_go_ahead_for_tls(&self, answer: &Answer<'_>) -> bool {
        self.outstanding.front() == Some(&Asked::StartTls) && answer.code().get() == 220
    }

    fn answered<'i>(&mut self, answer: Answer<'i>, out: &mut Vec<u8>) -> Option<Event<'i>> {
        let Some(asked) = self.outstanding.front().copied() else {
            let closing = answer.code().get() == 421;
            let reason = if closing { CloseReason::ServerClosing } else { CloseReason::Unreadable };
            return Some(self.close(reason));
        };
        if self.goes_on(asked, &answer, out) {
            return None;
        }
        self.outstanding.pop_front();
        let asked = self.note(asked, &answer, out);
        if answer.code().get() == 421 && asked != Asked::Quit {
            self.state = State::Closing(CloseReason::ServerClosing);
        }
        Some(Event::Answered { asked, answer })
    }

    /// What a reply leads to without anybody's decision, and without being the last word.
    fn goes_on(&mut self, asked: Asked, answer: &Answer<'_>, out: &mut Vec<u8>) -> bool {
        match (asked, answer.code().get()) {
            (Asked::Auth, 334) => {
                match self.exchange.as_mut().and_then(ClientExchange::respond) {
                    Some(response) => encode(&response, out),
                    // RFC 4954 §4: the server wants more than the mechanism has.
                    None => out.push(b'*'),
                }
                out.extend_from_slice(b"\r\n");
                true
            }
            // RFC 5321 §3.2: a server that does not know EHLO may know HELO.
            (Asked::Hello, 500 | 502 | 504) if !core::mem::replace(&mut self.tried_helo, true) => {
                out.extend_from_slice(b"HELO ");
                out.extend_from_slice(self.name.as_bytes());
                out.extend_from_slice(b"\r\n");
                true
            }
            _ => false,
        }
    }

    /// What an answer changes here.
    fn note(&mut self, asked: Asked, answer: &Answer<'_>, out: &mut Vec<u8>) -> Asked {
        match (asked, answer.code().get()) {
            (Asked::Auth, _) => self.exchange = None,
            (Asked::Hello, _) if answer.is_positive() && !self.tried_helo => {
                self.features = Features::parse(answer);
            }
            (Asked::Mail, _) if !answer.is_positive() && self.outstanding.is_empty() => self.forget(),
            (Asked::Rcpt(_), _) => {
                let number = self.transaction.answered;
                self.transaction.answered += 1;
                self.transaction.accepted += usize::from(answer.is_positive());
                return Asked::Rcpt(number);
            }
            // RFC 2920 §3.1: DATA was asked before it was known that nobody is there; the message must come, and be empty.
            (Asked::Data, 354) if self.transaction.accepted == 0 => {
                out.extend_from_slice(b".\r\n");
                self.outstanding.push_back(Asked::Body);
            }
            (Asked::Data, 354) => self.state = State::Body(Outgoing::default()),
            (Asked::Body | Asked::Data | Asked::Rset, _) => self.forget(),
            (Asked::StartTls, 220) => self.state = State::TlsDue,
            (Asked::Quit, _) => self.state = State::Closing(CloseReason::Quit),
            _ => {}
        }
        asked
    }

    fn forget(&mut self) {
        self.transaction = Transaction::default();
    }

    fn close<'i>(&mut self, reason: CloseReason) -> Event<'i> {
        self.state = State::Closed;
        Event::Close(reason)
    }
}
