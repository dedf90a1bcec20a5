//! What MAIL and RCPT said is kept for as long as the message waits.

use crate::house::House;

#[test]
fn what_the_sender_said_stands_in_the_queue_until_everybody_has_the_message() {
    let house = House::open();
    house.add("taro", &[]);
    // Where Taro's Maildir should be made there is a file.
    std::fs::write(house.path("mail/taro.2"), "").unwrap();
    let mut client = house.connect();
    client.ask("EHLO pc.example");
    let sender = "MAIL FROM:<\u{82b1}\u{5b50}@example.net> SMTPUTF8 BODY=8BITMIME SIZE=100";
    assert!(client.ask(sender).starts_with("250 "));
    for recipient in ["hanako@example.jp", "Taro@Example.JP"] {
        assert!(client.ask(&format!("RCPT TO:<{recipient}>")).starts_with("250 "), "{recipient}");
    }
    assert!(client.ask("DATA").starts_with("354 "));
    let reply = client.ask("Subject: \u{82b1}\r\n\r\nhi\r\n.");
    let id = reply.strip_prefix("250 2.0.0 Queued as ").unwrap();

    let envelope = std::fs::read_to_string(house.path(&format!("queue/msg/{id}.env"))).unwrap();
    let (before, after) = envelope.split_once("stored ").unwrap();
    assert_eq!(
        before,
        format!(
            "yubin-envelope 2\nid {id}\nhost localhost\nfrom %E8%8A%B1%E5%AD%90@example.net\nbody 8BITMIME\nutf8 yes\n"
        )
    );
    let (_, recipients) = after.split_once("\nto ").unwrap();
    assert_eq!(recipients, "hanako.1\naddress hanako@example.jp\nto taro.2\naddress Taro@Example.JP\nend\n");

    let [message] = &house.messages()[..] else { panic!("Hanako has hers") };
    let header = std::str::from_utf8(message).unwrap().replace("\r\n ", " ");
    assert!(header.starts_with("Return-Path: <\u{82b1}\u{5b50}@example.net>\r\nReceived: from "), "{header}");
    assert!(header.contains(" with UTF8SMTP id "), "{header}");
    drop(client);
    house.close();
}
