//! Deliveries a second, beside the disk's own limit in the same run: a bare loop of (create, write 4 KiB, fsync, rename, fsync
//! directory) with as many writers.
//!
//! `YUBIN_BENCH_DIR` names the directory to measure in, `YUBIN_BENCH_ROUNDS` how often each is measured; rounds alternate, so that
//! the disk's moods fall on all alike. The ratio is of one round's pair, then the median of all rounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use delivery::{Envelope, LocalDelivery, Mailbox, QueueId, Recipient, StoreConfig};
use mailstore::{Maildir, Namer};

const ROUND: Duration = Duration::from_millis(1000);
const WRITERS: [usize; 3] = [1, 10, 100];

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
    for (layout, apart) in [("a mailbox for each writer", true), ("one mailbox for all", false)] {
        for writers in WRITERS {
            compare(&parent, rounds, layout, writers, apart);
        }
    }
}

type Way = (&'static str, fn(&Path, usize, bool) -> f64);

const WAYS: [Way; 4] = [
    ("bare loop", bare),
    ("the same, directory syncs merged", bare_merged),
    ("mailstore", through_mailstore),
    ("delivery", through_delivery),
];

fn compare(parent: &Path, rounds: usize, layout: &str, writers: usize, apart: bool) {
    println!("\n{layout}, {writers} at once");
    let mut rates = WAYS.map(|_| Vec::new());
    for _ in 0..rounds {
        for (rates, (_, way)) in rates.iter_mut().zip(WAYS) {
            let scratch = tempfile::tempdir_in(parent).unwrap();
            rates.push(way(scratch.path(), writers, apart));
        }
    }
    let limits = rates[0].clone();
    for ((name, _), rates) in WAYS.iter().zip(rates) {
        let ratios = rates.iter().zip(&limits).map(|(rate, limit)| rate / limit).collect();
        let ((rate, least, most), (ratio, low, high)) = (spread(rates), spread(ratios));
        println!("  {name:<33} {rate:>6.0}/s ({least:.0}–{most:.0})   {ratio:.2} ({low:.2}–{high:.2})");
    }
}

fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

fn message() -> Vec<u8> {
    b"0123456789012345678901234567890123456789012345678901234567890\r\n".repeat(66)[..4096].to_vec()
}

fn directory(root: &Path, writer: usize, apart: bool) -> PathBuf {
    root.join(if apart { format!("box{writer}") } else { "box".to_owned() })
}

/// Runs `work` in so many threads until the time is over; how often a second it came back.
fn race(writers: usize, work: impl Fn(usize) + Sync) -> f64 {
    let done = AtomicUsize::new(0);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (work, done) = (&work, &done);
            scope.spawn(move || {
                while begin.elapsed() < ROUND {
                    work(writer);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
}

fn bare(root: &Path, writers: usize, apart: bool) -> f64 {
    bare_with(root, writers, apart, |_, new| File::open(new).unwrap().sync_all().unwrap())
}

fn bare_merged(root: &Path, writers: usize, apart: bool) -> f64 {
    let mergers: Vec<_> = (0..writers).map(|_| Merger::default()).collect();
    bare_with(root, writers, apart, |writer, new| mergers[if apart { writer } else { 0 }].sync(new))
}

fn bare_with(root: &Path, writers: usize, apart: bool, sync_dir: impl Fn(usize, &Path) + Sync) -> f64 {
    for writer in 0..writers {
        for part in ["tmp", "new"] {
            fs::create_dir_all(directory(root, writer, apart).join(part)).unwrap();
        }
    }
    let (message, count) = (message(), AtomicUsize::new(0));
    race(writers, |writer| {
        let dir = directory(root, writer, apart);
        let name = count.fetch_add(1, Ordering::Relaxed).to_string();
        let (tmp, new) = (dir.join("tmp").join(&name), dir.join("new"));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&tmp).unwrap();
        file.write_all(&message).unwrap();
        file.sync_all().unwrap();
        fs::rename(&tmp, new.join(&name)).unwrap();
        sync_dir(writer, &new);
    })
}

/// Whoever wants a sync while one runs waits for the next, which one of them does for all.
#[derive(Default)]
struct Merger {
    state: Mutex<MergerState>,
    done: Condvar,
}

#[derive(Default)]
struct MergerState {
    begun: u64,
    done: u64,
}

impl Merger {
    fn sync(&self, dir: &Path) {
        let mut state = self.state.lock().unwrap();
        let wanted = state.begun + 1;
        while state.done < wanted {
            if state.begun > state.done {
                state = self.done.wait(state).unwrap();
                continue;
            }
            state.begun += 1;
            let this = state.begun;
            drop(state);
            File::open(dir).unwrap().sync_all().unwrap();
            state = self.state.lock().unwrap();
            state.done = this;
            self.done.notify_all();
        }
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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = StoreConfig::new(root.join("mail"), root.join("queue"), "mx.example.jp");
    for writer in 0..writers {
        Maildir::create(directory(&root.join("mail"), writer, apart)).unwrap();
    }
    runtime.block_on(async {
        let local = LocalDelivery::open(store).unwrap();
        let begin = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (local, message) = (local.clone(), message());
                let key = directory(Path::new(""), writer, apart).to_str().unwrap().to_owned();
                tokio::spawn(async move {
                    let mut done = 0_usize;
                    while begin.elapsed() < ROUND {
                        let to = Recipient::new(Mailbox::new(key.clone()).unwrap(), "tanaka@example.jp");
                        let envelope = Envelope::new(QueueId::new(), "sato@example.jp", vec![to]);
                        let mut incoming = local.begin(envelope, Vec::new());
                        incoming.write(&message).await.unwrap();
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
