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
use tokio::time::timeout;
use zeroize::Zeroize as _;

use crate::conn::Conn;
use crate::limits;
use crate::tls::{Acceptor, TlsFailure, TlsInfo};

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
    local: SocketAddr,
    traffic: Traffic,
}

impl fmt::Debug for Wire {
    /// Without what the buffers hold: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("peer", &self.peer)
            .field("local", &self.local)
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

impl WireError {
    /// One stable word for the log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Io(_) => "broken",
            Self::Tls(_) => "tls_failed",
            Self::InputBeforeTls => "input_before_tls",
            Self::Unconsumed => "unconsumed",
        }
    }
}

impl Wire {
    /// Around a connection in clear text.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        // Replies of a batch leave in one write; waiting for more to send would only delay them.
        stream.set_nodelay(true)?;
        let (peer, local) = (canonical(stream.peer_addr()?), canonical(stream.local_addr()?));
        Ok(Self {
            conn: Conn::Plain(stream),
            input: Vec::new(),
            consumed: 0,
            out: Vec::new(),
            sent: 0,
            read_size: limits::READ_LEAST,
            peer,
            local,
            traffic: Traffic::default(),
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

    /// The other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// This end.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The facts of the TLS session, or none in clear text.
    pub fn tls(&self) -> Option<TlsInfo> {
        match &self.conn {
            Conn::Tls(stream) => Some(TlsInfo::of(stream.get_ref().1)),
            Conn::Plain(_) | Conn::Closed => None,
        }
    }

    /// Octets so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Waits for more input and appends it. Nothing is lost when this is dropped before it is done, so it may stand in a `select!`.
    ///
    /// # Errors
    /// [`WireError::TimedOut`] after `patience`; [`WireError::Io`] when the connection breaks.
    pub async fn fill(&mut self, patience: Duration) -> Result<Filled, WireError> {
        self.input.drain(..self.consumed.min(self.input.len()));
        self.consumed = 0;
        if self.input.len() >= limits::INPUT_MOST {
            return Err(WireError::Unconsumed);
        }
        let filled = timeout(patience, std::future::poll_fn(|context| self.poll_fill(context)));
        match filled.await.map_err(|_| WireError::TimedOut)?? {
            0 => Ok(Filled::Eof),
            octets => {
                self.traffic.received += octets as u64;
                Ok(Filled::Data)
            }
        }
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let read = self.conn.poll_read(context, &mut self.input, self.read_size);
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
    }

    /// Sends all of the output. Dropped before it is done, the next call goes on where it stopped.
    ///
    /// # Errors
    /// [`WireError::TimedOut`] when the peer does not take all of it within `patience`; [`WireError::Io`] when the connection
    /// breaks. The output is lost in both cases.
    pub async fn flush(&mut self, patience: Duration) -> Result<(), WireError> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = match timeout(patience, self.send()).await {
            Ok(sent) => sent.map_err(WireError::Io),
            Err(_) => Err(WireError::TimedOut),
        };
        self.out.clear();
        self.sent = 0;
        sent
    }

    async fn send(&mut self) -> io::Result<()> {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let octets = self.conn.write(rest).await?;
            self.sent += octets;
            self.traffic.sent += octets as u64;
        }
        self.conn.flush().await
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
        match timeout(patience, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                self.conn = Conn::Tls(stream);
                Ok(())
            }
            Ok(Err((failure, stream))) => {
                // So that the alert reaches the client.
                let mut conn = Conn::Plain(stream);
                let _ = timeout(limits::CLOSE, conn.shutdown()).await;
                Err(WireError::Tls(failure))
            }
            Err(_) => Err(WireError::Tls(TlsFailure::timed_out())),
        }
    }

    /// Sends what is left, says goodbye (`close_notify`, FIN) and waits a short while for the peer to do so too, so that it gets
    /// the last reply even if it is still sending. Errors have nobody to concern any more.
    pub async fn close(&mut self) {
        let goodbye = async {
            if self.send().await.is_ok() {
                self.conn.shutdown().await;
            }
        };
        let _ = timeout(limits::CLOSE, goodbye).await;
        self.conn = Conn::Closed;
    }
}

/// An IPv4 address that came through an IPv6 socket is an IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Wire::new(listener.accept().await.unwrap().0).unwrap(), client)
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

    #[tokio::test]
    async fn what_it_holds_is_not_printed() {
        let (mut wire, mut client) = pair().await;
        client.write_all(b"PASS hunter2\r\n").await.unwrap();
        wire.fill(PATIENCE).await.unwrap();
        let printed = format!("{wire:?}");
        assert!(!printed.contains("hunter2") && !printed.contains("104, 117"), "{printed}");
    }
}
