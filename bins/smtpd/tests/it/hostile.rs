//! Hostile clients: no smuggled command, no partial message, no open relay, and another client does not notice.

use std::net::Shutdown;

use crate::house::{Client, House};

/// A client as every other; its message must arrive whatever happens beside it.
fn an_honest_message(house: &House) {
    let before = house.messages().len();
    let mut client = house.connect();
    assert!(client.ask("EHLO pc.example").starts_with("250 "));
    assert!(client.ask("MAIL FROM:<taro@example.net>").starts_with("250 "));
    assert!(client.ask("RCPT TO:<hanako@example.jp>").starts_with("250 "));
    assert!(client.ask("DATA").starts_with("354 "));
    assert!(client.ask("Subject: honest\r\n\r\nhi\r\n.").starts_with("250 "));
    assert!(client.ask("QUIT").starts_with("221 "));
    assert_eq!(house.messages().len(), before + 1);
}

fn envelope(client: &mut Client) {
    assert!(client.ask("EHLO pc.example").starts_with("250 "));
    assert!(client.ask("MAIL FROM:<evil@example.net>").starts_with("250 "));
    assert!(client.ask("RCPT TO:<hanako@example.jp>").starts_with("250 "));
}

#[test]
fn nothing_is_smuggled_and_nothing_partial_stays() {
    let house = House::open();
    for end in [&b"\n.\n"[..], b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\n"] {
        let mut client = house.connect();
        envelope(&mut client);
        assert!(client.ask("DATA").starts_with("354 "));
        client.say(
            &[b"first", end, b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<hanako@example.jp>\r\n"].concat(),
        );
        let reply = client.ask("DATA\r\nsmuggled\r\n.");
        assert!(reply.starts_with("550 5.6.11 "), "{}: {reply}", end.escape_ascii());
        assert!(client.ask("NOOP").starts_with("250 "), "out of step after {}", end.escape_ascii());
    }
    assert!(house.messages().is_empty());
    an_honest_message(&house);
    house.close();
}

/// What is put right for old devices ends no message either: all of it is one message, and nothing in it is bare any more.
#[test]
fn nothing_is_smuggled_through_a_door_that_normalises() {
    let house = House::with("bare_line_endings = \"normalise\"\n");
    let ends =
        [&b"\n.\n"[..], b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\r\n.\n"];
    for (nth, end) in ends.iter().enumerate() {
        let mut client = house.connect();
        envelope(&mut client);
        assert!(client.ask("DATA").starts_with("354 "));
        client.say(
            &[b"first", *end, b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<hanako@example.jp>\r\n"].concat(),
        );
        let reply = client.ask("DATA\r\nsmuggled\r\n.");
        assert!(reply.starts_with("250 2.0.0 "), "{}: {reply}", end.escape_ascii());
        assert!(client.ask("NOOP").starts_with("250 "), "out of step after {}", end.escape_ascii());
        assert_eq!(house.messages().len(), nth + 1, "{}", end.escape_ascii());
    }
    for message in house.messages() {
        let text = String::from_utf8(message).unwrap();
        assert!(text.contains("evil@example.net") && text.ends_with("smuggled\r\n"), "{text}");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
    }
    house.close();
}

#[test]
fn a_session_octet_by_octet() {
    let house = House::open();
    let mut client = house.connect();
    let session =
        b"HELO pc\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<hanako@example.jp>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n";
    session.iter().for_each(|octet| client.say(&[*octet]));
    let codes: Vec<String> = client.rest().iter().map(|line| line[..3].to_owned()).collect();
    assert_eq!(codes, ["250", "250", "250", "354", "250", "221"]);
    assert_eq!(house.messages().len(), 1);
    house.close();
}

#[test]
fn floods_end_and_others_do_not_notice() {
    let house = House::open();
    let floods: [&[u8]; 4] =
        [b"NOOP\r\n", b"GET / HTTP/1.1\r\n", b"BDAT 9999999999999999999999\r\n", b"RCPT TO:<a@b>\r\n"];
    for flood in floods {
        let mut client = house.connect();
        client.say(&flood.repeat(100_000));
        assert!(client.rest().len() <= 102, "{}", flood.escape_ascii());
        an_honest_message(&house);
    }
    let mut client = house.connect();
    client.say(&[b'x'; 1 << 20]);
    assert!(client.ask("").starts_with("500 5.5.2 "));
    an_honest_message(&house);
    house.close();
}

/// The connection breaks in every state, with an end and with a reset.
#[test]
fn what_breaks_off_leaves_nothing() {
    let house = House::open();
    let session = "EHLO pc\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<hanako@example.jp>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n.\r";
    let chunks = "EHLO pc\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<hanako@example.jp>\r\nBDAT 4\r\nhi\r\nBDAT 9 LAST\r\nhi\r\n";
    for whole in [session, chunks] {
        for end in (0..=whole.len()).step_by(5).chain([whole.len()]) {
            let mut client = house.connect();
            client.say(&whole.as_bytes()[..end]);
            match end % 2 {
                // The server sees an end, says what is left to say, and closes.
                0 => {
                    client.stream.shutdown(Shutdown::Write).unwrap();
                    client.rest();
                }
                // Replies that nobody reads make the system send a reset.
                _ => drop(client),
            }
        }
    }
    an_honest_message(&house);
    assert_eq!(house.messages().len(), 1);
    house.close();
}

/// Ways to write somebody else's address so that it looks like one of ours, or the other way round.
const TRICKS: [&str; 27] = [
    "victim@example.net",
    "victim%example.net@example.jp",
    "victim%example.net%example.jp@example.jp",
    "victim%example.net",
    "example.net!victim",
    "example.net!victim@example.jp",
    "example.jp!example.net!victim",
    "@example.jp:victim@example.net",
    "@example.jp,@localhost:victim@example.net",
    "@example.net:victim%example.net@example.jp",
    "\"victim@example.net\"@example.jp",
    "\"victim@example.net\"",
    "\"victim%example.net\"@example.jp",
    "\"example.net!victim\"@example.jp",
    "\"hanako@example.jp\"@example.net",
    "victim@example.net@example.jp",
    "hanako@example.jp@example.net",
    "victim@[127.0.0.1]",
    "victim@[IPv6:::1]",
    "hanako@example.jp.example.net",
    "hanako@example.jp.",
    "hanako@ex\u{430}mple.jp",
    "hanako@example\u{ff0e}jp",
    "\u{ff48}anako@example.jp",
    "hanako\u{200b}@example.jp",
    "hanako@example.jp\0.example.net",
    "hanako@localhost",
];

#[test]
fn o_04_every_trick_to_relay_is_refused() {
    let house = House::open();
    let mut client = house.connect();
    assert!(client.ask("EHLO pc.example").starts_with("250 "));
    // Whether addresses may be beyond ASCII, and whether the sender is one of ours, makes no difference.
    for from in ["<taro@example.net>", "<hanako@example.jp>", "<hanako@example.jp> SMTPUTF8", "<>"] {
        assert!(client.ask(&format!("MAIL FROM:{from}")).starts_with("250 "), "{from}");
        for trick in TRICKS {
            let reply = client.ask(&format!("RCPT TO:<{trick}>"));
            assert!(reply.starts_with('5') && !reply.starts_with("500"), "{from}: {trick}: {reply}");
        }
        assert!(client.ask("DATA").starts_with("554 "));
        assert!(client.ask("RSET").starts_with("250 "));
        client = house.connect();
        assert!(client.ask("EHLO pc.example").starts_with("250 "));
    }
    assert!(house.messages().is_empty());
    drop(client);
    house.close();
}

/// Who has logged in gets no further by them: a mark in a local part is a letter like any other.
#[test]
fn o_04_marks_in_a_local_part_of_ours_mean_nothing() {
    let house = House::with("auth = \"required\"\nclear_text_auth = true\n");
    house.add("taro", &["a%b@example.jp", "c!d@example.jp"]);
    let mut client = house.connect();
    assert!(client.ask("EHLO pc.example").starts_with("250 "));
    client.log_in();
    assert!(client.ask("MAIL FROM:<hanako@example.jp>").starts_with("250 "));
    for ours in ["a%b@example.jp", "c!d@example.jp", "\"c!d\"@EXAMPLE.jp"] {
        let reply = client.ask(&format!("RCPT TO:<{ours}>"));
        assert!(reply.starts_with("250 2.1.5 "), "{ours}: {reply}");
    }
    for nobody in ["victim%example.net@example.jp", "example.net!victim@example.jp", "\"a@b\"@example.jp"] {
        let reply = client.ask(&format!("RCPT TO:<{nobody}>"));
        assert!(reply.starts_with("550 5.1.1 "), "{nobody}: {reply}");
    }
    assert!(client.ask("DATA").starts_with("354 "));
    assert!(client.ask("Subject: x\r\n\r\nhi\r\n.").starts_with("250 "));
    assert_eq!(house.messages().len(), 1, "for taro, once");
    drop(client);
    house.close();
}
