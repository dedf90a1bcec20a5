//! TLS handshakes a second, full and resumed, of smtpd beside Debian's Postfix, both with TLS from the first byte and one ECDSA
//! certificate: `cargo xtask bench tls`, or after a release build
//! `cargo run --release --package benches --example tls -- --smtpd target/release/smtpd`.
//!
//! Client and servers share the machine. So what is a server's alone is its processor time for 1000 handshakes; the rates hold the
//! client's share of the work too.

#[path = "../common/measure.rs"]
mod measure;
#[path = "../common/postfix.rs"]
mod postfix;
mod tickets;
#[path = "../common/trusting.rs"]
mod trusting;
#[path = "../common/yubin.rs"]
mod yubin;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use measure::{Figures, row};
use postfix::Postfix;
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, StreamOwned, SupportedProtocolVersion, version};
use tickets::Tickets;
use yubin::Yubin;

/// Clients at once: enough that no server waits for one, for with few the acknowledgement that Postfix waits for before its greeting
/// (40 ms) would be all that is measured.
const CLIENTS: usize = 32;

fn main() {
    let options = Options::read();
    let world = yubin::world();
    let programs = options.smtpd.parent().unwrap();
    let ours = Yubin::start("smtpd", programs, world.path());
    let (at, place) = (yubin::free(), world.path().display());
    let main = format!(
        "myhostname = localhost\nlocal_recipient_maps =\nmynetworks =\nsmtpd_peername_lookup = no\n\
         smtpd_tls_chain_files = {place}/key.pem, {place}/cert.pem\nsmtpd_tls_security_level = may\n"
    );
    let theirs = Postfix::start(world.path(), at, &main, (CLIENTS + 20, "-o smtpd_tls_wrappermode=yes"));
    let servers = [(ours.pid(), ours.tls), (theirs.pid(), at)];
    println!("{:<34} {:>14} {:>14} {:>8}", "", "yubin", "postfix", "ratio");
    for (name, version) in [("TLS 1.3", &version::TLS13), ("TLS 1.2", &version::TLS12)] {
        for resumed in [false, true] {
            let mut rates = [Figures::default(), Figures::default()];
            let mut costs = rates.clone();
            for round in 0..=options.rounds {
                for (server, (rates, costs)) in servers.iter().zip(rates.iter_mut().zip(&mut costs)) {
                    let (rate, cost) = shake(*server, version, resumed, options.handshakes);
                    // The first round is there to start processes and fill caches.
                    if round > 0 {
                        rates.add(rate);
                        costs.add(cost);
                    }
                }
            }
            let how = if resumed { "resumed" } else { "full" };
            row(&format!("handshakes a second, {name}, {how}"), &rates);
            row("  CPU seconds for 1000", &costs);
        }
    }
}

struct Options {
    smtpd: PathBuf,
    rounds: usize,
    /// Of each client in a round.
    handshakes: usize,
}

impl Options {
    fn read() -> Self {
        let mut options = Self { smtpd: "target/release/smtpd".into(), rounds: 5, handshakes: 100 };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{word} wants a value"));
            match word.as_str() {
                "--smtpd" => options.smtpd = value.into(),
                "--rounds" => options.rounds = value.parse().unwrap(),
                "--handshakes" => options.handshakes = value.parse().unwrap(),
                _ => panic!("--smtpd PATH, --rounds N, --handshakes N"),
            }
        }
        options
    }
}

/// Handshakes a second, and the server's processor seconds for 1000 of them.
fn shake(
    (pid, address): (u32, SocketAddr),
    version: &'static SupportedProtocolVersion,
    resumed: bool,
    handshakes: usize,
) -> (f64, f64) {
    let clients: Vec<_> = (0..CLIENTS).map(|_| Client::new(address, version, resumed)).collect();
    let visits = |wanted: HandshakeKind| {
        thread::scope(|scope| {
            for client in &clients {
                scope.spawn(move || (0..handshakes).for_each(|_| client.visit(wanted)));
            }
        });
    };
    if resumed {
        visits(HandshakeKind::Full);
    }
    clients.iter().for_each(|client| client.tickets.use_them(true));
    let (cpu, since) = (measure::cpu(pid), Instant::now());
    visits(if resumed { HandshakeKind::Resumed } else { HandshakeKind::Full });
    let done = (CLIENTS * handshakes) as f64;
    (done / since.elapsed().as_secs_f64(), (measure::cpu(pid) - cpu) / done * 1_000.0)
}

struct Client {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    tickets: Arc<Tickets>,
}

impl Client {
    fn new(address: SocketAddr, version: &'static SupportedProtocolVersion, resumed: bool) -> Self {
        let (mut config, tickets) = (trusting::config(&[version]), Arc::new(Tickets::default()));
        config.resumption = if resumed { Resumption::store(tickets.clone()) } else { Resumption::disabled() };
        Self { address, config: Arc::new(config), tickets }
    }

    /// Connects, is greeted, says QUIT.
    fn visit(&self, wanted: HandshakeKind) {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_nodelay(true).unwrap();
        let session = ClientConnection::new(self.config.clone(), "localhost".try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        let mut buffer = [0; 4096];
        // What TLS 1.3 resumes with comes before it.
        let octets = stream.read(&mut buffer).unwrap();
        assert!(buffer[..octets].starts_with(b"220 "));
        stream.write_all(b"QUIT\r\n").unwrap();
        assert_eq!(stream.conn.handshake_kind(), Some(wanted));
    }
}
