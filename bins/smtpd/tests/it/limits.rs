//! What one session, and one message, may take.

use crate::house::House;

#[test]
fn l_02_a_size_is_refused_at_mail_and_an_overflow_in_data_is_not_kept() {
    let house = House::with("limits = { message_size = \"64KiB\" }\n");
    let mut client = house.connect();
    let lines = client.ask_for_all("EHLO pc.example");
    assert!(lines.contains(&"250-SIZE 65536".to_owned()), "{lines:?}");
    for declared in ["65537", "4294967297", "99999999999999999999"] {
        let reply = client.ask(&format!("MAIL FROM:<taro@example.net> SIZE={declared}"));
        assert!(reply.starts_with("552 5.3.4 "), "{declared}: {reply}");
    }
    assert!(client.ask("MAIL FROM:<taro@example.net> SIZE=65536").starts_with("250 "));
    assert!(client.ask("RCPT TO:<hanako@example.jp>").starts_with("250 "));
    assert!(client.ask("DATA").starts_with("354 "));
    client.say(&b"sixteen octets\r\n".repeat(4097));
    assert!(client.ask(".").starts_with("552 5.3.4 "));
    assert!(house.messages().is_empty());

    client.envelope();
    assert!(client.ask("DATA").starts_with("354 "));
    client.say(&b"sixteen octets\r\n".repeat(4096));
    assert!(client.ask(".").starts_with("250 "));
    assert_eq!(house.messages().len(), 1);
    drop(client);
    house.close();
}

#[test]
fn no_limit_is_said_by_size_alone() {
    for none in ["0", "\"none\""] {
        let house = House::with(&format!("limits = {{ message_size = {none} }}\n"));
        let mut client = house.connect();
        let lines = client.ask_for_all("EHLO pc.example");
        assert!(lines.contains(&"250-SIZE".to_owned()), "{lines:?}");
        // More than 2^32, and there is not so much room on any disk.
        assert!(client.ask("MAIL FROM:<taro@example.net> SIZE=4294967297").starts_with("250 "));
        drop(client);
        house.close();
    }
}

#[test]
fn transactions_are_announced_and_then_the_client_comes_again() {
    let house = House::with("limits = { transactions = 2 }\n");
    for _ in 0..2 {
        let mut client = house.connect();
        let lines = client.ask_for_all("EHLO pc.example");
        assert!(lines.contains(&"250-LIMITS MAILMAX=2 RCPTMAX=1000".to_owned()), "{lines:?}");
        for _ in 0..2 {
            client.envelope();
            assert!(client.ask("DATA").starts_with("354 "));
            assert!(client.ask("Subject: x\r\n\r\nhi\r\n.").starts_with("250 "));
        }
        client.say(b"MAIL FROM:<taro@example.net>\r\n");
        assert_eq!(client.rest(), ["421 4.7.0 Too many messages in one session, come again"]);
    }
    assert_eq!(house.messages().len(), 4);
    house.close();
}

#[test]
fn commands_errors_and_recipients_have_an_end() {
    let house = House::with("limits = { idle_commands = 3, errors = 2, recipients = 100 }\n");
    let mut client = house.connect();
    client.ask("EHLO pc.example");
    client.say(&b"NOOP\r\n".repeat(9));
    let said = client.rest();
    assert!((2..=4).contains(&said.len()) && said.last().unwrap().starts_with("421 4.7.0 "), "{said:?}");

    let mut client = house.connect();
    client.say(&b"GET / HTTP/1.0\r\n".repeat(9));
    let said = client.rest();
    assert!(said.len() <= 2 && said.last().unwrap().starts_with("421 4.7.0 "), "{said:?}");

    let mut client = house.connect();
    client.ask("EHLO pc.example");
    assert!(client.ask("MAIL FROM:<taro@example.net>").starts_with("250 "));
    for _ in 0..100 {
        assert!(client.ask("RCPT TO:<hanako@example.jp>").starts_with("250 "));
    }
    // Not for good, and no fault of the client's: it may go on for ever.
    for _ in 0..5 {
        assert!(client.ask("RCPT TO:<hanako@example.jp>").starts_with("452 4.5.3 "));
    }
    assert!(client.ask("DATA").starts_with("354 "));
    assert!(client.ask("Subject: x\r\n\r\nhi\r\n.").starts_with("250 "));
    assert_eq!(house.messages().len(), 1);
    drop(client);
    house.close();
}
