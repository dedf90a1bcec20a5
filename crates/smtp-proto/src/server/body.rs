//! A message on its way in: by DATA (RFC 5321 §4.1.1.4) or in chunks (RFC 3030). Both end in the same three events.

use alloc::vec::Vec;

use mail_wire::{Bare, Chunk as Found, Unstuffer};

use crate::lines::{Normaliser, Piece, Police};
use crate::replies;
use crate::reply::{Reply, put};

use super::{BareLines, CloseReason, Event, Question, ResetReason, Session, State};

#[derive(Debug)]
pub(super) struct Body {
    source: Source,
    normaliser: Option<Normaliser>,
    octets: u64,
    /// The last of them was a CR.
    after_cr: bool,
    /// What the message will be refused with, once its end is found: until then its octets are dropped, and nothing in them is
    /// taken for a command.
    refused: Option<Reply>,
}

#[derive(Debug)]
enum Source {
    Data(Unstuffer),
    Chunks {
        chunk: Chunk,
        /// Of the chunk, and not yet taken.
        left: u64,
        police: Option<Police>,
    },
}

/// `BDAT`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) size: u64,
    pub(super) last: bool,
}

impl Chunk {
    /// `bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF`, `chunk-size = 1*DIGIT`, `end-marker = "LAST"` (RFC 3030 §2)
    pub(super) fn parse(argument: &str) -> Option<Self> {
        let (size, last) = match argument.split_once(' ') {
            Some((size, marker)) => (size, marker.trim_ascii().eq_ignore_ascii_case("LAST").then_some(true)?),
            None => (argument, false),
        };
        let digits = size.bytes().all(|digit| digit.is_ascii_digit());
        Some(Self { size: size.parse().ok().filter(|_| digits)?, last })
    }
}

impl Body {
    pub(super) fn data(lines: BareLines) -> Self {
        Self::of(Source::Data(Unstuffer::new()), lines)
    }

    /// `binary`: BINARYMIME has no lines, and nothing in it is bare (RFC 3030 §3).
    pub(super) fn chunks(chunk: Chunk, lines: BareLines, binary: bool) -> Self {
        let police = (!binary && lines == BareLines::Refuse).then(Police::default);
        let source = Source::Chunks { chunk, left: chunk.size, police };
        Self::of(source, if binary { BareLines::Refuse } else { lines })
    }

    fn of(source: Source, lines: BareLines) -> Self {
        let normaliser = (lines == BareLines::Normalise).then(Normaliser::default);
        Self { source, normaliser, octets: 0, after_cr: false, refused: None }
    }

    /// The next chunk of the same message.
    pub(super) const fn resume(&mut self, next: Chunk) {
        if let Source::Chunks { chunk, left, .. } = &mut self.source {
            (*chunk, *left) = (next, next.size);
        }
    }

    pub(super) fn refuse(&mut self, reply: Reply) {
        self.refused.get_or_insert(reply);
    }

    /// Takes octets from the front of `input`: how many, and what the message gets for them.
    fn next<'i>(&mut self, input: &'i [u8]) -> (usize, Found<'i>) {
        let Some(normaliser) = &mut self.normaliser else { return self.source.next(input) };
        match &mut self.source {
            // Only what comes next says what a CR at the end is: it stays in the input until then.
            Source::Data(_) if input == b"\r" => (0, Found::NeedInput),
            Source::Data(unstuffer) => match normaliser.next(input.strip_suffix(b"\r").unwrap_or(input)) {
                Some(Piece::Clean(clean)) => match unstuffer.next(clean) {
                    (taken, Found::NeedInput) if taken < input.len() => (taken, Found::Data(b"")),
                    found => found,
                },
                Some(Piece::Instead(octets, taken)) => {
                    // To the un-stuffer it is text: no end of a message is made of what stands bare.
                    let _ = unstuffer.next(b" ");
                    (taken, Found::Data(octets))
                }
                None => (0, Found::NeedInput),
            },
            Source::Chunks { left, chunk, .. } => match normaliser.next(within(input, *left)) {
                Some(Piece::Instead(octets, taken)) => {
                    *left -= taken as u64;
                    (taken, Found::Data(octets))
                }
                Some(Piece::Clean(clean)) => self.source.next(clean),
                None => match normaliser.finish_if(*left == 0 && chunk.last) {
                    Some(octets) => (0, Found::Data(octets)),
                    None => self.source.next(b""),
                },
            },
        }
    }

    /// Counts octets that came; says what makes the message unacceptable whoever sends it: whichever fault stands first, however the
    /// input was cut.
    fn count(&mut self, data: &[u8], limit: Option<u64>) -> Result<(), (Reply, ResetReason)> {
        let before = self.octets;
        self.octets = self.octets.saturating_add(data.len() as u64);
        let room = limit.filter(|limit| self.octets > *limit).map(|limit| limit.saturating_sub(before));
        let after_cr = self.after_cr;
        self.after_cr = data.last().map_or(after_cr, |last| *last == b'\r');
        let bare = match (self.source.bare(), room) {
            (Some(_), Some(room)) => Police::bare_in(within(data, room.saturating_add(1)), after_cr),
            (bare, _) => bare,
        };
        match (bare, room) {
            (Some(Bare::Cr), _) => Err((replies::BARE_CR, ResetReason::BareCr)),
            (Some(Bare::Lf), _) => Err((replies::BARE_LF, ResetReason::BareLf)),
            (None, Some(_)) => Err((replies::MESSAGE_TOO_BIG, ResetReason::TooBig)),
            (None, None) => Ok(()),
        }
    }
}

impl Source {
    fn next<'i>(&mut self, input: &'i [u8]) -> (usize, Found<'i>) {
        match self {
            Self::Data(unstuffer) => unstuffer.next(input),
            Self::Chunks { left: 0, chunk, police } => {
                if let Some(police) = police.as_mut().filter(|_| chunk.last) {
                    police.finish();
                }
                (0, Found::End)
            }
            Self::Chunks { .. } if input.is_empty() => (0, Found::NeedInput),
            Self::Chunks { left, police, .. } => {
                let data = within(input, *left);
                *left -= data.len() as u64;
                if let Some(police) = police {
                    police.watch(data);
                }
                (data.len(), Found::Data(data))
            }
        }
    }

    fn bare(&self) -> Option<Bare> {
        match self {
            Self::Data(unstuffer) => unstuffer.bare(),
            Self::Chunks { police, .. } => police.and_then(|police| police.bare()),
        }
    }
}

fn within(input: &[u8], left: u64) -> &[u8] {
    let most = usize::try_from(left).unwrap_or(usize::MAX);
    input.get(..input.len().min(most)).unwrap_or_default()
}

impl Session {
    /// Takes octets of a body from the front of `input`.
    pub(super) fn body<'i>(&mut self, input: &'i [u8], out: &mut Vec<u8>) -> (usize, Option<Event<'i>>) {
        let State::Body(body) = &mut self.state else { return (0, None) };
        let (consumed, found) = body.next(input);
        let event = match found {
            Found::NeedInput => Some(Event::NeedInput),
            Found::Data(data) if body.refused.is_some() || data.is_empty() => None,
            Found::Data(data) => match body.count(data, self.config.size) {
                Ok(()) => Some(Event::Body(data)),
                Err((reply, reason)) => {
                    body.refuse(reply);
                    Some(Event::Reset(reason))
                }
            },
            Found::End => self.end_of_body(out),
        };
        (consumed, event)
    }

    fn end_of_body<'i>(&mut self, out: &mut Vec<u8>) -> Option<Event<'i>> {
        let State::Body(mut body) = core::mem::replace(&mut self.state, State::Command) else { return None };
        let event = match body.count(b"", self.config.size) {
            // A CR at the very end of the last chunk is found out only now.
            Err((reply, reason)) if body.refused.is_none() => {
                body.refuse(reply);
                Some(Event::Reset(reason))
            }
            _ => None,
        };
        match (body.refused.take(), &body.source) {
            (Some(reply), _) => {
                self.config.worded(&reply).write(out);
                self.end_transaction();
                if reply.code().get() == 421 {
                    self.state = State::Closing(CloseReason::ShutDown);
                }
                event
            }
            (None, Source::Chunks { chunk: Chunk { size, last: false }, .. }) => {
                put(out, format_args!("250 2.0.0 {size} octets received\r\n"));
                if let Some(transaction) = &mut self.transaction {
                    transaction.body = Some(body);
                }
                None
            }
            (None, _) => self.ask(Question::BodyEnd, Event::BodyEnd),
        }
    }

    /// Takes octets of a chunk that will be refused: it stands in the stream, whatever we think of it (RFC 3030 §2).
    pub(super) fn swallow<'i>(&mut self, input: &[u8], out: &mut Vec<u8>) -> (usize, Option<Event<'i>>) {
        let State::Swallow { left, reply } = &mut self.state else { return (0, None) };
        let taken = within(input, *left).len();
        *left -= taken as u64;
        if *left > 0 {
            return (taken, Some(Event::NeedInput));
        }
        reply.write(out);
        self.state = State::Command;
        (taken, None)
    }
}
