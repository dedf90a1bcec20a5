//! Postfix's `smtp-sink`, which takes everything and counts.

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::yubin::free;

pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    child: Child,
    /// Messages so far, and when it said so.
    counts: Receiver<(usize, Instant)>,
    arrived: usize,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let address = free();
        let mut command = Command::new("smtp-sink");
        command.args(["-u", "nobody", "-c", "-m", "1000"]).arg(address.to_string()).arg("1000");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("apt-get install postfix");
        let mut output = child.stdout.take().unwrap();
        let (say, counts) = channel();
        thread::spawn(move || {
            let (mut buffer, mut line) = ([0; 4096], String::new());
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                line.push_str(&String::from_utf8_lossy(&buffer[..count]));
                // `sess=1 quit=1 mesg=12\r`, again and again: the last whole one counts.
                let last = line.rsplit('\r').nth(1).and_then(|text| text.rsplit_once("mesg="));
                if let Some(messages) = last.and_then(|(_, number)| number.trim().parse().ok()) {
                    let _ = say.send((messages, Instant::now()));
                }
                line = line.rsplit('\r').next().unwrap_or_default().to_owned();
            }
        });
        Self { address, child, counts, arrived: 0 }
    }

    /// Waits until so many more messages are there; when the last of them came.
    pub(crate) fn wait_for(&mut self, wanted: usize) -> Instant {
        let until = self.arrived + wanted;
        loop {
            let next = self.counts.recv_timeout(Duration::from_secs(60));
            let (messages, at) = next.unwrap_or_else(|_| panic!("{} of {until} came", self.arrived));
            self.arrived = messages;
            if messages >= until {
                return at;
            }
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
