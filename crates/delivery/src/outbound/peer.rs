//! One session with another host: `smtp-proto`'s client over a socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use auth_sasl::Mechanism;
use rustls::ProtocolVersion;
use rustls::pki_types::ServerName;
use smtp_proto::client::{Asked, CloseReason, Event, Features, Misuse, Session};
use smtp_proto::{Channel, Extension};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::config::{Login, TlsPolicy};
use super::limits;
use super::outcome::{Heard, Outcome};
use super::tls::Tls;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Where the stream of a session that changes its TLS is meanwhile.
type Boxed = Box<dyn Stream>;

/// A session with another host.
pub(crate) struct Peer {
    stream: Boxed,
    session: Session,
    input: Vec<u8>,
    pub(crate) out: Vec<u8>,
    /// `mx1.example.com [192.0.2.1]:25`
    pub(crate) host: String,
    /// `TLSv1.3`, with `verified` behind it if so; or `clear`.
    pub(crate) tls: String,
    /// Messages that it was given.
    pub(crate) used: usize,
    /// It took the last of them, for all of its recipients.
    pub(crate) took_the_last: bool,
    /// Its 421, if it said that.
    goodbye: Option<Heard>,
}

/// Why a session is over.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Nobody answers there, or not in time.
    Io(io::Error),
    /// Not in time.
    TimedOut,
    /// What it says is not SMTP, or against it.
    Protocol(&'static str),
    /// It says that it does not want to talk.
    Refused(Heard),
    /// STARTTLS came to nothing.
    Tls(String),
    /// What must be encrypted cannot be, or the login fails.
    Policy(Outcome),
}

impl Broken {
    /// For one who waits for this host.
    pub(crate) fn outcome(&self, host: &str, during: &str) -> Outcome {
        match self {
            Self::Io(error) => Outcome::deferred((4, 4, 2), format!("{host}: {during}: {error}")),
            Self::TimedOut => Outcome::deferred((4, 4, 2), format!("{host}: {during}: no answer in time")),
            Self::Protocol(what) => Outcome::deferred((4, 5, 0), format!("{host}: {during}: {what}")),
            // Of the host, not of the message: the next one, or the next time, may be other.
            Self::Refused(said) => Outcome { kind: super::outcome::Kind::Deferred, ..Outcome::of(said) },
            Self::Tls(why) => Outcome::deferred((4, 7, 5), format!("{host}: TLS: {why}")),
            Self::Policy(outcome) => outcome.clone(),
        }
    }
}

/// Everything that a session needs to begin.
pub(crate) struct Opening<'o> {
    pub(crate) name: &'o str,
    pub(crate) addresses: &'o [IpAddr],
    pub(crate) port: u16,
    /// What we call ourselves.
    pub(crate) hello: &'o str,
    pub(crate) policy: TlsPolicy,
    /// TLS begins at once.
    pub(crate) implicit: bool,
    pub(crate) login: Option<&'o Login>,
    pub(crate) tls: &'o Tls,
}

impl Opening<'_> {
    /// Connects, says hello, encrypts and logs in, as it must be.
    pub(crate) async fn open(&self) -> Result<Peer, Broken> {
        match self.attempt(self.policy).await {
            // RFC 7435 §3: better in clear text than not at all, where nothing else is demanded.
            Err(Broken::Tls(why)) if self.policy == TlsPolicy::May && self.login.is_none() => {
                tracing::info!(event = "outbound_tls_failed", host = self.name, reason = why);
                self.attempt(TlsPolicy::None).await
            }
            attempt => attempt,
        }
    }

    async fn attempt(&self, policy: TlsPolicy) -> Result<Peer, Broken> {
        let (stream, address) = connect(self.addresses, self.port).await?;
        let host = format!("{} [{}]:{}", self.name, address.ip(), address.port());
        let implicit = self.implicit;
        let channel = if implicit { Channel::Encrypted } else { Channel::Clear };
        let mut peer = Peer::new(Box::new(stream), Session::over(self.hello, channel), host);
        if implicit {
            peer.handshake(self, policy).await?;
        }
        peer.expect(Asked::Greeting, limits::GREETING).await?;
        peer.hello().await?;
        let offered = peer.features().extensions.contains(Extension::StartTls);
        match (implicit, policy, offered) {
            (true, ..) | (_, TlsPolicy::None, _) | (_, TlsPolicy::May, false) => {}
            (_, TlsPolicy::Encrypt | TlsPolicy::Verify, false) => {
                let why = format!("{}: TLS is demanded, and not offered", peer.host);
                return Err(Broken::Policy(Outcome::deferred((4, 7, 4), why)));
            }
            (false, _, true) => {
                peer.session.starttls(&mut peer.out).map_err(misuse)?;
                peer.expect(Asked::StartTls, limits::GREETING).await.map_err(|broken| match broken {
                    Broken::Refused(said) => Broken::Tls(said.text),
                    other => other,
                })?;
                peer.handshake(self, policy).await?;
                peer.session.tls_established().map_err(misuse)?;
                peer.hello().await?;
            }
        }
        if let Some(login) = self.login {
            peer.authenticate(login).await?;
        }
        Ok(peer)
    }
}

/// The first address that answers; each has a short head start over the next (RFC 8305).
async fn connect(addresses: &[IpAddr], port: u16) -> Result<(TcpStream, SocketAddr), Broken> {
    let mut waiting = addresses.iter().take(limits::ADDRESSES).map(|address| SocketAddr::new(*address, port));
    let mut racing = JoinSet::new();
    let mut last = io::Error::other("no address");
    loop {
        match waiting.next() {
            Some(address) => drop(racing.spawn(async move {
                match timeout(limits::CONNECT, TcpStream::connect(address)).await {
                    Ok(Ok(stream)) => Ok((stream, address)),
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                }
            })),
            None if racing.is_empty() => return Err(Broken::Io(last)),
            None => {}
        }
        // Once all run, for as long as it takes.
        let patience = if waiting.len() > 0 { limits::HEAD_START } else { limits::CONNECT };
        if let Ok(Some(joined)) = timeout(patience, racing.join_next()).await {
            match joined.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address));
                }
                Err(error) => last = error,
            }
        }
    }
}

impl Peer {
    fn new(stream: Boxed, session: Session, host: String) -> Self {
        let (input, out, tls) = (Vec::new(), Vec::new(), String::from("clear"));
        Self { stream, session, input, out, host, tls, used: 0, took_the_last: false, goodbye: None }
    }

    pub(crate) fn features(&self) -> &Features {
        self.session.features()
    }

    pub(crate) fn session(&mut self) -> (&mut Session, &mut Vec<u8>) {
        (&mut self.session, &mut self.out)
    }

    async fn hello(&mut self) -> Result<(), Broken> {
        self.session.hello(&mut self.out).map_err(misuse)?;
        self.expect(Asked::Hello, limits::GREETING).await
    }

    async fn handshake(&mut self, opening: &Opening<'_>, policy: TlsPolicy) -> Result<(), Broken> {
        let name = opening.name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| Broken::Tls(error.to_string()))?;
        let nobody: Boxed = Box::new(tokio::io::empty());
        let stream = std::mem::replace(&mut self.stream, nobody);
        let handshake = opening.tls.connector(policy).connect(name, stream);
        let stream = match timeout(limits::HANDSHAKE, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Broken::Tls(error.to_string())),
            Err(_) => return Err(Broken::Tls(String::from("no answer in time"))),
        };
        let version = match stream.get_ref().1.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLS",
        };
        let verified = if policy == TlsPolicy::Verify { " verified" } else { "" };
        self.tls = format!("{version}{verified}");
        self.stream = Box::new(stream);
        Ok(())
    }

    async fn authenticate(&mut self, login: &Login) -> Result<(), Broken> {
        let offered = &self.features().mechanisms;
        let known = [Mechanism::Plain, Mechanism::Login].into_iter().find(|one| offered.contains(one));
        let trouble = |why: String| Broken::Policy(Outcome::deferred((4, 7, 0), why));
        let Some(mechanism) = known else {
            return Err(trouble(format!("{}: no login is offered that we know", self.host)));
        };
        self.session
            .auth(mechanism, &login.name, &login.password, &mut self.out)
            .map_err(|misuse| trouble(format!("{}: AUTH: {misuse}", self.host)))?;
        self.expect(Asked::Auth, limits::GREETING).await.map_err(|broken| match broken {
            Broken::Refused(said) => trouble(format!("{}: our login was refused: {}", self.host, said.text)),
            other => other,
        })
    }

    /// Waits for the answer to one question, which must be yes.
    async fn expect(&mut self, expected: Asked, patience: Duration) -> Result<(), Broken> {
        let (asked, said) = self.next(patience).await?;
        match asked == expected {
            true if said.is_positive() => Ok(()),
            true => Err(Broken::Refused(said)),
            false => Err(Broken::Protocol("an answer to nothing")),
        }
    }

    /// Sends what was asked, and waits for the next answer. One that comes an octet at a time has no longer than one that comes whole.
    pub(crate) async fn next(&mut self, patience: Duration) -> Result<(Asked, Heard), Broken> {
        let deadline = Instant::now() + patience;
        loop {
            let step = self.session.step(&self.input, &mut self.out);
            let consumed = step.consumed;
            let happened = match step.event {
                Event::Answered { asked, answer } => Some(Ok((asked, Heard::of(&answer)))),
                Event::Close(reason) => Some(Err(closed(reason))),
                Event::NeedInput => None,
            };
            self.input.drain(..consumed);
            if let Some(happened) = happened {
                if let Ok((_, heard)) = &happened
                    && heard.code == 421
                {
                    self.goodbye = Some(heard.clone());
                }
                return happened;
            }
            self.flush(patience).await?;
            let read = timeout_at(deadline, self.stream.read_buf(&mut self.input)).await;
            if read.map_err(|_| Broken::TimedOut)?.map_err(Broken::Io)? == 0 {
                return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// What broke the session: the host's own words for it, if it had any.
    pub(crate) fn explain(&mut self, broken: Broken) -> Broken {
        self.goodbye.take().map_or(broken, Broken::Refused)
    }

    /// Sends what was written.
    pub(crate) async fn flush(&mut self, patience: Duration) -> Result<(), Broken> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = timeout(patience, async {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await
        });
        sent.await.map_err(|_| Broken::TimedOut)?.map_err(Broken::Io)?;
        self.out.clear();
        Ok(())
    }

    /// What a host that hung up said before; it may have had its reasons.
    pub(crate) async fn last_words(&mut self) -> Option<Heard> {
        self.out.clear();
        match self.next(limits::GOODBYE).await {
            Ok((_, said)) | Err(Broken::Refused(said)) if said.code >= 400 => Some(said),
            _ => None,
        }
    }

    /// Says goodbye; that nobody answers is no trouble.
    pub(crate) async fn quit(mut self) {
        if self.session.quit(&mut self.out).is_ok() {
            let _ = self.next(limits::GOODBYE).await;
        }
        let _ = timeout(limits::GOODBYE, self.stream.shutdown()).await;
    }
}

pub(crate) fn misuse(_: Misuse) -> Broken {
    Broken::Protocol("an answer out of its order")
}

fn closed(reason: CloseReason) -> Broken {
    Broken::Protocol(match reason {
        // No TLS came of it, which is what TLS that fails means: a policy that demands it gets nothing else.
        CloseReason::BytesBehindStartTls => {
            return Broken::Tls(String::from("octets in clear text behind the answer to STARTTLS"));
        }
        CloseReason::Quit | CloseReason::ServerClosing => "it closes the session",
        CloseReason::Unreadable => "its answer is not SMTP",
        CloseReason::TooLong => "its answer does not end",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_trickles_has_no_longer_than_one_that_comes_whole() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut peer = Peer::new(Box::new(ours), Session::new("us"), String::from("them"));
        let host = tokio::spawn(async move {
            for octet in b"220 mx.example.com\r\n" {
                tokio::time::sleep(limits::GREETING / 3).await;
                if theirs.write_all(&[*octet]).await.is_err() {
                    return;
                }
            }
        });
        let (began, heard) = (Instant::now(), peer.expect(Asked::Greeting, limits::GREETING).await);
        assert!(matches!(heard, Err(Broken::TimedOut)), "{heard:?}");
        assert_eq!(began.elapsed().as_secs(), limits::GREETING.as_secs());
        drop(peer);
        host.await.unwrap();
    }
}
