//! The client's session, with a caller that asks as much as it may.

use pop3_proto::client::{read_row, read_totals};
use pop3_proto::{ClientEvent, ClientSession, Command, Verb};

use crate::pieces;

/// What is asked, in this order, each when the one before is answered or, for every third, at once.
const ASKED: &[&str] = &[
    "CAPA",
    "AUTH",
    "AUTH LOGIN",
    "USER hanako",
    "PASS sakura",
    "STAT",
    "LIST",
    "UIDL",
    "LIST 1",
    "UIDL 1",
    "RETR 1",
    "TOP 1 1",
    "DELE 1",
    "LANG",
    "STLS",
    "NOOP",
    "QUIT",
];

/// The first octet says how what the server says is cut.
pub fn client(data: &[u8]) {
    let Some((&cut, input)) = data.split_first() else { return };
    let whole = run([input].into_iter());
    let pieced = run(pieces(cut, input));
    // Octets behind the answer to STLS are a fault, and how they are cut says whether they are behind it.
    if !whole.1.iter().chain(&pieced.1).any(|told| told.contains("Stls")) {
        assert_eq!(whole, pieced);
    }
    let said = String::from_utf8_lossy(&whole.0).replace("\r\n", "");
    assert!(!said.contains(['\r', '\n']));
}

/// What the client said, and what it was told, the pieces of a body joined.
fn run<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> (Vec<u8>, Vec<String>) {
    let mut session = ClientSession::new();
    let (mut out, mut told, mut input, mut body) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut asked = ASKED.iter().enumerate();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let step = session.step(&input).expect("a challenge is answered");
            let consumed = step.consumed;
            match step.event {
                ClientEvent::NeedInput => {
                    input.drain(..consumed);
                    break;
                }
                ClientEvent::Body(octets) => body.extend_from_slice(octets),
                ClientEvent::Closed => return (out, told),
                event => {
                    let challenged = matches!(event, ClientEvent::Challenge(_));
                    look_at(&event);
                    told.push(format!("{event:?} {}", std::mem::take(&mut body).escape_ascii()));
                    if matches!(event, ClientEvent::Fault(_)) {
                        return (out, told);
                    }
                    if matches!(event, ClientEvent::StartTls) {
                        session.tls_established().expect("it is due");
                    }
                    if challenged {
                        session.respond(b"hanako", &mut out).expect("it was asked");
                    }
                }
            }
            input.drain(..consumed);
            if session.outstanding() == 0 {
                ask(&mut session, &mut asked, &mut out);
            }
        }
        assert!(input.len() <= pop3_proto::limits::LINE, "more is held back than a line");
    }
    (out, told)
}

/// The next command, and those that go with it.
fn ask<'a>(
    session: &mut ClientSession,
    asked: &mut impl Iterator<Item = (usize, &'a &'static str)>,
    out: &mut Vec<u8>,
) {
    for (number, line) in asked {
        let command = Command::parse(line.as_bytes()).expect("it is one");
        if session.ask(&command, out).is_err() || number % 3 != 0 || command.verb() == Verb::Auth {
            return;
        }
    }
}

/// Rows and totals are read, or not, without a panic.
fn look_at(event: &ClientEvent<'_>) {
    match event {
        ClientEvent::Line(text) => drop(read_row(text)),
        ClientEvent::Accepted { text, .. } => drop(read_totals(text)),
        _ => {}
    }
}
