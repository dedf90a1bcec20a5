//! A connection: in clear text, encrypted, or over.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::limits;
use crate::memory::MemoryFull;
use crate::wire::WireError;

pub(crate) enum Conn {
    Plain(TcpStream),
    /// Boxed: its state is some KiB, and a session's task should be small while it is in clear text.
    Tls(Box<TlsStream<TcpStream>>),
    Closed,
}

impl Conn {
    /// Appends what is there, some `size` octets; 0 is the end. No buffer is needed while there is nothing; `room` says whether one may
    /// be had.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Vec<u8>,
        size: usize,
        room: impl FnOnce() -> Result<(), MemoryFull>,
    ) -> Poll<Result<usize, WireError>> {
        match self {
            Self::Plain(stream) => {
                ready!(stream.poll_read_ready(context))?;
                room()?;
                buffer.reserve_exact(size);
                // Not `try_read_buf`: this takes a read that leaves room for the end of what is there, and spares the next one, which
                // would only find that out.
                let read = ready!(pin!(stream.read_buf(buffer)).poll(context));
                Poll::Ready(Ok(read?))
            }
            Self::Tls(stream) => {
                let mut stream = Pin::new(stream.as_mut());
                match ready!(stream.as_mut().poll_fill_buf(context)) {
                    Ok(clear) => {
                        room()?;
                        let octets = clear.len();
                        buffer.extend_from_slice(clear);
                        stream.consume(octets);
                        Poll::Ready(Ok(octets))
                    }
                    // Many clients hang up without close_notify. What that could cut short ends with a dot or a count here.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(0)),
                    Err(error) => Poll::Ready(Err(error.into())),
                }
            }
            Self::Closed => Poll::Ready(Ok(0)),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let octets = match self {
            Self::Plain(stream) => stream.write(bytes).await?,
            Self::Tls(stream) => stream.write(bytes).await?,
            Self::Closed => return Err(io::ErrorKind::NotConnected.into()),
        };
        if octets == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(octets) }
    }

    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        match self {
            // The kernel has it.
            Self::Plain(_) | Self::Closed => Ok(()),
            Self::Tls(stream) => stream.flush().await,
        }
    }

    /// The clear-text stream, for a handshake; the connection counts as closed until that is done.
    pub(crate) fn take_plain(&mut self) -> io::Result<TcpStream> {
        match std::mem::replace(self, Self::Closed) {
            Self::Plain(stream) => Ok(stream),
            other => {
                *self = other;
                Err(io::Error::other("TLS can only start in clear text"))
            }
        }
    }

    /// Says that nothing follows, then reads and forgets until the peer says so too. Closing with unread input would make the
    /// kernel send a reset, which can take our last reply from the peer's hands.
    pub(crate) async fn shutdown(&mut self) {
        let (stream, said) = match self {
            Self::Plain(stream) => {
                let said = stream.shutdown().await;
                (stream, said)
            }
            Self::Tls(stream) => {
                // Both close_notify and FIN. A peer that is gone already cannot take them: no error.
                let said = stream.shutdown().await;
                (stream.get_mut().0, said)
            }
            Self::Closed => return,
        };
        if said.is_err() {
            return;
        }
        let mut discarded = 0;
        let mut scratch = Vec::with_capacity(limits::READ_LEAST);
        while discarded < limits::CLOSE_DISCARD {
            scratch.clear();
            match stream.read_buf(&mut scratch).await {
                Ok(0) | Err(_) => return,
                Ok(octets) => discarded += octets,
            }
        }
    }
}
