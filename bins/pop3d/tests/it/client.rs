//! The plainest client: lines over a socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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
        Self { stream: BufReader::new(stream), greeting: String::new() }
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

    /// Sends a command; the first line of its reply.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.line()
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
