//! Memory of idle connections: `cargo xtask bench idle`, or after a release build of smtpd and pop3d
//! `cargo run --release --package benches --example idle -- [--programs target/release] [--connections 10000]`.
//!
//! Each row has a daemon of its own, started anew. Its resident memory is taken after some connections came and went, so that code and
//! tables are there, and again with all connections idle; what is printed is the growth for each. Beside it stands what the kernel holds
//! for the sockets, of both ends, since both are on this machine.

#[path = "../common/trusting.rs"]
mod trusting;
#[path = "../common/yubin.rs"]
mod yubin;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use yubin::Yubin;

/// Connections that come and go before anything is measured.
const WARM_UP: usize = 500;
/// Connections from one source address, well below the number of its ports.
const PER_ADDRESS: usize = 5_000;

/// Daemon, with TLS, what the client says and is answered with before it falls silent.
#[rustfmt::skip]
const ROWS: [(&str, bool, &str, f64); 6] = [
    ("smtpd", false, "",                 6.0),
    ("smtpd", false, "EHLO localhost\r\n", 6.0),
    ("smtpd", true,  "",                24.0),
    ("smtpd", true,  "EHLO localhost\r\n", 24.0),
    ("pop3d", false, "",                 6.0),
    ("pop3d", true,  "",                24.0),
];

fn main() {
    let (programs, connections) = options();
    raise_descriptor_limit(connections);
    let world = yubin::world();
    let client = Arc::new(trusting::config(rustls::DEFAULT_VERSIONS));
    println!("{connections} idle connections        KiB each: resident   at most   kernel, both ends");
    for (name, tls, says, most) in ROWS {
        let daemon = Yubin::start(name, &programs, world.path());
        let connect = |number: usize| connect(&daemon, number, tls, says, &client);
        drop((0..WARM_UP).map(connect).collect::<Vec<_>>());
        let (resident, kernel) = settled(&daemon);
        let open: Vec<TcpStream> = (0..connections).map(connect).collect();
        let (with, kernel_with) = settled(&daemon);
        let each = |grown: f64| grown / connections as f64;
        let how = if tls { "TLS" } else { "clear" };
        let when = if says.is_empty() { "before any command" } else { "after EHLO" };
        println!(
            "{name}, {how:<5}, {when:<18} {:>14.2} {most:>9.0} {:>19.2}",
            each(with - resident),
            each(kernel_with - kernel)
        );
        drop(open);
    }
}

fn options() -> (PathBuf, usize) {
    let (mut programs, mut connections) = (PathBuf::from("target/release"), 10_000);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_else(|| panic!("{word} wants a value"));
        match word.as_str() {
            "--programs" => programs = value.into(),
            "--connections" => connections = value.parse().unwrap(),
            _ => panic!("--programs DIRECTORY, --connections N"),
        }
    }
    (programs, connections)
}

/// A connection that was greeted, said its word and heard the answer; its TLS state, if any, is forgotten on this side.
fn connect(daemon: &Yubin, number: usize, tls: bool, says: &str, config: &Arc<ClientConfig>) -> TcpStream {
    let source = u8::try_from(1 + number / PER_ADDRESS).unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, source), 0)).into()).unwrap();
    let to = if tls { daemon.tls } else { daemon.clear };
    socket.connect(&to.into()).unwrap();
    // Closed by a reset, a connection leaves no port occupied for the next row.
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    if !tls {
        converse(&mut (&stream), says);
        return stream;
    }
    let session = ClientConnection::new(config.clone(), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, stream);
    converse(&mut stream, says);
    stream.sock
}

fn converse(stream: &mut (impl Read + Write), says: &str) {
    answer(stream);
    if !says.is_empty() {
        stream.write_all(says.as_bytes()).unwrap();
        answer(stream);
    }
}

/// Reads to the end of a reply.
fn answer(stream: &mut impl Read) {
    let (mut come, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let octets = stream.read(&mut buffer).unwrap();
        assert!(octets > 0, "the server closed");
        come.extend_from_slice(&buffer[..octets]);
        let last = come.trim_ascii_end().rsplit(|&octet| octet == b'\n').next().unwrap();
        if come.ends_with(b"\r\n") && last.get(3) != Some(&b'-') {
            return;
        }
    }
}

/// Resident memory of the daemon and the kernel's memory for sockets, in KiB, once the first does not change any more.
fn settled(daemon: &Yubin) -> (f64, f64) {
    let mut last = f64::NAN;
    for _ in 0..50 {
        sleep(Duration::from_millis(200));
        let now = resident(daemon.pid());
        if (now - last).abs() < 16.0 {
            break;
        }
        last = now;
    }
    (resident(daemon.pid()), kernel())
}

fn resident(pid: u32) -> f64 {
    number_after(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap(), "VmRSS:")
}

/// Tables of sockets, files and the like, and the sockets' buffers.
fn kernel() -> f64 {
    let slab = number_after(&fs::read_to_string("/proc/meminfo").unwrap(), "Slab:");
    let sockets = fs::read_to_string("/proc/net/sockstat").unwrap();
    let tcp = sockets.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let pages = number_after(tcp, " mem");
    slab + pages * 4.0
}

fn number_after(text: &str, word: &str) -> f64 {
    let (_, rest) = text.split_once(word).unwrap_or_else(|| panic!("no {word}"));
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

fn raise_descriptor_limit(connections: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let wanted = connections as u64 + 100;
    assert!(limit.maximum.is_none_or(|most| most >= wanted), "the system allows too few descriptors");
}
