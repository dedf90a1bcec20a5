//! Both ends against each other, at every size of what a read brings.

use std::collections::VecDeque;

use pop3_proto::{
    Channel, ClientEvent, ClientSession, Command, Config, Content, Event, Maildrop, Refusal, Session,
};

/// Batches: each is asked when all before it is answered.
const SAID: &[&[&str]] = &[
    &["CAPA", "LANG", "UTF8"],
    &["AUTH"],
    &["USER hanako", "PASS wrong", "USER hanako", "PASS sakura"],
    &[
        "STAT", "LIST", "UIDL", "RETR 1", "TOP 1 1", "RETR 2", "RETR 3", "RETR 4", "DELE 2", "LIST",
        "UIDL 2", "LANG ja", "NOOP", "RETR 9", "TOP 3 0", "RSET", "DELE 1",
    ],
    &["QUIT"],
];

/// Dots in every place, no header, nothing at all, a long line.
fn letters() -> [Vec<u8>; 4] {
    [
        b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\n".to_vec(),
        b".\r\n".to_vec(),
        Vec::new(),
        [&b"A: "[..], &[b'x'; 9_000], b"\r\n\r\nend\r\n"].concat(),
    ]
}

/// A direction of the wire, from which a read brings at most `size` octets.
struct Pipe {
    wire: VecDeque<u8>,
    read: Vec<u8>,
}

impl Pipe {
    fn new() -> Self {
        Self { wire: VecDeque::new(), read: Vec::new() }
    }

    /// Whether something came.
    fn bring(&mut self, size: usize) -> bool {
        let come = size.min(self.wire.len());
        self.read.extend(self.wire.drain(..come));
        come > 0
    }
}

struct Server {
    session: Session,
    over: bool,
}

impl Server {
    fn run(&mut self, input: &mut Vec<u8>, out: &mut VecDeque<u8>) {
        while !self.over {
            let mut said = Vec::new();
            let step = self.session.step(input, &mut said).unwrap();
            input.drain(..step.consumed);
            let waits = step.event == Event::NeedInput;
            self.answer(step.event, &mut said);
            out.extend(said);
            if waits {
                return;
            }
        }
    }

    fn answer(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::NeedInput | Event::Flush => {}
            Event::Login(claim) if claim.verify_secret(&auth_sasl::Secret::new("sakura")) => {
                let mut maildrop = Maildrop::default();
                for (letter, id) in letters().iter().zip(["a", ".b", "c", "d"]) {
                    maildrop.push(letter.len() as u64, id).unwrap();
                }
                self.session.accept_login(maildrop, out).unwrap();
            }
            Event::Login(_) => self.session.refuse(Refusal::Credentials, out).unwrap(),
            Event::Retrieve { message } => self.send(message.index(), Content::whole(), out),
            Event::Top { message, lines } => self.send(message.index(), Content::top(lines), out),
            Event::Commit { .. } => self.session.accept(out).unwrap(),
            Event::StartTls => self.session.refuse(Refusal::Temporary, out).unwrap(),
            Event::Close(_) => self.over = true,
        }
    }

    fn send(&mut self, index: usize, mut content: Content, out: &mut Vec<u8>) {
        self.session.accept(out).unwrap();
        let letter = &letters()[index];
        let mut rest = &letter[..];
        while let Some(piece) = content.next(rest) {
            out.extend_from_slice(piece.octets);
            rest = &rest[piece.consumed..];
        }
        out.extend_from_slice(content.finish());
        self.session.body_sent().unwrap();
    }
}

struct Client {
    session: ClientSession,
    /// What happened; the pieces of a body joined.
    log: Vec<String>,
    body: Vec<u8>,
    over: bool,
}

impl Client {
    fn run(&mut self, input: &mut Vec<u8>) {
        while !self.over {
            let step = self.session.step(input).unwrap();
            let consumed = step.consumed;
            match step.event {
                ClientEvent::NeedInput => {
                    input.drain(..consumed);
                    return;
                }
                ClientEvent::Body(octets) => self.body.extend_from_slice(octets),
                ClientEvent::End { verb } => {
                    let body = std::mem::take(&mut self.body);
                    self.log.push(format!("{verb:?} end {}", body.escape_ascii()));
                }
                ClientEvent::Closed => self.over = true,
                ClientEvent::Fault(fault) => panic!("{fault}"),
                event => self.log.push(format!("{event:?}")),
            }
            input.drain(..consumed);
        }
    }
}

/// The whole call, with reads of at most `size` octets on both ends.
fn call(size: usize) -> Vec<String> {
    let mut config = Config::new("pop.example.jp");
    config.implementation = Some("Yubin".into());
    let mut server = Server { session: Session::new(config.into(), Channel::Encrypted, None), over: false };
    let mut client = Client { session: ClientSession::new(), log: Vec::new(), body: Vec::new(), over: false };
    let (mut up, mut down) = (Pipe::new(), Pipe::new());
    let mut greeting = Vec::new();
    server.session.greet(&mut greeting);
    down.wire.extend(greeting);
    let mut batches = SAID.iter();
    while !client.over {
        let (came_up, came_down) = (up.bring(size), down.bring(size));
        server.run(&mut up.read, &mut down.wire);
        client.run(&mut down.read);
        let idle = !came_up && !came_down && down.wire.is_empty();
        if idle && client.session.outstanding() == 0 {
            let batch = batches.next().expect("it is over behind QUIT");
            let mut said = Vec::new();
            for line in *batch {
                client.session.ask(&Command::parse(line.as_bytes()).unwrap(), &mut said).unwrap();
            }
            up.wire.extend(said);
        }
    }
    client.log
}

#[test]
fn a_client_and_a_server_at_every_size_of_a_read() {
    let whole = call(usize::MAX);
    let commands: usize = SAID.iter().map(|batch| batch.len()).sum();
    let answers =
        whole.iter().filter(|line| line.starts_with("Accepted") || line.starts_with("Refused")).count();
    assert_eq!(answers, commands, "{whole:#?}");
    for (number, letter) in letters().iter().enumerate() {
        let wanted = format!("Retr end {}", letter.escape_ascii());
        assert!(whole.contains(&wanted), "letter {number}: {wanted}");
    }
    for size in (1..=130).chain([511, 512, 513, 4_096, 16_384]) {
        assert_eq!(call(size), whole, "reads of {size}");
    }
}
