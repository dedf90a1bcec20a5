//! One session: the protocol machine's events, each answered by who knows.

use std::collections::BTreeSet;
use std::io;

use auth_sasl::Claim;
use daemon_kit::log::event;
use daemon_kit::{Filled, Session, Wire, WireError};
use mailstore::{Error, Maildrop};
use pop3_proto::{Channel, CloseReason, Content, Event, MessageNumber, Misuse, Refusal};

use crate::limits;
use crate::login::{Denied, Entered, Visitor};
use crate::maildrop::{self, Reading, Update, Wanted};
use crate::presence::Presence;
use crate::{Pop3d, listener};

/// A session with its client.
pub(crate) struct Conversation<'s> {
    pop3d: &'s Pop3d,
    session: &'s Session,
    presence: &'s Presence,
    machine: pop3_proto::Session,
    /// After login. When the session ends in whatever way, this goes, and the maildrop is free for the next.
    maildrop: Option<Maildrop>,
    /// Messages that were sent, by RETR or TOP.
    sent: u32,
    /// Indices of those that were sent whole, where that has to be remembered.
    read: Option<BTreeSet<usize>>,
}

impl<'s> Conversation<'s> {
    pub(crate) fn new(pop3d: &'s Pop3d, wire: &Wire, session: &'s Session, presence: &'s Presence) -> Self {
        let channel = if wire.tls().is_some() { Channel::Encrypted } else { Channel::Clear };
        let stamp = listener::stamp(&session.listener, session.id);
        let mut machine = pop3_proto::Session::new(pop3d.doors.find(&session.listener), channel, stamp);
        let (expire, login_delay) = pop3d.rules.of_anybody();
        machine.announce(expire, login_delay);
        Self { pop3d, session, presence, machine, maildrop: None, sent: 0, read: None }
    }

    /// From the greeting to the end; says how it ended.
    pub(crate) async fn run(mut self, wire: &mut Wire) -> Result<&'static str, WireError> {
        self.machine.greet(wire.out());
        loop {
            let (input, out) = wire.split();
            let step = self.machine.step(input, out).map_err(misuse)?;
            // A PASS may have been among it.
            wire.erase(step.consumed);
            if let Some(mechanism) = self.machine.take_unoffered() {
                let (reason, hint) = ("mechanism-not-offered", "mechanism not offered");
                let encrypted = wire.tls().is_some();
                tracing::info!(event = event::AUTH_FAILED, %mechanism, encrypted, reason, hint);
            }
            match step.event {
                Event::NeedInput => {
                    if let Some(outcome) = self.wait(wire).await? {
                        return Ok(outcome);
                    }
                }
                Event::Flush => wire.flush(self.machine.patience()).await?,
                // Boxed, as all that follows: their states are larger than all else of a session, which is idle most of the time.
                Event::Login(claim) => Box::pin(self.login(claim, wire)).await?,
                Event::Retrieve { message } => {
                    if let Some(outcome) =
                        Box::pin(self.send(message, Content::whole(), Wanted::Whole, wire)).await?
                    {
                        return Ok(outcome);
                    }
                }
                Event::Top { message, lines } => {
                    if let Some(outcome) =
                        Box::pin(self.send(message, Content::top(lines), Wanted::Top, wire)).await?
                    {
                        return Ok(outcome);
                    }
                }
                Event::Commit { .. } => Box::pin(self.commit(wire)).await?,
                Event::StartTls => {
                    self.machine.accept(wire.out()).map_err(misuse)?;
                    self.session.start_tls(wire).await?;
                    self.machine.tls_established().map_err(misuse)?;
                }
                Event::Close(reason) => return Ok(word(reason)),
            }
        }
    }

    /// Sends the replies to everything that was asked, and waits for more. In a drain this is the moment to end: all commands that
    /// came are answered. Nothing is said then, nor when patience ends: the client would take it for the answer to its next command.
    async fn wait(&self, wire: &mut Wire) -> Result<Option<&'static str>, WireError> {
        let patience = self.machine.patience();
        wire.flush(patience).await?;
        let filled = tokio::select! {
            biased;
            () = self.session.draining() => return Ok(Some("drained")),
            filled = wire.fill(patience) => filled,
        };
        // A command came, and there is no memory to read it into: this is its answer.
        if let Err(WireError::Memory(_)) = filled {
            Refusal::Temporary.write(wire.out());
        }
        let filled = filled?;
        Ok(match filled {
            Filled::Data => None,
            Filled::Eof => Some("hung_up"),
        })
    }

    async fn login(&mut self, claim: Claim, wire: &mut Wire) -> Result<(), WireError> {
        let visitor = Visitor {
            brand: self.session.listener.brand.as_deref(),
            address: wire.peer().ip(),
            is_client: self.session.peer_is_client,
            tls: wire.tls().map(|tls| tls.version),
            place: &self.session.listener.place(),
            language: self.machine.language(),
        };
        match self.pop3d.login(&claim, visitor).await? {
            Ok(Entered { maildrop, listing, policy, attendance }) => {
                self.maildrop = Some(maildrop);
                self.presence.begin(attendance);
                self.read = policy.remembers_reading.then(BTreeSet::new);
                let (expire, login_delay) = policy.announced();
                self.machine.announce(expire, login_delay);
                self.machine.accept_login(listing, wire.out())
            }
            Err(Denied::Account(text)) => self.machine.refuse_account(&text, wire.out()),
            Err(Denied::Refusal(refusal)) => self.machine.refuse(refusal, wire.out()),
        }
        .map_err(misuse)
    }

    /// Sends a message, or says why not. The session ends when it cannot be read to its end: only so does the client not take what it
    /// has for all of it.
    async fn send(
        &mut self,
        message: MessageNumber,
        mut content: Content,
        wanted: Wanted,
        wire: &mut Wire,
    ) -> Result<Option<&'static str>, WireError> {
        let mut reading = match self.start_reading(message, wanted).await? {
            Ok(reading) => reading,
            Err(error) => {
                self.machine.refuse(refusal(error), wire.out()).map_err(misuse)?;
                return Ok(None);
            }
        };
        // What is larger than a piece takes two, one on its way and one that is read, for as long as its client needs.
        let pieces = if reading.is_at_end() { 0 } else { 2 * limits::CHUNK };
        let Ok(_memory) = self.session.memory(pieces) else {
            self.machine.refuse(Refusal::Temporary, wire.out()).map_err(misuse)?;
            return Ok(None);
        };
        self.machine.accept(wire.out()).map_err(misuse)?;
        let mut at_hand = false;
        loop {
            let (mut piece, more) = (reading.piece(), at_hand && !reading.is_at_end());
            while let Some(next) = content.next(piece) {
                if more && wire.out().is_empty() && next.octets.len() >= limits::UNCOPIED {
                    wire.flush_with(next.octets, self.machine.patience()).await?;
                } else {
                    wire.out().extend_from_slice(next.octets);
                }
                piece = piece.get(next.consumed..).unwrap_or_default();
            }
            if reading.is_at_end() || content.is_complete() {
                break;
            }
            at_hand = reading.read_on_now();
            if at_hand {
                wire.flush(self.machine.patience()).await?;
                continue;
            }
            // The next piece is read while this one is on its way.
            let read_on = self.pop3d.disk.run(move || reading.read_on());
            let (next, flushed) = tokio::join!(read_on, wire.flush(self.machine.patience()));
            flushed?;
            match next? {
                Ok(next) => reading = next,
                Err(error) => {
                    tracing::error!(event = event::STORE_FAILED, reason = %error);
                    return Ok(Some("store_failed"));
                }
            }
        }
        wire.out().extend_from_slice(content.finish());
        self.machine.body_sent().map_err(misuse)?;
        self.sent += 1;
        if let (Wanted::Whole, Some(read)) = (wanted, &mut self.read) {
            read.insert(message.index());
        }
        Ok(None)
    }

    async fn start_reading(
        &mut self,
        message: MessageNumber,
        wanted: Wanted,
    ) -> Result<Result<Reading, Error>, WireError> {
        let mut maildrop = self.take_maildrop()?;
        if let Some(reading) = Reading::start_now(&maildrop, message.index(), wanted) {
            self.maildrop = Some(maildrop);
            return Ok(Ok(reading));
        }
        let (maildrop, reading) = self
            .pop3d
            .disk
            .run(move || {
                let reading = Reading::start(&mut maildrop, message.index(), wanted);
                (maildrop, reading)
            })
            .await?;
        self.maildrop = Some(maildrop);
        Ok(reading)
    }

    /// UPDATE. The maildrop is free for the next session before the client hears that this one is over.
    async fn commit(&mut self, wire: &mut Wire) -> Result<(), WireError> {
        let deleted: Vec<_> = self.machine.maildrop().deleted().map(MessageNumber::index).collect();
        let mut read = self.read.take().unwrap_or_default();
        for index in &deleted {
            read.remove(index);
        }
        // Then there is nothing to do at the disk but to give the maildrop free.
        let idle = deleted.is_empty() && read.is_empty();
        let maildrop = self.take_maildrop()?;
        let update = move || maildrop::commit(maildrop, deleted, read);
        let update = if idle { update() } else { self.pop3d.disk.run(update).await? };
        let Update { removed, trouble, forgotten } = update;
        if let Some(error) = forgotten {
            tracing::error!(event = event::STORE_FAILED, reason = %error);
        }
        tracing::info!(event = event::MAILDROP_UPDATED, retrieved = self.sent, removed);
        match trouble {
            None => self.machine.accept(wire.out()),
            Some(error) => {
                tracing::error!(event = event::STORE_FAILED, reason = %error);
                self.machine.refuse(Refusal::NotRemoved, wire.out())
            }
        }
        .map_err(misuse)
    }

    fn take_maildrop(&mut self) -> Result<Maildrop, WireError> {
        self.maildrop.take().ok_or_else(|| io::Error::other("no maildrop after login").into())
    }
}

/// Why a message cannot be sent, for the client and for the log.
fn refusal(error: Error) -> Refusal {
    match error {
        Error::Vanished(_) => Refusal::Vanished,
        error => {
            tracing::error!(event = event::STORE_FAILED, reason = %error);
            Refusal::Temporary
        }
    }
}

/// How a session ended, as a word for the log.
const fn word(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::BytesBehindStls => "input_before_tls",
        CloseReason::Quit => "quit",
        CloseReason::TooManyAuthFailures => "auth_failures",
        CloseReason::TooManyCommandsBeforeLogin => "commands_before_login",
        CloseReason::TooManyErrors => "errors",
    }
}

/// A fault of this file; it costs the session.
fn misuse(misuse: Misuse) -> WireError {
    io::Error::other(misuse).into()
}
