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
        // What came was answered: the next command has all of the time again.
        self.clock.since = None;
        self.clock.coming.reset();
        sent
    }

    async fn send(&mut self, patience: Duration) -> Result<(), WireError> {
        let mut deadline = Instant::now() + patience;
        while self.sent < self.out.len() {
            let rest = self.out.get(self.sent..).unwrap_or_default();
            let began = Instant::now();
            let wait = self.clock.wait(&self.clock.going, deadline, patience, began);
            let written = timeout(wait, self.conn.write(rest)).await;
            let octets = *written.as_ref().unwrap_or(&Ok(0)).as_ref().unwrap_or(&0);
            let Clock { rate, going, .. } = &mut self.clock;
            let judged = going.add(octets, began.elapsed(), patience, *rate);
            match written {
                Ok(written) => {
                    self.sent += written?;
                    self.traffic.sent += octets as u64;
                    judged?;
                    deadline = Instant::now() + patience;
                }
                Err(_) => self.clock.given_up(deadline, judged)?,
            }
        }
        timeout(patience, self.conn.flush()).await.map_err(|_| WireError::TimedOut)?.map_err(WireError::Io)
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
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Waker;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Protocol;
    use crate::memory::Memory;

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn pair() -> (Wire, TcpStream) {
        pair_with(&SessionLimits::default_for(Protocol::Smtp), &Memory::new(None)).await
    }

    async fn pair_with(limits: &SessionLimits, memory: &Arc<Memory>) -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.set_nodelay(true).unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        (Wire::new(stream, peer, limits, memory.newcomer().unwrap()).unwrap(), client)
    }

    fn waits(wire: &mut Wire) -> bool {
        pin!(wire.fill(PATIENCE)).poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[tokio::test]
    async fn a_session_that_waits_owns_no_buffer() {
        let (mut wire, mut client) = pair().await;
        client.write_all(b"NOOP\r\n").await.unwrap();
        assert_eq!(wire.fill(PATIENCE).await.unwrap(), Filled::Data);
        wire.consume(6);
        wire.out().extend_from_slice(b"250 OK\r\n");
        wire.flush(PATIENCE).await.unwrap();
        assert!(waits(&mut wire));
        assert_eq!((wire.input.capacity(), wire.out.capacity()), (0, 0));
    }

    #[tokio::test]
    async fn what_is_not_consumed_stays_when_waiting_is_given_up() {
        let (mut wire, mut client) = pair().await;
        client.write_all(b"NOOP\r\nQU").await.unwrap();
        wire.fill(PATIENCE).await.unwrap();
        wire.consume(6);
        assert!(waits(&mut wire));
        assert_eq!(wire.input(), b"QU");
        client.write_all(b"IT\r\n").await.unwrap();
        wire.fill(PATIENCE).await.unwrap();
        assert_eq!(wire.input(), b"QUIT\r\n");
    }

    #[tokio::test]
    async fn reads_grow_while_the_peer_fills_them() {
        let (mut wire, mut client) = pair().await;
        let sending = tokio::spawn(async move { client.write_all(&vec![b'x'; 4 << 20]).await });
        let mut most = 0;
        while wire.fill(PATIENCE).await.unwrap() == Filled::Data {
            most = most.max(wire.input().len());
            wire.consume(usize::MAX);
        }
        sending.await.unwrap().unwrap();
        assert!(most > limits::READ_LEAST && most <= limits::READ_MOST, "{most}");
        assert_eq!(wire.traffic().received, 4 << 20);
    }

    /// What ends a session whose client sends an octet each `pause`, while `consumed` of each fill is taken; and after how long.
    async fn trickled(pause: Duration, consumed: usize, limits: &SessionLimits) -> (&'static str, Duration) {
        let (mut wire, mut client) = pair_with(limits, &Memory::new(None)).await;
        let sending = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        });
        let began = Instant::now();
        let end = loop {
            match wire.fill(PATIENCE).await {
                Ok(Filled::Data) => wire.consume(consumed),
                Ok(Filled::Eof) => break "eof",
                Err(error) => break error.word(),
            }
        };
        sending.abort();
        (end, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_is_trickled_has_no_longer_than_a_whole_one() {
        let limits = SessionLimits::default_for(Protocol::Smtp);
        assert_eq!(trickled(Duration::from_secs(1), 0, &limits).await, ("timed_out", PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_trickled_is_given_up_after_one_patience() {
        let limits = SessionLimits::default_for(Protocol::Smtp);
        assert_eq!(trickled(Duration::from_secs(1), 1, &limits).await, ("too_slow", PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_its_least_rate_may_take_as_long_as_the_session_may() {
        let mut limits = SessionLimits::default_for(Protocol::Smtp);
        limits.session_time = Some(Duration::from_hours(1));
        let pause = Duration::from_millis(1000 / limits::MIN_DATA_RATE - 1);
        assert_eq!(trickled(pause, 1, &limits).await, ("overtime", Duration::from_hours(1)));
        limits.min_data_rate = None;
        assert_eq!(trickled(PATIENCE / 2, 1, &limits).await.0, "overtime");
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_a_patience_is_fast_enough_for_a_person() {
        let (mut wire, mut client) = pair().await;
        for _ in 0..100 {
            tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
            client.write_all(b"NOOP\r\n").await.unwrap();
            assert_eq!(wire.fill(PATIENCE).await.unwrap(), Filled::Data);
            wire.consume(6);
            wire.out().extend_from_slice(b"250 OK\r\n");
            wire.flush(PATIENCE).await.unwrap();
        }
    }

    /// What ends a session that sends 64 MiB to a client which takes so many octets each second.
    async fn read_slowly(octets: usize) -> (&'static str, Duration) {
        let (mut wire, mut client) = pair().await;
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; octets];
            while client.read(&mut buffer).await.is_ok_and(|octets| octets > 0) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let began = Instant::now();
        let mut end = "sent";
        for _ in 0..1024 {
            wire.out().resize(64 << 10, b'x');
            if let Err(error) = wire.flush(PATIENCE).await {
                end = error.word();
                break;
            }
        }
        reading.abort();
        (end, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_an_octet_a_second_is_given_up() {
        let (end, after) = read_slowly(1).await;
        assert!(["timed_out", "too_slow"].contains(&end), "{end}");
        assert!(after < 4 * PATIENCE, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_its_time_gets_all_of_it() {
        let (end, after) = read_slowly(256 << 10).await;
        assert_eq!(end, "sent");
        assert!(after > 2 * PATIENCE, "{after:?}");
    }

    #[tokio::test]
    async fn without_memory_for_it_nothing_is_read_and_there_is_some_again_later() {
        let most = std::num::NonZeroU64::new(2 * limits::SESSION_MEMORY);
        let memory = Memory::new(most);
        let (mut wire, mut client) = pair_with(&SessionLimits::default_for(Protocol::Smtp), &memory).await;
        let other = memory.share(limits::SESSION_MEMORY).unwrap();
        client.write_all(b"NOOP\r\n").await.unwrap();
        assert!(matches!(wire.fill(PATIENCE).await, Err(WireError::Memory(MemoryFull))));
        drop(other);
        assert_eq!(wire.fill(PATIENCE).await.unwrap(), Filled::Data);
    }

    #[tokio::test]
    async fn what_it_holds_is_not_printed() {
        let (mut wire, mut client) = pair().await;
        client.write_all(b"PASS hunter2\r\n").await.unwrap();
        wire.fill(PATIENCE).await.unwrap();
        let printed = format!("{wire:?}");
        assert!(!printed.contains("hunter2") && !printed.contains("104, 117"), "{printed}");
    }
}
