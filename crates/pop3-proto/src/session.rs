//! The server's session.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use auth_sasl::{Exchange, MechanismName, Stamp};
use mail_wire::{Ending, Found, LineFinder};

use crate::capabilities::Situation;
use crate::command::{Command, MessageNumber};
use crate::config::{Channel, Config, Expire, LoginDelay};
use crate::event::{CloseReason, Event, Misuse, Step};
use crate::grammar::{Fault, Problem};
use crate::language::Language;
use crate::limits;
use crate::listing::Listing;
use crate::maildrop::Maildrop;
use crate::replies::Reply;
use crate::table::{Phase, transition};

mod answers;
mod authorization;
mod transaction;

/// One POP3 session, the server's end.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    stamp: Option<Stamp>,
    finder: LineFinder,
    state: State,
    encrypted: bool,
    expire: Option<Expire>,
    login_delay: Option<LoginDelay>,
    language: Language,
    utf8: bool,
    /// The name of the last USER; it counts in [`Phase::Named`] only.
    name: String,
    maildrop: Maildrop,
    auth_failures: u32,
    /// Commands before login.
    commands: u32,
    /// Mistakes since the last good command.
    errors: u32,
    unoffered: Option<MechanismName>,
}

#[derive(Debug)]
enum State {
    Asked(Question),
    /// The caller sends a body.
    Body,
    Closed,
    /// To be told, and then closed.
    Closing(CloseReason),
    Command(Phase),
    /// A response to a SASL challenge comes next.
    Exchange(Exchange),
    /// Rows of a listing are still to be written.
    Listing(Listing),
    TlsDue,
}

#[derive(Clone, Copy, Debug)]
enum Question {
    Commit,
    Login,
    Retrieve(MessageNumber),
    StartTls,
    Top,
}

impl Session {
    /// A session on a fresh connection. `stamp`: new in every session; APOP (RFC 1939 §7) is offered if there is one. Say
    /// [`Session::greet`] next.
    pub fn new(config: Arc<Config>, channel: Channel, stamp: Option<Stamp>) -> Self {
        Self {
            expire: config.expire,
            login_delay: config.login_delay,
            config,
            stamp,
            finder: LineFinder::new(limits::LINE),
            state: State::Command(Phase::Authorization),
            encrypted: channel == Channel::Encrypted,
            language: Language::English,
            utf8: false,
            name: String::new(),
            maildrop: Maildrop::default(),
            auth_failures: 0,
            commands: 0,
            errors: 0,
            unoffered: None,
        }
    }

    /// What CAPA says from now on of EXPIRE and LOGIN-DELAY, in place of what [`Config`] has: behind a login, what holds for its
    /// account.
    pub const fn announce(&mut self, expire: Option<Expire>, login_delay: Option<LoginDelay>) {
        self.expire = expire;
        self.login_delay = login_delay;
    }

    /// Writes the greeting (RFC 1939 §4).
    pub fn greet(&self, out: &mut Vec<u8>) {
        let stamp = self.stamp.as_ref().map(Stamp::as_str);
        Reply::Greeting { hostname: &self.config.hostname, stamp }.write(self.language, out);
    }

    /// Deals with the commands at the front of `input`, up to a question, a full buffer, or the end of what is there. Replies are
    /// appended to `out`; the caller sends them and empties it.
    pub fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Step, Misuse> {
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let turn = self.turn(rest, out)?;
            consumed += turn.consumed;
            if let Some(event) = turn.event {
                return Ok(Step { consumed, event });
            }
        }
    }

    /// How long to wait for input before the connection is dropped, without a word and without UPDATE (RFC 1939 §3).
    pub fn patience(&self) -> Duration {
        self.config.limits.patience
    }

    /// The messages of this session; empty before login.
    pub const fn maildrop(&self) -> &Maildrop {
        &self.maildrop
    }

    /// Whether the client can read UTF-8 in the header of a message (RFC 6856 §2.1).
    pub const fn utf8(&self) -> bool {
        self.utf8
    }

    /// The language that the client asked for (RFC 6856 §3.2).
    pub const fn language(&self) -> Language {
        self.language
    }

    /// The last mechanism of an AUTH that is not offered here, since this was asked: for the caller's log. The reply is written.
    pub const fn take_unoffered(&mut self) -> Option<MechanismName> {
        self.unoffered.take()
    }

    fn turn(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Turn, Misuse> {
        match &mut self.state {
            State::Asked(_) => Err(Misuse::QuestionOpen),
            State::Body => Err(Misuse::BodyDue),
            State::Closed => Err(Misuse::Closed),
            State::Closing(reason) => {
                let event = Event::Close(*reason);
                self.state = State::Closed;
                Ok(Turn::event(0, event))
            }
            _ if out.len() >= limits::OUTPUT => Ok(Turn::event(0, Event::Flush)),
            State::Command(_) | State::Exchange(_) => Ok(self.read(input, out)),
            State::Listing(listing) => {
                if listing.write(&self.maildrop, out) {
                    self.state = State::Command(Phase::Transaction);
                }
                Ok(Turn::on(0))
            }
            State::TlsDue if input.is_empty() => Ok(Turn::event(0, Event::NeedInput)),
            State::TlsDue => {
                self.state = State::Closing(CloseReason::BytesBehindStls);
                Ok(Turn::on(0))
            }
        }
    }

    fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> Turn {
        match self.finder.find(input) {
            Found::NeedInput => Turn::event(0, Event::NeedInput),
            Found::Skipping { consumed } => Turn::on(consumed),
            Found::TooLong { consumed } => {
                self.leave_exchange();
                self.reject(Reply::TooLong, out);
                Turn::on(consumed)
            }
            Found::Line { ending: Ending::Lf, consumed, .. } if !self.config.bare_lf => {
                self.leave_exchange();
                self.reject(Reply::BareLf, out);
                Turn::on(consumed)
            }
            Found::Line { text, consumed, .. } => {
                let more = input.len() > consumed;
                Turn { consumed, event: self.line(text, more, out) }
            }
        }
    }

    /// One line. `more`: there is input behind it already.
    fn line(&mut self, text: &[u8], more: bool, out: &mut Vec<u8>) -> Option<Event> {
        let phase = match self.leave_exchange() {
            Entered::Exchange(exchange) => return self.response(exchange, text, out),
            Entered::Command(phase) => phase,
        };
        if !self.within_budget(phase, out) {
            return None;
        }
        let checked = Command::parse(text)
            .map_err(|fault| self.explain(phase, fault))
            .and_then(|command| Ok((command, transition(phase, command.verb())?)))
            .and_then(|(command, next)| self.offered(&command).map(|()| (command, next)));
        match checked {
            Ok((command, next)) => {
                self.errors = 0;
                self.state = State::Command(next);
                self.proceed(command, next, more, out)
            }
            Err(reply) => {
                self.reject(reply, out);
                None
            }
        }
    }

    /// What to say to a line that is no command. That it comes at the wrong time is worth more to know than that it is malformed.
    fn explain(&self, phase: Phase, fault: Fault) -> Reply<'static> {
        let Fault::Malformed(verb, problem) = fault else { return Reply::Unknown };
        match (transition(phase, verb), problem) {
            (Err(reply), _) => reply,
            (Ok(_), Problem::Arguments) => Reply::Usage(verb),
            (Ok(_), Problem::NotANumber) => Reply::NotANumber,
            (Ok(_), Problem::TooLarge) => Reply::NoSuchMessage { messages: self.maildrop.messages() },
            (Ok(_), Problem::Zero) => Reply::Zero,
        }
    }

    /// What is refused for this listener's or this connection's sake, whatever the phase. Changes nothing.
    fn offered(&self, command: &Command<'_>) -> Result<(), Reply<'static>> {
        let situation = self.situation(Phase::Authorization);
        match command {
            Command::Apop { .. } if self.stamp.is_none() => Err(Reply::NoApop),
            Command::Auth(Some(_)) | Command::Pass(_) | Command::User(_) if !situation.password_allowed() => {
                Err(Reply::TlsFirst)
            }
            Command::Lang(_) if self.config.languages.is_empty() => Err(Reply::Unknown),
            Command::Utf8 if !self.config.utf8 => Err(Reply::Unknown),
            Command::Stls if self.encrypted && self.config.stls => Err(Reply::TlsAlready),
            Command::Stls if !situation.stls_offered() => Err(Reply::NoStls),
            _ => Ok(()),
        }
    }

    /// Carries out what neither the table nor the listener refused.
    fn proceed(
        &mut self,
        command: Command<'_>,
        phase: Phase,
        more: bool,
        out: &mut Vec<u8>,
    ) -> Option<Event> {
        match command {
            Command::Apop { name, digest } => self.apop(name, digest),
            Command::Auth(None) => {
                self.situation(phase).write_mechanisms(out);
                None
            }
            Command::Auth(Some(sasl)) => self.auth(sasl, out),
            Command::Capa => {
                self.situation(phase).write(out);
                None
            }
            Command::Dele(message) => self.dele(message, out),
            Command::Lang(range) => self.lang(range, phase, out),
            Command::List(message) => self.list(message, out),
            Command::Noop => self.say(Reply::Noop, out),
            Command::Pass(password) => self.pass(password),
            Command::Quit => self.quit(phase, out),
            Command::Retr(message) => self.retr(message, out),
            Command::Rset => self.rset(out),
            Command::Stat => self.say(Reply::Stat(self.maildrop.totals()), out),
            Command::Stls => self.stls(more, out),
            Command::Top { message, lines } => self.top(message, lines, out),
            Command::Uidl(message) => self.uidl(message, out),
            Command::User(name) => self.user(name, out),
            Command::Utf8 => {
                self.utf8 = true;
                self.say(Reply::Utf8On, out)
            }
        }
    }
}

impl Session {
    /// RFC 6856 §3. The answer is in the language that was chosen.
    fn lang(&mut self, range: Option<&str>, phase: Phase, out: &mut Vec<u8>) -> Option<Event> {
        let Some(range) = range else {
            self.situation(phase).write_languages(out);
            return None;
        };
        match Language::find(range, &self.config.languages) {
            Some(language) => {
                self.language = language;
                self.say(Reply::LanguageIs(language.answering(range)), out)
            }
            None => self.say(Reply::NoSuchLanguage, out),
        }
    }

    fn situation(&self, phase: Phase) -> Situation<'_> {
        let Self { encrypted, expire, login_delay, language, .. } = *self;
        Situation { config: &self.config, phase, encrypted, expire, login_delay, language }
    }

    /// The exchange that waits for this line, which ends here unless its mechanism goes on; or the phase for a command.
    fn leave_exchange(&mut self) -> Entered {
        match core::mem::replace(&mut self.state, State::Command(Phase::Authorization)) {
            State::Exchange(exchange) => Entered::Exchange(exchange),
            State::Command(phase) => {
                self.state = State::Command(phase);
                Entered::Command(phase)
            }
            // Only the two states above read lines.
            other => {
                self.state = other;
                Entered::Command(Phase::Authorization)
            }
        }
    }

    /// Counts a command before login.
    fn within_budget(&mut self, phase: Phase, out: &mut Vec<u8>) -> bool {
        if phase == Phase::Transaction {
            return true;
        }
        self.commands += 1;
        let within = self.commands <= self.config.limits.commands_before_login;
        if !within {
            self.close(Reply::TooManyCommands, CloseReason::TooManyCommandsBeforeLogin, out);
        }
        within
    }

    /// Answers a client's mistake; too many of them end the session.
    fn reject(&mut self, reply: Reply<'_>, out: &mut Vec<u8>) {
        self.errors += 1;
        if self.errors >= self.config.limits.errors {
            self.close(Reply::TooManyErrors, CloseReason::TooManyErrors, out);
        } else {
            self.write(reply, out);
        }
    }

    fn write(&self, reply: Reply<'_>, out: &mut Vec<u8>) {
        self.config.words.write(reply, self.language, out);
    }

    fn close(&mut self, last: Reply<'_>, reason: CloseReason, out: &mut Vec<u8>) {
        last.write(self.language, out);
        self.state = State::Closing(reason);
    }

    /// A reply that changes nothing.
    fn say(&self, reply: Reply<'_>, out: &mut Vec<u8>) -> Option<Event> {
        self.write(reply, out);
        None
    }

    fn ask(&mut self, question: Question, event: Event) -> Option<Event> {
        self.state = State::Asked(question);
        Some(event)
    }
}

/// What a line is.
enum Entered {
    Command(Phase),
    Exchange(Exchange),
}

struct Turn {
    consumed: usize,
    event: Option<Event>,
}

impl Turn {
    const fn event(consumed: usize, event: Event) -> Self {
        Self { consumed, event: Some(event) }
    }

    const fn on(consumed: usize) -> Self {
        Self { consumed, event: None }
    }
}
