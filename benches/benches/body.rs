//! Octets a second: un-stuffing with CR/LF policing, stuffing, and `memcpy` over the same buffer as the measure.
#![allow(missing_docs, reason = "criterion's macros write none")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mail_wire::{Chunk, Stuffer, Unstuffer};

/// A mebibyte of base64 in lines of 76, as attachments are, and of text with a dot at every tenth line's start.
fn bodies() -> [(&'static str, Vec<u8>); 2] {
    let base64 = [b"A".repeat(76).as_slice(), b"\r\n"].concat();
    let mut text: Vec<u8> = b"a line of a letter, as people write them\r\n".repeat(9);
    text.extend_from_slice(b"..signature\r\n");
    [("base64", base64.repeat((1 << 20) / base64.len())), ("text", text.repeat((1 << 20) / text.len()))]
}

fn unstuff(body: &[u8]) -> usize {
    let mut unstuffer = Unstuffer::new();
    let (mut at, mut octets) = (0, 0);
    loop {
        let (consumed, chunk) = unstuffer.next(&body[at..]);
        at += consumed;
        match chunk {
            Chunk::Data(data) => octets += black_box(data).len(),
            Chunk::End | Chunk::NeedInput => return octets,
        }
    }
}

fn stuff(body: &[u8]) -> usize {
    let mut stuffer = Stuffer::new();
    let (mut at, mut octets) = (0, 0);
    while let Some(piece) = stuffer.next(&body[at..]) {
        at += piece.consumed;
        octets += black_box(piece.octets).len();
    }
    octets
}

fn body(c: &mut Criterion) {
    let mut group = c.benchmark_group("body");
    for (name, body) in bodies() {
        group.throughput(Throughput::Bytes(body.len() as u64));
        let mut copy = vec![0; body.len()];
        group.bench_function(format!("memcpy {name}"), |b| {
            b.iter(|| copy.copy_from_slice(black_box(&body)));
        });
        group.bench_function(format!("unstuff {name}"), |b| b.iter(|| unstuff(black_box(&body))));
        group.bench_function(format!("stuff {name}"), |b| b.iter(|| stuff(black_box(&body))));
    }
    group.finish();
}

criterion_group!(benches, body);
criterion_main!(benches);
