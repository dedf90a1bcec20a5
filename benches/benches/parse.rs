//! Nanoseconds a command, as a server drives a session: found, parsed, checked against the table, answered.
#![allow(missing_docs, reason = "criterion's macros write none")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use smtp_proto::{Channel, Config, Event, Session};

/// A session that has heard `opening`.
fn smtp(opening: &[u8]) -> (Session, Vec<u8>) {
    let mut config = Config::new("mx.example.jp");
    config.limits.errors = u32::MAX;
    config.limits.idle_commands = u32::MAX;
    let (mut session, mut out) =
        (Session::new(Arc::new(config), Channel::Clear), Vec::with_capacity(1 << 12));
    drive(&mut session, opening, &mut out);
    (session, out)
}

fn drive(session: &mut Session, mut input: &[u8], out: &mut Vec<u8>) {
    out.clear();
    loop {
        let step = session.step(input, out).unwrap();
        input = &input[step.consumed..];
        match step.event {
            Event::NeedInput => return,
            Event::Reset(_) => {}
            _ => session.accept(out).unwrap(),
        }
    }
}

fn commands(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    let greeted: &[u8] = b"EHLO client.example.jp\r\n";
    let in_transaction: &[u8] = b"EHLO client.example.jp\r\nMAIL FROM:<taro@example.jp>\r\n";
    let again: &[(&str, &[u8], &[u8])] = &[
        ("NOOP", greeted, b"NOOP\r\n"),
        ("EHLO", greeted, b"EHLO client.example.jp\r\n"),
        ("RCPT", in_transaction, b"RCPT TO:<hanako@example.jp>\r\n"),
        ("unknown", greeted, b"XYZZY nothing happens\r\n"),
    ];
    for &(name, opening, line) in again {
        // RCPT runs into the recipient limit, which is answered, too; the session is renewed before that.
        group.bench_function(format!("smtp {name}"), |b| {
            b.iter_batched_ref(
                || smtp(opening),
                |(session, out)| (0..100).for_each(|_| drive(session, black_box(line), out)),
                BatchSize::SmallInput,
            );
        });
    }
    group.bench_function("smtp MAIL, RSET", |b| {
        let (mut session, mut out) = smtp(greeted);
        let line = b"MAIL FROM:<taro@example.jp> SIZE=2048 BODY=8BITMIME\r\nRSET\r\n";
        b.iter(|| drive(&mut session, black_box(line), &mut out));
    });
    group.finish();
}

criterion_group!(benches, commands);
criterion_main!(benches);
