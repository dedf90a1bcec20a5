//! Blocking clients, one thread each.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use benches::disk::{ROUND, message};

pub(crate) struct Sent {
    pub(crate) messages: usize,
    /// From MAIL to the last 250.
    pub(crate) p99: Duration,
}

/// Sends by so many connections until the round is over. All of them are greeted before it begins.
pub(crate) fn send(address: SocketAddr, connections: usize) -> Sent {
    let mut clients: Vec<_> = (0..connections).map(|_| Client::connect(address)).collect();
    let begin = Instant::now();
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let each = clients.iter_mut().enumerate().map(|(nth, client)| {
            scope.spawn(move || {
                let mut times = Vec::new();
                while begin.elapsed() < ROUND {
                    let since = Instant::now();
                    client.send(nth);
                    times.push(since.elapsed());
                }
                times
            })
        });
        let threads: Vec<_> = each.collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    times.sort_unstable();
    Sent { messages: times.len(), p99: times[times.len() * 99 / 100] }
}

struct Client {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut body = message();
        body.extend_from_slice(b".\r\n");
        let mut client = Self { stream: BufReader::new(stream), body };
        client.expect("220");
        client.write(b"EHLO client.example.org\r\n");
        client.expect("250");
        client
    }

    fn send(&mut self, nth: usize) {
        let envelope = format!("MAIL FROM:<friend@example.org>\r\nRCPT TO:<box{nth}@example.jp>\r\nDATA\r\n");
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
