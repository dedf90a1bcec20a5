//! The client's session, with a caller that asks as much as it may.

use auth_sasl::{Mechanism, Secret};
use smtp_proto::client::{Asked, Event, Session};
use smtp_proto::{Extension, ForwardPath, Mail, Mailbox, Rcpt, ReversePath};

use crate::pieces;

/// The first octet says how what the server says is cut.
pub fn client(data: &[u8]) {
    let Some((&cut, input)) = data.split_first() else { return };
    let whole = run([input].into_iter());
    assert_eq!(whole, run(pieces(cut, input)));
    let (said, _) = whole;
    assert!(said.is_empty() || said.ends_with(b"\r\n"));
    let bare = String::from_utf8_lossy(&said).replace("\r\n", "");
    assert!(!bare.contains(['\r', '\n']));
}

/// What the client said, and what it was told.
fn run<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> (Vec<u8>, Vec<String>) {
    let mut session = Session::new("pc");
    session.allow_clear_text_auth();
    let (mut out, mut told, mut input) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let step = session.step(&input[at..], &mut out);
            at += step.consumed;
            match step.event {
                Event::NeedInput => break,
                Event::Close(reason) => {
                    told.push(format!("{reason:?}"));
                    break;
                }
                Event::Answered { asked, answer } => {
                    told.push(format!("{asked:?} {answer:?}"));
                    let go_ahead = answer.code().get() == 354;
                    next(&mut session, asked, go_ahead, &mut out);
                }
            }
        }
        input.drain(..at);
        if told.last().is_some_and(|last| !last.contains(' ')) {
            break;
        }
    }
    (out, told)
}

/// What cannot be asked now is left out: the session says so, and writes nothing.
fn next(session: &mut Session, asked: Asked, go_ahead: bool, out: &mut Vec<u8>) {
    let mailbox = Mailbox::parse("a@example.jp").expect("it is one");
    let rcpt = Rcpt::new(ForwardPath::Mailbox(mailbox));
    let before = out.len();
    let refused = match asked {
        Asked::Greeting => session.hello(out).is_err(),
        Asked::Hello if !session.features().mechanisms.is_empty() => {
            let mechanism =
                if session.features().size.is_some() { Mechanism::Plain } else { Mechanism::Login };
            session.auth(mechanism, "hanako", &Secret::new(*b"sakura"), out).is_err()
        }
        Asked::Hello | Asked::Auth | Asked::Body => session.mail(&Mail::new(ReversePath::Null), out).is_err(),
        Asked::Mail => session.rcpt(&rcpt, out).is_err(),
        Asked::Rcpt(1) if session.features().extensions.contains(Extension::Chunking) => {
            session.chunk(b"a\n\r", false, out).is_err()
        }
        Asked::Chunk => session.chunk(b"\n.\n", true, out).is_err(),
        Asked::Rcpt(0) => session.rcpt(&rcpt, out).is_err(),
        Asked::Rcpt(_) => session.data(out).is_err(),
        Asked::Data if go_ahead => {
            session.body(b".\n\r.\r\n.", out).and_then(|()| session.end_body(out)).is_err()
        }
        _ => session.rset(out).is_err(),
    };
    assert!(!refused || out.len() == before, "a refused question was written");
}
