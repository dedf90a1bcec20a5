//! Our client against our server, at every size of chunk that the wire may cut.

use std::sync::Arc;

use auth_sasl::{Claim, Mechanism, Secret};
use smtp_proto::client::{self, Asked};
use smtp_proto::{Auth, Channel, Config, Event, ForwardPath, Mail, Mailbox, Rcpt, ReversePath, StartTls};

use crate::script::reply;

const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.\r\n..\r\n.a\nb\rc\r\n\r\n.";
/// As it must arrive: nothing bare, and a last line that ends.
const ARRIVED: &[u8] = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\nb c\r\n\r\n.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Data,
    Chunks,
}

/// What the client does next; it knows nothing of the server but what it is told.
struct Sender {
    session: client::Session,
    by: By,
    answers: Vec<(Asked, u16)>,
    closed: bool,
}

impl Sender {
    fn answered(&mut self, asked: Asked, code: u16, out: &mut Vec<u8>) {
        self.answers.push((asked, code));
        let session = &mut self.session;
        match asked {
            Asked::Greeting => session.hello(out).unwrap(),
            Asked::Hello if !session.features().mechanisms.is_empty() => {
                session.auth(Mechanism::Login, "hanako", &Secret::new(*b"sakura"), out).unwrap();
            }
            Asked::Hello => session.starttls(out).unwrap(),
            Asked::Auth => self.envelope(out),
            Asked::Data => {
                MESSAGE.chunks(3).for_each(|octets| session.body(octets, out).unwrap());
                session.end_body(out).unwrap();
            }
            Asked::Body => session.quit(out).unwrap(),
            _ => {}
        }
    }

    fn envelope(&mut self, out: &mut Vec<u8>) {
        let mailbox = |text| Mailbox::parse(text).unwrap();
        let session = &mut self.session;
        let mut mail = Mail::new(ReversePath::Mailbox(mailbox("hanako@example.jp")));
        mail.size = Some(MESSAGE.len() as u64);
        session.mail(&mail, out).unwrap();
        for recipient in ["nobody@example.jp", "taro@example.jp"] {
            session.rcpt(&Rcpt::new(ForwardPath::Mailbox(mailbox(recipient))), out).unwrap();
        }
        match self.by {
            By::Data => session.data(out).unwrap(),
            By::Chunks => {
                session.chunk(&MESSAGE[..20], false, out).unwrap();
                session.chunk(&MESSAGE[20..], true, out).unwrap();
            }
        }
    }
}

struct Receiver {
    session: smtp_proto::Session,
    message: Vec<u8>,
    tls: bool,
    closed: bool,
}

impl Receiver {
    fn happen(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while !self.closed {
            let step = self.session.step(&input[at..], out).unwrap();
            at += step.consumed;
            match step.event {
                Event::NeedInput => break,
                Event::Close(_) => self.closed = true,
                Event::Body(octets) => self.message.extend_from_slice(octets),
                Event::Reset(reason) => panic!("reset {reason:?}"),
                Event::Authenticate(Claim::Password { login, .. }) if login == "hanako" => {
                    self.session.accept(out).unwrap();
                }
                Event::Rcpt(rcpt) if rcpt.forward_path.to_string().starts_with("nobody") => {
                    self.session.refuse(reply("550 5.1.1 No"), out).unwrap();
                }
                Event::StartTls => {
                    self.session.accept(out).unwrap();
                    self.tls = true;
                    break;
                }
                _ => self.session.accept(out).unwrap(),
            }
        }
        at
    }
}

/// Moves octets in pieces of `cut` until nobody has anything to say.
fn talk(by: By, cut: usize) -> (Vec<(Asked, u16)>, Vec<u8>) {
    let mut config = Config::new("mx");
    config.starttls = StartTls::Required;
    config.auth = Auth::with(Mechanism::ALL);
    let mut receiver = Receiver {
        session: smtp_proto::Session::new(Arc::new(config), Channel::Clear),
        message: Vec::new(),
        tls: false,
        closed: false,
    };
    let mut sender = Sender { session: client::Session::new("pc"), by, answers: Vec::new(), closed: false };
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    let (mut at_client, mut at_server) = (Vec::new(), Vec::new());
    receiver.session.greet(&mut to_client);
    while !to_client.is_empty() || !to_server.is_empty() {
        at_server.extend(to_server.drain(..cut.min(to_server.len())));
        let taken = receiver.happen(&at_server, &mut to_client);
        at_server.drain(..taken);
        at_client.extend(to_client.drain(..cut.min(to_client.len())));
        let mut at = 0;
        loop {
            let step = sender.session.step(&at_client[at..], &mut to_server);
            at += step.consumed;
            match step.event {
                client::Event::NeedInput => break,
                client::Event::Close(_) => {
                    sender.closed = true;
                    break;
                }
                client::Event::Answered { asked, answer } => {
                    sender.answered(asked, answer.code().get(), &mut to_server);
                    if asked == Asked::StartTls {
                        assert!(std::mem::take(&mut receiver.tls) && to_client.is_empty());
                        receiver.session.tls_established().unwrap();
                        sender.session.tls_established().unwrap();
                        sender.session.hello(&mut to_server).unwrap();
                    }
                }
            }
        }
        at_client.drain(..at);
    }
    assert!(sender.closed, "{:?}", sender.answers);
    (sender.answers, receiver.message)
}

#[test]
fn a_message_gets_through_at_every_cut() {
    for by in [By::Data, By::Chunks] {
        let (answers, message) = talk(by, usize::MAX);
        // DATA ends the last line, BDAT has no lines to end.
        let end: &[u8] = if by == By::Data { b"\r\n" } else { b"" };
        assert_eq!(message, [ARRIVED, end].concat(), "{}", message.escape_ascii());
        assert!(answers.contains(&(Asked::Rcpt(0), 550)) && answers.contains(&(Asked::Rcpt(1), 250)));
        assert_eq!(&answers[answers.len() - 2..], [(Asked::Body, 250), (Asked::Quit, 221)]);
        for cut in 1..200 {
            assert_eq!(talk(by, cut), (answers.clone(), message.clone()), "{by:?} in pieces of {cut}");
        }
    }
}
