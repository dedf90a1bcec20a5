//! Every command in every state: whether it is answered, asked about, or refused, and that the session stays in step.

use pop3_proto::{Event, Session, Step, Verb};

use crate::{everything, greeted, two_messages};

const STATES: [&str; 4] = ["authorization", "named", "transaction", "exchange"];

/// A session in the state of that name.
fn session(state: &str) -> Session {
    let mut session = greeted(everything());
    let mut out = Vec::new();
    let lines: &[u8] = match state {
        "authorization" => b"",
        "named" => b"USER hanako\r\n",
        "exchange" => b"AUTH LOGIN\r\n",
        "transaction" => b"USER hanako\r\nPASS sakura\r\n",
        _ => panic!(),
    };
    let Step { event, .. } = session.step(lines, &mut out).unwrap();
    if let Event::Login(_) = event {
        session.accept_login(two_messages(), &mut out).unwrap();
    }
    session
}

const fn example(verb: Verb) -> &'static str {
    match verb {
        Verb::Apop => "APOP hanako c4c9334bac560ecc979e58001b3e22fb",
        Verb::Auth => "AUTH PLAIN",
        Verb::Capa => "CAPA",
        Verb::Dele => "DELE 1",
        Verb::Lang => "LANG ja",
        Verb::List => "LIST",
        Verb::Noop => "NOOP",
        Verb::Pass => "PASS sakura",
        Verb::Quit => "QUIT",
        Verb::Retr => "RETR 1",
        Verb::Rset => "RSET",
        Verb::Stat => "STAT",
        Verb::Stls => "STLS",
        Verb::Top => "TOP 1 0",
        Verb::Uidl => "UIDL",
        Verb::User => "USER hanako",
        Verb::Utf8 => "UTF8",
    }
}

/// `ok`, `+`: replied so; `ask`: a question; otherwise the refusal.
fn outcome(session: &mut Session, line: &str) -> String {
    let mut out = Vec::new();
    let Step { consumed, event } = session.step(format!("{line}\r\n").as_bytes(), &mut out).unwrap();
    assert_eq!(consumed, line.len() + 2, "{line}");
    let reply = String::from_utf8(out).unwrap();
    match event {
        Event::NeedInput if reply.starts_with("+OK") => "ok".into(),
        Event::NeedInput if reply.starts_with("+ ") => "+".into(),
        Event::NeedInput => reply.trim_start_matches("-ERR ").trim_end().into(),
        Event::Close(reason) => format!("{reason:?}"),
        question => {
            assert_eq!(reply, "", "before {question:?}");
            "ask".into()
        }
    }
}

/// In an exchange every line is a response; "UTF8" happens to be base64 of a name.
#[test]
fn every_command_in_every_state() {
    let drawn = "
        APOP ask              | ask              | logged in already | malformed response
        AUTH +                | +                | logged in already | malformed response
        CAPA ok               | ok               | ok                | malformed response
        DELE log in first     | log in first     | ok                | malformed response
        LANG ok               | ok               | ok                | malformed response
        LIST log in first     | log in first     | ok                | malformed response
        NOOP log in first     | log in first     | ok                | malformed response
        PASS USER first       | ask              | logged in already | malformed response
        QUIT Quit             | Quit             | ask               | malformed response
        RETR log in first     | log in first     | ask               | malformed response
        RSET log in first     | log in first     | ok                | malformed response
        STAT log in first     | log in first     | ok                | malformed response
        STLS ask              | ask              | logged in already | malformed response
        TOP  log in first     | log in first     | ask               | malformed response
        UIDL log in first     | log in first     | ok                | malformed response
        USER ok               | ok               | logged in already | malformed response
        UTF8 ok               | ok               | logged in already | +";
    for (verb, row) in Verb::ALL.iter().zip(drawn.lines().skip(1)) {
        let (keyword, cells) = row.trim().split_at(5);
        assert_eq!(keyword.trim(), verb.keyword());
        for (state, wanted) in STATES.iter().zip(cells.split('|')) {
            assert_eq!(outcome(&mut session(state), example(*verb)), wanted.trim(), "{keyword} in {state}");
        }
    }
}

/// Whatever is refused or malformed, the next command is answered as if nothing had been.
#[test]
fn a_refused_command_changes_nothing() {
    let lines = [
        "XYZZY",
        "",
        "RETR",
        "RETR 0",
        "RETR x",
        "RETR 99999999999",
        "STAT now",
        "USER",
        "PASS",
        "AUTH FOO",
        "\u{7F}",
    ];
    for state in ["authorization", "named", "transaction"] {
        for line in lines {
            let mut session = session(state);
            assert!(!["ok", "ask", "+"].contains(&outcome(&mut session, line).as_str()), "{line} in {state}");
            let next = if state == "transaction" { "STAT" } else { "USER a" };
            assert_eq!(outcome(&mut session, next), "ok", "behind {line} in {state}");
        }
    }
    let mut session = session("named");
    assert_eq!(outcome(&mut session, "LIST"), "log in first");
    assert_eq!(outcome(&mut session, "PASS sakura"), "ask", "the name is still known");
}
