//! One message over one session: MAIL, RCPT for each, and the octets; a result for each recipient.

use std::fs::File;
use std::io::{self, Read};

use mail_queue::{Envelope, Remote};
use smtp_proto::client::Asked;
use smtp_proto::{BodyType, Extension, Extensions, ForwardPath, Mail, Rcpt};

use super::letter::Facts;
use super::limits;
use super::outcome::{Kind, Outcome, Said};
use super::peer::{Broken, Peer, misuse};

/// What goes over the session.
pub(crate) struct Message<'m> {
    pub(crate) envelope: &'m Envelope,
    /// Those of its recipients that go there.
    pub(crate) recipients: &'m [&'m Remote],
    pub(crate) facts: Facts,
    /// At the first octet that leaves.
    pub(crate) file: File,
}

/// Which of a host's extensions a message needs, as it was submitted.
struct Parameters<'m> {
    mail: Mail<'m>,
    dsn: bool,
}

impl Message<'_> {
    /// Sends it; a result for each of the recipients, in their order. On an error nobody knows whether the other host has it; the
    /// results of those it had refused before are in the error's company.
    pub(crate) async fn send(mut self, peer: &mut Peer) -> Result<Vec<Outcome>, Broken> {
        peer.used += 1;
        let text = format!("FROM:<{}> {}", self.envelope.reverse_path, self.envelope.parameters);
        let parameters = match self.parameters(text.trim_end(), peer) {
            Ok(parameters) => parameters,
            Err(outcome) => return Ok(vec![outcome; self.recipients.len()]),
        };
        let texts: Vec<String> = self
            .recipients
            .iter()
            .map(|remote| format!("TO:<{}> {}", remote.address, remote.parameters).trim_end().to_owned())
            .collect();
        let mut results: Vec<Option<Outcome>> = vec![None; texts.len()];
        // A recipient that cannot be said over this session does not keep the others from it.
        let mut said = Vec::new();
        let mut rcpts = Vec::new();
        for (nth, text) in texts.iter().enumerate() {
            let rcpt = Rcpt::parse(text, every_extension(), true).ok().and_then(|rcpt| fit(rcpt, &parameters));
            match rcpt {
                Some(rcpt) => {
                    said.push(nth);
                    rcpts.push(rcpt);
                }
                None => set(&mut results, nth, Outcome::failed((5, 6, 7), "the address cannot be sent there")),
            }
        }
        if !rcpts.is_empty() {
            let answers = self.converse(peer, &parameters.mail, &rcpts).await?;
            said.iter().zip(answers).for_each(|(nth, outcome)| set(&mut results, *nth, outcome));
        }
        let lost = || Outcome::deferred((4, 5, 0), "no answer for this recipient");
        Ok(results.into_iter().map(|result| result.unwrap_or_else(lost)).collect())
    }

    /// What MAIL says to this host; or why the message cannot go there.
    fn parameters<'m>(&self, text: &'m str, peer: &Peer) -> Result<Parameters<'m>, Outcome> {
        let features = peer.features();
        let offers = |extension| features.extensions.contains(extension);
        let Ok(mut mail) = Mail::parse(text, every_extension()) else {
            return Err(Outcome::failed((5, 1, 7), "the sender's address cannot be sent on"));
        };
        if features.size.is_some_and(|most| most < self.facts.octets) {
            let why = format!("{} takes no message of {} octets", peer.host, self.facts.octets);
            return Err(Outcome::failed((5, 3, 4), why));
        }
        mail.size = Some(self.facts.octets);
        if mail.smtputf8 && !offers(Extension::SmtpUtf8) {
            // RFC 6531 §3.2: needed only if something is beyond ASCII.
            let addresses = self.recipients.iter().all(|remote| remote.address.is_ascii());
            if self.facts.eight_bit || !addresses || !self.envelope.reverse_path.is_ascii() {
                let why = format!("{} does not offer SMTPUTF8, which the message needs", peer.host);
                return Err(Outcome::failed((5, 6, 7), why));
            }
            mail.smtputf8 = false;
        }
        match (self.facts.eight_bit, offers(Extension::EightBitMime)) {
            (true, true) => mail.body = Some(BodyType::EightBitMime),
            // RFC 6152 §3: it may not be sent as it is, and to recode it would break its signatures.
            (true, false) if mail.body == Some(BodyType::EightBitMime) => {
                let why = format!("{} does not offer 8BITMIME, which the message needs", peer.host);
                return Err(Outcome::failed((5, 6, 3), why));
            }
            // Who did not declare it has sent eight bits all the same, as everybody has for decades.
            _ => mail.body = None,
        }
        let dsn = offers(Extension::Dsn);
        if !dsn {
            (mail.ret, mail.envelope_id) = (None, None);
        }
        Ok(Parameters { mail, dsn })
    }

    async fn converse(
        &mut self,
        peer: &mut Peer,
        mail: &Mail<'_>,
        rcpts: &[Rcpt<'_>],
    ) -> Result<Vec<Outcome>, Broken> {
        let chunks = peer.features().extensions.contains(Extension::Chunking);
        let mut talk = Talk { mail: None, rcpts: vec![None; rcpts.len()] };
        let (session, out) = peer.session();
        session.mail(mail, out).map_err(misuse)?;
        for rcpt in rcpts {
            // RFC 2920: without PIPELINING each waits for the answer before.
            while !peer.session().0.may_ask() {
                talk.hear(peer).await?;
            }
            if talk.is_refused() {
                break;
            }
            let (session, out) = peer.session();
            session.rcpt(rcpt, out).map_err(misuse)?;
        }
        if chunks {
            while peer.session().0.outstanding() > 0 {
                talk.hear(peer).await?;
            }
        } else {
            while !peer.session().0.may_ask() {
                talk.hear(peer).await?;
            }
        }
        if talk.is_hopeless() {
            let (session, out) = peer.session();
            session.rset(out).map_err(misuse)?;
            while peer.session().0.outstanding() > 0 {
                talk.hear(peer).await?;
            }
            return Ok(talk.results(None));
        }
        let last = if chunks { self.by_chunks(peer).await? } else { self.by_data(peer, &mut talk).await? };
        Ok(talk.results(Some(&last)))
    }

    async fn by_data(&mut self, peer: &mut Peer, talk: &mut Talk) -> Result<Said, Broken> {
        let (session, out) = peer.session();
        session.data(out).map_err(misuse)?;
        let go = loop {
            match peer.next(limits::DATA).await? {
                (Asked::Data, said) => break said,
                (asked, said) => talk.note(asked, said),
            }
        };
        if go.code != 354 {
            return Ok(go);
        }
        if !talk.is_hopeless() {
            while let Some(piece) = self.piece().map_err(Broken::Io)? {
                let (session, out) = peer.session();
                session.body(&piece, out).map_err(misuse)?;
                if let Some(said) = send(peer).await? {
                    return Ok(said);
                }
            }
            let (session, out) = peer.session();
            session.end_body(out).map_err(misuse)?;
        }
        finish(peer).await
    }

    async fn by_chunks(&mut self, peer: &mut Peer) -> Result<Said, Broken> {
        let mut piece = self.piece().map_err(Broken::Io)?.unwrap_or_default();
        loop {
            let following = self.piece().map_err(Broken::Io)?;
            while !peer.session().0.may_ask() {
                match peer.next(limits::DATA).await? {
                    (_, said) if said.is_positive() => {}
                    (_, said) => return Ok(said),
                }
            }
            let (session, out) = peer.session();
            session.chunk(&piece, following.is_none(), out).map_err(misuse)?;
            if let Some(said) = send(peer).await? {
                return Ok(said);
            }
            match following {
                Some(next) => piece = next,
                None => return finish(peer).await,
            }
        }
    }

    /// The next octets. Small, from the system's cache as a rule, and among waits that are far longer.
    fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut piece = Vec::with_capacity(limits::PIECE.min(usize::try_from(self.facts.octets).unwrap_or(usize::MAX)) + 1);
        (&self.file).take(limits::PIECE as u64).read_to_end(&mut piece)?;
        Ok(if piece.is_empty() { None } else { Some(piece) })
    }
}

pub(crate) fn every_extension() -> Extensions {
    Extension::ALL.iter().fold(Extensions::NONE, |set, one| set.with(*one))
}

/// Sends what was written. A host that hangs up amidst may have said why: that is then its answer.
async fn send(peer: &mut Peer) -> Result<Option<Said>, Broken> {
    match peer.flush(limits::BLOCK).await {
        Err(Broken::Io(error)) => match peer.last_words().await {
            Some(said) => Ok(Some(said)),
            None => Err(Broken::Io(error)),
        },
        sent => sent.map(|()| None),
    }
}

/// The answer to the whole message; a chunk that is refused is one.
async fn finish(peer: &mut Peer) -> Result<Said, Broken> {
    loop {
        match peer.next(limits::END).await? {
            (Asked::Chunk, said) if said.is_positive() => {}
            (_, said) => return Ok(said),
        }
    }
}

/// The recipient's command as this host takes it; none if it cannot be said to it.
fn fit<'r>(mut rcpt: Rcpt<'r>, parameters: &Parameters<'_>) -> Option<Rcpt<'r>> {
    let wide = matches!(rcpt.forward_path, ForwardPath::Mailbox(mailbox) if !mailbox.is_ascii());
    if wide && !parameters.mail.smtputf8 {
        return None;
    }
    if !parameters.dsn {
        (rcpt.notify, rcpt.original) = (None, None);
    }
    if rcpt.original.is_some_and(|original| !original.is_ascii()) && !parameters.mail.smtputf8 {
        rcpt.original = None;
    }
    Some(rcpt)
}

fn set(results: &mut [Option<Outcome>], nth: usize, outcome: Outcome) {
    if let Some(result) = results.get_mut(nth) {
        *result = Some(outcome);
    }
}

/// What the host said so far.
struct Talk {
    mail: Option<Said>,
    rcpts: Vec<Option<Said>>,
}

impl Talk {
    async fn hear(&mut self, peer: &mut Peer) -> Result<(), Broken> {
        let (asked, said) = peer.next(limits::ENVELOPE).await?;
        self.note(asked, said);
        Ok(())
    }

    fn note(&mut self, asked: Asked, said: Said) {
        match asked {
            Asked::Mail => self.mail = Some(said),
            Asked::Rcpt(nth) => {
                if let Some(rcpt) = self.rcpts.get_mut(nth) {
                    *rcpt = Some(said);
                }
            }
            _ => {}
        }
    }

    /// MAIL was refused.
    fn is_refused(&self) -> bool {
        self.mail.as_ref().is_some_and(|said| !said.is_positive())
    }

    /// Nobody would get it.
    fn is_hopeless(&self) -> bool {
        self.is_refused() || self.rcpts.iter().all(|rcpt| rcpt.as_ref().is_some_and(|said| !said.is_positive()))
    }

    /// For each recipient: its own refusal, or MAIL's, or what was said of the whole.
    fn results(&self, last: Option<&Said>) -> Vec<Outcome> {
        let lost = || Outcome::deferred((4, 5, 0), "no answer for this recipient");
        let result = |rcpt: &Option<Said>| match (&self.mail, rcpt, last) {
            (Some(mail), _, _) if !mail.is_positive() => Outcome::of(mail),
            (_, Some(rcpt), _) if !rcpt.is_positive() => too_many(Outcome::of(rcpt), rcpt),
            (_, Some(_), Some(last)) => Outcome::of(last),
            _ => lost(),
        };
        self.rcpts.iter().map(result).collect()
    }
}

/// RFC 5321 §4.5.3.1.10: 552 to a recipient of many means that there were too many, and they are to be tried again.
fn too_many(outcome: Outcome, said: &Said) -> Outcome {
    if said.code == 552 && outcome.status.1 != 2 { Outcome { kind: Kind::Deferred, ..outcome } } else { outcome }
}
