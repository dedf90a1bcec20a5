//! Nanoseconds a command and octets a second, beside the crate of the registry that has our name (Stalwart's smtp-proto), and beside
//! `memcpy`: medians of runs that take turns, so that the machine's noise meets all alike. `cargo run --release` in this folder.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use mail_wire::{Chunk, Unstuffer};
use ours::{Channel, Config, Event, Extension, Extensions, Mail, Rcpt, Session};
use stalwart::request::receiver::{DataReceiver, RequestReceiver};

const ROUNDS: usize = 41;

fn main() {
    println!("{:<44} {:>9} {:>9} {:>7}", "", "ours", "theirs", "ratio");
    for (name, argument, line) in [
        ("RCPT, the line alone", "TO:<hanako@example.jp>", "RCPT TO:<hanako@example.jp>\r\n"),
        (
            "MAIL with two parameters, the line alone",
            "FROM:<taro@example.jp> SIZE=2048 BODY=8BITMIME",
            "MAIL FROM:<taro@example.jp> SIZE=2048 BODY=8BITMIME\r\n",
        ),
    ] {
        let all = Extension::ALL.iter().fold(Extensions::NONE, |set, one| set.with(*one));
        let mut ours = || match argument.starts_with('T') {
            true => assert!(Rcpt::parse(black_box(argument), all, false).is_ok()),
            false => assert!(Mail::parse(black_box(argument), all).is_ok()),
        };
        compare(name, 2_000, &mut ours, &mut || theirs(black_box(line.as_bytes())));
    }
    let envelope = b"EHLO client.example.jp\r\nMAIL FROM:<taro@example.jp> SIZE=2016\r\nRCPT TO:<hanako@example.jp>\r\nRSET\r\nNOOP\r\n";
    let mut config = Config::new("mx.example.jp");
    config.limits.idle_commands = u32::MAX;
    let mut session = Session::new(Arc::new(config), Channel::Clear);
    let mut out = Vec::with_capacity(1 << 12);
    let mut ours = || drive(&mut session, black_box(envelope), &mut out);
    // Ours finds, parses, checks the order, and writes every reply; theirs finds and parses.
    compare("five commands, a session against a parser", 500, &mut ours, &mut || theirs(black_box(envelope)));

    let line = [b"A".repeat(76).as_slice(), b"\r\n"].concat();
    let mut body = line.repeat((1 << 20) / line.len());
    body.extend_from_slice(b".\r\n");
    let mut buffer = Vec::with_capacity(1 << 21);
    let mut their_body = || {
        buffer.clear();
        assert!(DataReceiver::new().ingest(&mut black_box(&body).iter(), &mut buffer));
    };
    compare("a mebibyte of base64, un-stuffed", 4, &mut || unstuff(black_box(&body)), &mut their_body);
    let mut copy = vec![0; body.len()];
    let mut memcpy = || copy.copy_from_slice(black_box(&body));
    compare("the same, theirs being memcpy", 4, &mut || unstuff(black_box(&body)), &mut memcpy);
}

/// Prints the medians, in nanoseconds a call, and how many times as fast ours is.
fn compare<'w>(name: &str, calls: u32, ours: &'w mut dyn FnMut(), theirs: &'w mut dyn FnMut()) {
    let (mut times, mut workers) = ([[0.0; ROUNDS]; 2], [ours, theirs]);
    for round in 0..ROUNDS {
        for (who, work) in workers.iter_mut().enumerate() {
            let start = Instant::now();
            (0..calls).for_each(|_| work());
            times[who][round] = start.elapsed().as_nanos() as f64 / f64::from(calls);
        }
    }
    let [ours, theirs] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    println!("{name:<44} {ours:>9.0} {theirs:>9.0} {:>7.2}", theirs / ours);
}

fn theirs(lines: &[u8]) {
    let (mut receiver, mut input) = (RequestReceiver::default(), lines.iter());
    while !input.as_slice().is_empty() {
        assert!(black_box(receiver.ingest(&mut input)).is_ok());
    }
}

fn drive(session: &mut Session, mut input: &[u8], out: &mut Vec<u8>) {
    out.clear();
    loop {
        let step = session.step(input, out).expect("every question is answered");
        input = &input[step.consumed..];
        match step.event {
            Event::NeedInput => return,
            Event::Reset(_) => {}
            _ => session.accept(out).expect("a question is open"),
        }
    }
}

fn unstuff(body: &[u8]) {
    let (mut unstuffer, mut at, mut octets) = (Unstuffer::new(), 0, 0);
    loop {
        let (consumed, chunk) = unstuffer.next(&body[at..]);
        at += consumed;
        match chunk {
            Chunk::Data(data) => octets += black_box(data).len(),
            Chunk::End => return assert_eq!(octets, body.len() - 3),
            Chunk::NeedInput => unreachable!("it ends"),
        }
    }
}
