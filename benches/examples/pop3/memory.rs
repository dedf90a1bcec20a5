//! What a session costs that waits: each figure of servers that have just started, for what one measure leaves behind the next would
//! find.

use std::thread;
use std::time::Duration;

use crate::client::Client;
use crate::daemons::Daemon;
use crate::mail::{DOVECOTS, World, idler};
use crate::measure::{self, Figures, row};

/// Connections before login.
const STRANGERS: usize = 1_000;

pub(crate) fn run(world: &World, rounds: usize) {
    println!("(memory logged in: {} sessions, Dovecot {DOVECOTS}; 1000 messages each)", world.sessions);
    for tls in [false, true] {
        let how = if tls { "TLS" } else { "clear" };
        let stranger = |server: &Daemon, _| Client::connect(server.address(tls), tls);
        row(&format!("KiB before login, {how}"), &grown(world, rounds, [STRANGERS; 2], stranger));
        let logged_in = |server: &Daemon, number| {
            let mut client = Client::connect(server.address(tls), tls);
            client.login(&idler(number));
            client
        };
        let sessions = [world.sessions, DOVECOTS.min(world.sessions)];
        row(&format!("KiB logged in, {how}"), &grown(world, rounds, sessions, logged_in));
    }
}

/// By how much each server has grown for each of so many clients, behind the first few: what those cost once, all share.
fn grown(
    world: &World,
    rounds: usize,
    clients: [usize; 2],
    connect: impl Fn(&Daemon, usize) -> Client,
) -> [Figures; 2] {
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..rounds {
        let servers = Daemon::both(world);
        for ((server, figures), clients) in servers.iter().zip(&mut figures).zip(clients) {
            let first = clients / 10;
            let mut open: Vec<_> = (0..first).map(|number| connect(server, number)).collect();
            let before = measure::memory(server.pid());
            open.extend((first..clients).map(|number| connect(server, number)));
            thread::sleep(Duration::from_secs(1));
            figures.add((measure::memory(server.pid()) - before) / (clients - first) as f64);
        }
    }
    figures
}
