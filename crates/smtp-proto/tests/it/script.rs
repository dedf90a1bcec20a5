//! The session as the transcripts see it.

use std::sync::Arc;

use auth_sasl::Mechanism;
use smtp_proto::{
    Auth, BareLines, Channel, Config, Event, Extension, Extensions, FutureRelease, Reply, Session, StartTls,
};
use transcript::{Happening, Machine};

pub(crate) struct Server(Session);

impl Server {
    fn new(options: &[(String, String)]) -> Self {
        let mut config = Config::new("mx.example.jp");
        let mut channel = Channel::Clear;
        for (name, value) in options {
            let number = || value.parse().unwrap();
            match (name.as_str(), value.as_str()) {
                ("auth", "off") => {}
                ("auth", mechanisms) => {
                    let named = mechanisms.split(' ').map(|name| Mechanism::parse(name.as_bytes()).unwrap());
                    config.auth.mechanisms = named.collect();
                }
                ("auth-required", _) => config.auth.required = true,
                ("channel", "encrypted") => channel = Channel::Encrypted,
                ("clear-text-auth", _) => config.auth.clear_text = true,
                ("errors", _) => config.limits.errors = number(),
                ("extensions", names) => {
                    config.extensions = names.split(' ').filter(|name| !name.is_empty()).fold(
                        Extensions::NONE,
                        |set, name| {
                            let mut all = Extension::ALL.iter();
                            set.with(*all.find(|one| one.keyword() == name).expect(name))
                        },
                    );
                }
                ("future-release", _) => {
                    let (seconds, until) = value.split_once(' ').unwrap();
                    let (seconds, until) = (seconds.parse().unwrap(), until.into());
                    config.future_release = Some(FutureRelease { seconds, until });
                }
                ("normalise", _) => config.bare_lines = BareLines::Normalise,
                ("legacy-auth-line", _) => config.auth.legacy_line = true,
                ("transactions", _) => config.limits.transactions = number(),
                ("recipients", _) => config.limits.recipients = number(),
                ("size", _) => config.size = Some(u64::from(number())),
                ("starttls", "offered") => config.starttls = StartTls::Offered,
                ("starttls", "required") => config.starttls = StartTls::Required,
                other => panic!("no such option: {other:?}"),
            }
        }
        Self(Session::new(Arc::new(config), channel))
    }
}

impl Machine for Server {
    fn greet(&mut self, out: &mut Vec<u8>) {
        self.0.greet(out);
    }

    fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> (usize, Happening) {
        let step = self.0.step(input, out).unwrap();
        let happening = match step.event {
            Event::Authenticate(claim) => Happening::Asked(format!("authenticate {}", claim.login())),
            Event::Body(octets) => Happening::Body(octets.to_vec()),
            Event::BodyEnd => Happening::Asked("body end".into()),
            Event::BodyStart => Happening::Asked("body start".into()),
            Event::Close(reason) => Happening::Closed(format!("close {reason:?}")),
            Event::Hello(hello) => {
                let verb = if hello.extended { "ehlo" } else { "helo" };
                Happening::Asked(format!("{verb} {}", hello.name.as_str()))
            }
            Event::Mail(mail) => Happening::Asked(mail.to_string().replacen("MAIL FROM:", "mail ", 1)),
            Event::NeedInput => Happening::NeedInput,
            Event::Rcpt(rcpt) => Happening::Asked(rcpt.to_string().replacen("RCPT TO:", "rcpt ", 1)),
            Event::Reset(reason) => Happening::Told(format!("reset {reason:?}")),
            Event::StartTls => Happening::Asked("starttls".into()),
            Event::Verify(what) => Happening::Asked(format!("verify {what}")),
        };
        (step.consumed, happening)
    }

    fn answer(&mut self, answer: &str, out: &mut Vec<u8>) {
        match answer.split_once(' ') {
            None if answer == "accept" => self.0.accept(out).unwrap(),
            Some(("accept", words)) => self.0.accept_with(&reply(words), out).unwrap(),
            Some(("refuse", words)) => self.0.refuse(reply(words), out).unwrap(),
            _ => panic!("no such answer: {answer}"),
        }
    }

    fn tls_established(&mut self) {
        self.0.tls_established().unwrap();
    }
}

/// `550 5.1.1 No such user`
pub(crate) fn reply(words: &str) -> Reply {
    let mut parts = words.splitn(3, ' ');
    let code = parts.next().unwrap().parse().unwrap();
    let enhanced: Vec<u16> = parts.next().unwrap().split('.').map(|digits| digits.parse().unwrap()).collect();
    let class = u8::try_from(enhanced[0]).unwrap();
    Reply::new(code, smtp_proto::Enhanced(class, enhanced[1], enhanced[2]), parts.next().unwrap().to_owned())
        .unwrap()
}

#[test]
fn transcripts() {
    transcript::run_directory(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts"), Server::new);
}

pub(crate) fn auth() -> Auth {
    Auth::with(Mechanism::ALL)
}
