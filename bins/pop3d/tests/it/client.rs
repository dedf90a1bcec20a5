//! The plainest client: lines over a socket.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    pub(crate) greeting: String,
}

impl Client {
    /// Not greeted yet.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // A server that does not answer is a failure, not a test that never ends.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream: BufReader::with_capacity(256 << 10, stream), greeting: String::new() }
    }

    /// Sends octets as they are.
    pub(crate) fn send(&mut self, octets: &[u8]) {
        self.stream.get_mut().write_all(octets).unwrap();
    }

    /// A line, without its CRLF; empty when the server has closed.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        match line.strip_suffix("\r\n") {
            Some(text) => text.into(),
            None => {
                assert_eq!(line, "", "a line without CRLF");
                line
            }
        }
    }

    /// Whether nothing has come that was not read.
    pub(crate) fn is_silent(&self) -> bool {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).unwrap();
        let waits = stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        stream.set_nonblocking(false).unwrap();
        waits && self.stream.buffer().is_empty()
    }

    /// Sends a command; the first line of its reply.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.line()
    }

    /// Reads up to an octet, and says how many it were, that one included.
    pub(crate) fn skip_to(&mut self, octet: u8) -> u64 {
        self.stream.skip_until(octet).unwrap() as u64
    }

    /// Reads at least so many octets.
    pub(crate) fn skip(&mut self, mut octets: usize) {
        while octets > 0 {
            let buffered = self.stream.fill_buf().unwrap().len();
            assert!(buffered > 0, "the server closed");
            self.stream.consume(buffered);
            octets = octets.saturating_sub(buffered);
        }
    }

    /// Reads all that comes, until nothing does, however that ends.
    pub(crate) fn skip_to_end_of_connection(&mut self) {
        while let Ok(buffer) = self.stream.fill_buf() {
            let octets = buffer.len();
            if octets == 0 {
                return;
            }
            self.stream.consume(octets);
        }
    }

    /// Sends a command that is answered with several lines; those behind the first, as they come.
    pub(crate) fn lines(&mut self, command: &str) -> Vec<String> {
        let reply = self.ask(command);
        assert!(reply.starts_with("+OK"), "{command}: {reply}");
        std::iter::repeat_with(|| self.line()).take_while(|line| line != ".").collect()
    }

    /// RETR, without dot-stuffing.
    pub(crate) fn retrieve(&mut self, number: usize) -> Vec<u8> {
        let unstuffed = |line: String| line.strip_prefix('.').map(String::from).unwrap_or(line) + "\r\n";
        self.lines(&format!("RETR {number}")).into_iter().map(unstuffed).collect::<String>().into_bytes()
    }

    /// USER and PASS; the last reply.
    pub(crate) fn login(&mut self, login: &str, password: &str) -> String {
        assert_eq!(self.ask(&format!("USER {login}")), "+OK now the password");
        self.ask(&format!("PASS {password}"))
    }

    /// Everything until the server closes.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = String::new();
        self.stream.read_to_string(&mut rest).unwrap();
        rest
    }

    /// The socket, for what is no text.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }

    /// QUIT, and the server closes.
    pub(crate) fn quit(mut self) {
        assert_eq!(self.ask("QUIT"), "+OK goodbye");
        assert_eq!(self.rest(), "");
    }
}
