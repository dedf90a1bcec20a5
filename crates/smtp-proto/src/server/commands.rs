//! What each command does once the table lets it pass.

use alloc::vec::Vec;

use auth_sasl::line::{Response, decode_initial, decode_response, encode};
use auth_sasl::{Exchange, Mechanism, MechanismName, Step as ExchangeStep};

use crate::command::{ClientName, Command, Mail, Rcpt, Verb};
use crate::extension::Extension;
use crate::grammar::marks::BodyType;
use crate::limits;
use crate::replies;
use crate::reply::Reply;

use super::body::Chunk;
use super::{
    CloseReason, Event, Hello, Opened, Question, ResetReason, Session, StartTls, State, Unmet, count, table,
};

impl Session {
    /// A command line. `more`: octets stand behind it already.
    pub(super) fn command<'i>(&mut self, line: &'i [u8], more: bool, out: &mut Vec<u8>) -> Option<Event<'i>> {
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(reply) => return self.reject(&reply, out),
        };
        if command.verb == Verb::Http {
            replies::HTTP_SPOKEN.write(out);
            return self.close(CloseReason::Http);
        }
        // The CRLF counts (RFC 5321 §4.5.3.1.4). AUTH has a longer limit of its own, which the finder holds.
        if command.verb != Verb::Auth && line.len() + 2 > self.config.limits.command_line {
            return self.reject(&replies::LINE_TOO_LONG, out);
        }
        if let Err(reply) = table::check(self, command.verb, command.argument) {
            return self.reject_command(command.verb, &reply, out);
        }
        if table::is_idle(command.verb) && self.idled(out) {
            return self.close(CloseReason::TooManyIdleCommands);
        }
        let verb = command.verb;
        self.proceed(command, more, out).unwrap_or_else(|reply| self.reject_command(verb, &reply, out))
    }

    /// Recipients come in bulk and pipelined, so that one refused MAIL or one old list makes many refusals at once: they are counted
    /// apart.
    fn reject_command<'i>(&mut self, verb: Verb, reply: &Reply, out: &mut Vec<u8>) -> Option<Event<'i>> {
        if verb == Verb::Mail && *reply == replies::AUTH_REQUIRED {
            self.unmet = Some(Unmet::AuthMissing);
        }
        if verb != Verb::Rcpt {
            return self.reject(reply, out);
        }
        if count(&mut self.counters.refused_recipients, self.config.limits.refused_recipients) {
            return self.too_many_errors(out);
        }
        reply.write(out);
        None
    }

    /// Counts a command that brought no mail nearer; whether that was one too many.
    fn idled(&mut self, out: &mut Vec<u8>) -> bool {
        let too_many = count(&mut self.counters.idle_commands, self.config.limits.idle_commands);
        if too_many {
            replies::TOO_MANY_IDLE_COMMANDS.write(out);
        }
        too_many
    }

    fn proceed<'i>(
        &mut self,
        Command { verb, argument }: Command<'i>,
        more: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'i>>, Reply> {
        Ok(match verb {
            Verb::Auth => self.auth(argument, out)?,
            Verb::Bdat => self.chunk(argument, out)?,
            Verb::Data => self.ask(Question::BodyStart(None), Event::BodyStart),
            Verb::Ehlo => self.hello(argument, true)?,
            Verb::Helo => self.hello(argument, false)?,
            Verb::Help => {
                self.help(out);
                None
            }
            Verb::Mail => self.mail(argument, out)?,
            Verb::Noop => say(&replies::DONE, out),
            Verb::Http | Verb::NotImplemented => return Err(replies::COMMAND_NOT_IMPLEMENTED),
            Verb::Quit => {
                replies::CLOSING.write_from(&self.config.hostname, out);
                self.close(CloseReason::Quit)
            }
            Verb::Rcpt => self.rcpt(argument, out)?,
            Verb::Rset => {
                replies::DONE.write(out);
                self.transaction.take().map(|_| Event::Reset(ResetReason::Client))
            }
            Verb::StartTls => self.starttls(more, out)?,
            Verb::Vrfy => self.ask(Question::Verify, Event::Verify(argument)),
        })
    }

    /// Of a command that EHLO does not offer nobody is told here either.
    fn help(&self, out: &mut Vec<u8>) {
        replies::HELP.write(out);
        out.truncate(out.len().saturating_sub(b"\r\n".len()));
        let offered = self.offered();
        for (extension, verb) in
            [(Extension::Chunking, " BDAT"), (Extension::StartTls, " STARTTLS"), (Extension::Auth, " AUTH")]
        {
            if offered.contains(extension) {
                out.extend_from_slice(verb.as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// RFC 5321 §4.1.1.1: a greeting in mid-session is a RSET, too.
    fn hello<'i>(&mut self, argument: &'i str, extended: bool) -> Result<Option<Event<'i>>, Reply> {
        let name = ClientName::parse(argument)?;
        self.transaction = None;
        Ok(self.ask(Question::Hello { extended }, Event::Hello(Hello { name, extended })))
    }

    fn mail<'i>(&mut self, argument: &'i str, out: &mut Vec<u8>) -> Result<Option<Event<'i>>, Reply> {
        if self.counters.transactions >= self.config.limits.transactions {
            replies::TOO_MANY_TRANSACTIONS.write(out);
            return Ok(self.close(CloseReason::TooManyTransactions));
        }
        let mail = Mail::parse(argument, self.offered())?;
        // RFC 1870 §6.1
        if mail.size.is_some_and(|declared| declared > self.config.size.unwrap_or(limits::LARGEST_MESSAGE)) {
            return Err(replies::MESSAGE_TOO_BIG);
        }
        let binary = mail.body == Some(BodyType::BinaryMime);
        Ok(self.ask(Question::Mail(Opened { smtputf8: mail.smtputf8, binary }), Event::Mail(mail)))
    }

    fn rcpt<'i>(&mut self, argument: &'i str, out: &mut Vec<u8>) -> Result<Option<Event<'i>>, Reply> {
        let smtputf8 = self.transaction.as_ref().is_some_and(|transaction| transaction.opened.smtputf8);
        let rcpt = Rcpt::parse(argument, self.offered(), smtputf8)?;
        let limit = self.config.limits.recipients;
        if self.transaction.as_ref().is_some_and(|transaction| transaction.recipients >= limit) {
            // RFC 5321 §4.5.3.1.10: no fault of the client's. It sends the message to those that were taken, and again to the others.
            replies::TOO_MANY_RECIPIENTS.write(out);
            return Ok(None);
        }
        Ok(self.ask(Question::Rcpt, Event::Rcpt(rcpt)))
    }

    /// RFC 3030 §2. Whatever is wrong with a chunk, its octets come, and are no commands.
    fn chunk<'i>(&mut self, argument: &'i str, out: &mut Vec<u8>) -> Result<Option<Event<'i>>, Reply> {
        if !self.offered().contains(Extension::Chunking) {
            return Err(replies::COMMAND_NOT_IMPLEMENTED);
        }
        let Some(chunk) = Chunk::parse(argument) else {
            replies::UNREADABLE_CHUNK.write(out);
            return Ok(self.close(CloseReason::UnreadableChunk));
        };
        let refused = table::check_chunk(self).err();
        if (refused.is_some() || chunk == Chunk { size: 0, last: false }) && self.idled(out) {
            return Ok(self.close(CloseReason::TooManyIdleCommands));
        }
        if let Some(reply) = refused {
            self.state = State::Swallow { left: chunk.size, reply };
            return Ok(self.transaction.take().map(|_| Event::Reset(ResetReason::ChunkOutOfOrder)));
        }
        match self.transaction.as_mut().and_then(|transaction| transaction.body.take()) {
            Some(mut body) => {
                body.resume(chunk);
                self.state = State::Body(body);
                Ok(None)
            }
            None => Ok(self.ask(Question::BodyStart(Some(chunk)), Event::BodyStart)),
        }
    }

    /// RFC 3207 §4. Octets behind the command came in clear text, whoever put them there: they never become commands.
    fn starttls<'i>(&mut self, more: bool, out: &mut Vec<u8>) -> Result<Option<Event<'i>>, Reply> {
        match (self.config.starttls, self.encrypted) {
            (StartTls::Off, _) => Err(replies::STARTTLS_NOT_OFFERED),
            (_, true) => Err(replies::ALREADY_ENCRYPTED),
            _ if more => {
                replies::BYTES_BEHIND_STARTTLS.write(out);
                Ok(self.close(CloseReason::BytesBehindStartTls))
            }
            _ => Ok(self.ask(Question::StartTls, Event::StartTls)),
        }
    }

    /// `AUTH mechanism [initial-response]` (RFC 4954 §4)
    fn auth<'i>(&mut self, argument: &str, out: &mut Vec<u8>) -> Result<Option<Event<'i>>, Reply> {
        if self.config.auth.mechanisms.is_empty() {
            return Err(replies::AUTH_NOT_OFFERED);
        }
        if self.authenticated {
            return Err(replies::ALREADY_AUTHENTICATED);
        }
        if !self.auth_possible() {
            return Err(replies::ENCRYPTION_REQUIRED);
        }
        let (name, initial) = match argument.split_once(' ') {
            Some((name, initial)) => (name, Some(initial.trim_ascii_start())),
            None => (argument, None),
        };
        let known = Mechanism::parse(name.as_bytes());
        let Some(mechanism) = known.filter(|mechanism| self.config.auth.mechanisms.contains(mechanism))
        else {
            self.unmet = MechanismName::parse(name.as_bytes()).map(Unmet::MechanismNotOffered);
            return Err(replies::MECHANISM_UNKNOWN);
        };
        let initial = match initial {
            Some(text) => Some(decode_initial(text.as_bytes()).map_err(|_| replies::AUTH_NOT_BASE64)?),
            None => None,
        };
        Ok(self.exchange(Exchange::start(mechanism, initial.as_ref().map(|octets| octets.as_slice())), out))
    }

    /// A line that answers a challenge.
    pub(super) fn auth_response<'i>(
        &mut self,
        exchange: Exchange,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Event<'i>> {
        match decode_response(line) {
            Ok(Response::Cancel) => self.reject(&replies::AUTH_CANCELLED, out),
            Ok(Response::Data(response)) => self.exchange(exchange.respond(&response), out),
            Err(_) => self.reject(&replies::AUTH_NOT_BASE64, out),
        }
    }

    fn exchange<'i>(&mut self, step: ExchangeStep, out: &mut Vec<u8>) -> Option<Event<'i>> {
        match step {
            ExchangeStep::Challenge(exchange) => {
                replies::CHALLENGE.write_open(out);
                encode(exchange.challenge(), out);
                out.extend_from_slice(b"\r\n");
                self.state = State::Exchange(exchange);
                None
            }
            ExchangeStep::Done(claim) => self.ask(Question::Authenticate, Event::Authenticate(claim)),
            ExchangeStep::Malformed => self.reject(&replies::AUTH_MALFORMED, out),
        }
    }

    /// Whether a password may be sent on this channel now.
    pub(super) fn auth_possible(&self) -> bool {
        self.encrypted || self.config.auth.clear_text
    }
}

fn say<'i>(reply: &Reply, out: &mut Vec<u8>) -> Option<Event<'i>> {
    reply.write(out);
    None
}
