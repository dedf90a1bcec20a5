//! No command in TRANSACTION allocates, once the output has grown to its size. A binary of its own: the counting allocator is one for
//! the whole process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use pop3_proto::{Channel, Config, Content, Event, Maildrop, Session, Step};

const COMMANDS: &[u8] =
    b"NOOP\r\nSTAT\r\nLIST\r\nLIST 2\r\nUIDL\r\nUIDL 3\r\nDELE 1\r\nDELE 1\r\nLIST 1\r\nRSET\r\nCAPA\r\n\
    RETR 2\r\nTOP 3 1\r\nRETR 99\r\nLIST 0\r\nLIST x\r\nXYZZY\r\nUSER a\r\nSTLS\r\n";

#[test]
fn no_command_in_transaction_allocates() {
    let mut maildrop = Maildrop::default();
    for message in 0..1_000 {
        maildrop.push(message * 100, &format!("1700000000.M{message}P1.mx")).unwrap();
    }
    let mut out = Vec::with_capacity(64 * 1024);
    let mut session = Session::new(Config::new("pop.example.jp").into(), Channel::Encrypted, None);
    session.greet(&mut out);
    let step = session.step(b"USER a\r\nPASS b\r\n", &mut out).unwrap();
    assert!(matches!(step.event, Event::Login(_)));
    session.accept_login(maildrop, &mut out).unwrap();

    let info = allocation_counter::measure(|| {
        for _ in 0..10 {
            play(&mut session, &mut out);
        }
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

fn play(session: &mut Session, out: &mut Vec<u8>) {
    let mut input = COMMANDS;
    loop {
        out.clear();
        let Step { consumed, event } = session.step(input, out).unwrap();
        input = &input[consumed..];
        match event {
            Event::NeedInput => return,
            Event::Flush => {}
            Event::Retrieve { .. } => send(session, Content::whole(), out),
            Event::Top { lines, .. } => send(session, Content::top(lines), out),
            other => panic!("{other:?}"),
        }
    }
}

fn send(session: &mut Session, mut content: Content, out: &mut Vec<u8>) {
    session.accept(out).unwrap();
    let mut rest = &b"Subject: x\r\n\r\n.one\r\ntwo\n"[..];
    while let Some(piece) = content.next(rest) {
        out.extend_from_slice(piece.octets);
        rest = &rest[piece.consumed..];
    }
    out.extend_from_slice(content.finish());
    session.body_sent().unwrap();
}
