//! What bounds any server: a loop that reads a file and writes it to a socket (or a rustls stream), and knows nothing else.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::mail::{Whose, World};

/// How much is read and written at once.
const PIECE: usize = 64 << 10;

/// Serves the messages of one user by number, to whoever connects, until the program ends.
pub(crate) fn serve(world: &World, user: &str, tls: bool) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let new = fs::read_dir(world.maildir(Whose::Yubin, user).join("new")).unwrap();
    let mut files: Vec<PathBuf> = new.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files = Arc::new(files);
    let config = tls.then(|| config(world));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (files, config) = (files.clone(), config.clone());
            let stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || match config {
                Some(config) => {
                    answer(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), &files)
                }
                None => answer(stream, &files),
            });
        }
    });
    address
}

fn config(world: &World) -> Arc<ServerConfig> {
    let chain = CertificateDer::from_pem_file(world.path("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(world.path("key.pem")).unwrap();
    Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(vec![chain], key).unwrap())
}

fn answer(stream: impl Read + Write, files: &[PathBuf]) {
    let mut stream = BufReader::new(stream);
    let mut piece = Vec::with_capacity(PIECE + 64);
    let mut line = String::new();
    let _ = stream.get_mut().write_all(b"+OK\r\n");
    while stream.read_line(&mut line).is_ok_and(|octets| octets > 0) {
        piece.clear();
        piece.extend_from_slice(b"+OK\r\n");
        if let Some(number) = line.strip_prefix("RETR ") {
            let number: usize = number.trim().parse().unwrap();
            let mut file = File::open(&files[number - 1]).unwrap();
            while Read::by_ref(&mut file).take(PIECE as u64).read_to_end(&mut piece).unwrap() == PIECE {
                stream.get_mut().write_all(&piece).unwrap();
                piece.clear();
            }
            piece.extend_from_slice(b".\r\n");
        }
        if stream.get_mut().write_all(&piece).is_err() || line.starts_with("QUIT") {
            return;
        }
        line.clear();
    }
}
