//! AUTHORIZATION: who is there (RFC 1939 §4 and §7, RFC 5034), and how well guarded the wire is (RFC 2595).

use alloc::string::ToString;
use alloc::vec::Vec;

use auth_sasl::{ApopDigest, Claim, Exchange, Mechanism, MechanismName, Secret, Step, line};

use super::{Question, Session, State};
use crate::command::{Hidden, Sasl};
use crate::event::{CloseReason, Event};
use crate::replies::Reply;
use crate::table::Phase;

impl Session {
    /// The reply is the same for every name: USER is not to be used to find out who exists.
    pub(super) fn user(&mut self, name: &str, out: &mut Vec<u8>) -> Option<Event> {
        self.name.clear();
        self.name.push_str(name);
        self.say(Reply::NameTaken, out)
    }

    pub(super) fn pass(&mut self, Hidden(password): Hidden<'_>) -> Option<Event> {
        self.login(Claim::password(self.name.as_str(), Secret::new(password)))
    }

    pub(super) fn apop(&mut self, name: &str, digest: ApopDigest) -> Option<Event> {
        // Without a stamp APOP was refused before.
        let stamp = self.stamp.clone()?;
        self.login(Claim::Apop { login: name.to_string(), stamp, digest })
    }

    pub(super) fn auth(&mut self, sasl: Sasl<'_>, out: &mut Vec<u8>) -> Option<Event> {
        let offered = |mechanism: &Mechanism| self.config.mechanisms.contains(mechanism);
        let Some(mechanism) = Mechanism::parse(sasl.mechanism.as_bytes()).filter(offered) else {
            self.unoffered = MechanismName::parse(sasl.mechanism.as_bytes());
            return self.say(Reply::UnknownMechanism, out);
        };
        let initial = match sasl.initial.map(|Hidden(initial)| line::decode_initial(initial)).transpose() {
            Ok(initial) => initial,
            Err(_) => return self.malformed(out),
        };
        let step = Exchange::start(mechanism, initial.as_ref().map(|octets| octets.as_slice()));
        self.exchanged(step, out)
    }

    /// A line that answers a challenge. Whatever it is, the session is back in AUTHORIZATION unless the mechanism goes on.
    pub(super) fn response(&mut self, exchange: Exchange, text: &[u8], out: &mut Vec<u8>) -> Option<Event> {
        match line::decode_response(text) {
            Ok(line::Response::Cancel) => self.say(Reply::Cancelled, out),
            Ok(line::Response::Data(response)) => self.exchanged(exchange.respond(&response), out),
            Err(_) => self.malformed(out),
        }
    }

    pub(super) fn stls(&mut self, more: bool, out: &mut Vec<u8>) -> Option<Event> {
        if more {
            self.close(Reply::BehindStls, CloseReason::BytesBehindStls, out);
            return None;
        }
        self.ask(Question::StartTls, Event::StartTls)
    }

    fn exchanged(&mut self, step: Step, out: &mut Vec<u8>) -> Option<Event> {
        match step {
            Step::Challenge(exchange) => {
                out.extend_from_slice(b"+ ");
                line::encode(exchange.challenge(), out);
                out.extend_from_slice(b"\r\n");
                self.state = State::Exchange(exchange);
                None
            }
            Step::Done(claim) => self.login(claim),
            Step::Malformed => self.malformed(out),
        }
    }

    fn login(&mut self, claim: Claim) -> Option<Event> {
        self.ask(Question::Login, Event::Login(claim))
    }

    fn malformed(&mut self, out: &mut Vec<u8>) -> Option<Event> {
        self.state = State::Command(Phase::Authorization);
        self.reject(Reply::MalformedResponse, out);
        None
    }
}
