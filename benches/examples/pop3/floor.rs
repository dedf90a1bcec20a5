//! What bounds any server at polls: canned answers over the same runtime, without accounts or maildrops. It is a process of its own, so
//! that what it costs can be told from what the clients cost.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The word on the command line that makes this program the floor.
pub(crate) const WORD: &str = "--floor";

/// A floor that serves until this is dropped.
pub(crate) struct Floor {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Floor {
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program).arg(WORD).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole program behind [`WORD`].
pub(crate) fn main() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream));
        }
    });
}

async fn answer(mut stream: TcpStream) {
    let mut buffer = [0; 512];
    stream.set_nodelay(true).unwrap();
    let _ = stream.write_all(b"+OK\r\n").await;
    while let Ok(octets @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(b"+OK 20 84120\r\n").await.is_err() || buffer[..octets].starts_with(b"QUIT") {
            return;
        }
    }
}
