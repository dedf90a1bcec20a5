//! Lines over a socket, in clear text or TLS, with a transcript for the moment when something is not as it should be.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};

use super::daemon::PATIENCE;

enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

pub(crate) struct Wire {
    stream: Stream,
    received: Vec<u8>,
    transcript: String,
}

impl Wire {
    pub(crate) fn clear(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    /// From an address of the test's choice, of 127.0.0.0/8.
    pub(crate) fn clear_from(source: Ipv4Addr, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::over(socket.into())
    }

    fn over(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { stream: Stream::Clear(socket), received: Vec::new(), transcript: String::new() }
    }

    /// Begins TLS in the running connection, with the certificate checked against `host`.
    pub(crate) fn into_tls(self, client: Arc<ClientConfig>, host: &str) -> Self {
        assert!(self.received.is_empty(), "bytes before TLS: {:?}", self.received);
        let Stream::Clear(socket) = self.stream else { panic!("TLS in TLS") };
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let session = ClientConnection::new(client, name).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        Self {
            stream: Stream::Tls(Box::new(stream)),
            received: Vec::new(),
            transcript: self.transcript + "~ tls\n",
        }
    }

    /// Sends the line with its ending.
    pub(crate) fn line(&mut self, line: &str) {
        let _ = writeln!(self.transcript, "C: {line}");
        self.bytes(format!("{line}\r\n").as_bytes());
    }

    /// Sends the bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.try_bytes(bytes).unwrap_or_else(|e| self.fail(&format!("sending: {e}")));
    }

    /// The same, where the server may have gone.
    pub(crate) fn try_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Clear(socket) => socket.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// The next line, its ending cut off; none at the end of the connection.
    pub(crate) fn next_line(&mut self) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.received[searched..].windows(2).position(|pair| pair == b"\r\n") {
                let rest = self.received.split_off(searched + at + 2);
                let mut line = std::mem::replace(&mut self.received, rest);
                line.truncate(line.len() - 2);
                if self.transcript.len() < 100_000 {
                    let _ = writeln!(self.transcript, "S: {}", String::from_utf8_lossy(&line));
                }
                return Some(line);
            }
            searched = self.received.len().saturating_sub(1);
            if self.fill() == 0 {
                assert!(
                    self.received.is_empty(),
                    "half a line: {:?}",
                    String::from_utf8_lossy(&self.received)
                );
                return None;
            }
        }
    }

    /// As many octets.
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count {
            if self.fill() == 0 {
                self.fail(&format!("the connection ended before {count} octets"));
            }
        }
        let rest = self.received.split_off(count);
        std::mem::replace(&mut self.received, rest)
    }

    /// Everything up to and with `end`.
    pub(crate) fn through(&mut self, end: &[u8]) -> Vec<u8> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.received[searched..].windows(end.len()).position(|window| window == end) {
                let rest = self.received.split_off(searched + at + end.len());
                return std::mem::replace(&mut self.received, rest);
            }
            searched = self.received.len().saturating_sub(end.len() - 1);
            if self.fill() == 0 {
                self.fail(&format!("the connection ended before {:?}", String::from_utf8_lossy(end)));
            }
        }
    }

    /// What follows until the server ends the connection.
    pub(crate) fn rest(mut self) -> Vec<u8> {
        while self.fill() > 0 {}
        self.received
    }

    fn fill(&mut self) -> usize {
        let mut chunk = [0; 64 << 10];
        let read = match &mut self.stream {
            Stream::Clear(socket) => socket.read(&mut chunk),
            Stream::Tls(stream) => stream.read(&mut chunk),
        };
        let count = match read {
            Ok(count) => count,
            // How a connection ends, with or without a farewell, is not what these tests are about.
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => 0,
            Err(e) => self.fail(&format!("receiving: {e}")),
        };
        self.received.extend_from_slice(&chunk[..count]);
        count
    }

    /// Version, cipher suite and key length of the TLS session, as this end knows them.
    pub(crate) fn tls(&self) -> (String, String, usize) {
        let Stream::Tls(stream) = &self.stream else { panic!("no TLS") };
        let version = format!("{:?}", stream.conn.protocol_version().unwrap());
        let suite = stream.conn.negotiated_cipher_suite().unwrap().suite();
        let suite = suite.as_str().unwrap().replace("TLS13_", "TLS_");
        let bits = if suite.contains("_128_") { 128 } else { 256 };
        (version.replace('_', "."), suite, bits)
    }

    /// Ends the connection without a word, as a broken line does.
    pub(crate) fn drop_line(self) {
        let socket = match &self.stream {
            Stream::Clear(socket) => socket,
            Stream::Tls(stream) => &stream.sock,
        };
        let _ = socket.shutdown(Shutdown::Both);
    }

    pub(crate) fn fail(&self, why: &str) -> ! {
        panic!("{why}\n{}", self.transcript)
    }
}
