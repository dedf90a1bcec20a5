//! The client's session: its transcripts, in which the machine is the client, and what its caller must not do.

use auth_sasl::{Mechanism, Secret};
use smtp_proto::client::{Asked, CloseReason, Event, Misuse, Session};
use smtp_proto::{Channel, Extension, Extensions, ForwardPath, Mail, Mailbox, Rcpt, ReversePath};
use transcript::{Happening, Machine};

struct Client(Session);

impl Client {
    fn new(options: &[(String, String)]) -> Self {
        let mut session = Session::new("client.example.jp");
        for (name, _) in options {
            match name.as_str() {
                "clear-text-auth" => session.allow_clear_text_auth(),
                other => panic!("no such option: {other}"),
            }
        }
        Self(session)
    }

    fn ask(&mut self, words: &str, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let all = Extension::ALL.iter().fold(Extensions::NONE, |set, one| set.with(*one));
        let (verb, argument) = words.split_once(' ').unwrap_or((words, ""));
        let session = &mut self.0;
        match verb {
            "wait" => Ok(()),
            "ehlo" => session.hello(out),
            "starttls" => session.starttls(out),
            "auth" => {
                let mechanism = Mechanism::parse(argument.as_bytes()).unwrap();
                session.auth(mechanism, "hanako", &Secret::new(*b"sakura"), out)
            }
            "mail" => session.mail(&Mail::parse(&format!("FROM:{argument}"), all).unwrap(), out),
            "rcpt" => session.rcpt(&Rcpt::parse(&format!("TO:{argument}"), all, true).unwrap(), out),
            "data" => session.data(out),
            "body" => session.body(&unescaped(argument), out),
            "end" => session.end_body(out),
            "chunk" => session.chunk(&unescaped(argument), false, out),
            "last" => session.chunk(&unescaped(argument), true, out),
            "rset" => session.rset(out),
            "noop" => session.noop(out),
            "quit" => session.quit(out),
            other => panic!("no such command: {other}"),
        }
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    text.replace("\\r", "\r").replace("\\n", "\n").into_bytes()
}

impl Machine for Client {
    fn greet(&mut self, _: &mut Vec<u8>) {}

    fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> (usize, Happening) {
        let step = self.0.step(input, out);
        let happening = match step.event {
            Event::NeedInput => Happening::NeedInput,
            Event::Close(reason) => Happening::Closed(format!("close {reason:?}")),
            Event::Answered { asked, answer } => {
                let texts: Vec<_> = answer.texts().map(|text| text.escape_ascii().to_string()).collect();
                let enhanced = answer.enhanced().map(|code| format!(" {code}")).unwrap_or_default();
                Happening::Asked(format!("{asked:?} {:?}{enhanced} {}", answer.code(), texts.join("/")))
            }
        };
        (step.consumed, happening)
    }

    fn answer(&mut self, answer: &str, out: &mut Vec<u8>) {
        for words in answer.split("; ") {
            match words.split_once(" !") {
                Some((words, misuse)) => {
                    let refused = self.ask(words, out).unwrap_err();
                    assert_eq!(format!("{refused:?}"), misuse, "{words}");
                }
                None => self.ask(words, out).unwrap_or_else(|misuse| panic!("{words}: {misuse}")),
            }
        }
    }

    fn tls_established(&mut self) {
        self.0.tls_established().unwrap();
    }
}

/// In these, S: is what the server says and C: what the machine must say, as in every other transcript; the runner has the machine's
/// words behind S.
#[test]
fn transcripts() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts-client");
    let mut run = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let swapped: String = text.lines().map(|line| swap(line) + "\n").collect();
        transcript::run(&path.display().to_string(), &swapped, Client::new);
        run += 1;
    }
    assert!(run > 0);
}

fn swap(line: &str) -> String {
    match line.split_at_checked(1) {
        Some(("S", rest)) if rest.starts_with([':', '>']) => format!("C{rest}"),
        Some(("C", rest)) if rest.starts_with([':', '>']) => format!("S{rest}"),
        _ => line.to_owned(),
    }
}

#[test]
fn nothing_is_asked_out_of_order() {
    let (mut session, mut out) = (Session::new("pc"), Vec::new());
    let mailbox = Mailbox::parse("a@b").unwrap();
    assert_eq!(session.hello(&mut out), Err(Misuse::Wait));
    let _ = session.step(b"220 mx\r\n", &mut out);
    assert_eq!(session.rcpt(&Rcpt::new(ForwardPath::Mailbox(mailbox)), &mut out), Err(Misuse::OutOfOrder));
    assert_eq!(session.data(&mut out), Err(Misuse::OutOfOrder));
    assert_eq!(session.body(b"x", &mut out), Err(Misuse::OutOfOrder));
    assert_eq!(session.end_body(&mut out), Err(Misuse::OutOfOrder));
    assert_eq!(session.starttls(&mut out), Err(Misuse::NotOffered(Extension::StartTls)));
    assert_eq!(session.tls_established(), Err(Misuse::OutOfOrder));
    session.mail(&Mail::new(ReversePath::Null), &mut out).unwrap();
    assert_eq!(session.mail(&Mail::new(ReversePath::Null), &mut out), Err(Misuse::Wait));
    assert_eq!(out, b"MAIL FROM:<>\r\n");
}

#[test]
fn octets_behind_the_answer_to_starttls_close_the_session() {
    for (tail, together) in [(&b"250 injected\r\n"[..], true), (b"x", true), (b"250 injected\r\n", false)] {
        let (mut session, mut out) = (Session::new("pc"), Vec::new());
        let _ = session.step(b"220 mx\r\n", &mut out);
        session.hello(&mut out).unwrap();
        let _ = session.step(b"250-mx\r\n250 STARTTLS\r\n", &mut out);
        session.starttls(&mut out).unwrap();
        let input = [b"220-one line\r\n220 go\r\n", tail].concat();
        // What came in one read is never told as a yes: a caller that looks at nothing more has no TLS.
        let first = if together { &input[..] } else { &input[..input.len() - tail.len()] };
        let step = session.step(first, &mut out);
        if !together {
            assert!(matches!(step.event, Event::Answered { asked: Asked::StartTls, .. }));
            let step = session.step(tail, &mut out);
            assert_eq!(step.event, Event::Close(CloseReason::BytesBehindStartTls));
        } else {
            assert_eq!(step.event, Event::Close(CloseReason::BytesBehindStartTls));
        }
        assert_eq!(session.tls_established(), Err(Misuse::OutOfOrder));
    }
}

#[test]
fn an_endless_reply_ends_the_session() {
    let (mut session, mut out, mut input) = (Session::new("pc"), Vec::new(), Vec::new());
    loop {
        input.extend_from_slice(b"220-blah blah\r\n");
        let step = session.step(&input, &mut out);
        assert_eq!(step.consumed, 0);
        match step.event {
            Event::Close(reason) => break assert_eq!(reason, CloseReason::TooLong),
            _ => assert!(input.len() < 1 << 15),
        }
    }
}

#[test]
fn a_password_stays_off_a_clear_channel() {
    for (channel, allowed) in [(Channel::Clear, false), (Channel::Encrypted, true)] {
        let (mut session, mut out) = (Session::over("pc", channel), Vec::new());
        let _ = session.step(b"220 mx\r\n", &mut out);
        session.hello(&mut out).unwrap();
        let _ = session.step(b"250-mx\r\n250 AUTH PLAIN\r\n", &mut out);
        let asked = session.auth(Mechanism::Plain, "hanako", &Secret::new(*b"sakura"), &mut out);
        assert_eq!(asked, if allowed { Ok(()) } else { Err(Misuse::NotEncrypted) });
    }
}
