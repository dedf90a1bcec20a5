//! TRANSACTION (RFC 1939 §5 and §7), and QUIT, which leads to UPDATE (§6).

use alloc::vec::Vec;

use super::{Question, Session, State};
use crate::command::MessageNumber;
use crate::event::{CloseReason, Event};
use crate::listing::{Column, Listing};
use crate::maildrop::NoMessage;
use crate::replies::Reply;
use crate::table::Phase;

impl Session {
    pub(super) fn list(&mut self, message: Option<MessageNumber>, out: &mut Vec<u8>) -> Option<Event> {
        let Some(number) = message else {
            return self.listing(Reply::Listing(self.maildrop.totals()), Column::Octets, out);
        };
        match self.maildrop.find(number) {
            Ok(octets) => self.say(Reply::ListingOf(number, octets), out),
            Err(reason) => self.no_message(number, reason, out),
        }
    }

    pub(super) fn uidl(&mut self, message: Option<MessageNumber>, out: &mut Vec<u8>) -> Option<Event> {
        let Some(number) = message else {
            return self.listing(Reply::UniqueIds, Column::UniqueId, out);
        };
        match self.maildrop.find(number) {
            Ok(_) => {
                self.maildrop.visit(number.index(), |message| {
                    Reply::UniqueIdOf(number, message.unique_id).write(self.language, out);
                    false
                });
                None
            }
            Err(reason) => self.no_message(number, reason, out),
        }
    }

    pub(super) fn dele(&mut self, number: MessageNumber, out: &mut Vec<u8>) -> Option<Event> {
        match self.maildrop.delete(number) {
            Ok(()) => self.say(Reply::Marked(number), out),
            Err(reason) => self.no_message(number, reason, out),
        }
    }

    pub(super) fn rset(&mut self, out: &mut Vec<u8>) -> Option<Event> {
        self.maildrop.reset();
        self.say(Reply::Unmarked(self.maildrop.totals()), out)
    }

    pub(super) fn retr(&mut self, number: MessageNumber, out: &mut Vec<u8>) -> Option<Event> {
        match self.maildrop.find(number) {
            Ok(_) => self.ask(Question::Retrieve(number), Event::Retrieve { message: number }),
            Err(reason) => self.no_message(number, reason, out),
        }
    }

    pub(super) fn top(&mut self, number: MessageNumber, lines: u32, out: &mut Vec<u8>) -> Option<Event> {
        match self.maildrop.find(number) {
            Ok(_) => self.ask(Question::Top, Event::Top { message: number, lines }),
            Err(reason) => self.no_message(number, reason, out),
        }
    }

    /// From AUTHORIZATION the session just ends. From TRANSACTION the caller is asked even if nothing is marked: it gives the
    /// maildrop free before the client, which may come back at once, hears the reply.
    pub(super) fn quit(&mut self, phase: Phase, out: &mut Vec<u8>) -> Option<Event> {
        match phase {
            Phase::Authorization | Phase::Named => {
                self.close(Reply::Goodbye, CloseReason::Quit, out);
                None
            }
            Phase::Transaction => {
                let deleted = self.maildrop.messages() - self.maildrop.totals().messages;
                self.ask(Question::Commit, Event::Commit { deleted })
            }
        }
    }

    fn listing(&mut self, heading: Reply<'_>, column: Column, out: &mut Vec<u8>) -> Option<Event> {
        heading.write(self.language, out);
        self.state = State::Listing(Listing::new(column));
        None
    }

    /// Not a fault: a number may be out of date.
    fn no_message(&self, number: MessageNumber, reason: NoMessage, out: &mut Vec<u8>) -> Option<Event> {
        match reason {
            NoMessage::Deleted => self.say(Reply::Deleted(number), out),
            NoMessage::TooLarge => self.say(Reply::NoSuchMessage { messages: self.maildrop.messages() }, out),
        }
    }
}
