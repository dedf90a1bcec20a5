//! The client's session.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use auth_sasl::{Secret, Stamp, line};
use mail_wire::{Chunk, Found, LineFinder, Unstuffer};

use crate::command::{Command, Verb};
use crate::event::Misuse;
use crate::limits;

mod answer;
mod event;

pub use answer::{ResponseCode, read_row, read_totals};
pub use event::{ClientEvent, ClientStep, ServerFault};

use answer::{Status, status};

/// One POP3 session, the client's end: two cursors over one list of commands. [`ask`](Self::ask) moves the one that writes,
/// [`step`](Self::step) the one that reads, and how far apart they are is pipelining (RFC 2449 §6.6): the caller's to decide, who
/// knows whether the server announced it.
///
/// ```
/// use pop3_proto::{ClientEvent, ClientSession, Command};
///
/// let mut client = ClientSession::new();
/// let mut out = Vec::new();
/// let mut input = &b"+OK ready\r\n"[..];
/// let step = client.step(input)?;
/// assert!(matches!(step.event, ClientEvent::Greeting { .. }));
///
/// client.ask(&Command::User("hanako"), &mut out)?;
/// client.ask(&Command::Quit, &mut out)?;
/// assert_eq!(out, b"USER hanako\r\nQUIT\r\n");
/// # Ok::<(), pop3_proto::Misuse>(())
/// ```
///
/// # Invariants
///
/// - What the server sends is an event, whatever it is; a server that breaks the protocol ends the session with
///   [`ClientEvent::Fault`].
/// - How the input is cut changes nothing but where [`ClientEvent::Body`] is cut.
/// - Nothing that a caller says can be more than the one command that it asked.
#[derive(Debug)]
pub struct ClientSession {
    finder: LineFinder,
    unstuffer: Unstuffer,
    state: State,
    asked: VecDeque<Asked>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Body(Verb),
    /// The server's challenge waits for [`ClientSession::respond`].
    Challenged,
    Closed,
    Greeting,
    Lines(Verb),
    /// The next line answers the next command.
    Open,
    TlsDue,
}

/// A command whose answer is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    verb: Verb,
    follows: Follows,
}

/// What follows the first line of a `+OK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    Body,
    Lines,
    Nothing,
}

impl Asked {
    fn of(command: &Command<'_>) -> Self {
        let follows = match command {
            Command::Capa
            | Command::Auth(None)
            | Command::Lang(None)
            | Command::List(None)
            | Command::Uidl(None) => Follows::Lines,
            Command::Retr(_) | Command::Top { .. } => Follows::Body,
            _ => Follows::Nothing,
        };
        Self { verb: command.verb(), follows }
    }

    /// Whether what stands behind it depends on its answer: no command may (RFC 2449 §6.6, RFC 2595 §4).
    fn must_be_last(self) -> bool {
        match self.verb {
            Verb::Quit | Verb::Stls => true,
            Verb::Auth => self.follows == Follows::Nothing,
            _ => false,
        }
    }
}

impl Default for ClientSession {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientSession {
    /// On a fresh connection; the server speaks first.
    pub fn new() -> Self {
        Self {
            finder: LineFinder::new(limits::LINE),
            unstuffer: Unstuffer::new(),
            state: State::Greeting,
            asked: VecDeque::new(),
        }
    }

    /// Appends a command to `out`, which the caller sends. [`Misuse::MustWait`] before the greeting and behind AUTH, STLS and QUIT;
    /// [`Misuse::Unspeakable`] for arguments that the grammar does not know (a line break in a name): nothing is appended then.
    pub fn ask(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Result<(), Misuse> {
        match self.state {
            State::Closed => return Err(Misuse::Closed),
            State::Challenged => return Err(Misuse::QuestionOpen),
            State::Greeting | State::TlsDue => return Err(Misuse::MustWait),
            State::Body(_) | State::Lines(_) | State::Open => {}
        }
        if self.asked.back().is_some_and(|last| last.must_be_last()) {
            return Err(Misuse::MustWait);
        }
        let start = out.len();
        command.encode(out);
        if !reads_back(command, out.get(start..).unwrap_or_default()) {
            out.truncate(start);
            return Err(Misuse::Unspeakable);
        }
        self.asked.push_back(Asked::of(command));
        Ok(())
    }

    /// Answers [`ClientEvent::Challenge`]; appends a line to `out`.
    pub fn respond(&mut self, response: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.answer_challenge()?;
        line::encode(response, out);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Gives the exchange up instead of responding; the server refuses the AUTH then.
    pub fn cancel(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.answer_challenge()?;
        out.extend_from_slice(b"*\r\n");
        Ok(())
    }

    /// The handshake that [`ClientEvent::StartTls`] announced is done. What the server said before is to be forgotten: ask for CAPA
    /// again (RFC 2595 §4).
    pub fn tls_established(&mut self) -> Result<(), Misuse> {
        if self.state != State::TlsDue {
            return Err(Misuse::NothingAsked);
        }
        self.state = State::Open;
        Ok(())
    }

    /// How many commands are not answered yet.
    pub fn outstanding(&self) -> usize {
        self.asked.len()
    }

    /// Deals with what the server sent, up to one event. Drop `consumed` octets and step again.
    pub fn step<'i>(&mut self, input: &'i [u8]) -> Result<ClientStep<'i>, Misuse> {
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let (taken, event) = match self.state {
                State::Challenged => return Err(Misuse::QuestionOpen),
                State::Closed => (0, Some(ClientEvent::Closed)),
                State::Body(verb) => self.body(verb, rest),
                State::TlsDue if rest.is_empty() => (0, Some(ClientEvent::NeedInput)),
                State::TlsDue => (0, Some(self.fault(ServerFault::BytesBehindStls))),
                State::Greeting | State::Lines(_) | State::Open => self.read(rest),
            };
            consumed += taken;
            if let Some(event) = event {
                return Ok(ClientStep { consumed, event });
            }
        }
    }

    fn body<'i>(&mut self, verb: Verb, input: &'i [u8]) -> (usize, Option<ClientEvent<'i>>) {
        let (consumed, chunk) = self.unstuffer.next(input);
        let event = match chunk {
            Chunk::Data([]) => None,
            Chunk::Data(octets) => Some(ClientEvent::Body(octets)),
            Chunk::End => {
                self.state = State::Open;
                Some(ClientEvent::End { verb })
            }
            Chunk::NeedInput => Some(ClientEvent::NeedInput),
        };
        (consumed, event)
    }

    fn read<'i>(&mut self, input: &'i [u8]) -> (usize, Option<ClientEvent<'i>>) {
        match self.finder.find(input) {
            Found::NeedInput => (0, Some(ClientEvent::NeedInput)),
            Found::Skipping { consumed } | Found::TooLong { consumed } => {
                (consumed, Some(self.fault(ServerFault::LineTooLong)))
            }
            Found::Line { text, consumed, .. } => {
                let more = input.len() > consumed;
                (consumed, Some(self.line(text, more)))
            }
        }
    }

    fn line<'i>(&mut self, text: &'i [u8], more: bool) -> ClientEvent<'i> {
        match self.state {
            State::Greeting => self.greeting(text),
            State::Lines(verb) => match text {
                b"." => {
                    self.state = State::Open;
                    ClientEvent::End { verb }
                }
                _ => ClientEvent::Line(text.strip_prefix(b".").unwrap_or(text)),
            },
            _ => self.answer(text, more),
        }
    }

    fn greeting<'i>(&mut self, line: &'i [u8]) -> ClientEvent<'i> {
        match status(line) {
            Some(Status::Ok(text)) => {
                self.state = State::Open;
                let stamp = core::str::from_utf8(text).ok().and_then(Stamp::find);
                ClientEvent::Greeting { text, stamp }
            }
            Some(Status::Err(code, text)) => {
                self.state = State::Closed;
                ClientEvent::TurnedAway { code, text }
            }
            _ => self.fault(ServerFault::NotAReply),
        }
    }

    /// `more`: there is input behind this line already.
    fn answer<'i>(&mut self, line: &'i [u8], more: bool) -> ClientEvent<'i> {
        let Some(asked) = self.asked.front().copied() else {
            return self.fault(ServerFault::Unasked);
        };
        let status = status(line);
        if let Some(Status::Challenge(text)) = status {
            return self.challenge(asked, text);
        }
        self.asked.pop_front();
        match status {
            Some(Status::Ok(text)) => self.accepted(asked, text, more),
            Some(Status::Err(code, text)) => {
                if asked.verb == Verb::Quit {
                    self.state = State::Closed;
                }
                ClientEvent::Refused { verb: asked.verb, code, text }
            }
            _ => self.fault(ServerFault::NotAReply),
        }
    }

    fn accepted<'i>(&mut self, asked: Asked, text: &'i [u8], more: bool) -> ClientEvent<'i> {
        let verb = asked.verb;
        match (verb, asked.follows) {
            (Verb::Stls, _) if more => return self.fault(ServerFault::BytesBehindStls),
            (Verb::Stls, _) => {
                self.state = State::TlsDue;
                return ClientEvent::StartTls;
            }
            (Verb::Quit, _) => self.state = State::Closed,
            (_, Follows::Body) => {
                self.unstuffer = Unstuffer::new();
                self.state = State::Body(verb);
            }
            (_, Follows::Lines) => self.state = State::Lines(verb),
            (_, Follows::Nothing) => {}
        }
        ClientEvent::Accepted { verb, text }
    }

    fn challenge<'i>(&mut self, asked: Asked, text: &'i [u8]) -> ClientEvent<'i> {
        if asked.verb != Verb::Auth || asked.follows != Follows::Nothing {
            return self.fault(ServerFault::NotAReply);
        }
        match line::decode_response(text) {
            Ok(line::Response::Data(challenge)) => {
                self.state = State::Challenged;
                ClientEvent::Challenge(Secret::new(challenge.as_slice()))
            }
            _ => self.fault(ServerFault::NotAReply),
        }
    }

    fn answer_challenge(&mut self) -> Result<(), Misuse> {
        if self.state != State::Challenged {
            return Err(Misuse::NothingAsked);
        }
        self.state = State::Open;
        Ok(())
    }

    fn fault(&mut self, fault: ServerFault) -> ClientEvent<'static> {
        self.state = State::Closed;
        ClientEvent::Fault(fault)
    }
}

/// Whether a server reads this one command from what was written, and nothing else.
fn reads_back(command: &Command<'_>, written: &[u8]) -> bool {
    let Some(line) = written.strip_suffix(b"\r\n") else { return false };
    !line.iter().any(|octet| matches!(octet, b'\r' | b'\n'))
        && written.len() <= limits::LINE
        && Command::parse(line).as_ref() == Ok(command)
}
