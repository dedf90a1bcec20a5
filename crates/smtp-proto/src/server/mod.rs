//! The server's end of a session.

mod answer;
mod body;
mod commands;
mod hello;
mod table;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use auth_sasl::{Claim, Exchange, Mechanism, MechanismName};
use mail_wire::{Ending, Found, LineFinder};

use crate::command::{ClientName, Mail, Rcpt};
use crate::extension::Extensions;
use crate::limits::Limits;
use crate::replies;
use crate::reply::{InvalidReply, Reply};
use crate::words::Topic;
use body::{Body, Chunk};

/// What one listener offers and demands; shared by all of its sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The name in the greeting. It must be a host's name: it goes into replies as it is.
    pub hostname: String,
    /// Whether STARTTLS is offered or demanded. Not for a listener whose TLS is implicit.
    pub starttls: StartTls,
    /// Whether AUTH is offered or demanded.
    pub auth: Auth,
    /// The biggest message in octets, as RFC 1870 counts them. `None`: no limit, announced as `SIZE` alone.
    pub size: Option<u64>,
    /// What becomes of a bare CR or LF in a message.
    pub bare_lines: BareLines,
    /// What is offered besides. STARTTLS, AUTH and FUTURERELEASE follow from the settings of their own.
    pub extensions: Extensions,
    /// How far ahead a client may date a message. `None`: FUTURERELEASE is not offered.
    pub future_release: Option<FutureRelease>,
    /// Everything else that has a bound.
    pub limits: Limits,
    /// What is said instead of what.
    words: Vec<(Reply, Reply)>,
}

impl Config {
    /// Neither TLS nor AUTH, no limit on a message's size.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            starttls: StartTls::Off,
            auth: Auth::default(),
            size: None,
            bare_lines: BareLines::Refuse,
            extensions: Extensions::plain(),
            future_release: None,
            limits: Limits::default(),
            words: Vec::new(),
        }
    }

    /// Says a refusal of the session's own in other words, with the same codes. `text` is that of [`Reply::new`].
    pub fn say(&mut self, topic: Topic, text: impl Into<Cow<'static, str>>) -> Result<(), InvalidReply> {
        let usual = topic.reply();
        let reworded = usual.reworded(text)?;
        self.words.retain(|(of, _)| *of != usual);
        self.words.push((usual, reworded));
        Ok(())
    }

    fn worded<'r>(&'r self, usual: &'r Reply) -> &'r Reply {
        self.words.iter().find(|(of, _)| of == usual).map_or(usual, |(_, reworded)| reworded)
    }
}

/// A CR or an LF that stands alone in a message (RFC 5321 §2.3.8). Either way nothing but CRLF `.` CRLF ends a message, and nothing bare
/// is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareLines {
    /// For old devices that are trusted: a bare LF becomes CRLF, a bare CR a blank.
    Normalise,
    /// The message is refused at its end.
    Refuse,
}

/// FUTURERELEASE (RFC 4865 §4): both bounds are announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FutureRelease {
    /// The longest HOLDFOR.
    pub seconds: u32,
    /// The latest HOLDUNTIL, in the form of RFC 3339, in UTC. The session has no clock: who offers it renews it.
    pub until: String,
}

/// STARTTLS (RFC 3207).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartTls {
    /// Not there.
    Off,
    /// There for who wants it.
    Offered,
    /// Before it, no MAIL.
    Required,
}

/// AUTH (RFC 4954).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Auth {
    /// The mechanisms, in the order in which they are announced. Empty: no AUTH.
    pub mechanisms: Vec<Mechanism>,
    /// Before it, no MAIL.
    pub required: bool,
    /// Whether passwords may cross an unencrypted channel.
    pub clear_text: bool,
    /// Whether EHLO also says `AUTH=`, as clients older than RFC 2554 want it.
    pub legacy_line: bool,
}

impl Auth {
    /// AUTH with these mechanisms, not demanded, and on encrypted channels only.
    pub fn with(mechanisms: impl Into<Vec<Mechanism>>) -> Self {
        Self { mechanisms: mechanisms.into(), ..Self::default() }
    }
}

/// What carries the session when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A connection that anyone on the way can read.
    Clear,
    /// Implicit TLS (RFC 8314 §3).
    Encrypted,
}

/// How far [`Session::step`] came.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the octets must be dropped from the input and the event must be answered"]
pub struct Step<'i> {
    /// Octets to drop from the front of the input.
    pub consumed: usize,
    /// What happened.
    pub event: Event<'i>,
}

/// What the caller must know or decide.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// Question: is the client who it claims to be? A refusal is usually `535 5.7.8`.
    Authenticate(Claim),
    /// News: octets of the message, in order, dots removed.
    Body(&'i [u8]),
    /// Question: the message is complete. Acceptance is a promise: it must survive the next power cut.
    BodyEnd,
    /// Question: may a message come now? Its envelope is complete.
    BodyStart,
    /// News: send what was written, then close the connection.
    Close(CloseReason),
    /// Question: EHLO or HELO. An open transaction is forgotten.
    Hello(Hello<'i>),
    /// Question: may a transaction start?
    Mail(Mail<'i>),
    /// Everything was taken: send what was written, read, and call again.
    NeedInput,
    /// Question: will this recipient be served?
    Rcpt(Rcpt<'i>),
    /// News: the transaction is forgotten; drop what there is of its message.
    Reset(ResetReason),
    /// Question: shall TLS start? When accepted: send what was written, do the handshake, call [`Session::tls_established`].
    StartTls,
    /// Question: VRFY. Acceptance says neither yes nor no (252).
    Verify(&'i str),
}

/// A greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'i> {
    /// As whom the client introduces itself.
    pub name: ClientName<'i>,
    /// EHLO rather than HELO.
    pub extended: bool,
}

/// Why a transaction was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The message holds a CR that no LF follows; it is refused at its end.
    BareCr,
    /// The message holds an LF that no CR precedes; it is refused at its end.
    BareLf,
    /// A chunk came while the envelope was not complete; it is refused.
    ChunkOutOfOrder,
    /// RSET.
    Client,
    /// The message is bigger than the limit; it is refused at its end.
    TooBig,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Octets came behind STARTTLS in clear text: someone may have put them there (RFC 3207 §6).
    BytesBehindStartTls,
    /// A line began as HTTP's requests do: what follows may be put together by somebody who wants it taken for commands.
    Http,
    /// QUIT.
    Quit,
    /// The caller answered with a 421, or called [`Session::shut_down`].
    ShutDown,
    /// One of [`Limits`] was reached.
    TooManyAuthFailures,
    /// One of [`Limits`] was reached.
    TooManyErrors,
    /// One of [`Limits`] was reached.
    TooManyIdleCommands,
    /// One of [`Limits`] was reached.
    TooManyTransactions,
    /// BDAT with an argument from which nobody can tell where its octets end.
    UnreadableChunk,
}

/// What a client wanted and was refused by the session itself, for its caller's log: see [`Session::take_unmet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// MAIL before the AUTH that is demanded here: somebody on the way may have hidden it from the client.
    AuthMissing,
    /// AUTH by a mechanism that is not offered here.
    MechanismNotOffered(MechanismName),
}

/// The caller broke the contract; the session is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// The answer's code does not fit: acceptance is 2yz, refusal 4yz or 5yz.
    #[error("the reply's code does not fit the answer")]
    AnswerCode,
    /// The session is over.
    #[error("the session is over")]
    Closed,
    /// There is no question to answer.
    #[error("nothing was asked")]
    NothingAsked,
    /// A question is open: answer it first.
    #[error("a question is open")]
    QuestionOpen,
    /// TLS was not due.
    #[error("TLS was not agreed upon")]
    TlsNotDue,
}

/// One SMTP session, the server's end.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    finder: LineFinder,
    state: State,
    encrypted: bool,
    authenticated: bool,
    greeted: bool,
    transaction: Option<Transaction>,
    counters: Counters,
    unmet: Option<Unmet>,
}

#[derive(Debug, Default)]
struct Transaction {
    recipients: u32,
    opened: Opened,
    /// The message between two chunks.
    body: Option<Body>,
}

/// What MAIL said that matters later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Opened {
    /// RFC 6531 §3.4: all of its addresses may be beyond ASCII.
    smtputf8: bool,
    /// RFC 3030 §3: its body has no lines.
    binary: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    auth_failures: u32,
    errors: u32,
    refused_recipients: u32,
    idle_commands: u32,
    transactions: u32,
}

#[derive(Debug)]
enum State {
    Asked(Question),
    Body(Body),
    Closed,
    /// To be told, and then closed.
    Closing(CloseReason),
    Command,
    Exchange(Exchange),
    /// A chunk that is answered at its end.
    Swallow {
        left: u64,
        reply: Reply,
    },
    TlsDue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Authenticate,
    BodyEnd,
    /// With DATA, or with this chunk.
    BodyStart(Option<Chunk>),
    Hello {
        extended: bool,
    },
    Mail(Opened),
    Rcpt,
    StartTls,
    Verify,
}

impl Session {
    /// A session on a fresh connection. Say [`Session::greet`] next.
    pub fn new(config: Arc<Config>, channel: Channel) -> Self {
        let finder = LineFinder::new(config.limits.command_line.max(config.limits.auth_line));
        Self {
            config,
            finder,
            state: State::Command,
            encrypted: channel == Channel::Encrypted,
            authenticated: false,
            greeted: false,
            transaction: None,
            counters: Counters::default(),
            unmet: None,
        }
    }

    /// Writes the greeting.
    pub fn greet(&self, out: &mut Vec<u8>) {
        replies::GREETING.write_from(&self.config.hostname, out);
    }

    /// Takes octets from the front of `input`, which starts where the last step left off, and appends replies to `out`, until
    /// something happens that the caller must know or decide.
    pub fn step<'i>(&mut self, input: &'i [u8], out: &mut Vec<u8>) -> Result<Step<'i>, Misuse> {
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let (taken, event) = match &mut self.state {
                State::Asked(_) => return Err(Misuse::QuestionOpen),
                State::Closed => return Err(Misuse::Closed),
                State::Closing(reason) => {
                    let event = Event::Close(*reason);
                    self.state = State::Closed;
                    (0, Some(event))
                }
                State::TlsDue if rest.is_empty() => (0, Some(Event::NeedInput)),
                State::TlsDue => (0, self.close(CloseReason::BytesBehindStartTls)),
                State::Body(_) => self.body(rest, out),
                State::Swallow { .. } => self.swallow(rest, out),
                State::Command | State::Exchange(_) => self.line(rest, out),
            };
            consumed += taken;
            if let Some(event) = event {
                return Ok(Step { consumed, event });
            }
        }
    }

    /// How long to wait for input in this state; the caller has the clock.
    pub fn patience(&self) -> Duration {
        match self.state {
            State::Body(_) | State::Swallow { .. } => self.config.limits.patience.body,
            _ => self.config.limits.patience.command,
        }
    }

    /// Whether a message is coming in: not a moment to end the session.
    pub fn in_body(&self) -> bool {
        matches!(self.state, State::Body(_)) || self.transaction.as_ref().is_some_and(|t| t.body.is_some())
    }

    /// The last of what a client wanted in vain since this was asked; a good time is [`Event::NeedInput`]. The replies are written.
    pub const fn take_unmet(&mut self) -> Option<Unmet> {
        self.unmet.take()
    }

    fn line<'i>(&mut self, input: &'i [u8], out: &mut Vec<u8>) -> (usize, Option<Event<'i>>) {
        match self.finder.find(input) {
            Found::NeedInput => (0, Some(Event::NeedInput)),
            Found::Skipping { consumed } => (consumed, None),
            Found::TooLong { consumed } => {
                let exchange = matches!(self.state, State::Exchange(_));
                self.state = State::Command;
                // RFC 4954 §4 has a code of its own for it.
                let reply = if exchange { &replies::AUTH_LINE_TOO_LONG } else { &replies::LINE_TOO_LONG };
                (consumed, self.reject(reply, out))
            }
            Found::Line { ending: Ending::Lf, consumed, .. } => {
                self.state = State::Command;
                (consumed, self.reject(&replies::BARE_LF_COMMAND, out))
            }
            Found::Line { text, consumed, .. } => {
                let more = input.len() > consumed;
                (consumed, self.complete_line(text, more, out))
            }
        }
    }

    /// `more`: octets stand behind the line already.
    fn complete_line<'i>(&mut self, text: &'i [u8], more: bool, out: &mut Vec<u8>) -> Option<Event<'i>> {
        match core::mem::replace(&mut self.state, State::Command) {
            State::Exchange(exchange) => self.auth_response(exchange, text, out),
            _ => self.command(text, more, out),
        }
    }

    /// Answers a client's mistake; too many of them end the session.
    fn reject<'i>(&mut self, reply: &Reply, out: &mut Vec<u8>) -> Option<Event<'i>> {
        if count(&mut self.counters.errors, self.config.limits.errors) {
            return self.too_many_errors(out);
        }
        self.config.worded(reply).write(out);
        None
    }

    fn too_many_errors<'i>(&mut self, out: &mut Vec<u8>) -> Option<Event<'i>> {
        replies::TOO_MANY_ERRORS.write(out);
        self.close(CloseReason::TooManyErrors)
    }

    fn close<'i>(&mut self, reason: CloseReason) -> Option<Event<'i>> {
        self.state = State::Closed;
        self.transaction = None;
        Some(Event::Close(reason))
    }

    fn ask<'i>(&mut self, question: Question, event: Event<'i>) -> Option<Event<'i>> {
        self.state = State::Asked(question);
        Some(event)
    }
}

/// Counts one more; whether the limit is reached.
const fn count(counter: &mut u32, limit: u32) -> bool {
    *counter = counter.saturating_add(1);
    *counter >= limit
}
