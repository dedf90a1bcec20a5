//! Addresses for servers that must be told their port before they have it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the system gives away by itself, as the source of a connection or to who asks for any.
const FIRST_PORT: u16 = 20_000;

/// An address of loopback that no other process, and nobody in this one, is given: a port that was free a moment ago may be somebody
/// else's by the time a server wants it.
#[must_use]
pub fn address() -> SocketAddrV4 {
    static SERIAL: AtomicU16 = AtomicU16::new(0);
    // A process id has at most 22 bits (proc(5), pid_max).
    let [_, high, middle, low] = process::id().to_be_bytes();
    let ip = Ipv4Addr::new(127, 128 | (high & 0x3f), middle, low);
    SocketAddrV4::new(ip, FIRST_PORT + SERIAL.fetch_add(1, Ordering::Relaxed))
}
