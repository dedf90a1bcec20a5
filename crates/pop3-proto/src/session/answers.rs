//! What the caller says: the answers to a session's questions. One that does not fit changes nothing.

use alloc::vec::Vec;

use super::{Question, Session, State};
use crate::event::{CloseReason, Misuse, Refusal};
use crate::language::Language;
use crate::maildrop::Maildrop;
use crate::replies::Reply;
use crate::table::Phase;
use crate::words::is_text;

impl Session {
    /// Answers [`Event::Login`](crate::Event::Login): the claim is true, and this is the maildrop.
    pub fn accept_login(&mut self, maildrop: Maildrop, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let Question::Login = self.question()? else { return Err(Misuse::WrongAnswer) };
        Reply::LoggedIn(maildrop.totals()).write(self.language, out);
        self.maildrop = maildrop;
        self.state = State::Command(Phase::Transaction);
        Ok(())
    }

    /// Answers any other question with yes.
    pub fn accept(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        match self.question()? {
            Question::Login => return Err(Misuse::WrongAnswer),
            Question::Retrieve(number) => {
                let octets = self.maildrop.find(number).unwrap_or(0);
                Reply::Octets(octets).write(self.language, out);
                self.state = State::Body;
            }
            Question::Top => {
                Reply::TopFollows.write(self.language, out);
                self.state = State::Body;
            }
            Question::Commit => self.close(Reply::Goodbye, CloseReason::Quit, out),
            Question::StartTls => {
                Reply::BeginTls.write(self.language, out);
                self.state = State::TlsDue;
            }
        }
        Ok(())
    }

    /// Answers a question with no.
    pub fn refuse(&mut self, refusal: Refusal, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let question = self.question()?;
        if !fits(question, refusal) {
            return Err(Misuse::WrongAnswer);
        }
        self.state = match question {
            Question::Login | Question::StartTls => State::Command(Phase::Authorization),
            Question::Retrieve(_) | Question::Top => State::Command(Phase::Transaction),
            Question::Commit => State::Closing(CloseReason::Quit),
        };
        match refusal {
            Refusal::Credentials => self.failed_login(out),
            _ => self.write(refusal.into(), out),
        }
        Ok(())
    }

    /// Answers a login whose claim holds, but whose account may not come in, in the words of the caller behind `[SYS/PERM]` (RFC 3206): to
    /// ask for the password again would not help. A text that is no one line, or not in ASCII while the client has not asked for
    /// another language than English, is not sent.
    pub fn refuse_account(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let Question::Login = self.question()? else { return Err(Misuse::WrongAnswer) };
        if !is_text(text, self.language) {
            return self.refuse(Refusal::Permanent, out);
        }
        self.state = State::Command(Phase::Authorization);
        out.extend_from_slice(b"-ERR [SYS/PERM] ");
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// The body that [`accept`](Self::accept) announced is on its way, its end included.
    pub fn body_sent(&mut self) -> Result<(), Misuse> {
        let State::Body = self.state else { return Err(self.not_due()) };
        self.state = State::Command(Phase::Transaction);
        Ok(())
    }

    /// The handshake that [`accept`](Self::accept) announced is done. What the client said before is forgotten (RFC 2595 §4).
    pub fn tls_established(&mut self) -> Result<(), Misuse> {
        let State::TlsDue = self.state else { return Err(self.not_due()) };
        self.encrypted = true;
        self.language = Language::English;
        self.utf8 = false;
        self.name.clear();
        self.state = State::Command(Phase::Authorization);
        Ok(())
    }

    fn question(&self) -> Result<Question, Misuse> {
        match self.state {
            State::Asked(question) => Ok(question),
            _ => Err(self.not_due()),
        }
    }

    const fn not_due(&self) -> Misuse {
        match self.state {
            State::Closed | State::Closing(_) => Misuse::Closed,
            _ => Misuse::NothingAsked,
        }
    }

    fn failed_login(&mut self, out: &mut Vec<u8>) {
        self.auth_failures += 1;
        if self.auth_failures >= self.config.limits.auth_failures {
            self.close(Reply::TooManyAuthFailures, CloseReason::TooManyAuthFailures, out);
        } else {
            self.write(Reply::WrongCredentials, out);
        }
    }
}

/// Which refusal answers which question. A commit is over when it fails: that is all there is to say.
const fn fits(question: Question, refusal: Refusal) -> bool {
    match refusal {
        Refusal::Credentials | Refusal::InUse | Refusal::LoginDelay => matches!(question, Question::Login),
        Refusal::NeedsUtf8 | Refusal::Vanished => matches!(question, Question::Retrieve(_) | Question::Top),
        Refusal::NotRemoved => matches!(question, Question::Commit),
        Refusal::Permanent | Refusal::Temporary => !matches!(question, Question::Commit),
    }
}
