//! One message over one session: MAIL, RCPT for each, and the octets; a result for each recipient.

use std::io::{self, Read};

use mail_queue::{Body, Envelope, Octets, Remote};
use smtp_proto::client::Asked;
use smtp_proto::{
    BodyType, Extension, ForwardPath, Mail, Mailbox, Notify, OriginalRecipient, Rcpt, Return, ReversePath,
    Xtext,
};

use super::letter::Facts;
use super::limits;
use super::outcome::{Heard, Kind, Outcome};
use super::peer::{Broken, Peer, misuse};

/// What goes over the session.
pub(crate) struct Message<'m> {
    pub(crate) envelope: &'m Envelope,
    /// Those of its recipients that go there.
    pub(crate) recipients: &'m [&'m Remote],
    pub(crate) facts: Facts,
    /// At the first octet that leaves.
    pub(crate) octets: Octets,
}

/// What is said of a message to this host.
struct Said<'e> {
    mail: Mail<'e>,
    /// It takes the parameters of RFC 3461.
    dsn: bool,
}

impl<'m> Message<'m> {
    /// The reverse-path with which it leaves: all of these recipients have the same.
    fn reverse_path(&self) -> &'m str {
        let (envelope, recipients) = (self.envelope, self.recipients);
        recipients.first().map_or(&envelope.reverse_path, |remote| remote.reverse_path(envelope))
    }

    /// Sends it; a result for each of the recipients, in their order. After an error nobody knows whether the other host has it.
    pub(crate) async fn send(mut self, peer: &mut Peer) -> Result<Vec<Outcome>, Broken> {
        peer.used += 1;
        let envelope = self.envelope;
        let said = match self.mail(envelope, self.reverse_path(), peer) {
            Ok(said) => said,
            Err(outcome) => return Ok(vec![outcome; self.recipients.len()]),
        };
        // A recipient that cannot be said over this session does not keep the others from it.
        let rcpts: Vec<Option<Rcpt<'_>>> = self.recipients.iter().map(|remote| rcpt(remote, &said)).collect();
        let possible: Vec<Rcpt<'_>> = rcpts.iter().flatten().copied().collect();
        let answers = match possible.is_empty() {
            true => Vec::new(),
            false => {
                let answers = self.converse(peer, &said.mail, &possible).await;
                answers.map_err(|broken| peer.explain(broken))?
            }
        };
        let mut answers = answers.into_iter();
        let result = |rcpt: &Option<Rcpt<'_>>| match rcpt {
            Some(_) => answers.next().unwrap_or_else(lost),
            None => Outcome::failed((5, 6, 7), "the recipient's address cannot be sent to that host"),
        };
        Ok(rcpts.iter().map(result).collect())
    }

    /// What MAIL says to this host; or why the message cannot go there.
    fn mail<'e>(
        &self,
        envelope: &'e Envelope,
        reverse_path: &'e str,
        peer: &Peer,
    ) -> Result<Said<'e>, Outcome> {
        let features = peer.features();
        let offers = |extension| features.extensions.contains(extension);
        let wide_path = !reverse_path.is_ascii();
        let reverse_path = match reverse_path {
            "" => ReversePath::Null,
            address => ReversePath::Mailbox(
                Mailbox::parse(address)
                    .ok_or_else(|| Outcome::failed((5, 1, 7), "the sender's address cannot be sent on"))?,
            ),
        };
        if features.size.is_some_and(|most| most < self.facts.octets) {
            let why = format!("{} takes no message of {} octets", peer.host, self.facts.octets);
            return Err(Outcome::failed((5, 3, 4), why));
        }
        let mut mail = Mail::new(reverse_path);
        mail.size = Some(self.facts.octets);
        // RFC 6531 §3.2: needed for addresses and header fields beyond ASCII. A body may have fields, too, in its parts: nobody looks
        // for them here, but who offers it is told.
        let needed = self.facts.wide_header
            || wide_path
            || self.recipients.iter().any(|remote| !remote.address.is_ascii());
        let offered = offers(Extension::SmtpUtf8);
        mail.smtputf8 = envelope.parameters.utf8 && (needed || (self.facts.eight_bit && offered));
        if mail.smtputf8 && !offered {
            let why = format!("{} does not offer SMTPUTF8, which the message needs", peer.host);
            return Err(Outcome::failed((5, 6, 7), why));
        }
        if self.facts.eight_bit && offers(Extension::EightBitMime) {
            mail.body = Some(BodyType::EightBitMime);
        } else if self.facts.eight_bit && envelope.parameters.body == Some(Body::EightBitMime) {
            // RFC 6152 §3: it may not be sent as it is, and to recode it would break its signatures. Who did not declare it sends
            // eight bits to such a host all the same, as everybody has for decades.
            let why = format!("{} does not offer 8BITMIME, which the message needs", peer.host);
            return Err(Outcome::failed((5, 6, 3), why));
        }
        let dsn = offers(Extension::Dsn);
        if dsn {
            mail.ret = envelope.parameters.ret.map(|ret| match ret {
                mail_queue::Return::Full => Return::Full,
                mail_queue::Return::Headers => Return::Headers,
            });
            mail.envelope_id = envelope.parameters.envelope_id.as_deref().and_then(Xtext::parse);
        }
        Ok(Said { mail, dsn })
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

    async fn by_data(&mut self, peer: &mut Peer, talk: &mut Talk) -> Result<Heard, Broken> {
        let (session, out) = peer.session();
        session.data(out).map_err(misuse)?;
        let go = loop {
            match peer.next(limits::DATA).await? {
                (Asked::Data, said) => break said,
                (asked, said) => talk.note(asked, said),
            }
        };
        match go.code {
            354 => {}
            400..=599 => return Ok(go),
            // RFC 5321 §4.3.2: 354 or a no. A yes to a message of which no octet has left must not count as one.
            _ => return Err(Broken::Protocol("neither 354 nor a refusal answers DATA")),
        }
        // A host that refused MAIL and takes what follows is not given a message, nor half of one: this session ends here.
        if talk.is_refused() && peer.session().0.outstanding() == 0 {
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

    async fn by_chunks(&mut self, peer: &mut Peer) -> Result<Heard, Broken> {
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
        let mut piece = Vec::with_capacity(
            limits::PIECE.min(usize::try_from(self.facts.octets).unwrap_or(usize::MAX)) + 1,
        );
        (&mut self.octets).take(limits::PIECE as u64).read_to_end(&mut piece)?;
        Ok(if piece.is_empty() { None } else { Some(piece) })
    }
}

/// Sends what was written. A host that hangs up amidst may have said why: that is then its answer.
async fn send(peer: &mut Peer) -> Result<Option<Heard>, Broken> {
    match peer.flush(limits::BLOCK).await {
        Err(Broken::Io(error)) => match peer.last_words().await {
            Some(said) => Ok(Some(said)),
            None => Err(Broken::Io(error)),
        },
        sent => sent.map(|()| None),
    }
}

/// The answer to the whole message; a chunk that is refused is one.
async fn finish(peer: &mut Peer) -> Result<Heard, Broken> {
    loop {
        match peer.next(limits::END).await? {
            (Asked::Chunk, said) if said.is_positive() => {}
            (_, said) => return Ok(said),
        }
    }
}

/// The recipient's command as this host takes it; none if it cannot be said to it.
fn rcpt<'r>(remote: &'r Remote, said: &Said<'_>) -> Option<Rcpt<'r>> {
    let mailbox =
        Mailbox::parse(&remote.address).filter(|mailbox| mailbox.is_ascii() || said.mail.smtputf8)?;
    let mut rcpt = Rcpt::new(ForwardPath::Mailbox(mailbox));
    if said.dsn {
        rcpt.notify =
            remote.notify.map(|it| Notify { success: it.success, failure: it.failure, delay: it.delay });
        let original = remote.original.as_deref().and_then(OriginalRecipient::parse);
        rcpt.original = original.filter(|original| original.is_ascii() || said.mail.smtputf8);
    }
    Some(rcpt)
}

fn lost() -> Outcome {
    Outcome::deferred((4, 5, 0), "no answer for this recipient")
}

/// What the host said so far.
struct Talk {
    mail: Option<Heard>,
    rcpts: Vec<Option<Heard>>,
}

impl Talk {
    async fn hear(&mut self, peer: &mut Peer) -> Result<(), Broken> {
        let (asked, said) = peer.next(limits::ENVELOPE).await?;
        self.note(asked, said);
        Ok(())
    }

    fn note(&mut self, asked: Asked, said: Heard) {
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
        self.is_refused()
            || self.rcpts.iter().all(|rcpt| rcpt.as_ref().is_some_and(|said| !said.is_positive()))
    }

    /// For each recipient: its own refusal, or MAIL's, or what was said of the whole.
    fn results(&self, last: Option<&Heard>) -> Vec<Outcome> {
        let result = |rcpt: &Option<Heard>| match (&self.mail, rcpt, last) {
            (Some(mail), _, _) if !mail.is_positive() => Outcome::of(mail),
            (_, Some(rcpt), _) if !rcpt.is_positive() => too_many(Outcome::of(rcpt), rcpt),
            (_, Some(_), Some(last)) => Outcome::of(last),
            _ => lost(),
        };
        self.rcpts.iter().map(result).collect()
    }
}

/// RFC 5321 §4.5.3.1.10: 552 to a recipient of many means that there were too many, and they are to be tried again.
fn too_many(outcome: Outcome, said: &Heard) -> Outcome {
    if said.code == 552 && outcome.status.1 != 2 {
        Outcome { kind: Kind::Deferred, ..outcome }
    } else {
        outcome
    }
}
