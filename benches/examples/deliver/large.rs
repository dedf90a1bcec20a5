//! Messages of 10 MiB, one after the other, beside one process that writes and syncs as many octets.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use benches::disk::{ROUND, message, race, spread};

use crate::client::Client;
use crate::daemons::{Daemon, World};
use crate::{measure, shown};

const PIECES: usize = 80;
/// As a program would write a file that it has at hand.
const PIECE: usize = 128 << 10;
const MEBIBYTES: f64 = ((PIECES * PIECE) >> 20) as f64;
/// Megabytes a second, as disks are sold.
const MEGABYTES: f64 = (PIECES * PIECE) as f64 / 1e6;

/// Of one of the two, over all rounds.
#[derive(Default)]
struct Column {
    rates: Vec<f64>,
    /// Processor milliseconds a MiB: its own, and those of what sends to it.
    cpu: Vec<f64>,
    sender: Vec<f64>,
}

pub(crate) fn compare(world: &World, smtpd: &Daemon, rounds: usize) {
    let (mut bare, mut through, mut ratios) = (Column::default(), Column::default(), Vec::new());
    let me = || measure::cpu(std::process::id());
    for _ in 0..rounds {
        let scratch = tempfile::tempdir_in(world.path("")).unwrap();
        let (before, begin) = (me(), Instant::now());
        let limit = write_and_sync(scratch.path());
        let written = limit * begin.elapsed().as_secs_f64();
        bare.rates.push(limit * MEGABYTES);
        bare.cpu.push((me() - before) * 1000.0 / (written * MEBIBYTES));
        drop(scratch);

        let mut client = Client::connect(smtpd.address, None).of_size(PIECES * PIECE / message().len());
        let (cpu, before, begin) = (measure::cpu(smtpd.pid()), me(), Instant::now());
        let mut sent = 0.0;
        while begin.elapsed() < ROUND {
            client.send("friend@example.org", "box0@example.jp");
            sent += 1.0;
        }
        let rate = sent / begin.elapsed().as_secs_f64();
        through.rates.push(rate * MEGABYTES);
        // The daemon is a child of ours.
        let (cpu, both) = (measure::cpu(smtpd.pid()) - cpu, me() - before);
        through.cpu.push(cpu * 1000.0 / (sent * MEBIBYTES));
        through.sender.push((both - cpu) * 1000.0 / (sent * MEBIBYTES));
        ratios.push(rate / limit);
        smtpd.empty();
    }
    let each = |values: &[f64], digits| shown(spread(values.to_vec()), digits);
    println!(
        "\n10 MiB messages, MB/s: write and fsync {}   CPU {} ms a MiB",
        each(&bare.rates, 0),
        each(&bare.cpu, 2)
    );
    println!(
        "  {:<8} {}   {} of it   CPU {} ms a MiB, its client {}",
        smtpd.name,
        each(&through.rates, 0),
        each(&ratios, 2),
        each(&through.cpu, 2),
        each(&through.sender, 2)
    );
}

fn write_and_sync(directory: &Path) -> f64 {
    let (text, count) = (message().repeat(PIECE / message().len()), AtomicUsize::new(0));
    race(1, |_| {
        let path = directory.join(count.fetch_add(1, Ordering::Relaxed).to_string());
        let mut file = File::create(path).unwrap();
        (0..PIECES).for_each(|_| file.write_all(&text).unwrap());
        file.sync_all().unwrap();
    })
}
