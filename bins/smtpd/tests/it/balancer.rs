//! Behind a load balancer, and what else a door does to those who wear it out.

use crate::house::House;

const BALANCED: &str = "proxy_protocol = \"127.0.0.1\"\nlimits = { connections_per_address = 1 }\n";

#[test]
fn n_10_trace_and_limits_are_of_the_client_that_the_balancer_names() {
    let house = House::with(BALANCED);
    let header = b"PROXY TCP6 2001:db8:7::9 2001:db8::1 40000 25\r\n";
    let mut client = house.stranger();
    client.say(header);
    assert!(client.line().starts_with("220 "));
    let mut second = house.stranger();
    second.say(header);
    assert!(second.rest()[0].starts_with("421 4.7.0 Too many connections from your address"));
    client.ask("EHLO client.example.jp");
    assert!(client.ask("MAIL FROM:<taro@example.com>").starts_with("250 "));
    assert!(client.ask("RCPT TO:<hanako@example.jp>").starts_with("250 "));
    assert!(client.ask("DATA").starts_with("354 "));
    assert!(client.ask("Subject: behind a balancer\r\n\r\nA letter.\r\n.").starts_with("250 "));
    assert!(client.ask("QUIT").starts_with("221 "));
    let message = String::from_utf8(house.messages().remove(0)).unwrap();
    assert!(message.contains("[IPv6:2001:db8:7::9]"), "{message}");
    assert!(!message.contains("127.0.0.1"), "{message}");
    house.close();
}

#[test]
fn n_10_without_the_header_nobody_is_greeted() {
    let house = House::with(BALANCED);
    let mut client = house.stranger();
    client.say(b"EHLO client.example.jp\r\nMAIL FROM:<>\r\n");
    assert_eq!(client.rest(), Vec::<String>::new());
    house.close();
}

#[test]
fn a_session_that_lasts_too_long_is_told_so() {
    let house = House::with("limits = { session_time = \"50ms\" }\n");
    let mut client = house.stranger();
    let said = client.rest();
    assert!(said[0].starts_with("220 "), "{said:?}");
    assert!(said[1].starts_with("421 4.4.2 "), "{said:?}");
    house.close();
}

#[test]
fn without_memory_for_a_message_another_time_is_asked_for() {
    // For the session there is enough, for a message in memory beside it there is not.
    let house = House::with("[limits]\nmemory = \"100KiB\"\n");
    let mut client = house.connect();
    client.ask("EHLO client.example.jp");
    assert!(client.ask("MAIL FROM:<taro@example.com>").starts_with("250 "));
    assert!(client.ask("RCPT TO:<hanako@example.jp>").starts_with("250 "));
    assert!(client.ask("DATA").starts_with("452 4.3.1 "));
    assert!(client.ask("QUIT").starts_with("221 "));
    house.close();
}
