//! What a session refuses of itself, in the words of an operator, and what its caller hears of it.

use std::sync::Arc;

use auth_sasl::Mechanism;
use smtp_proto::{Auth, Channel, Config, Enhanced, Event, Reply, Session, StartTls, Topic, Unmet};

/// The replies behind EHLO's, everything else accepted.
fn said(session: &mut Session, input: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), input.as_bytes());
    loop {
        let step = session.step(rest, &mut out).unwrap();
        rest = &rest[step.consumed..];
        match step.event {
            Event::NeedInput => break,
            Event::Hello(_) => {
                session.accept(&mut Vec::new()).unwrap();
            }
            Event::Body(_) | Event::Reset(_) => {}
            _ => session.accept(&mut out).unwrap(),
        }
    }
    String::from_utf8(out).unwrap()
}

fn config() -> Config {
    let mut config = Config::new("mx.example.jp");
    config.size = Some(20);
    for topic in Topic::ALL {
        config.say(topic, format!("{topic:?}\nsee https://example.jp/")).unwrap();
    }
    config
}

fn session(change: impl FnOnce(&mut Config)) -> Session {
    let mut config = config();
    change(&mut config);
    Session::new(Arc::new(config), Channel::Clear)
}

#[test]
fn k_07_a_refusal_in_other_words_has_the_same_codes() {
    let login = |config: &mut Config| {
        config.auth = Auth::with([Mechanism::Plain]);
        config.auth.required = true;
    };
    let clear = |config: &mut Config| {
        login(config);
        config.auth.clear_text = true;
    };
    let mail = "EHLO pc\r\nMAIL FROM:<a@b.example>\r\n";
    let big = format!("{mail}RCPT TO:<a@b.example>\r\nDATA\r\n{}\r\n.\r\n", "x".repeat(40));
    for (mut session, input, codes, topic) in [
        (session(clear), mail, "530-5.7.0", Topic::AuthMissing),
        (session(clear), "EHLO pc\r\nAUTH CRAM-MD5\r\n", "504-5.5.4", Topic::MechanismNotOffered),
        (session(login), "EHLO pc\r\nAUTH PLAIN\r\n", "538-5.7.11", Topic::ClearTextAuth),
        (session(|_| ()), "EHLO pc\r\nAUTH PLAIN\r\n", "502-5.5.1", Topic::AuthNotOffered),
        (session(|_| ()), "STARTTLS\r\n", "502-5.5.1", Topic::StartTlsNotOffered),
        (session(|config| config.starttls = StartTls::Required), mail, "530-5.7.0", Topic::TlsMissing),
        (session(|_| ()), "EHLO pc\r\nMAIL FROM:<> SIZE=21\r\n", "552-5.3.4", Topic::MessageTooBig),
        (session(|_| ()), &big, "552-5.3.4", Topic::MessageTooBig),
    ] {
        let last = codes.replace('-', " ");
        let reply = said(&mut session, input);
        assert!(
            reply.ends_with(&format!("{codes} {topic:?}\r\n{last} see https://example.jp/\r\n")),
            "{reply}"
        );
    }
}

#[test]
fn a_text_that_breaks_its_line_is_not_taken() {
    let mut config = Config::new("mx.example.jp");
    for text in ["a\r\nb".to_owned(), "窓口".to_owned(), "x".repeat(481)] {
        config.say(Topic::AuthMissing, text).unwrap_err();
    }
    let in_utf8 = |text: &str| Reply::in_utf8(550, Enhanced(5, 7, 1), text.to_owned());
    let mut out = Vec::new();
    in_utf8("窓口へ\nask").unwrap().write(&mut out);
    assert_eq!(str::from_utf8(&out), Ok("550-5.7.1 窓口へ\r\n550 5.7.1 ask\r\n"));
    for text in ["窓口\r\nへ", "\u{85}", "窓\0", &"窓".repeat(161)] {
        in_utf8(text).unwrap_err();
    }
    Reply::in_utf8(550, Enhanced(4, 7, 1), "another class").unwrap_err();
}

#[test]
fn s_09_s_10_what_a_client_wanted_in_vain_is_told_once() {
    let mut session = session(|config| {
        config.auth = Auth::with([Mechanism::Plain]);
        config.auth.required = true;
        config.auth.clear_text = true;
    });
    said(&mut session, "EHLO pc\r\nNOOP\r\nAUTH =\r\n");
    assert_eq!(session.take_unmet(), None);
    said(&mut session, "MAIL FROM:<a@b.example>\r\n");
    assert_eq!((session.take_unmet(), session.take_unmet()), (Some(Unmet::AuthMissing), None));
    said(&mut session, "AUTH cram-md5\r\n");
    match session.take_unmet() {
        Some(Unmet::MechanismNotOffered(name)) => assert_eq!(name.as_str(), "CRAM-MD5"),
        other => panic!("{other:?}"),
    }
    said(&mut session, "AUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b.example>\r\n");
    assert_eq!(session.take_unmet(), None);
}
