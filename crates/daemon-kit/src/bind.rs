//! Addresses: taken all at once before anybody is served, then a doorman for each.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use socket2::{Domain, Socket, TcpKeepalive, Type};

use crate::config::{Address, Config, Fault, Faults, Listener, Protocol};
use crate::house::House;
use crate::limits;
use crate::log::event;
use crate::serve::Service;

/// An address that is ours.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) socket: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) listener: Arc<Listener>,
}

/// Binds every address of the protocol; the faults are of those that cannot be had.
pub(crate) fn all(config: &Config, protocol: Protocol) -> Result<Vec<Door>, Faults> {
    let mut doors = Vec::new();
    let mut faults = Vec::new();
    for listener in config.listeners(protocol) {
        for address in &listener.addresses {
            match bind(address.socket) {
                Ok((socket, address)) => doors.push(Door { socket, address, listener: listener.clone() }),
                Err(error) => faults.push(explain(address, &error)),
            }
        }
    }
    if !faults.is_empty() {
        return Err(Faults { file: config.file.clone(), faults });
    }
    if doors.is_empty() {
        let what = format!("there is no listener for {protocol}");
        return Err(Faults::whole_file(
            &config.file,
            what,
            format!("[[listener]] with protocol = \"{protocol}\""),
        ));
    }
    Ok(doors)
}

fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        // "[::]:25" and "0.0.0.0:25" are two addresses, on every system, whatever its default is.
        socket.set_only_v6(true)?;
    }
    // A restart must not wait until the last run's connections are forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Connections have it from their listener.
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(limits::KEEPALIVE)
            .with_interval(limits::KEEPALIVE_INTERVAL)
            .with_retries(limits::KEEPALIVE_PROBES),
    )?;
    socket.bind(&address.into())?;
    socket.listen(limits::BACKLOG)?;
    let socket = TcpListener::from(socket);
    let address = socket.local_addr()?;
    Ok((socket, address))
}

fn explain(address: &Address, error: &io::Error) -> Fault {
    let Address { socket, position } = *address;
    let (ip, port) = (socket.ip(), socket.port());
    let (what, remedy) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            format!("port {port} on {ip} is in use by another program"),
            format!("another address, or stop that program (`ss -ltnp 'sport = :{port}'` shows it)"),
        ),
        io::ErrorKind::PermissionDenied => (
            format!("port {port} may not be used by this user"),
            String::from("a port from 1024 on, or start as root or with CAP_NET_BIND_SERVICE"),
        ),
        io::ErrorKind::AddrNotAvailable => (
            format!("{ip} is not an address of this machine"),
            format!(
                "one of its own addresses (`ip address` shows them), or {}",
                if ip.is_ipv4() { "0.0.0.0" } else { "[::]" }
            ),
        ),
        _ => (
            format!("{socket} cannot be used: {error}"),
            String::from("an address that this machine can listen on"),
        ),
    };
    Fault { position: Some(position), what, remedy }
}

/// Takes connections until the drain.
pub(crate) async fn accept<S: Service>(
    socket: tokio::net::TcpListener,
    listener: Arc<Listener>,
    house: Arc<House<S>>,
) {
    let (least, most) = limits::ACCEPT_PAUSE;
    let mut pause = least;
    loop {
        let accepted = tokio::select! {
            biased;
            () = house.drain.begun() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = least;
                house.welcome(stream, SocketAddr::new(peer.ip().to_canonical(), peer.port()), &listener);
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(event = event::ACCEPT_FAILED, %error, pause_ms = pause.subsec_millis());
                tokio::select! {
                    () = house.drain.begun() => return,
                    () = tokio::time::sleep(pause) => pause = most.min(pause * 2),
                }
            }
        }
    }
}

/// A connection that was gone before it was taken concerns nobody else.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;

    use super::*;

    #[test]
    fn a_connection_whose_peer_is_gone_is_found_out_by_keepalive() {
        let (listener, address) = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), limits::KEEPALIVE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), limits::KEEPALIVE_INTERVAL);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), limits::KEEPALIVE_PROBES);
    }
}
