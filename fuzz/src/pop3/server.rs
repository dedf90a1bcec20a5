//! The server's session.

use auth_sasl::Secret;
use pop3_proto::{Channel, Config, Content, Event, Maildrop, Misuse, Refusal, Session};

use crate::pieces;

const LETTER: &[u8] = b"Subject: dots\r\n\r\n.\r\n..x\r\n";

/// The first octet says what the listener offers, the second how the input is cut.
pub fn server(data: &[u8]) {
    let [options, cut, input @ ..] = data else { return };
    let whole = run(*options, [input].into_iter());
    let cut = run(*options, pieces(*cut, input));
    for said in [&whole.0, &cut.0] {
        well_formed(said);
    }
    // Octets behind STLS end a session, and how they are cut says whether they are behind it.
    if *options & STLS == 0 {
        assert_eq!(whole, cut);
    }
}

const STLS: u8 = 1;

fn config(options: u8) -> Config {
    let mut config = Config::new("pop");
    config.stls = options & STLS != 0;
    config.clear_text = options & 2 != 0;
    config.bare_lf = options & 4 != 0;
    config.utf8 = options & 8 != 0;
    if options & 16 != 0 {
        config.languages.clear();
    }
    config.limits.errors = 1_000;
    config.limits.commands_before_login = 10_000;
    config
}

fn maildrop() -> Maildrop {
    let mut maildrop = Maildrop::default();
    for id in ["a", ".b", "c"] {
        maildrop.push(LETTER.len() as u64, id).expect("it can be listed");
    }
    maildrop
}

/// What the server said, and what it asked and told.
fn run<'p>(options: u8, pieces: impl Iterator<Item = &'p [u8]>) -> (Vec<u8>, Vec<String>) {
    let mut session = Session::new(config(options).into(), Channel::Clear, None);
    let (mut said, mut told, mut input) = (Vec::new(), Vec::new(), Vec::new());
    session.greet(&mut said);
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let mut out = Vec::new();
            let step = session.step(&input, &mut out).expect("nothing is open");
            assert!(out.len() <= 2 * pop3_proto::limits::OUTPUT, "output without bound");
            input.drain(..step.consumed);
            let waits = step.event == Event::NeedInput;
            if !matches!(step.event, Event::NeedInput | Event::Flush) {
                told.push(format!("{:?}", step.event));
            }
            let over = matches!(step.event, Event::Close(_));
            answer(&mut session, step.event, &mut out);
            said.append(&mut out);
            if over {
                assert_eq!(session.step(&input, &mut out), Err(Misuse::Closed));
                return (said, told);
            }
            if waits {
                break;
            }
        }
        assert!(input.len() <= pop3_proto::limits::LINE, "more is held back than a line");
    }
    (said, told)
}

fn answer(session: &mut Session, event: Event, out: &mut Vec<u8>) {
    let answered = match event {
        Event::NeedInput | Event::Flush | Event::Close(_) => return,
        Event::Login(claim) if claim.verify_secret(&Secret::new("sakura")) => {
            session.accept_login(maildrop(), out)
        }
        Event::Login(_) => session.refuse(Refusal::Credentials, out),
        Event::Retrieve { message } if message.get() == 2 => session.refuse(Refusal::Vanished, out),
        Event::Retrieve { .. } => body(session, Content::whole(), out),
        Event::Top { lines, .. } => body(session, Content::top(lines), out),
        Event::Commit { deleted: 3 } => session.refuse(Refusal::NotRemoved, out),
        Event::Commit { .. } => session.accept(out),
        // A client that says no more before the handshake.
        Event::StartTls => session.accept(out).and_then(|()| match session.step(b"", out)?.event {
            Event::NeedInput => Ok(()),
            _ => Err(Misuse::NothingAsked),
        }),
    };
    assert_eq!(answered, Ok(()));
}

fn body(session: &mut Session, mut content: Content, out: &mut Vec<u8>) -> Result<(), Misuse> {
    session.accept(out)?;
    let mut rest = LETTER;
    while let Some(piece) = content.next(rest) {
        out.extend_from_slice(piece.octets);
        rest = &rest[piece.consumed..];
    }
    out.extend_from_slice(content.finish());
    session.body_sent()
}

/// RFC 1939 §3: lines that end with CRLF, of which the first of every reply says how it went, in at most 512 octets.
fn well_formed(said: &[u8]) {
    let text = str::from_utf8(said).expect("replies are UTF-8");
    assert!(text.starts_with("+OK ") && text.ends_with("\r\n"));
    for line in text.split_inclusive("\r\n") {
        let line = line.strip_suffix("\r\n").expect("it was split there");
        assert!(!line.contains(['\r', '\n', '\0']) && line.len() <= 510, "{line:?}");
    }
}
