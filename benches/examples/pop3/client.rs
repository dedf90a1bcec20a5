//! The client of the benches: blocking, and no cleverer than it must be.

use std::cell::Cell;
use std::io::{Read, Write};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::mail::PASSWORD;
use crate::trusting;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub(crate) struct Client {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    buffer: Vec<u8>,
}

thread_local! {
    /// Of the client that was last here: to make such a one costs as much as a server's work on a poll.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Client {
    /// A connection that was greeted.
    pub(crate) fn connect(address: SocketAddr, tls: bool) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        let stream: Box<dyn Stream> = if tls {
            let name = ServerName::try_from("localhost").unwrap();
            Box::new(StreamOwned::new(ClientConnection::new(config(), name).unwrap(), socket))
        } else {
            Box::new(socket)
        };
        let mut buffer = BUFFER.take();
        if buffer.is_empty() {
            buffer = vec![0; 256 << 10];
        }
        let mut client = Self { stream, input: Vec::new(), buffer };
        let greeting = client.line();
        assert!(greeting.starts_with(b"+OK"), "{}", greeting.escape_ascii());
        client
    }

    pub(crate) fn login(&mut self, user: &str) {
        self.ask(&format!("USER {user}\r\n"));
        self.ask(&format!("PASS {PASSWORD}\r\n"));
    }

    /// A command with an answer of one line.
    pub(crate) fn ask(&mut self, command: &str) -> Vec<u8> {
        self.stream.write_all(command.as_bytes()).unwrap();
        let line = self.line();
        assert!(line.starts_with(b"+OK"), "{command}: {}", line.escape_ascii());
        line
    }

    /// A command with an answer of several lines; how many octets.
    pub(crate) fn fetch(&mut self, command: &str) -> usize {
        self.stream.write_all(command.as_bytes()).unwrap();
        let first = self.line();
        assert!(first.starts_with(b"+OK"), "{command}: {}", first.escape_ascii());
        let mut octets = 0;
        if self.input == b".\r\n" {
            self.input.clear();
            return 0;
        }
        // One command at a time: what ends the answer ends what was read.
        let mut tail = Vec::new();
        loop {
            octets += self.input.len();
            tail.extend_from_slice(&self.input[self.input.len().saturating_sub(5)..]);
            tail.drain(..tail.len().saturating_sub(5));
            self.input.clear();
            if tail == b"\r\n.\r\n" || tail == b".\r\n" {
                return octets;
            }
            self.read();
        }
    }

    fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.input.iter().position(|&octet| octet == b'\n') {
                return self.input.drain(..=end).collect();
            }
            self.read();
        }
    }

    fn read(&mut self) {
        let octets = self.stream.read(&mut self.buffer).unwrap();
        assert!(octets > 0, "the server closed");
        self.input.extend_from_slice(&self.buffer[..octets]);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        BUFFER.set(mem::take(&mut self.buffer));
    }
}

fn config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let config = || Arc::new(trusting::config(rustls::DEFAULT_VERSIONS));
    CONFIG.get_or_init(config).clone()
}
