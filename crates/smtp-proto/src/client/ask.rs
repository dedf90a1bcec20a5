//! What a client asks. Each appends to the caller's buffer, or says why not and writes nothing.

use alloc::vec::Vec;
use core::fmt::Display;

use auth_sasl::line::encode;
use auth_sasl::{ClientExchange, Mechanism, Secret};

use crate::command::{Mail, Rcpt};
use crate::extension::Extension;
use crate::grammar::address::{ForwardPath, ReversePath};
use crate::grammar::marks::BodyType;
use crate::reply::put;

use super::{Asked, Misuse, Outgoing, Session, State};

impl Session {
    /// EHLO, and HELO if the server does not know it. After the greeting, after STARTTLS, and wherever a new start is wanted.
    pub fn hello(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        self.forget();
        self.features = super::Features::NONE;
        self.tried_helo = false;
        put(out, format_args!("EHLO {}\r\n", self.name));
        self.outstanding.push_back(Asked::Hello);
        Ok(())
    }

    /// STARTTLS (RFC 3207).
    pub fn starttls(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        self.offered(Extension::StartTls)?;
        self.ask(Asked::StartTls, &"STARTTLS", out);
        Ok(())
    }

    /// AUTH with PLAIN or LOGIN (RFC 4954). PLAIN's response comes with the command.
    pub fn auth(
        &mut self,
        mechanism: Mechanism,
        login: &str,
        password: &Secret,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        self.ready()?;
        if !self.features.mechanisms.contains(&mechanism) {
            return Err(Misuse::NotOffered(Extension::Auth));
        }
        if !self.encrypted && !self.clear_text_auth {
            return Err(Misuse::NotEncrypted);
        }
        let exchange = ClientExchange::new(mechanism, login, password);
        let mut exchange = exchange.map_err(|_| Misuse::Unencodable)?;
        put(out, format_args!("AUTH {}", mechanism.name()));
        if let Some(response) = (mechanism == Mechanism::Plain).then(|| exchange.respond()).flatten() {
            out.push(b' ');
            encode(&response, out);
        }
        out.extend_from_slice(b"\r\n");
        self.exchange = Some(exchange);
        self.outstanding.push_back(Asked::Auth);
        Ok(())
    }

    /// MAIL. SIZE is left out where the server does not offer it; every other parameter needs its extension.
    pub fn mail(&mut self, mail: &Mail<'_>, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        if self.transaction.open {
            return Err(Misuse::OutOfOrder);
        }
        let mut mail = *mail;
        mail.size = mail.size.filter(|_| self.features.extensions.contains(Extension::Size));
        let wide = matches!(mail.reverse_path, ReversePath::Mailbox(mailbox) if !mailbox.is_ascii());
        if wide && !mail.smtputf8 {
            return Err(Misuse::NotOffered(Extension::SmtpUtf8));
        }
        for (needed, extension) in [
            (mail.auth.is_some(), Extension::Auth),
            (mail.body.is_some(), Extension::EightBitMime),
            (mail.body == Some(BodyType::BinaryMime), Extension::BinaryMime),
            (mail.smtputf8, Extension::SmtpUtf8),
            (mail.ret.is_some() || mail.envelope_id.is_some(), Extension::Dsn),
            (mail.require_tls, Extension::RequireTls),
            (mail.priority.is_some(), Extension::MtPriority),
            (mail.by.is_some(), Extension::DeliverBy),
            (mail.hold.is_some(), Extension::FutureRelease),
            (mail.responsible.is_some(), Extension::Submitter),
            (mail.solicitation.is_some(), Extension::NoSoliciting),
            (mail.tracking.is_some(), Extension::Tracking),
            (mail.transaction_id.is_some(), Extension::Checkpoint),
            (mail.conversion_permitted, Extension::ConPerm),
        ] {
            if needed {
                self.offered(extension)?;
            }
        }
        self.forget();
        self.transaction.open = true;
        self.transaction.smtputf8 = mail.smtputf8;
        self.transaction.binary = mail.body == Some(BodyType::BinaryMime);
        self.ask(Asked::Mail, &mail, out);
        Ok(())
    }

    /// RCPT, as often as wanted. Its number in the transaction comes back with its answer.
    pub fn rcpt(&mut self, rcpt: &Rcpt<'_>, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        if !self.transaction.open || self.transaction.chunks.is_some() {
            return Err(Misuse::OutOfOrder);
        }
        let wide = matches!(rcpt.forward_path, ForwardPath::Mailbox(mailbox) if !mailbox.is_ascii());
        if wide && !self.transaction.smtputf8 {
            return Err(Misuse::NotOffered(Extension::SmtpUtf8));
        }
        for (needed, extension) in [
            (rcpt.notify.is_some() || rcpt.original.is_some(), Extension::Dsn),
            (rcpt.valid_since.is_some(), Extension::Rrvs),
            (rcpt.content_negotiation, Extension::ConNeg),
        ] {
            if needed {
                self.offered(extension)?;
            }
        }
        self.ask(Asked::Rcpt(self.transaction.asked), rcpt, out);
        self.transaction.asked += 1;
        Ok(())
    }

    /// DATA. When it is answered with 354 the message may come: [`Session::body`], [`Session::end_body`].
    pub fn data(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        // RFC 3030 §2 and §3: it does not mix with BDAT, and carries lines only.
        if self.transaction.asked == 0 || self.transaction.chunks.is_some() || self.transaction.binary {
            return Err(Misuse::OutOfOrder);
        }
        self.ask(Asked::Data, &"DATA", out);
        Ok(())
    }

    /// Octets of the message, in pieces of any size. A bare LF becomes CRLF, a bare CR a blank; dots are doubled as needed.
    pub fn body(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        let State::Body(outgoing) = &mut self.state else { return Err(Misuse::OutOfOrder) };
        outgoing.stuff(octets, out);
        Ok(())
    }

    /// The message is complete.
    pub fn end_body(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let State::Body(outgoing) = &mut self.state else { return Err(Misuse::OutOfOrder) };
        outgoing.end(out);
        self.state = State::Command;
        self.outstanding.push_back(Asked::Body);
        Ok(())
    }

    /// BDAT: a part of the message with the command that brings it (RFC 3030). As [`Session::body`], but that dots stay as they are;
    /// with BODY=BINARYMIME every octet does.
    pub fn chunk(&mut self, octets: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        self.offered(Extension::Chunking)?;
        if self.transaction.asked == 0 {
            return Err(Misuse::OutOfOrder);
        }
        let mut outgoing = self.transaction.chunks.take().unwrap_or_default();
        let mut size = octets.len();
        if !self.transaction.binary {
            size = 0;
            outgoing.clone().normalise(octets, last, |piece| size += piece.len());
        }
        put(out, format_args!("BDAT {size}{}\r\n", if last { " LAST" } else { "" }));
        match self.transaction.binary {
            true => out.extend_from_slice(octets),
            false => outgoing.normalise(octets, last, |piece| out.extend_from_slice(piece)),
        }
        self.transaction.chunks = Some(outgoing);
        self.outstanding.push_back(if last { Asked::Body } else { Asked::Chunk });
        Ok(())
    }

    /// RSET
    pub fn rset(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        self.ask(Asked::Rset, &"RSET", out);
        Ok(())
    }

    /// NOOP
    pub fn noop(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        self.ask(Asked::Noop, &"NOOP", out);
        Ok(())
    }

    /// QUIT
    pub fn quit(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ready()?;
        self.ask(Asked::Quit, &"QUIT", out);
        Ok(())
    }

    fn ready(&self) -> Result<(), Misuse> {
        match self.state {
            State::Closed | State::Closing(_) => Err(Misuse::Closed),
            State::Body(_) | State::TlsDue => Err(Misuse::OutOfOrder),
            State::Command if !self.may_ask() => Err(Misuse::Wait),
            State::Command => Ok(()),
        }
    }

    fn offered(&self, extension: Extension) -> Result<(), Misuse> {
        match self.features.extensions.contains(extension) {
            true => Ok(()),
            false => Err(Misuse::NotOffered(extension)),
        }
    }

    fn ask(&mut self, asked: Asked, command: &dyn Display, out: &mut Vec<u8>) {
        put(out, format_args!("{command}\r\n"));
        self.outstanding.push_back(asked);
    }
}

impl Outgoing {
    fn stuff(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let Self { normaliser, stuffer } = self;
        let mut rest = octets;
        while let Some(piece) = normaliser.next(rest) {
            let (octets, taken) = piece.octets();
            stuff(stuffer, octets, out);
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if let Some(octets) = self.normaliser.finish_if(true) {
            stuff(&mut self.stuffer, octets, out);
        }
        out.extend_from_slice(self.stuffer.finish());
    }

    fn normalise(&mut self, octets: &[u8], last: bool, mut each: impl FnMut(&[u8])) {
        let mut rest = octets;
        while let Some(piece) = self.normaliser.next(rest) {
            let (octets, taken) = piece.octets();
            each(octets);
            rest = rest.get(taken..).unwrap_or_default();
        }
        each(self.normaliser.finish_if(last).unwrap_or_default());
    }
}

fn stuff(stuffer: &mut mail_wire::Stuffer, mut octets: &[u8], out: &mut Vec<u8>) {
    while let Some(piece) = stuffer.next(octets) {
        out.extend_from_slice(piece.octets);
        octets = octets.get(piece.consumed..).unwrap_or_default();
    }
}
