//! A conversation in lines with a server, over TLS that is checked strictly.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// On one machine, an answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The client's end.
pub(super) struct Conversation {
    stream: BufReader<TlsStream<TcpStream>>,
}

impl Conversation {
    /// Connects to a port with implicit TLS, trusting one certificate and no other.
    pub(super) async fn open(server: SocketAddr, certificate: &Path) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for trusted in CertificateDer::pem_file_iter(certificate).map_err(io::Error::other)? {
            roots.add(trusted.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        // The certificate of a quickstart is for this address, too.
        let name = ServerName::from(server.ip());
        let connected = async {
            let stream = TcpStream::connect(server).await?;
            TlsConnector::from(Arc::new(config)).connect(name, stream).await
        };
        Ok(Self { stream: BufReader::new(timeout(PATIENCE, connected).await??) })
    }

    /// Sends octets as they are.
    pub(super) async fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await
    }

    /// Reads a line, without its ending.
    pub(super) async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match timeout(PATIENCE, self.stream.read_line(&mut line)).await?? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    /// Says a line and reads the last line of the answer, which must begin with `wanted`.
    pub(super) async fn ask(&mut self, line: &str, wanted: &str) -> io::Result<String> {
        self.send(format!("{line}\r\n").as_bytes()).await?;
        self.hear(wanted).await
    }

    /// Reads an answer to its last line, which must begin with `wanted`. Lines of SMTP before the last have a hyphen behind the code.
    pub(super) async fn hear(&mut self, wanted: &str) -> io::Result<String> {
        let mut line = self.line().await?;
        while line.as_bytes().get(3) == Some(&b'-') && line.as_bytes().iter().take(3).all(u8::is_ascii_digit)
        {
            line = self.line().await?;
        }
        match line.starts_with(wanted) {
            true => Ok(line),
            false => Err(io::Error::other(format!("instead of {wanted} the server said: {line}"))),
        }
    }
}
