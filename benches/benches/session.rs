//! A whole session, EHLO to QUIT with a body of 2 kB, and how often it allocates.
#![allow(missing_docs, reason = "criterion's macros write none")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use smtp_proto::{Channel, Config, Event, Session};

fn input() -> Vec<u8> {
    let body = b"a line of a letter, as people write them\r\n".repeat(48);
    [
        &b"EHLO client.example.jp\r\nMAIL FROM:<taro@example.jp> SIZE=2016\r\nRCPT TO:<hanako@example.jp>\r\nDATA\r\n"[..],
        &body,
        b".\r\nQUIT\r\n",
    ]
    .concat()
}

fn whole(config: &Arc<Config>, mut input: &[u8], out: &mut Vec<u8>) -> usize {
    let mut session = Session::new(config.clone(), Channel::Clear);
    let mut octets = 0;
    out.clear();
    session.greet(out);
    loop {
        let step = session.step(input, out).unwrap();
        input = &input[step.consumed..];
        match step.event {
            Event::Body(body) => octets += black_box(body).len(),
            Event::Close(_) | Event::NeedInput => return octets,
            _ => session.accept(out).unwrap(),
        }
    }
}

fn session(c: &mut Criterion) {
    let (config, input) = (Arc::new(Config::new("mx.example.jp")), input());
    let mut out = Vec::with_capacity(1 << 12);
    let allocations = allocation_counter::measure(|| {
        assert_eq!(whole(&config, &input, &mut out), 2016);
    });
    println!("allocations a session: {}", allocations.count_total);
    c.bench_function("session smtp", |b| b.iter(|| whole(&config, black_box(&input), &mut out)));
}

criterion_group!(benches, session);
criterion_main!(benches);
