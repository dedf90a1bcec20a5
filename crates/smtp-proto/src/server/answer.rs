//! The caller's answers.

use alloc::vec::Vec;

use crate::replies;
use crate::reply::Reply;

use super::body::Body;
use super::{CloseReason, Counters, Misuse, Question, Session, State, Transaction, count};

impl Session {
    /// Answers the open question with yes, in this crate's words.
    pub fn accept(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let question = self.take_question()?;
        match question {
            Question::Authenticate => replies::AUTHENTICATED.write(out),
            Question::BodyEnd => replies::MESSAGE_ACCEPTED.write(out),
            Question::BodyStart(None) => replies::BODY_GO_AHEAD.write(out),
            // RFC 3030 §2: a chunk is answered at its end only.
            Question::BodyStart(Some(_)) => {}
            Question::Hello { extended } => self.write_hello(extended, out),
            Question::Mail(_) => replies::SENDER_OK.write(out),
            Question::Rcpt => replies::RECIPIENT_OK.write(out),
            Question::StartTls => replies::STARTTLS_GO_AHEAD.write(out),
            Question::Verify => replies::CANNOT_VERIFY.write(out),
        }
        self.proceed_from(question);
        Ok(())
    }

    /// Answers the open question with yes, in the caller's words. A greeting, the start of a body and of TLS have no other words
    /// than their own.
    pub fn accept_with(&mut self, reply: &Reply, out: &mut Vec<u8>) -> Result<(), Misuse> {
        if reply.code().get() / 100 != 2 {
            return Err(Misuse::AnswerCode);
        }
        match self.state {
            State::Asked(Question::Hello { .. } | Question::BodyStart(_) | Question::StartTls) => {
                self.accept(out)
            }
            _ => {
                let question = self.take_question()?;
                reply.write(out);
                self.proceed_from(question);
                Ok(())
            }
        }
    }

    /// Answers the open question with no. A 421 ends the session.
    ///
    /// While a body comes in, this refuses the message: what is left of it is dropped, and the reply is spoken at its end.
    pub fn refuse(&mut self, reply: Reply, out: &mut Vec<u8>) -> Result<(), Misuse> {
        if !reply.code().is_transient() && !reply.code().is_permanent() {
            return Err(Misuse::AnswerCode);
        }
        if let State::Body(body) = &mut self.state {
            body.refuse(reply);
            return Ok(());
        }
        let question = self.take_question()?;
        if let (Question::BodyStart(Some(chunk)), true) = (question, reply.code().get() != 421) {
            self.transaction = None;
            self.state = State::Swallow { left: chunk.size, reply };
            return Ok(());
        }
        if matches!(question, Question::BodyEnd) {
            self.end_transaction();
        }
        let end = match self.count_refusal(question, &reply) {
            None if reply.code().get() == 421 => Some(CloseReason::ShutDown),
            end => end,
        };
        match end {
            Some(CloseReason::TooManyErrors) => replies::TOO_MANY_ERRORS.write(out),
            _ => reply.write(out),
        }
        if let Some(reason) = end {
            self.state = State::Closing(reason);
        }
        Ok(())
    }

    /// Counts a no of the caller's that was the client's fault; says why the session ends when it was one too many.
    fn count_refusal(&mut self, question: Question, reply: &Reply) -> Option<CloseReason> {
        let (counters, limits) = (&mut self.counters, &self.config.limits);
        let (reached, reason) = match question {
            Question::Authenticate if reply.code().is_permanent() => {
                (count(&mut counters.auth_failures, limits.auth_failures), CloseReason::TooManyAuthFailures)
            }
            Question::Mail(_) => (count(&mut counters.errors, limits.errors), CloseReason::TooManyErrors),
            Question::Rcpt => {
                let reached = count(&mut counters.refused_recipients, limits.refused_recipients);
                (reached, CloseReason::TooManyErrors)
            }
            _ => return None,
        };
        reached.then_some(reason)
    }

    /// Ends the session from the server's side at a moment when no question is open: a drain, a time-out. The reply is a 421.
    pub fn shut_down(&mut self, reply: &Reply, out: &mut Vec<u8>) -> Result<(), Misuse> {
        match self.state {
            State::Asked(_) => return Err(Misuse::QuestionOpen),
            State::Closed | State::Closing(_) => return Err(Misuse::Closed),
            _ if reply.code().get() != 421 => return Err(Misuse::AnswerCode),
            _ => {}
        }
        reply.write(out);
        self.transaction = None;
        self.state = State::Closing(CloseReason::ShutDown);
        Ok(())
    }

    /// The handshake that [`super::Event::StartTls`] led to is done. Everything the client said before is forgotten (RFC 3207 §4.2).
    pub fn tls_established(&mut self) -> Result<(), Misuse> {
        if !matches!(self.state, State::TlsDue) {
            return Err(Misuse::TlsNotDue);
        }
        self.state = State::Command;
        self.encrypted = true;
        self.authenticated = false;
        self.greeted = false;
        self.transaction = None;
        Ok(())
    }

    fn take_question(&mut self) -> Result<Question, Misuse> {
        match self.state {
            State::Asked(question) => {
                self.state = State::Command;
                Ok(question)
            }
            State::Closed | State::Closing(_) => Err(Misuse::Closed),
            _ => Err(Misuse::NothingAsked),
        }
    }

    /// What a yes leads to.
    fn proceed_from(&mut self, question: Question) {
        match question {
            Question::Authenticate => self.authenticated = true,
            Question::BodyEnd => {
                self.end_transaction();
                self.counters = Counters { idle_commands: 0, refused_recipients: 0, ..self.counters };
            }
            Question::BodyStart(chunk) => {
                let binary = self.transaction.as_ref().is_some_and(|transaction| transaction.opened.binary);
                let lines = self.config.bare_lines;
                self.state = State::Body(match chunk {
                    Some(chunk) => Body::chunks(chunk, lines, binary),
                    None => Body::data(lines),
                });
            }
            Question::Hello { .. } => self.greeted = true,
            Question::Mail(opened) => {
                self.transaction = Some(Transaction { opened, ..Transaction::default() });
                self.counters.transactions += 1;
            }
            Question::Rcpt => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.recipients += 1;
                }
            }
            Question::StartTls => self.state = State::TlsDue,
            Question::Verify => {}
        }
    }

    pub(super) fn end_transaction(&mut self) {
        self.transaction = None;
        self.state = State::Command;
    }
}
