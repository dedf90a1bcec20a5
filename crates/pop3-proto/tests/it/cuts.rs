//! How the input is cut changes nothing: random sessions, fed at random cuts.

use pop3_proto::{Event, Refusal, Step};
use proptest::prelude::*;

use crate::{everything, greeted, two_messages};

/// Feeds `input` in reads that end at `cuts`; answers every question by a rule of its own. What was said, asked and answered.
fn play(input: &[u8], cuts: &[usize]) -> (Vec<u8>, Vec<String>) {
    let mut session = greeted(everything());
    let (mut said, mut log, mut held) = (Vec::new(), Vec::new(), Vec::new());
    let mut out = Vec::new();
    let mut from = 0;
    for &to in cuts.iter().chain([&input.len()]) {
        held.extend_from_slice(&input[from..to]);
        from = to;
        loop {
            let Step { consumed, event } = session.step(&held, &mut out).unwrap();
            held.drain(..consumed);
            said.append(&mut out);
            assert!(said.is_empty() || said.ends_with(b"\r\n"), "only whole lines");
            if !matches!(event, Event::NeedInput | Event::Flush) {
                log.push(format!("{event:?}"));
            }
            match event {
                Event::NeedInput => break,
                Event::Flush => {}
                Event::Login(claim) if claim.login() == "hanako" => {
                    session.accept_login(two_messages(), &mut out).unwrap();
                }
                Event::Login(_) => session.refuse(Refusal::Credentials, &mut out).unwrap(),
                Event::Retrieve { message } | Event::Top { message, .. } if message.get() == 2 => {
                    session.refuse(Refusal::Vanished, &mut out).unwrap();
                }
                Event::Retrieve { .. } | Event::Top { .. } => {
                    session.accept(&mut out).unwrap();
                    out.extend_from_slice(b"body\r\n.\r\n");
                    session.body_sent().unwrap();
                }
                Event::Commit { .. } => session.accept(&mut out).unwrap(),
                Event::StartTls => session.refuse(Refusal::Temporary, &mut out).unwrap(),
                Event::Close(_) => {
                    said.append(&mut out);
                    return (said, log);
                }
            }
        }
    }
    (said, log)
}

/// Lines that a session is likely to be made of; STLS only alone, for what stands behind it in one read is an attack.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(
        &[
            "USER hanako",
            "USER taro",
            "PASS sakura",
            "PASS a b",
            "AUTH",
            "AUTH LOGIN",
            "AUTH PLAIN",
            "AUTH PLAIN AGhhbmFrbwBzYWt1cmE=",
            "AGhhbmFrbwBzYWt1cmE=",
            "*",
            "aGFuYWtv",
            "c2FrdXJh",
            "CAPA",
            "STAT",
            "LIST",
            "LIST 1",
            "LIST 3",
            "UIDL",
            "UIDL 2",
            "DELE 1",
            "DELE 2",
            "RSET",
            "NOOP",
            "RETR 1",
            "RETR 2",
            "TOP 1 3",
            "TOP 2 0",
            "QUIT",
            "XYZZY",
            "",
        ][..],
    );
    let ending = proptest::sample::select(&["\r\n", "\n"][..]);
    let line = prop_oneof![
        8 => known.prop_map(|line| line.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>().prop_filter("an ending", |&octet| octet != b'\n'), 0..20),
        1 => (2_040usize..2_060).prop_map(|length| vec![b'x'; length]),
        1 => Just(vec![b'y'; 5_000]),
    ];
    (line, ending).prop_map(|(mut line, ending)| {
        line.extend_from_slice(ending.as_bytes());
        line
    })
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        login in any::<bool>(),
        lines in proptest::collection::vec(any_line(), 0..30),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..40),
    ) {
        let mut input = if login { b"USER hanako\r\nPASS sakura\r\n".to_vec() } else { Vec::new() };
        input.extend(lines.concat());
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        at.sort_unstable();
        let whole = play(&input, &[]);
        prop_assert_eq!(&play(&input, &at), &whole);
        let every: Vec<usize> = (0..=input.len()).collect();
        prop_assert_eq!(&play(&input, &every), &whole);
    }

    /// Whatever comes, each step makes progress or wants input, and only whole lines are said.
    #[test]
    fn any_octets_are_dealt_with(input in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        play(&input, &[]);
    }
}
