//! The client's end: scripts, in which `C:` is what the client says and `E:` what happens to it, answered by what it says next: commands
//! between ` | `, `respond TEXT`, `cancel`, or `-` for nothing.

use pop3_proto::{ClientEvent, ClientSession, Command, Hidden, Misuse, ServerFault};
use transcript::{Happening, Machine};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts/client");

#[test]
fn every_script_of_the_client_at_every_cut() {
    let mut scripts: Vec<_> =
        std::fs::read_dir(SCRIPTS).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    for path in scripts {
        let text = std::fs::read_to_string(&path).unwrap();
        // The runner's machine is the one that answers: here, the one that is spoken to is the client.
        let turned: String = text.lines().map(|line| turn(line) + "\n").collect();
        transcript::run(&path.display().to_string(), &turned, |_| Client(ClientSession::new()));
    }
}

fn turn(line: &str) -> String {
    match line.split_at_checked(1) {
        Some(("C", rest)) if rest.starts_with([':', '>']) => format!("S{rest}"),
        Some(("S", rest)) if rest.starts_with([':', '>']) => format!("C{rest}"),
        _ => line.to_owned(),
    }
}

struct Client(ClientSession);

impl Machine for Client {
    fn greet(&mut self, _: &mut Vec<u8>) {}

    fn step(&mut self, input: &[u8], _: &mut Vec<u8>) -> (usize, Happening) {
        let step = self.0.step(input).unwrap();
        let happening = match happening(step.event) {
            Happening::Asked(text) => Happening::Asked(text.trim_end().to_owned()),
            other => other,
        };
        (step.consumed, happening)
    }

    fn answer(&mut self, answer: &str, out: &mut Vec<u8>) {
        for line in answer.split(" | ").filter(|line| *line != "-") {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("respond", text) => self.0.respond(text.replace("\\0", "\0").as_bytes(), out).unwrap(),
                ("cancel", "") => self.0.cancel(out).unwrap(),
                _ => self.0.ask(&Command::parse(line.as_bytes()).unwrap(), out).unwrap(),
            }
        }
    }

    fn tls_established(&mut self) {
        self.0.tls_established().unwrap();
    }
}

fn happening(event: ClientEvent<'_>) -> Happening {
    let shown = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    match event {
        ClientEvent::NeedInput => Happening::NeedInput,
        ClientEvent::Greeting { stamp: Some(stamp), .. } => {
            Happening::Asked(format!("greeting {}", stamp.as_str()))
        }
        ClientEvent::Greeting { .. } => Happening::Asked("greeting".into()),
        ClientEvent::TurnedAway { code, text } => Happening::Told(format!("away {code:?} {}", shown(text))),
        ClientEvent::Accepted { verb, text } => {
            Happening::Asked(format!("ok {} {}", verb.keyword(), shown(text)))
        }
        ClientEvent::Refused { verb, code, text } => {
            let code = code.map(|code| format!("{code:?} ")).unwrap_or_default();
            Happening::Asked(format!("err {} {code}{}", verb.keyword(), shown(text)))
        }
        ClientEvent::Line(text) => Happening::Told(format!("line {}", shown(text))),
        ClientEvent::Body(octets) => Happening::Body(octets.to_vec()),
        ClientEvent::End { verb } => Happening::Asked(format!("end {}", verb.keyword())),
        ClientEvent::Challenge(challenge) => {
            Happening::Asked(format!("challenge {:?}", shown(challenge.expose())))
        }
        ClientEvent::StartTls => Happening::Told("starttls".into()),
        ClientEvent::Closed => Happening::Closed("closed".into()),
        ClientEvent::Fault(fault) => Happening::Closed(format!("fault {fault:?}")),
    }
}

fn greeted() -> ClientSession {
    let mut client = ClientSession::new();
    assert!(matches!(client.step(b"+OK\r\n").unwrap().event, ClientEvent::Greeting { .. }));
    client
}

/// Whatever is in a name or a password, one command is one line, and nothing at all is sent of what is not.
#[test]
fn nothing_but_the_one_command_is_sent() {
    let mut client = greeted();
    let mut out = Vec::new();
    for command in [
        Command::User("hanako\r\nDELE 1"),
        Command::User("hana ko"),
        Command::User(""),
        Command::Pass(Hidden(b"sakura\r\nDELE 1")),
        Command::Pass(Hidden(b"sakura\nDELE 1")),
        Command::Pass(Hidden(b"sak\0ura")),
        Command::Pass(Hidden(&[b'x'; 5_000])),
        Command::Lang(Some("ja\r\nQUIT")),
    ] {
        assert_eq!(client.ask(&command, &mut out), Err(Misuse::Unspeakable), "{command:?}");
    }
    assert_eq!((out.as_slice(), client.outstanding()), (&b""[..], 0));
    client.ask(&Command::Pass(Hidden(b" two  blanks ")), &mut out).unwrap();
    assert_eq!(out, b"PASS  two  blanks \r\n");
}

#[test]
fn what_a_client_must_not_say_yet() {
    let mut out = Vec::new();
    assert_eq!(ClientSession::new().ask(&Command::Noop, &mut out), Err(Misuse::MustWait));
    for last in ["QUIT", "STLS", "AUTH LOGIN"] {
        let mut client = greeted();
        client.ask(&Command::parse(last.as_bytes()).unwrap(), &mut out).unwrap();
        assert_eq!(client.ask(&Command::Noop, &mut out), Err(Misuse::MustWait), "{last}");
        assert_eq!(client.respond(b"", &mut out), Err(Misuse::NothingAsked));
        assert_eq!(client.tls_established(), Err(Misuse::NothingAsked));
    }
    let mut client = greeted();
    client.ask(&Command::parse(b"AUTH LOGIN").unwrap(), &mut out).unwrap();
    assert!(matches!(client.step(b"+ VXNlcm5hbWU6\r\n").unwrap().event, ClientEvent::Challenge(_)));
    assert_eq!(client.step(b""), Err(Misuse::QuestionOpen));
    assert_eq!(client.ask(&Command::Noop, &mut out), Err(Misuse::QuestionOpen));
    client.cancel(&mut out).unwrap();
    assert!(matches!(client.step(b"-ERR\r\n").unwrap().event, ClientEvent::Refused { .. }));
    client.ask(&Command::Quit, &mut out).unwrap();
    assert!(matches!(client.step(b"+OK\r\n").unwrap().event, ClientEvent::Accepted { .. }));
    assert_eq!(client.ask(&Command::Noop, &mut out), Err(Misuse::Closed));
}

/// They may come in the same read, or in one of their own before the handshake.
#[test]
fn p_23_octets_behind_the_answer_to_stls_end_the_session() {
    let (first, behind) = (&b"+OK begin\r\n"[..], &b"+OK [evil]\r\n"[..]);
    for together in [true, false] {
        let mut client = greeted();
        client.ask(&Command::Stls, &mut Vec::new()).unwrap();
        if !together {
            let step = client.step(first).unwrap();
            assert_eq!((step.consumed, step.event), (first.len(), ClientEvent::StartTls));
        }
        let held = if together { [first, behind].concat() } else { behind.to_vec() };
        assert_eq!(client.step(&held).unwrap().event, ClientEvent::Fault(ServerFault::BytesBehindStls));
        assert_eq!(client.step(&held).unwrap().event, ClientEvent::Closed);
    }
}
