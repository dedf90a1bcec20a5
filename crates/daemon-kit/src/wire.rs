//! The driver's two buffers around a connection, for sessions that know neither sockets nor time.
//!
//! A session's step reads [`Wire::input`] and writes [`Wire::out`]; the driver tells what was read with [`Wire::consume`], sends
//! with [`Wire::flush`] and waits for more with [`Wire::fill`]. Buffers exist only while there is something in them: an idle
//! session owns no memory for input or output.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use zeroize::Zeroize as _;

use crate::config::SessionLimits;
use crate::conn::Conn;
use crate::limits;
use crate::memory::{MemoryFull, Share};
use crate::pace::{Pace, TooSlow};
use crate::tls::{Acceptor, ClientCertificate, TlsFailure, TlsInfo};

/// A connection with its buffers.
pub struct Wire {
    conn: Conn,
    input: Vec<u8>,
    /// Input before this is consumed.
    consumed: usize,
    out: Vec<u8>,
    /// Output before this is sent.
    sent: usize,
    read_size: usize,
    peer: SocketAddr,
    traffic: Traffic,
    client_certificate: ClientCertificate,
    /// What the buffers may hold.
    memory: Share,
    clock: Clock,
}

/// Who is too slow, and who was here for too long.
struct Clock {
    /// When we began to wait for what is not consumed yet.
    since: Option<Instant>,
    coming: Pace,
    going: Pace,
    /// Octets a second.
    rate: u64,
    ends: Option<Instant>,
}

impl Clock {
    fn new(limits: &SessionLimits) -> Self {
        Self {
            since: None,
            coming: Pace::default(),
            going: Pace::default(),
            rate: limits.min_data_rate.map_or(0, u64::from),
            ends: limits.session_time.map(|time| Instant::now() + time),
        }
    }

    /// Why waiting until `deadline` was given up: its own end, the session's, or the peer's slowness, of which the pace knows.
    fn given_up(&self, deadline: Instant, judged: Result<(), TooSlow>) -> Result<(), WireError> {
        let now = Instant::now();
        if self.ends.is_some_and(|ends| ends <= now) {
            Err(WireError::Overtime)
        } else if deadline <= now {
            Err(WireError::TimedOut)
        } else {
            Ok(judged?)
        }
    }

    /// What came was answered: the next command has all of the time again.
    fn answered(&mut self) {
        self.since = None;
        self.coming.reset();
    }

    /// Sends `bytes` from `sent` on, which tells at any time how far that is.
    async fn send(
        &mut self,
        conn: &mut Conn,
        bytes: &[u8],
        sent: &mut usize,
        traffic: &mut Traffic,
        patience: Duration,
    ) -> Result<(), WireError> {
        let mut deadline = Instant::now() + patience;
        while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
            let began = Instant::now();
            let wait = self.wait(&self.going, deadline, patience, began);
            let written = timeout(wait, conn.write(rest)).await;
            let octets = *written.as_ref().unwrap_or(&Ok(0)).as_ref().unwrap_or(&0);
            let judged = self.going.add(octets, began.elapsed(), patience, self.rate);
            match written {
                Ok(written) => {
                    *sent += written?;
                    traffic.sent += octets as u64;
                    judged?;
                    deadline = Instant::now() + patience;
                }
                Err(_) => self.given_up(deadline, judged)?,
            }
        }
        timeout(patience, conn.flush()).await.map_err(|_| WireError::TimedOut)?.map_err(WireError::Io)
    }

    /// How long to wait: until the first of `deadline`, the session's end and the end of the pace's window.
    fn wait(&self, pace: &Pace, deadline: Instant, patience: Duration, now: Instant) -> Duration {
        let until = self.ends.map_or(deadline, |ends| ends.min(deadline));
        until.saturating_duration_since(now).min(pace.left(patience))
    }
}

impl fmt::Debug for Wire {
    /// Without what the buffers hold: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("peer", &self.peer)
            .field("input", &self.input().len())
            .field("out", &self.out.len())
            .finish_non_exhaustive()
    }
}

/// Octets of a session in clear, that is: before encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the peer.
    pub received: u64,
    /// To the peer.
    pub sent: u64,
}

/// What [`Wire::fill`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// More input.
    Data,
    /// The peer sends no more.
    Eof,
}

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The peer sent or took nothing within the patience.
    #[error("the peer was silent for too long")]
    TimedOut,
    /// The peer sent or took something, but less than `min_data_rate`.
    #[error("the peer was too slow")]
    TooSlow,
    /// The session lasted longer than `session_time`.
    #[error("the session took too long")]
    Overtime,
    /// The buffers of all sessions hold as much as they may.
    #[error(transparent)]
    Memory(#[from] MemoryFull),
    /// The network failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The handshake failed; nothing may be said in clear any more.
    #[error(transparent)]
    Tls(#[from] TlsFailure),
    /// Clear text followed the command that starts TLS: it must not be taken as if it had been encrypted (CVE-2011-0411).
    #[error("clear text followed the command that starts TLS")]
    InputBeforeTls,
    /// The caller let input pile up without consuming any of it.
    #[error("{} octets of input were not consumed", limits::INPUT_MOST)]
    Unconsumed,
}

impl From<TooSlow> for WireError {
    fn from(TooSlow: TooSlow) -> Self {
        Self::TooSlow
    }
}

impl WireError {
    /// One stable word for the log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::TooSlow => "too_slow",
            Self::Overtime => "overtime",
            Self::Memory(_) => "memory",
            Self::Io(_) => "broken",
            Self::Tls(_) => "tls_failed",
            Self::InputBeforeTls => "input_before_tls",
            Self::Unconsumed => "unconsumed",
        }
    }
}

impl Wire {
    /// Around a connection in clear text with `peer`, whoever is at the other end of the socket.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub(crate) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        limits: &SessionLimits,
        memory: Share,
    ) -> io::Result<Self> {
        // Replies of a batch leave in one write; waiting for more to send would only delay them.
        stream.set_nodelay(true)?;
        Ok(Self {
            conn: Conn::Plain(stream),
            input: Vec::new(),
            consumed: 0,
            out: Vec::new(),
            sent: 0,
            read_size: limits::READ_LEAST,
            peer,
            traffic: Traffic::default(),
            client_certificate: ClientCertificate::None,
            memory,
            clock: Clock::new(limits),
        })
    }

    /// What the peer sent and nobody consumed.
    pub fn input(&self) -> &[u8] {
        self.input.get(self.consumed..).unwrap_or_default()
    }

    /// What is to be sent; append to it.
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Input and output together, for a step that reads one and writes the other.
    pub fn split(&mut self) -> (&[u8], &mut Vec<u8>) {
        (self.input.get(self.consumed..).unwrap_or_default(), &mut self.out)
    }

    /// Forgets the first `octets` of the input.
    pub fn consume(&mut self, octets: usize) {
        self.consumed = self.input.len().min(self.consumed.saturating_add(octets));
    }

    /// As [`Wire::consume`], for octets that held a secret: they are overwritten.
    pub fn erase(&mut self, octets: usize) {
        let from = self.consumed;
        self.consume(octets);
        self.input.get_mut(from..self.consumed).unwrap_or_default().zeroize();
    }

    /// The client: the other end of the connection, or whom a trusted balancer named.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The facts of the TLS session, or none in clear text.
    pub fn tls(&self) -> Option<TlsInfo> {
        match &self.conn {
            Conn::Tls(stream) => Some(TlsInfo::of(stream.get_ref().1, self.client_certificate)),
            Conn::Plain(_) | Conn::Closed => None,
        }
    }

    /// Octets so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Waits for more input and appends it. Nothing is lost when this is dropped before it is done, so it may stand in a `select!`.
    ///
    /// `patience` runs from when the session began to wait for what it did not consume yet, so that a line that comes an octet at a
    /// time has no longer than one that comes whole; and over each patience of waiting without anything to answer, as in a body, the
    /// peer sends `min_data_rate`.
    ///
    /// # Errors
    /// [`WireError::TimedOut`] after `patience`, [`WireError::TooSlow`], [`WireError::Overtime`]; [`WireError::Memory`] when there is
    /// none for what came; [`WireError::Io`] when the connection breaks. But for the last, the peer can still be told.
    pub async fn fill(&mut self, patience: Duration) -> Result<Filled, WireError> {
        if self.consumed > 0 {
            self.clock.since = None;
        }
        self.input.drain(..self.consumed.min(self.input.len()));
        self.consumed = 0;
        if self.input.len() >= limits::INPUT_MOST {
            return Err(WireError::Unconsumed);
        }
        match self.wait_for_input(patience).await? {
            0 => Ok(Filled::Eof),
            octets => {
                self.traffic.received += octets as u64;
                Ok(Filled::Data)
            }
        }
    }

    async fn wait_for_input(&mut self, patience: Duration) -> Result<usize, WireError> {
        let deadline = *self.clock.since.get_or_insert_with(Instant::now) + patience;
        loop {
            let began = Instant::now();
            let wait = self.clock.wait(&self.clock.coming, deadline, patience, began);
            let read = timeout(wait, std::future::poll_fn(|context| self.poll_fill(context))).await;
            let octets = *read.as_ref().unwrap_or(&Ok(0)).as_ref().unwrap_or(&0);
            let Clock { rate, coming, .. } = &mut self.clock;
            let judged = coming.add(octets, began.elapsed(), patience, *rate);
            match read {
                Ok(read) => return judged.map_err(WireError::from).and(read),
                Err(_) => self.clock.given_up(deadline, judged)?,
            }
        }
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, WireError>> {
        let room = self.input.len() + self.out.capacity() + self.read_size;
        let memory = &mut self.memory;
        let room = || memory.set(limits::SESSION_MEMORY + room as u64);
        let read = self.conn.poll_read(context, &mut self.input, self.read_size, room);
        match &read {
            Poll::Pending => self.rest(),
            Poll::Ready(Ok(octets)) if *octets >= self.read_size => {
                self.read_size = limits::READ_MOST.min(self.read_size * 2);
            }
            Poll::Ready(_) => {}
        }
        read
    }

    /// Gives back the memory of empty buffers; a session that waits owns none.
    fn rest(&mut self) {
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        self.read_size = limits::READ_LEAST.max(self.read_size / 2);
        let held = limits::SESSION_MEMORY + (self.input.capacity() + self.out.capacity()) as u64;
        // Less than before, or as much: more is asked for before it is taken.
        let _ = self.memory.set(held);
    }

    /// Sends all of the output. Dropped before it is done, the next call goes on where it stopped.
    ///
    /// # Errors
    /// [`WireError::TimedOut`] when the peer takes nothing for `patience`, [`WireError::TooSlow`] when it takes less than
    /// `min_data_rate`, [`WireError::Overtime`]; [`WireError::Io`] when the connection breaks. The output is lost then.
    pub async fn flush(&mut self, patience: Duration) -> Result<(), WireError> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = self.send(patience).await;
        self.out.clear();
        self.sent = 0;
        self.clock.answered();
        sent
    }

    /// As [`Wire::flush`], with `bytes` behind the output: a large piece, which is sent from where it is. Unlike there, nobody goes on
    /// where this stopped.
    ///
    /// # Errors
    /// As [`Wire::flush`].
    pub async fn flush_with(&mut self, bytes: &[u8], patience: Duration) -> Result<(), WireError> {
        self.flush(patience).await?;
        let Self { conn, clock, traffic, .. } = self;
        let sent = clock.send(conn, bytes, &mut 0, traffic, patience).await;
        clock.answered();
        sent
    }

    async fn send(&mut self, patience: Duration) -> Result<(), WireError> {
        let Self { conn, clock, traffic, out, sent, .. } = self;
        clock.send(conn, out, sent, traffic, patience).await
    }

    /// Sends what is left and turns the connection into a TLS session.
    ///
    /// # Errors
    /// [`WireError::InputBeforeTls`] when the peer sent more in clear than the command for this; [`WireError::Tls`] when the
    /// handshake fails or takes longer than `patience`. The connection is closed then.
    pub async fn start_tls(&mut self, acceptor: &Acceptor, patience: Duration) -> Result<(), WireError> {
        if !self.input().is_empty() {
            return Err(WireError::InputBeforeTls);
        }
        self.flush(patience).await?;
        let stream = self.conn.take_plain()?;
        match acceptor.accept(stream, patience).await {
            Ok(stream) => {
                self.client_certificate = acceptor.judge(stream.get_ref().1);
                self.conn = Conn::Tls(stream);
                self.clock.since = None;
                Ok(())
            }
            Err((failure, stream)) => {
                if let Some(stream) = stream {
                    // So that the alert reaches the client.
                    let mut conn = Conn::Plain(stream);
                    let _ = timeout(limits::CLOSE, conn.shutdown()).await;
                }
                Err(WireError::Tls(failure))
            }
        }
    }

    /// Sends what is left, says goodbye (`close_notify`, FIN) and waits a short while for the peer to do so too, so that it gets
    /// the last reply even if it is still sending. Errors have nobody to concern any more.
    pub async fn close(&mut self) {
        self.clock.going.reset();
        let goodbye = async {
            if self.send(limits::CLOSE).await.is_ok() {
                self.conn.shutdown().await;
            }
        };
        let _ = timeout(limits::CLOSE, goodbye).await;
        self.conn = Conn::Closed;
    }
}

#[cfg(test)]
mod tests;
