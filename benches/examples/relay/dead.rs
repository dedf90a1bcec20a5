//! A queue that is full of mail for a host which does not answer.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use benches::disk::message;
use mail_queue::{Envelope, QueueId, Remote, Spool, SpoolConfig};

use crate::measure;

/// Nobody listens there.
pub(crate) const ROUTE: &str = "[[route]]\ndomain = \"dead.example\"\nhost = \"127.0.0.1:1\"\n";

const THREADS: usize = 32;

/// As a daemon before has left it, or a run before this one.
pub(crate) fn fill(world: &Path, messages: usize) {
    let config = SpoolConfig {
        queue: world.join("queue"),
        maildirs: world.join("mail"),
        host: "mx.example.jp".into(),
    };
    let (spool, recovery) = Spool::open(config).unwrap();
    let messages = messages.saturating_sub(recovery.outbound.len());
    let text = message();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (spool, text) = (&spool, &text);
            scope.spawn(move || {
                for nth in (thread..messages).step_by(THREADS) {
                    let id = QueueId::new();
                    let remotes = vec![Remote::new(format!("user{nth}@dead.example"))];
                    let mut incoming = spool.begin(id).unwrap();
                    incoming.write(text).unwrap();
                    let envelope = Envelope { remotes, ..Envelope::new(id, crate::SENDER, Vec::new()) };
                    let _ = incoming.accept(envelope).unwrap();
                }
            });
        }
    });
}

/// Says what it cost.
pub(crate) fn started(world: &Path, (pid, address): (u32, SocketAddr), messages: usize, begin: Instant) {
    // Its port is open before it has read its queue.
    TcpStream::connect(address).unwrap().read_exact(&mut [0; 4]).unwrap();
    let serves = begin.elapsed().as_secs_f64();
    // It says how its queue stands when it has read all of it.
    while !fs::read_to_string(world.join("smtpd.log")).unwrap().contains("queue_status") {
        thread::sleep(Duration::from_millis(20));
    }
    println!(
        "{messages} messages for a dead host: it serves after {serves:.2} s, knows all after {:.2} s, in {:.0} MiB",
        begin.elapsed().as_secs_f64(),
        measure::memory(pid) / 1024.0
    );
}
