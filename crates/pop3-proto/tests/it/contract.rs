//! The contract with the caller: what is misuse, and that misuse changes nothing.

use auth_sasl::Claim;
use pop3_proto::{CloseReason, Event, Language, Maildrop, Misuse, Refusal, Session, Step, Topic};

use crate::{everything, greeted, two_messages};

const ALL: [Refusal; 8] = [
    Refusal::Credentials,
    Refusal::InUse,
    Refusal::LoginDelay,
    Refusal::NeedsUtf8,
    Refusal::NotRemoved,
    Refusal::Permanent,
    Refusal::Temporary,
    Refusal::Vanished,
];

fn logged_in() -> Session {
    let mut session = greeted(everything());
    assert!(matches!(event(&mut session, "USER a\r\nPASS b\r\n"), Event::Login(_)));
    session.accept_login(two_messages(), &mut Vec::new()).unwrap();
    session
}

/// Steps over `input`, which is consumed whole.
fn event(session: &mut Session, input: &str) -> Event {
    let Step { consumed, event } = session.step(input.as_bytes(), &mut Vec::new()).unwrap();
    assert_eq!(consumed, input.len());
    event
}

fn said(session: &mut Session, input: &str) -> String {
    let mut out = Vec::new();
    let _ = session.step(input.as_bytes(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_connection_can_be_refused_instead_of_greeted() {
    let mut out = Vec::new();
    Refusal::Temporary.write(&mut out);
    assert_eq!(out, b"-ERR [SYS/TEMP] try again later\r\n");
}

/// Which refusals fit which question, and that the others leave it open.
#[test]
fn refusals_fit_their_questions() {
    let rows: [(&str, &[Refusal]); 4] = [
        ("RETR 1\r\n", &[Refusal::NeedsUtf8, Refusal::Permanent, Refusal::Temporary, Refusal::Vanished]),
        ("TOP 1 2\r\n", &[Refusal::NeedsUtf8, Refusal::Permanent, Refusal::Temporary, Refusal::Vanished]),
        ("QUIT\r\n", &[Refusal::NotRemoved]),
        (
            "USER a\r\nPASS b\r\n",
            &[
                Refusal::Credentials,
                Refusal::InUse,
                Refusal::LoginDelay,
                Refusal::Permanent,
                Refusal::Temporary,
            ],
        ),
    ];
    for (command, fitting) in rows {
        for refusal in ALL {
            let mut session = if command.starts_with("USER") { greeted(everything()) } else { logged_in() };
            let _question = event(&mut session, command);
            let mut out = Vec::new();
            if fitting.contains(&refusal) {
                assert_eq!(session.refuse(refusal, &mut out), Ok(()), "{command} {refusal:?}");
                assert!(out.starts_with(b"-ERR ") && out.ends_with(b"\r\n"));
            } else {
                assert_eq!(
                    session.refuse(refusal, &mut out),
                    Err(Misuse::WrongAnswer),
                    "{command} {refusal:?}"
                );
                assert_eq!(out, b"");
                assert_eq!(session.step(b"", &mut out), Err(Misuse::QuestionOpen), "still open");
            }
        }
    }
}

#[test]
fn while_a_question_is_open_nothing_happens() {
    let mut session = greeted(everything());
    let mut out = Vec::new();
    assert_eq!(session.accept(&mut out), Err(Misuse::NothingAsked));
    let Event::Login(Claim::Password { .. }) = event(&mut session, "USER a\r\nPASS b\r\n") else { panic!() };
    assert_eq!(session.step(b"NOOP\r\n", &mut out), Err(Misuse::QuestionOpen));
    assert_eq!(session.accept(&mut out), Err(Misuse::WrongAnswer), "a login needs its maildrop");
    assert_eq!(out, b"");
    session.accept_login(Maildrop::default(), &mut out).unwrap();
    assert_eq!(session.accept_login(Maildrop::default(), &mut out), Err(Misuse::NothingAsked));
    assert_eq!(out, b"+OK maildrop has 0 messages (0 octets)\r\n");
}

#[test]
fn a_body_is_sent_before_the_next_command() {
    let mut session = logged_in();
    let mut out = Vec::new();
    assert!(matches!(event(&mut session, "RETR 1\r\n"), Event::Retrieve { .. }));
    assert_eq!(session.accept_login(Maildrop::default(), &mut out), Err(Misuse::WrongAnswer));
    assert_eq!(session.body_sent(), Err(Misuse::NothingAsked));
    session.accept(&mut out).unwrap();
    assert_eq!(session.step(b"NOOP\r\n", &mut out), Err(Misuse::BodyDue));
    session.body_sent().unwrap();
    assert_eq!(said(&mut session, "NOOP\r\n"), "+OK\r\n");
}

#[test]
fn p_23_octets_behind_stls_end_the_session() {
    let mut session = greeted(everything());
    let mut out = Vec::new();
    let step = session.step(b"STLS\r\nUSER a\r\n", &mut out).unwrap();
    assert_eq!(step, Step { consumed: 6, event: Event::Close(CloseReason::BytesBehindStls) });
    assert_eq!(out, b"-ERR octets behind STLS, closing\r\n");
    assert_eq!(session.accept(&mut out), Err(Misuse::Closed));
}

#[test]
fn what_follows_a_refused_stls_is_a_command() {
    let mut config = everything();
    config.stls = false;
    let mut session = greeted(config);
    assert_eq!(
        said(&mut session, "STLS\r\nNOOP\r\n"),
        "-ERR STLS is not offered here\r\n-ERR log in first\r\n"
    );
}

#[test]
fn stls_forgets_the_user_and_waits_for_the_handshake() {
    let mut session = greeted(everything());
    let mut out = Vec::new();
    assert_eq!(event(&mut session, "USER a\r\n"), Event::NeedInput);
    assert_eq!(event(&mut session, "STLS\r\n"), Event::StartTls);
    session.accept(&mut out).unwrap();
    assert_eq!(event(&mut session, ""), Event::NeedInput);
    session.tls_established().unwrap();
    assert_eq!(said(&mut session, "PASS b\r\n"), "-ERR USER first\r\n");
    assert_eq!(said(&mut session, "STLS\r\n"), "-ERR TLS is active already\r\n");
}

/// They may come in a read of their own, before the client's handshake.
#[test]
fn p_23_octets_behind_an_accepted_stls_end_the_session() {
    let mut session = greeted(everything());
    let mut out = Vec::new();
    assert_eq!(event(&mut session, "STLS\r\n"), Event::StartTls);
    session.accept(&mut out).unwrap();
    let step = session.step(b"USER a\r\n", &mut out).unwrap();
    assert_eq!(step, Step { consumed: 0, event: Event::Close(CloseReason::BytesBehindStls) });
    assert_eq!(out, b"+OK begin TLS\r\n", "the client is in its handshake: nothing can be said");
}

#[test]
fn nothing_follows_a_close() {
    let mut session = greeted(everything());
    let mut out = Vec::new();
    let step = session.step(b"QUIT\r\nUSER a\r\n", &mut out).unwrap();
    assert_eq!(step, Step { consumed: 6, event: Event::Close(CloseReason::Quit) });
    out.clear();
    assert_eq!(session.step(b"USER a\r\n", &mut out), Err(Misuse::Closed));
    assert_eq!(session.accept(&mut out), Err(Misuse::Closed));
    assert_eq!(session.body_sent(), Err(Misuse::Closed));
    assert_eq!(session.tls_established(), Err(Misuse::Closed));
    assert_eq!(out, b"");
}

#[test]
fn output_is_bounded() {
    let mut maildrop = Maildrop::with_capacity(100_000, 5_000_000);
    for message in 0..100_000 {
        maildrop
            .push(4_000 + message, &format!("1700000000.M{message:06}P1234Q1R0123456789abcdef.mx1"))
            .unwrap();
    }
    let mut session = greeted(everything());
    assert!(matches!(event(&mut session, "USER a\r\nPASS b\r\n"), Event::Login(_)));
    session.accept_login(maildrop, &mut Vec::new()).unwrap();
    let (mut lines, mut most, mut input) = (0, 0, &b"LIST\r\nUIDL\r\nLIST\r\n"[..]);
    loop {
        let mut out = Vec::new();
        let step = session.step(input, &mut out).unwrap();
        input = &input[step.consumed..];
        most = most.max(out.len());
        lines += out.iter().filter(|&&octet| octet == b'\n').count();
        match step.event {
            Event::Flush => {}
            Event::NeedInput => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(lines, 3 * 100_002);
    assert!(most < 17 * 1024, "{most}");

    let noops = "NOOP\r\n".repeat(10_000);
    let mut out = Vec::new();
    let step = session.step(noops.as_bytes(), &mut out).unwrap();
    assert_eq!(step.event, Event::Flush);
    assert!(out.len() < 17 * 1024);
}

#[test]
fn k_07_a_refusal_in_the_operators_words_and_the_clients_language() {
    let mut config = everything();
    config.say(Topic::Credentials, Language::English, "wrong, see https://example.jp/").unwrap();
    config.say(Topic::Credentials, Language::Japanese, "違います https://example.jp/").unwrap();
    config.say(Topic::MechanismNotOffered, Language::English, "PLAIN or LOGIN").unwrap();
    config.say(Topic::Temporary, Language::English, "[AUTH] no").unwrap_err();
    let mut session = greeted(config);
    let refused = |session: &mut Session| {
        assert!(matches!(event(session, "USER a\r\nPASS b\r\n"), Event::Login(_)));
        let mut out = Vec::new();
        session.refuse(Refusal::Credentials, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(said(&mut session, "AUTH NTLM\r\n"), "-ERR PLAIN or LOGIN\r\n");
    assert_eq!(refused(&mut session), "-ERR [AUTH] wrong, see https://example.jp/\r\n");
    assert_eq!(session.language(), Language::English);
    said(&mut session, "LANG ja\r\n");
    assert_eq!(session.language(), Language::Japanese);
    assert_eq!(refused(&mut session), "-ERR [AUTH] 違います https://example.jp/\r\n");
    // What has no other words in a language has the usual ones.
    assert_eq!(said(&mut session, "AUTH NTLM\r\n"), "-ERR その認証方式は使えません\r\n");
}

#[test]
fn what_the_owner_of_an_account_is_told_is_in_the_clients_language_or_not_told() {
    let mut session = greeted(everything());
    let told = |session: &mut Session, text: &str| {
        assert!(matches!(event(session, "USER a\r\nPASS b\r\n"), Event::Login(_)));
        let mut out = Vec::new();
        session.refuse_account(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(told(&mut session, "ask us"), "-ERR [SYS/PERM] ask us\r\n");
    for text in ["窓口へ", "a\r\nb", "[AUTH] x"] {
        assert_eq!(told(&mut session, text), "-ERR [SYS/PERM] ask the operator of this service\r\n");
    }
    said(&mut session, "LANG ja\r\n");
    assert_eq!(told(&mut session, "窓口へ"), "-ERR [SYS/PERM] 窓口へ\r\n");
}

#[test]
fn s_09_a_mechanism_that_is_not_offered_is_told_once() {
    let mut session = greeted(everything());
    said(&mut session, "AUTH\r\n");
    assert_eq!(session.take_unoffered(), None);
    said(&mut session, "AUTH cram-md5\r\n");
    assert_eq!(session.take_unoffered().map(|name| name.to_string()).as_deref(), Some("CRAM-MD5"));
    assert_eq!(session.take_unoffered(), None);
}
