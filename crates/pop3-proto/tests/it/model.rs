//! Random sessions against a model of a maildrop: a list of messages, and what a reader of RFC 1939 would answer.

use pop3_proto::{Channel, Config, Event, Maildrop, MessageNumber, Refusal, Session, Step};
use proptest::prelude::*;

/// What is in the maildrop at a session's start, and what the session does to it.
#[derive(Clone, Debug)]
struct Model {
    messages: Vec<Message>,
}

#[derive(Clone, Debug)]
struct Message {
    octets: u64,
    id: String,
    deleted: bool,
    /// Another program took it away.
    gone: bool,
}

#[derive(Clone, Debug)]
enum Act {
    Dele(u32),
    Hangup,
    List(Option<u32>),
    Quit,
    Retr(u32),
    Rset,
    Stat,
    Top(u32, u32),
    Uidl(Option<u32>),
    /// Another program takes a message away.
    Vanish(u32),
}

impl Act {
    fn line(&self) -> String {
        let with = |verb: &str, number: &Option<u32>| match number {
            Some(number) => format!("{verb} {number}\r\n"),
            None => format!("{verb}\r\n"),
        };
        match self {
            Self::Dele(number) => with("DELE", &Some(*number)),
            Self::List(number) => with("LIST", number),
            Self::Quit => "QUIT\r\n".into(),
            Self::Retr(number) => with("RETR", &Some(*number)),
            Self::Rset => "RSET\r\n".into(),
            Self::Stat => "STAT\r\n".into(),
            Self::Top(number, lines) => format!("TOP {number} {lines}\r\n"),
            Self::Uidl(number) => with("UIDL", number),
            Self::Hangup | Self::Vanish(_) => String::new(),
        }
    }
}

impl Model {
    fn left(&self) -> impl Iterator<Item = (usize, &Message)> {
        self.messages.iter().enumerate().filter(|(_, message)| !message.deleted)
    }

    fn totals(&self) -> (usize, u64) {
        (self.left().count(), self.left().map(|(_, message)| message.octets).sum())
    }

    /// The message, or the refusal.
    fn find(&mut self, number: u32) -> Result<&mut Message, String> {
        let messages = self.messages.len();
        match (number as usize).checked_sub(1).map(|index| self.messages.get_mut(index)) {
            None => Err("-ERR messages are numbered from 1\r\n".into()),
            Some(None) => Err(format!("-ERR no such message, only {messages} in maildrop\r\n")),
            Some(Some(message)) if message.deleted => Err(format!("-ERR message {number} is deleted\r\n")),
            Some(Some(message)) => Ok(message),
        }
    }

    fn listing(&self, heading: &str, value: impl Fn(&Message) -> String) -> String {
        let rows = self.left().map(|(index, message)| format!("{} {}\r\n", index + 1, value(message)));
        format!("{heading}\r\n{}.\r\n", rows.collect::<String>())
    }

    /// What is answered, but for bodies: those are `BODY`.
    fn act(&mut self, act: &Act) -> String {
        let (messages, octets) = self.totals();
        let done = match act {
            Act::Stat => Ok(format!("+OK {messages} {octets}\r\n")),
            Act::List(None) => {
                Ok(self
                    .listing(&format!("+OK {messages} messages ({octets} octets)"), |m| m.octets.to_string()))
            }
            Act::Uidl(None) => Ok(self.listing("+OK unique-ids follow", |m| m.id.clone())),
            Act::List(Some(n)) => self.find(*n).map(|m| format!("+OK {n} {}\r\n", m.octets)),
            Act::Uidl(Some(n)) => self.find(*n).map(|m| format!("+OK {n} {}\r\n", m.id)),
            Act::Dele(n) => self.find(*n).map(|m| {
                m.deleted = true;
                format!("+OK message {n} deleted\r\n")
            }),
            Act::Retr(n) => self.find(*n).map(|m| match m.gone {
                true => "-ERR the message is gone from the maildrop\r\n".into(),
                false => format!("+OK {} octets\r\nBODY {n}", m.octets),
            }),
            Act::Top(n, lines) => self.find(*n).map(|m| match m.gone {
                true => "-ERR the message is gone from the maildrop\r\n".into(),
                false => format!("+OK top of message follows\r\nBODY {n} {lines}"),
            }),
            Act::Rset => {
                self.messages.iter_mut().for_each(|message| message.deleted = false);
                let (messages, octets) = self.totals();
                Ok(format!("+OK maildrop has {messages} messages ({octets} octets)\r\n"))
            }
            Act::Quit => Ok("+OK goodbye\r\n".into()),
            Act::Vanish(n) => {
                if let Some(message) = self.messages.get_mut(*n as usize) {
                    message.gone = true;
                }
                Ok(String::new())
            }
            Act::Hangup => Ok(String::new()),
        };
        done.unwrap_or_else(|refusal| refusal)
    }
}

fn any_model() -> impl Strategy<Value = Model> {
    let message = (0u64..1 << 40, "[!-~]{1,70}").prop_map(|(octets, id)| Message {
        octets,
        id,
        deleted: false,
        gone: false,
    });
    proptest::collection::vec(message, 0..12).prop_map(|messages| Model { messages })
}

fn any_act() -> impl Strategy<Value = Act> {
    let number = || 0u32..14;
    let maybe = || proptest::option::weighted(0.5, 0u32..14);
    prop_oneof![
        6 => number().prop_map(Act::Dele),
        4 => maybe().prop_map(Act::List),
        4 => maybe().prop_map(Act::Uidl),
        4 => number().prop_map(Act::Retr),
        2 => (number(), 0u32..5).prop_map(|(number, lines)| Act::Top(number, lines)),
        2 => Just(Act::Rset),
        4 => Just(Act::Stat),
        1 => number().prop_map(Act::Vanish),
        1 => Just(Act::Quit),
        1 => Just(Act::Hangup),
    ]
}

/// A session over the model's messages; what of them another program took away.
struct World {
    session: Session,
    gone: Vec<bool>,
}

impl World {
    fn new(model: &Model) -> Self {
        let mut session = Session::new(Config::new("mx").into(), Channel::Encrypted, None);
        let step = session.step(b"USER a\r\nPASS b\r\n", &mut Vec::new()).unwrap();
        assert!(matches!(step.event, Event::Login(_)));
        let mut maildrop = Maildrop::default();
        for message in &model.messages {
            maildrop.push(message.octets, &message.id).unwrap();
        }
        session.accept_login(maildrop, &mut Vec::new()).unwrap();
        Self { session, gone: vec![false; model.messages.len()] }
    }

    /// What is answered, and the messages that are to be removed if the session is over.
    fn act(&mut self, act: &Act) -> (String, Option<Vec<usize>>) {
        if let Act::Vanish(number) = act {
            if let Some(gone) = self.gone.get_mut(*number as usize) {
                *gone = true;
            }
            return (String::new(), None);
        }
        if let Act::Hangup = act {
            return (String::new(), Some(Vec::new()));
        }
        let (mut out, mut removed) = (Vec::new(), None);
        let line = act.line();
        let mut input = line.as_bytes();
        loop {
            let Step { consumed, event } = self.session.step(input, &mut out).unwrap();
            input = &input[consumed..];
            match event {
                Event::NeedInput | Event::Close(_) => {
                    return (String::from_utf8(out).unwrap(), removed);
                }
                Event::Flush => {}
                Event::Retrieve { message } => self.send(message, &format!("BODY {message}"), &mut out),
                Event::Top { message, lines } => {
                    self.send(message, &format!("BODY {message} {lines}"), &mut out)
                }
                Event::Commit { deleted } => {
                    let marked: Vec<_> =
                        self.session.maildrop().deleted().map(MessageNumber::index).collect();
                    assert_eq!(marked.len(), deleted as usize);
                    removed = Some(marked);
                    self.session.accept(&mut out).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn send(&mut self, message: MessageNumber, body: &str, out: &mut Vec<u8>) {
        if self.gone[message.index()] {
            return self.session.refuse(Refusal::Vanished, out).unwrap();
        }
        self.session.accept(out).unwrap();
        out.extend_from_slice(body.as_bytes());
        self.session.body_sent().unwrap();
    }
}

proptest! {
    #[test]
    fn r_01_r_05_sessions_do_what_the_model_does(
        mut model in any_model(),
        acts in proptest::collection::vec(any_act(), 0..60),
    ) {
        let mut world = World::new(&model);
        for act in &acts {
            let (said, over) = world.act(act);
            let wanted = model.act(act);
            prop_assert_eq!(said, wanted, "{:?}", act);
            if let Some(removed) = over {
                // QUIT removes what is marked, and nothing else; a connection that breaks removes nothing.
                let marked: Vec<_> = match act {
                    Act::Quit => (0..model.messages.len()).filter(|&at| model.messages[at].deleted).collect(),
                    _ => Vec::new(),
                };
                prop_assert_eq!(removed, marked);
                // The next session has what is left, and no mark.
                let mut at = 0;
                model.messages.retain(|message| {
                    at += 1;
                    !(matches!(act, Act::Quit) && message.deleted || message.gone)
                });
                model.messages.iter_mut().for_each(|message| message.deleted = false);
                model.messages.push(Message { octets: at, id: format!("new{at}"), deleted: false, gone: false });
                world = World::new(&model);
            }
        }
    }
}
