//! A message on its way in.

use alloc::vec::Vec;

use mail_wire::{Bare, Chunk, Unstuffer};

use crate::replies;
use crate::reply::Reply;

use super::{Event, Question, ResetReason, Session, State};

#[derive(Debug, Default)]
pub(super) struct Body {
    unstuffer: Unstuffer,
    octets: u64,
    /// What the message will be refused with, once its end is found: until then its octets are dropped, and nothing in them is
    /// taken for a command.
    refused: Option<Reply>,
}

impl Body {
    pub(super) fn refuse(&mut self, reply: Reply) {
        self.refused.get_or_insert(reply);
    }

    /// Counts octets that came; says what makes the message unacceptable whoever sends it.
    fn take(&mut self, data: &[u8], limit: Option<u64>) -> Result<(), (Reply, ResetReason)> {
        self.octets = self.octets.saturating_add(data.len() as u64);
        match self.unstuffer.bare().map(|bare| bare.octet) {
            Some(Bare::Cr) => Err((replies::BARE_CR, ResetReason::BareCr)),
            Some(Bare::Lf) => Err((replies::BARE_LF, ResetReason::BareLf)),
            None if limit.is_some_and(|limit| self.octets > limit) => {
                Err((replies::MESSAGE_TOO_BIG, ResetReason::TooBig))
            }
            None => Ok(()),
        }
    }
}

impl Session {
    /// Takes octets of a body from the front of `input`.
    pub(super) fn body<'i>(&mut self, input: &'i [u8], out: &mut Vec<u8>) -> (usize, Option<Event<'i>>) {
        let State::Body(body) = &mut self.state else { return (0, None) };
        let (consumed, chunk) = body.unstuffer.next(input);
        let event = match chunk {
            Chunk::NeedInput => Some(Event::NeedInput),
            Chunk::Data(_) if body.refused.is_some() => None,
            Chunk::Data(data) => match body.take(data, self.config.size) {
                Ok(()) => Some(Event::Body(data)),
                Err((reply, reason)) => {
                    body.refuse(reply);
                    Some(Event::Reset(reason))
                }
            },
            Chunk::End => match body.refused.take() {
                None => self.ask(Question::BodyEnd, Event::BodyEnd),
                Some(reply) => {
                    reply.write(out);
                    self.end_transaction();
                    None
                }
            },
        };
        (consumed, event)
    }
}
