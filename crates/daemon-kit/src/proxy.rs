//! The PROXY protocol, versions 1 and 2: a load balancer says for whom it connects.
//!
//! The text is HAProxy's `proxy-protocol.txt`. It forbids to guess: on a listener with balancers each connection has a header, and on one
//! without none has.

use std::io;
use std::net::SocketAddr;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::limits;

/// Why a connection is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyFault {
    #[error("somebody who is no balancer of this listener")]
    NotListed,
    #[error("it closed before the header was complete")]
    HungUp,
    #[error("the header took too long")]
    TimedOut,
    #[error("what came is no PROXY header")]
    Malformed,
    #[error("the header is longer than {} octets", limits::PROXY_HEADER_MOST)]
    TooLong,
    #[error(transparent)]
    Broken(#[from] io::Error),
}

impl ProxyFault {
    /// One stable word for the log.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NotListed => "not_listed",
            Self::HungUp => "hung_up",
            Self::TimedOut => "timed_out",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::Broken(_) => "broken",
        }
    }
}

/// Whom the balancer connects; none where it speaks for itself (`LOCAL`, `UNKNOWN`), as in its health checks. Not one octet behind the
/// header is taken from the socket: TLS may begin there.
pub(crate) async fn client(stream: &mut TcpStream) -> Result<Option<SocketAddr>, ProxyFault> {
    timeout(limits::PROXY_HEADER, read(stream)).await.map_err(|_| ProxyFault::TimedOut)?
}

async fn read(stream: &mut TcpStream) -> Result<Option<SocketAddr>, ProxyFault> {
    let mut header = Vec::with_capacity(SHORTEST);
    loop {
        let parsed =
            ProxyHeader::parse(&header, ParseConfig { include_tlvs: false, ..ParseConfig::default() });
        match parsed.map(|(parsed, _)| parsed.proxied_address().cloned()) {
            Ok(None) => return Ok(None),
            Ok(Some(address)) if address.protocol == Protocol::Stream => {
                let source = address.source;
                return Ok(Some(SocketAddr::new(source.ip().to_canonical(), source.port())));
            }
            Ok(Some(_)) => return Err(ProxyFault::Malformed),
            Err(proxy_header::Error::BufferTooShort) => {}
            Err(_) => return Err(ProxyFault::Malformed),
        }
        let missing = missing(&header, stream).await?;
        if header.len() + missing > limits::PROXY_HEADER_MOST {
            return Err(ProxyFault::TooLong);
        }
        if (&mut *stream).take(missing as u64).read_buf(&mut header).await? == 0 {
            return Err(ProxyFault::HungUp);
        }
    }
}

/// No header of either version is shorter.
const SHORTEST: usize = 15;
/// Of version 2: what stands before the addresses, the length of the rest at its end.
const FIXED: usize = 16;

/// How many octets more, at least one, belong to the header for sure. One that is complete, and still not parsed, is none.
async fn missing(header: &[u8], stream: &TcpStream) -> Result<usize, ProxyFault> {
    if header.len() < SHORTEST {
        return Ok(SHORTEST - header.len());
    }
    if header.first() == Some(&b'\r') {
        let rest = match header.get(FIXED - 2..FIXED) {
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => 0,
        };
        return match (FIXED + rest).saturating_sub(header.len()) {
            0 => Err(ProxyFault::Malformed),
            missing => Ok(missing),
        };
    }
    if header.contains(&b'\n') {
        return Err(ProxyFault::Malformed);
    }
    // Version 1 is a line of at most 107 octets: what is there belongs to it up to its end, or as a whole.
    let mut come = [0; 107];
    let octets = stream.peek(&mut come).await?;
    let come = come.get(..octets).unwrap_or_default();
    let line = come.iter().position(|&octet| octet == b'\n').map_or(octets, |end| end + 1);
    if line == 0 { Err(ProxyFault::HungUp) } else { Ok(line) }
}

#[cfg(test)]
mod tests {
    use proxy_header::ProxiedAddress;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        ours.set_nodelay(true).unwrap();
        (listener.accept().await.unwrap().0, ours)
    }

    /// What the header says, and what is left behind it.
    async fn whole(octets: &[u8]) -> (Result<Option<SocketAddr>, &'static str>, Vec<u8>) {
        let (mut stream, mut balancer) = pair().await;
        balancer.write_all(octets).await.unwrap();
        drop(balancer);
        let client = client(&mut stream).await.map_err(|fault| fault.word());
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        (client, rest)
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn headers(from: &str, to: &str) -> [Vec<u8>; 2] {
        let header = ProxyHeader::with_address(ProxiedAddress::stream(address(from), address(to)));
        let (mut one, mut two) = (Vec::new(), Vec::new());
        header.encode_v1(&mut one).unwrap();
        header.encode_v2(&mut two).unwrap();
        [one, two]
    }

    #[tokio::test]
    async fn n_10_both_versions_and_families_and_nothing_behind_the_header_is_taken() {
        for (from, to) in [("192.0.2.7:40000", "10.0.0.1:25"), ("[2001:db8::7]:40000", "[2001:db8::1]:25")] {
            for header in headers(from, to) {
                let sent = [header.as_slice(), b"\x16\x03\x01EHLO\n"].concat();
                assert_eq!(whole(&sent).await, (Ok(Some(address(from))), b"\x16\x03\x01EHLO\n".to_vec()));
            }
        }
    }

    #[tokio::test]
    async fn n_10_a_header_in_pieces_is_the_same_header() {
        for header in headers("192.0.2.7:40000", "10.0.0.1:25") {
            let (mut stream, mut balancer) = pair().await;
            let sending = tokio::spawn(async move {
                for octet in header {
                    balancer.write_all(&[octet]).await.unwrap();
                    tokio::task::yield_now().await;
                }
                balancer
            });
            assert_eq!(client(&mut stream).await.unwrap(), Some(address("192.0.2.7:40000")));
            sending.await.unwrap();
        }
    }

    #[tokio::test]
    async fn n_10_a_balancer_may_speak_for_itself() {
        let mut local = Vec::new();
        ProxyHeader::with_local().encode_v2(&mut local).unwrap();
        for header in
            [local.as_slice(), b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"]
        {
            assert_eq!(whole(header).await, (Ok(None), Vec::new()), "{}", header.escape_ascii());
        }
        // With what it knows of a TLS session (TLVs), and with the address of a client that is a v4 one in v6's clothes.
        let mut with_more = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\x05".to_vec();
        with_more.extend_from_slice(b"\x04\0\x02ab");
        assert_eq!(whole(&with_more).await.0, Ok(None));
        let mapped = b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:10.0.0.1 40000 25\r\n";
        assert_eq!(whole(mapped).await.0, Ok(Some(address("192.0.2.7:40000"))));
    }

    #[tokio::test]
    async fn n_10_rubbish_is_no_header() {
        let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
        let huge = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".as_slice(), &[0; 5000]].concat();
        for (octets, word) in [
            (b"EHLO client.example.jp\r\n".as_slice(), "malformed"),
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 40000\r\n", "malformed"),
            (b"PROXY TCP4 192.0.2.777 10.0.0.1 40000 25\r\n", "malformed"),
            (b"PROXY TCP9 192.0.2.7 10.0.0.1 40000 25\r\n", "malformed"),
            (b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c............", "malformed"),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c............", "malformed"),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x02..", "malformed"),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c...", "hung_up"),
            (b"PROXY TCP4 192.0.2.7", "hung_up"),
            (b"", "hung_up"),
            (&endless, "malformed"),
            (&huge, "too_long"),
        ] {
            assert_eq!(whole(octets).await.0, Err(word), "{}", octets.escape_ascii());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn n_10_a_trickled_header_is_not_waited_for() {
        let (mut stream, mut balancer) = pair().await;
        let sending = tokio::spawn(async move {
            for octet in b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 25\r\n" {
                balancer.write_all(&[*octet]).await.unwrap();
                tokio::time::sleep(limits::PROXY_HEADER / 10).await;
            }
        });
        assert_eq!(client(&mut stream).await.unwrap_err().word(), "timed_out");
        sending.abort();
    }
}
