//! A client's first message, and what it tells of the client: who cannot agree with us, and why, is known from nothing else.

use std::io::{self, Read};

use rustls::CipherSuite;
use rustls::server::{Accepted, Acceptor, ClientHello};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::failure::TlsFailure;

/// What a client offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloFacts {
    /// The highest version, such as `TLSv1.0`.
    pub version: &'static str,
    /// How many cipher suites.
    pub ciphers: usize,
    /// The host name for which it asked.
    pub sni: Option<String>,
    /// Its application protocols, with commas between them; none where it named none.
    pub alpn: Option<String>,
}

impl HelloFacts {
    fn of(hello: &ClientHello<'_>, head: &Head) -> Self {
        // TLS 1.3 is offered by its own cipher suites and an extension, everything older by the version of the message (RFC 8446 §4.1.2).
        let of_1_3 = |suite: &CipherSuite| u16::from(*suite) >> 8 == 0x13;
        let knows_1_3 = hello.cipher_suites().iter().any(of_1_3);
        let names = hello.alpn();
        let alpn = |names: Vec<String>| names.join(",");
        Self {
            version: if knows_1_3 { "TLSv1.3" } else { head.version().unwrap_or("unknown") },
            ciphers: hello.cipher_suites().len(),
            sni: hello.server_name().map(str::to_owned),
            alpn: names.map(|names| alpn(names.map(|name| name.escape_ascii().to_string()).collect())),
        }
    }

    /// Of a message that the library does not take, as those of the oldest clients.
    fn of_head(head: &Head) -> Option<Self> {
        Some(Self { version: head.version()?, ciphers: head.ciphers()?, sni: None, alpn: None })
    }

    /// Whether it offers no version that we speak.
    pub(super) fn is_too_old(&self) -> bool {
        matches!(self.version, "SSLv3" | "TLSv1.0" | "TLSv1.1")
    }
}

/// The first octets of a connection: the header of a record (5) and of a message (4), then of a ClientHello (RFC 8446 §4.1.2) version
/// (2), random (32), session id (1 and at most 32), and the length of its list of cipher suites (2).
#[derive(Debug, Default)]
pub(super) struct Head(Vec<u8>);

impl Head {
    const SESSION_ID: usize = 5 + 4 + 2 + 32;
    const OCTETS: usize = Self::SESSION_ID + 1 + 32 + 2;

    /// The highest version that the message itself names; none where it is no ClientHello.
    fn version(&self) -> Option<&'static str> {
        if self.0.first() != Some(&0x16) || self.0.get(5) != Some(&1) {
            return None;
        }
        Some(match self.number(9)? {
            0x0303 => "TLSv1.2",
            0x0302 => "TLSv1.1",
            0x0301 => "TLSv1.0",
            0x0300 => "SSLv3",
            _ => "unknown",
        })
    }

    fn ciphers(&self) -> Option<usize> {
        let session_id = self.0.get(Self::SESSION_ID)?;
        self.number(Self::SESSION_ID + 1 + usize::from(*session_id)).map(|octets| usize::from(octets / 2))
    }

    fn number(&self, at: usize) -> Option<u16> {
        match self.0.get(at..at + 2) {
            Some(&[high, low]) => Some(u16::from_be_bytes([high, low])),
            _ => None,
        }
    }

    fn is_complete(&self) -> bool {
        self.0.len() >= Self::OCTETS
    }

    fn keep(&mut self, octets: &[u8]) {
        let room = Self::OCTETS.saturating_sub(self.0.len());
        self.0.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }

    /// What began like this and is no TLS record.
    pub(super) fn kind(&self) -> Kind {
        match self.0.as_slice() {
            [] => Kind::Nothing,
            [0x16, ..] => Kind::Tls,
            // RFC 5246 appendix E.2: a client that would also speak SSL 2.0.
            [high, _, 1, ..] if high & 0x80 != 0 => Kind::Ssl2,
            _ => Kind::Other,
        }
    }
}

/// How a connection began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Tls,
    Ssl2,
    Other,
}

/// Reads from the socket what is there, and keeps the first octets.
struct Reader<'r> {
    stream: &'r TcpStream,
    head: &'r mut Head,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = self.stream.try_read(buffer)?;
        if !self.head.is_complete() {
            self.head.keep(buffer.get(..octets).unwrap_or_default());
        }
        Ok(octets)
    }
}

/// Waits for the first message. What came is in `head` even when this is dropped before it is done.
pub(super) async fn read(
    stream: &mut TcpStream,
    head: &mut Head,
) -> Result<(Accepted, HelloFacts), TlsFailure> {
    let mut acceptor = Acceptor::default();
    loop {
        stream.readable().await.map_err(|error| TlsFailure::of(&error, head.kind(), None))?;
        match acceptor.read_tls(&mut Reader { stream, head }) {
            Ok(0) => {
                let error = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(TlsFailure::of(&error, head.kind(), None));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(TlsFailure::of(&error, head.kind(), None)),
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                let facts = HelloFacts::of(&accepted.client_hello(), head);
                return Ok((accepted, facts));
            }
            Ok(None) => {}
            Err((error, mut alert)) => {
                let mut octets = Vec::new();
                if alert.write_all(&mut octets).is_ok() {
                    // Whoever is there may be gone, and need not hear it.
                    let _ = stream.write_all(&octets).await;
                }
                let error = io::Error::new(io::ErrorKind::InvalidData, error);
                return Err(TlsFailure::of(&error, head.kind(), HelloFacts::of_head(head)));
            }
        }
    }
}
