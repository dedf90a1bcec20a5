//! A blocking SMTP client.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use benches::disk::message;

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Client {
    /// `login`: an AUTH PLAIN response in base64.
    pub(crate) fn connect(address: SocketAddr, login: Option<&str>) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut body = message();
        body.extend_from_slice(b".\r\n");
        let mut client = Self { stream: BufReader::new(stream), body };
        client.expect("220");
        client.write(b"EHLO client.example.org\r\n");
        client.expect("250");
        if let Some(login) = login {
            client.write(format!("AUTH PLAIN {login}\r\n").as_bytes());
            client.expect("235");
        }
        client
    }

    /// With messages of so many times 4 KiB.
    pub(crate) fn of_size(mut self, times: usize) -> Self {
        self.body = message().repeat(times);
        self.body.extend_from_slice(b".\r\n");
        self
    }

    /// Sends a message, of 4 KiB unless said otherwise, and comes back with its 250.
    pub(crate) fn send(&mut self, from: &str, to: &str) {
        let envelope = format!("MAIL FROM:<{from}>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
        self.write(envelope.as_bytes());
        for reply in ["250", "250", "354"] {
            self.expect(reply);
        }
        let body = std::mem::take(&mut self.body);
        self.write(&body);
        self.body = body;
        self.expect("250");
    }

    fn write(&mut self, octets: &[u8]) {
        self.stream.get_mut().write_all(octets).unwrap();
    }

    fn expect(&mut self, code: &str) {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            assert!(line.starts_with(code), "expected {code}, got {line:?}");
            if !line[3..].starts_with('-') {
                return;
            }
        }
    }
}
