//! Opening a maildrop of 100 000 messages, in time and in memory.

use std::fs::File;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use mailstore::{Maildir, Namer};
use tempfile::TempDir;

const MESSAGES: usize = 100_000;

/// Names as delivery makes them, over empty files: nothing looks into them.
fn maildir() -> (TempDir, Maildir) {
    let scratch = tempfile::tempdir().unwrap();
    let maildir = Maildir::create(scratch.path().join("tanaka")).unwrap();
    let namer = Namer::new("mx.example.jp");
    for nth in 0..MESSAGES {
        let (part, flags) = if nth % 10 == 0 { ("new", "") } else { ("cur", ":2,S") };
        let name = format!("{},S={}{flags}", namer.next(), 1000 + nth);
        File::create(maildir.path().join(part).join(name)).unwrap();
    }
    // Its time stamps are to be as old as those of most maildrops.
    for part in ["new", "cur"] {
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        File::open(maildir.path().join(part)).unwrap().set_modified(long_ago).unwrap();
    }
    (scratch, maildir)
}

fn scan(c: &mut Criterion) {
    let (_scratch, maildir) = maildir();
    let mut len = 0;
    let memory = allocation_counter::measure(|| {
        let session = maildir.lock().unwrap();
        len = session.len();
        black_box(&session);
    });
    assert_eq!(len, MESSAGES);
    println!(
        "a maildrop of {MESSAGES}: {} octets a message at most while it opens, {} allocations in all",
        memory.bytes_max / MESSAGES as u64,
        memory.count_total
    );
    let mut kept = None;
    let memory = allocation_counter::measure(|| kept = Some(maildir.lock().unwrap()));
    println!("and {} octets a message are kept", memory.bytes_current / MESSAGES as i64);
    drop(kept);

    let mut group = c.benchmark_group("scan");
    group.sample_size(20);
    group.bench_function("open a maildrop of 100 000, warm", |b| {
        b.iter_batched(|| (), |()| maildir.lock().unwrap(), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
