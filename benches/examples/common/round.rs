//! As many clients as it takes, one thread each.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use benches::disk::ROUND;

use crate::client::Client;

pub(crate) struct Sent {
    pub(crate) messages: usize,
    /// From MAIL to the last 250.
    pub(crate) p99: Duration,
}

/// Sends by so many connections until the round is over. All of them are greeted before it begins.
pub(crate) fn send(address: SocketAddr, connections: usize) -> Sent {
    let mut clients: Vec<_> = (0..connections).map(|_| Client::connect(address, None)).collect();
    let begin = Instant::now();
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let each = clients.iter_mut().enumerate().map(|(nth, client)| {
            scope.spawn(move || {
                let mut times = Vec::new();
                while begin.elapsed() < ROUND {
                    let since = Instant::now();
                    client.send("friend@example.org", &format!("box{nth}@example.jp"));
                    times.push(since.elapsed());
                }
                times
            })
        });
        let threads: Vec<_> = each.collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    times.sort_unstable();
    Sent { messages: times.len(), p99: times[times.len() * 99 / 100] }
}
