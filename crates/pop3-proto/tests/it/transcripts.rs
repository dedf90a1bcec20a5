//! `tests/transcripts/*.txt`, each run whole, octet by octet and at random cuts.
//!
//! Options: `utf8`, `languages ja en` (both off unless said), `expire never|DAYS [user]`, `login-delay SECONDS [user]`, `stamp <…>`, `stls`, `encrypted` (implicit TLS), `clear on`, `mechanisms PLAIN …`, `bare-lf off`, `implementation NAME`,
//! `errors N`, `auth-failures N`, `commands N`. Answers: `accept SIZE:ID …` or `empty` to a login, `accept`, `body TEXT` (with `\n` for a line's
//! end), or the refusal's name.

use auth_sasl::{Claim, Mechanism, Secret, Stamp};
use pop3_proto::{
    Channel, Config, Content, Event, Expire, Language, LoginDelay, Maildrop, Refusal, Session, Step,
};
use transcript::{Happening, Machine};

#[test]
fn r_01_r_02_r_03_r_12_r_13_r_14_p_12_p_13_every_script_at_every_cut() {
    transcript::run_directory(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts"), |options| Server {
        session: session(options),
        content: None,
    });
}

struct Server {
    session: Session,
    /// What a question in need of a body was about.
    content: Option<Content>,
}

impl Machine for Server {
    fn greet(&mut self, out: &mut Vec<u8>) {
        self.session.greet(out);
    }

    fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> (usize, Happening) {
        let mut consumed = 0;
        loop {
            let mut piece = Vec::new();
            let step = self.session.step(&input[consumed..], &mut piece).unwrap();
            out.extend(piece);
            consumed += step.consumed;
            if step.event != Event::Flush {
                return (consumed, self.happening(step));
            }
        }
    }

    fn answer(&mut self, answer: &str, out: &mut Vec<u8>) {
        let (word, rest) = answer.split_once(' ').unwrap_or((answer, ""));
        match word {
            "accept" if rest.is_empty() => self.session.accept(out).unwrap(),
            "accept" => self.session.accept_login(maildrop(rest), out).unwrap(),
            "empty" => self.session.accept_login(Maildrop::default(), out).unwrap(),
            "body" => {
                self.session.accept(out).unwrap();
                send(self.content.take().unwrap(), &rest.replace("\\n", "\n"), out);
                self.session.body_sent().unwrap();
            }
            _ => self.session.refuse(refusal(word), out).unwrap(),
        }
    }

    fn tls_established(&mut self) {
        self.session.tls_established().unwrap();
    }
}

impl Server {
    fn happening(&mut self, step: Step) -> Happening {
        match step.event {
            Event::NeedInput => Happening::NeedInput,
            Event::Flush => unreachable!(),
            Event::Login(claim) => Happening::Asked(format!("login {}", shown(&claim))),
            Event::Retrieve { message } => {
                self.content = Some(Content::whole());
                Happening::Asked(format!("retrieve {message}"))
            }
            Event::Top { message, lines } => {
                self.content = Some(Content::top(lines));
                Happening::Asked(format!("top {message} {lines}"))
            }
            Event::Commit { deleted } => {
                let messages: Vec<_> = self.session.maildrop().deleted().map(|m| m.to_string()).collect();
                assert_eq!(messages.len(), deleted as usize);
                Happening::Asked(format!("commit [{}]", messages.join(" ")))
            }
            Event::StartTls => Happening::Asked("starttls".into()),
            Event::Close(reason) => Happening::Closed(format!("close {reason:?}")),
        }
    }
}

/// Who claims what. These passwords are no secrets.
fn shown(claim: &Claim) -> String {
    let verdict = |secret: &str| claim.verify_secret(&Secret::new(secret));
    let proof = match claim {
        Claim::Apop { .. } if verdict("tanstaaf") => "apop".into(),
        Claim::Apop { .. } => "bad-apop".into(),
        Claim::Password { password, .. } => format!("{:?}", String::from_utf8_lossy(password.expose())),
    };
    match claim {
        Claim::Password { authorization, login, .. } if !authorization.is_empty() => {
            format!("{login} as {authorization} by {proof}")
        }
        _ => format!("{} by {proof}", claim.login()),
    }
}

fn maildrop(text: &str) -> Maildrop {
    let mut maildrop = Maildrop::default();
    for word in text.split(' ') {
        let (octets, id) = word.split_once(':').unwrap();
        maildrop.push(octets.parse().unwrap(), id).unwrap();
    }
    maildrop
}

fn send(mut content: Content, body: &str, out: &mut Vec<u8>) {
    let mut rest = body.as_bytes();
    while let Some(piece) = content.next(rest) {
        out.extend_from_slice(piece.octets);
        rest = &rest[piece.consumed..];
    }
    out.extend_from_slice(content.finish());
}

fn refusal(word: &str) -> Refusal {
    match word {
        "credentials" => Refusal::Credentials,
        "in-use" => Refusal::InUse,
        "login-delay" => Refusal::LoginDelay,
        "needs-utf8" => Refusal::NeedsUtf8,
        "not-removed" => Refusal::NotRemoved,
        "permanent" => Refusal::Permanent,
        "temporary" => Refusal::Temporary,
        "vanished" => Refusal::Vanished,
        _ => panic!("no such answer: {word}"),
    }
}

/// `30`, or `30 user`.
fn differs(value: &str) -> (&str, bool) {
    value.strip_suffix(" user").map_or((value, false), |value| (value, true))
}

fn expire(value: &str) -> Expire {
    let (days, differs) = differs(value);
    Expire { days: (days != "never").then(|| days.parse().unwrap()), differs }
}

fn login_delay(value: &str) -> LoginDelay {
    let (seconds, differs) = differs(value);
    LoginDelay { seconds: seconds.parse().unwrap(), differs }
}

fn language(tag: &str) -> Language {
    Language::ALL.into_iter().find(|language| language.tag() == tag).unwrap()
}

fn session(options: &[(String, String)]) -> Session {
    let mut config = Config::new("pop.example.jp");
    config.utf8 = false;
    config.languages.clear();
    let (mut channel, mut stamp) = (Channel::Clear, None);
    for (name, value) in options {
        let number = || value.parse().unwrap();
        match name.as_str() {
            "auth-failures" => config.limits.auth_failures = number(),
            "bare-lf" => config.bare_lf = value == "on",
            "clear" => config.clear_text = value == "on",
            "commands" => config.limits.commands_before_login = number(),
            "encrypted" => channel = Channel::Encrypted,
            "errors" => config.limits.errors = number(),
            "expire" => config.expire = Some(expire(value)),
            "languages" => config.languages = value.split(' ').map(language).collect(),
            "login-delay" => config.login_delay = Some(login_delay(value)),
            "utf8" => config.utf8 = true,
            "implementation" => config.implementation = Some(value.clone()),
            "mechanisms" => {
                let named = |name: &str| Mechanism::parse(name.as_bytes()).unwrap();
                config.mechanisms = value.split_whitespace().map(named).collect();
            }
            "stamp" => stamp = Some(Stamp::new(value.as_str()).unwrap()),
            "stls" => config.stls = true,
            _ => panic!("no such option: {name}"),
        }
    }
    Session::new(config.into(), channel, stamp)
}
