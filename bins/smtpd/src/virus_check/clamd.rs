//! One conversation with clamd (`INSTREAM`, clamd(8)): a message in pieces, and what it says of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use clamav_client::tokio::TransportProtocol;
use daemon_kit::config::Clamd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::either::Either;

/// What clamd says of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    Clean,
    /// By this signature.
    Virus(String),
    /// It has not looked through all of it: that is beyond a limit of its own, and its configuration says `AlertExceedsMax`.
    Exceeded,
}

/// What begins the names of no signature, but of limits.
const EXCEEDED: &[u8] = b"Heuristics.Limits.Exceeded";

/// The longest answer that is listened to: signatures have names of some dozen octets.
const ANSWER_MOST: usize = 1024;

/// Gives clamd the pieces as they come, and returns its word after the last.
///
/// # Errors
/// Why there is none, for the log.
pub(super) async fn scan(
    clamd: &Clamd,
    pieces: mpsc::Receiver<Bytes>,
    longest: usize,
) -> Result<Word, String> {
    let cut_off = Arc::<AtomicBool>::default();
    let transport = Transport { clamd, cut_off: cut_off.clone() };
    let pieces = ReceiverStream::new(pieces).map(Ok);
    let answer = clamav_client::tokio::scan_stream(pieces, transport, Some(longest)).await;
    let answer = answer.map_err(|error| error.to_string())?;
    match understood(&answer)? {
        Word::Clean if cut_off.load(Ordering::Relaxed) => {
            Err("it took only a part of the message".to_owned())
        }
        word => Ok(word),
    }
}

/// Whether it is there, and which one it is.
///
/// # Errors
/// Why it seems not to be.
pub(super) async fn version(clamd: &Clamd) -> Result<String, String> {
    let transport = Transport { clamd, cut_off: Arc::default() };
    let said = |error: io::Error| error.to_string();
    let pong = clamav_client::tokio::ping(&transport).await.map_err(said)?;
    if pong != clamav_client::PONG {
        return Err(format!("it says \"{}\" to PING", shown(&pong)));
    }
    let version = clamav_client::tokio::get_version(&transport).await.map_err(said)?;
    Ok(shown(&version))
}

/// `stream: OK`, or `stream: NAME FOUND`, and its NUL; anything else is no word on the message, whatever it contains.
fn understood(answer: &[u8]) -> Result<Word, String> {
    let Some(line) = answer.strip_suffix(b"\0") else {
        return Err(match answer {
            [] => "it hung up without an answer".to_owned(),
            _ => format!("its answer is not whole: \"{}\"", shown(answer)),
        });
    };
    match line.strip_prefix(b"stream: ") {
        Some(b"OK") => Ok(Word::Clean),
        Some(found) => match found.strip_suffix(b" FOUND") {
            Some(name) if name.starts_with(EXCEEDED) => Ok(Word::Exceeded),
            Some(name) if !name.is_empty() => Ok(Word::Virus(shown(name))),
            _ => Err(shown(line)),
        },
        None => Err(shown(line)),
    }
}

/// What may stand in a log.
fn shown(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    text.trim_end_matches('\0').chars().map(|char| if char.is_control() { '?' } else { char }).collect()
}

/// How to reach it.
struct Transport<'c> {
    clamd: &'c Clamd,
    /// It did not take all that it was given.
    cut_off: Arc<AtomicBool>,
}

impl TransportProtocol for Transport<'_> {
    type Stream = Guarded;

    async fn connect(&self) -> io::Result<Guarded> {
        let socket = match self.clamd {
            Clamd::Unix(path) => Either::Left(UnixStream::connect(path).await?),
            Clamd::Tcp(address) => {
                let socket = TcpStream::connect(address).await?;
                // A length and its octets are two writes.
                socket.set_nodelay(true)?;
                Either::Right(socket)
            }
        };
        Ok(Guarded { socket, cut_off: self.cut_off.clone(), left: ANSWER_MOST })
    }
}

/// A connection on which an answer is heard even from who hangs up before the end, as clamd does above its `StreamMaxLength`; one
/// answer, and no more than is sensible.
struct Guarded {
    socket: Either<UnixStream, TcpStream>,
    cut_off: Arc<AtomicBool>,
    /// Octets of its answer that may still come.
    left: usize,
}

fn hung_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut small = [0; 256];
        let most = small.len().min(self.left).min(buffer.remaining());
        let mut part = ReadBuf::new(small.get_mut(..most).unwrap_or_default());
        match ready!(Pin::new(&mut self.socket).poll_read(context, &mut part)) {
            Err(error) if !hung_up(&error) => return Poll::Ready(Err(error)),
            _ => {}
        }
        let read = part.filled();
        buffer.put_slice(read);
        // Its answer ends there, and some leave the connection open.
        self.left = if read.contains(&0) { 0 } else { self.left.saturating_sub(read.len()) };
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut_off.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(octets.len()));
        }
        match ready!(Pin::new(&mut self.socket).poll_write(context, octets)) {
            Err(error) if hung_up(&error) => {
                self.cut_off.store(true, Ordering::Relaxed);
                Poll::Ready(Ok(octets.len()))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_whole_word_is_one() {
        assert_eq!(understood(b"stream: OK\0"), Ok(Word::Clean));
        let virus = Word::Virus("Eicar-Test-Signature".to_owned());
        assert_eq!(understood(b"stream: Eicar-Test-Signature FOUND\0"), Ok(virus));
        for limit in ["Heuristics.Limits.Exceeded", "Heuristics.Limits.Exceeded.MaxFileSize"] {
            assert_eq!(understood(format!("stream: {limit} FOUND\0").as_bytes()), Ok(Word::Exceeded));
        }
        for rubbish in [
            &b""[..],
            b"\0",
            b"stream: OK",
            b"stream: OK\n\0",
            b"stream: \0",
            b"stream:  FOUND\0",
            b"stream: FOUND\0",
            b"OK\0",
            b"INSTREAM size limit exceeded. ERROR\0",
            b"stream: Can't allocate memory ERROR\0",
            b"HTTP/1.0 200 OK\r\n\r\n\0",
            b"\xff\xfe",
        ] {
            understood(rubbish).unwrap_err();
        }
    }
}
