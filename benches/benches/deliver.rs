//! Deliveries a second, beside the disk's own limit in the same run: a bare loop of (create, write 4 KiB, fsync, rename, fsync
//! directory) with as many writers.
//!
//! `YUBIN_BENCH_DIR` names the directory to measure in, `YUBIN_BENCH_ROUNDS` how often each is measured; rounds alternate, and each way
//! has each place in them, so that the disk's moods fall on all alike. The ratio is of one round's pair, then the median of all rounds. `YUBIN_BENCH_PARTS` names those
//! that are wanted: `apart`, `together`, `large`, `recipients`.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use benches::disk::{Ground, ROUND, bare, bare_merged, directory, message, race, spread};
use delivery::{Envelope, LocalDelivery, Mailbox, QueueId, Recipient, StoreConfig};
use mailstore::{Maildir, Namer};

const WRITERS: [usize; 3] = [1, 10, 100];
const LARGE: usize = 10 << 20;

fn main() {
    // Criterion's arguments are for the other benches; a filter that does not mean this one leaves it out.
    let filter = env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if filter.is_some_and(|filter| !"deliver".contains(&*filter)) || env::args().any(|one| one == "--test") {
        return;
    }
    let rounds = env::var("YUBIN_BENCH_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let parent = env::var_os("YUBIN_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
    println!(
        "4 KiB messages a second in {}, median of {rounds} rounds (least–most); ratio to the bare loop",
        parent.display()
    );
    let ground = &Ground::new(&parent);
    let parts = env::var("YUBIN_BENCH_PARTS").unwrap_or_else(|_| "apart,together,large,recipients".into());
    for part in parts.split(',') {
        match part {
            "apart" => {
                WRITERS.iter().for_each(|&n| compare(ground, rounds, "a mailbox for each writer", n, true))
            }
            "together" => {
                WRITERS.iter().for_each(|&n| compare(ground, rounds, "one mailbox for all", n, false))
            }
            "large" => large(ground, rounds),
            "recipients" => ten_recipients(ground, rounds),
            _ => panic!("there is no part {part}"),
        }
    }
}

/// Octets a second of large messages, beside one process that writes and syncs as many.
fn large(ground: &Ground, rounds: usize) {
    let text = message().repeat(LARGE / 4096);
    let (mut limits, mut rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (scratch, count) = (ground.place(), AtomicUsize::new(0));
        let limit = race(1, |_| {
            let path = scratch.join(count.fetch_add(1, Ordering::Relaxed).to_string());
            let mut file = File::create(path).unwrap();
            text.chunks(StoreConfig::SMALL_MESSAGE).for_each(|piece| file.write_all(piece).unwrap());
            file.sync_all().unwrap();
        });
        fs::remove_dir_all(scratch).unwrap();
        let scratch = ground.place();
        let rate = deliveries(&scratch, 1, true, &text, 1);
        fs::remove_dir_all(scratch).unwrap();
        limits.push(limit * LARGE as f64 / 1e6);
        rates.push(rate * LARGE as f64 / 1e6);
        ratios.push(rate / limit);
    }
    let (limit, (rate, least, most), (ratio, low, high)) = (spread(limits), spread(rates), spread(ratios));
    println!(
        "\n10 MiB messages, MB/s: write and fsync {:.0}, delivery {rate:.0} ({least:.0}–{most:.0})   {ratio:.2} ({low:.2}–{high:.2})",
        limit.0
    );
}

/// One message for ten mailboxes, written once, beside one for one.
fn ten_recipients(ground: &Ground, rounds: usize) {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (recipients, rates) in [1, 10].into_iter().zip(&mut rates) {
            rates.push(deliveries(&ground.place(), 10, true, &message(), recipients));
        }
    }
    let [(one, ..), (ten, least, most)] = rates.map(spread);
    println!(
        "\n10 at once: {one:.0}/s to one mailbox each, {ten:.0}/s ({least:.0}–{most:.0}) to ten each: {:.0} entries a second",
        ten * 10.0
    );
}

type Way = (&'static str, fn(&Path, usize, bool) -> f64);

const WAYS: [Way; 4] = [
    ("bare loop", bare),
    ("the same, directory syncs merged", bare_merged),
    ("mailstore", through_mailstore),
    ("delivery", through_delivery),
];

fn compare(ground: &Ground, rounds: usize, layout: &str, writers: usize, apart: bool) {
    println!("\n{layout}, {writers} at once");
    let mut rates = WAYS.map(|_| Vec::new());
    for round in 0..rounds {
        let order = (0..WAYS.len()).map(|nth| (nth + round) % WAYS.len());
        for way in order {
            rates[way].push(WAYS[way].1(&ground.place(), writers, apart));
        }
    }
    let limits = rates[0].clone();
    for ((name, _), rates) in WAYS.iter().zip(rates) {
        let ratios = rates.iter().zip(&limits).map(|(rate, limit)| rate / limit).collect();
        let ((rate, least, most), (ratio, low, high)) = (spread(rates), spread(ratios));
        println!("  {name:<33} {rate:>6.0}/s ({least:.0}–{most:.0})   {ratio:.2} ({low:.2}–{high:.2})");
    }
}

fn through_mailstore(root: &Path, writers: usize, apart: bool) -> f64 {
    let maildirs: Vec<_> =
        (0..writers).map(|writer| Maildir::create(directory(root, writer, apart)).unwrap()).collect();
    let (message, namer) = (message(), Namer::new("mx.example.jp"));
    race(writers, |writer| {
        let mut delivery = maildirs[writer].begin(&namer).unwrap();
        delivery.write(&message).unwrap();
        delivery.commit().unwrap();
    })
}

fn through_delivery(root: &Path, writers: usize, apart: bool) -> f64 {
    deliveries(root, writers, apart, &message(), 1)
}

/// So many tasks, each with messages to a mailbox of its own and, where there are more recipients, to those of others.
fn deliveries(root: &Path, writers: usize, apart: bool, text: &[u8], recipients: usize) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = StoreConfig::new(root.join("mail"), root.join("queue"), "mx.example.jp");
    for writer in 0..writers.max(recipients) {
        Maildir::create(directory(&root.join("mail"), writer, apart)).unwrap();
    }
    runtime.block_on(async {
        let local = LocalDelivery::open(store).unwrap();
        let begin = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (local, text) = (local.clone(), text.to_vec());
                let key = |of: usize| directory(Path::new(""), of, apart).to_str().unwrap().to_owned();
                let others = (0..).filter(move |other| *other != writer).take(recipients - 1);
                let to: Vec<_> = std::iter::once(writer)
                    .chain(others)
                    .map(|of| Recipient::new(Mailbox::new(key(of)).unwrap(), "tanaka@example.jp"))
                    .collect();
                tokio::spawn(async move {
                    let mut done = 0_usize;
                    while begin.elapsed() < ROUND {
                        let envelope = Envelope::new(QueueId::new(), "sato@example.jp", to.clone());
                        let mut incoming = local.begin(envelope, Vec::new());
                        incoming.write(&text).await.unwrap();
                        incoming.commit().await.unwrap();
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            done += task.await.unwrap();
        }
        done as f64 / begin.elapsed().as_secs_f64()
    })
}
