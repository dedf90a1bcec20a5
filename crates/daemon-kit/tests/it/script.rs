//! A line protocol for the tests, and clients that speak it.

use std::net::SocketAddr;
use std::sync::Arc;

use daemon_kit::config::{Config, Faults, Listener, Protocol};
use daemon_kit::{Drain, Filled, Refusal, Server, Service, Session, Wire, WireError};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::World;

/// Greets, and answers `TLS`, `INFO`, `PEER`, `QUIT`, `PANIC`, `STAY` (does not end when drained) and anything else with `you said …`.
struct Script {
    ends: UnboundedSender<&'static str>,
}

impl Script {
    async fn talk(&self, wire: &mut Wire, session: &Session) -> Result<&'static str, WireError> {
        let patience = session.listener.limits.patience;
        let mut stays = false;
        wire.out().extend_from_slice(b"hello\r\n");
        loop {
            while let Some(line) = next_line(wire) {
                let reply = match line.as_str() {
                    "TLS" => {
                        wire.out().extend_from_slice(b"go\r\n");
                        session.start_tls(wire).await?;
                        continue;
                    }
                    "INFO" => match wire.tls() {
                        Some(tls) => format!("{} {} {} {:?}", tls.version, tls.cipher, tls.bits, tls.sni),
                        None => String::from("clear"),
                    },
                    "VERIFY" => wire.tls().map_or("clear", |tls| tls.verify.as_str()).to_owned(),
                    "PEER" => wire.peer().to_string(),
                    "STAY" => {
                        stays = true;
                        String::from("staying")
                    }
                    "PANIC" => panic!("as asked"),
                    "QUIT" => {
                        wire.out().extend_from_slice(b"bye\r\n");
                        return Ok("quit");
                    }
                    other => format!("you said {other}"),
                };
                wire.out().extend_from_slice(reply.as_bytes());
                wire.out().extend_from_slice(b"\r\n");
            }
            wire.flush(patience).await?;
            let filled = tokio::select! {
                filled = wire.fill(patience) => filled?,
                () = session.draining(), if !stays => {
                    wire.out().extend_from_slice(b"closing\r\n");
                    return Ok("draining");
                }
            };
            if filled == Filled::Eof {
                return Ok("hung_up");
            }
        }
    }
}

fn next_line(wire: &mut Wire) -> Option<String> {
    let end = wire.input().iter().position(|byte| *byte == b'\n')?;
    let line = String::from_utf8_lossy(&wire.input()[..end]).trim_end().to_owned();
    wire.consume(end + 1);
    Some(line)
}

impl Service for Script {
    async fn serve(&self, wire: &mut Wire, session: &Session) -> Result<&'static str, WireError> {
        let end = self.talk(wire, session).await;
        let word = match &end {
            Ok(word) => word,
            Err(error) => error.word(),
        };
        let _ = self.ends.send(word);
        end
    }

    fn refusal(&self, refusal: Refusal, listener: &Listener) -> Vec<u8> {
        format!("{} says: {refusal}\r\n", listener.hostname).into()
    }
}

/// A running server.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    pub(crate) server_tls: Option<daemon_kit::tls::Acceptor>,
    pub(crate) drain: Drain,
    pub(crate) running: JoinHandle<std::io::Result<()>>,
    ends: UnboundedReceiver<&'static str>,
}

/// A file with one SMTP listener on a free port, and `more` settings for it.
pub(crate) fn file(limits: &str, more: &str) -> String {
    format!(
        "hostname = \"mx.example.jp\"\nstore = {{ maildirs = \"m\", queue = \"q\" }}\naccounts.database = \"sqlite:a\"\n[limits]\n{limits}\n[[certificate]]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n[[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n{more}\n"
    )
}

pub(crate) fn bind(world: &World, text: &str) -> Result<Server, Faults> {
    let config = Config::parse(text, world.path("yubin.toml")).expect("the file is right");
    Server::bind(&config, Protocol::Smtp)
}

impl House {
    pub(crate) fn start(limits: &str, more: &str) -> Self {
        Self::start_in(World::new(), &file(limits, more))
    }

    pub(crate) fn start_in(world: World, text: &str) -> Self {
        crate::log::capture();
        let server = bind(&world, text).unwrap();
        let address = server.bound().next().unwrap().1;
        let drain = Drain::new();
        let (sender, ends) = unbounded_channel();
        let server_tls = server.tls();
        let running = tokio::spawn(server.run(Script { ends: sender }.into(), drain.clone()));
        Self { world, address, server_tls, drain, running, ends }
    }

    /// A client that has read the greeting.
    pub(crate) async fn client(&self) -> Client<TcpStream> {
        let mut client = self.stranger().await;
        assert_eq!(client.line().await, "hello");
        client
    }

    /// A client that has read nothing yet.
    pub(crate) async fn stranger(&self) -> Client<TcpStream> {
        Client(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }

    /// The same, from one of the many addresses of this machine.
    pub(crate) async fn stranger_from(&self, address: [u8; 4]) -> Client<TcpStream> {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        Client(BufReader::new(socket.connect(self.address).await.unwrap()))
    }

    /// How the next session ended, seen from its own side.
    pub(crate) async fn end(&mut self) -> &'static str {
        self.ends.recv().await.unwrap()
    }
}

/// Speaks in lines.
pub(crate) struct Client<S>(pub(crate) BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next line, or nothing at the end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.send(&format!("{text}\r\n")).await;
        self.line().await
    }

    /// All bytes until the end, however rude that is.
    pub(crate) async fn rest_or_reset(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest).await {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
            _ => rest,
        }
    }

    /// All bytes until the end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.unwrap();
        rest
    }
}

impl Client<TcpStream> {
    /// The handshake of a strict client that trusts `roots` alone.
    pub(crate) async fn encrypt(
        self,
        name: &str,
        roots: &[Vec<u8>],
    ) -> std::io::Result<Client<TlsStream<TcpStream>>> {
        assert!(self.0.buffer().is_empty());
        let stream = connector(roots, rustls::DEFAULT_VERSIONS)
            .connect(ServerName::try_from(name.to_owned()).unwrap(), self.0.into_inner())
            .await?;
        Ok(Client(BufReader::new(stream)))
    }
}

pub(crate) fn connector(
    roots: &[Vec<u8>],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> TlsConnector {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root.clone())).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// The certificate that `world` has written there.
pub(crate) fn der(world: &World, chain: &str) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_file(world.path(chain)).unwrap().to_vec()
}
