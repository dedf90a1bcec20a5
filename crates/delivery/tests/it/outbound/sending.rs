//! What leaves, and how.

use std::sync::atomic::Ordering;

use delivery::outbound::{Concurrency, OutboundConfig, Relay, Route};
use delivery::{Body, Notify, Return};

use super::host::{Host, Manners};
use super::world::{SENT, World, config};

#[tokio::test]
async fn o_01_a_message_goes_to_the_mx_host_and_leaves_the_queue() {
    for offers in [&[][..], &["PIPELINING"], &["PIPELINING", "CHUNKING", "SIZE 1000"]] {
        let host = Host::start("127.0.0.1", 0, Manners::offering(offers), None).await;
        let world = World::new(OutboundConfig { port: host.address.port(), ..config() });
        world.dns.mx("example.com", &[(10, "mx.example.com")]);
        world.dns.host("mx.example.com", &["127.0.0.1"]);
        world.run();
        let id = world.send(&["hanako@example.com", "jiro@Example.COM"]).await;
        let received = host.wait_for(1).await;
        world.settled(id).await;
        let text =
            if offers.contains(&"CHUNKING") { SENT.replace("..Hello", ".Hello") } else { SENT.to_owned() };
        assert_eq!(received[0].text, text, "{offers:?}");
        assert_eq!(received[0].rcpts, ["RCPT TO:<hanako@example.com>", "RCPT TO:<jiro@Example.COM>"]);
        assert!(received[0].mail.starts_with("MAIL FROM:<taro@example.jp>"), "{}", received[0].mail);
        assert_eq!(received[0].mail.contains("SIZE="), offers.contains(&"SIZE 1000"));
        assert_eq!((received.len(), world.queue_files()), (1, Vec::new()));
        assert!(world.mailbox("taro").is_empty(), "no report was asked for");
    }
}

#[tokio::test]
async fn what_was_said_of_the_message_is_handed_on_where_it_is_understood() {
    let offers = ["PIPELINING", "DSN", "8BITMIME", "SMTPUTF8"];
    let host = Host::start("127.0.0.1", 0, Manners::offering(&offers), None).await;
    let world = World::new(OutboundConfig { port: host.address.port(), ..config() });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    let id = world
        .send_text("taro@example.jp", &["花子@example.com"], "Subject: 郵便\r\n\r\n", |envelope| {
            envelope.parameters.body = Some(Body::EightBitMime);
            envelope.parameters.utf8 = true;
            envelope.parameters.ret = Some(Return::Headers);
            envelope.parameters.envelope_id = Some("QQ+2B1".into());
            envelope.remotes[0].notify = Some(Notify { success: true, failure: true, delay: false });
            envelope.remotes[0].original = Some("rfc822;hanako@example.com".into());
        })
        .await;
    world.settled(id).await;
    let [received] = &host.received()[..] else { panic!() };
    for word in ["BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=QQ+2B1"] {
        assert!(received.mail.contains(word), "{word}: {}", received.mail);
    }
    assert!(received.rcpts[0].contains("NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;hanako@example.com"));
    assert!(world.mailbox("taro").is_empty(), "the other host reports the success");
}

#[tokio::test]
async fn a_message_is_not_sent_to_a_host_that_would_spoil_it() {
    let host = Host::start("127.0.0.1", 0, Manners::offering(&["SIZE 100"]), None).await;
    let world = World::new(OutboundConfig { port: host.address.port(), ..config() });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    let wide = "Subject: 郵便\r\n\r\n";
    let big = format!("Subject: x\r\n\r\n{}\r\n", "x".repeat(200));
    let cases: [(&str, bool, bool, &str); 3] =
        [(wide, true, false, "5.6.7"), (wide, false, true, "5.6.3"), (&big, false, false, "5.3.4")];
    for (nth, (text, utf8, eight, status)) in cases.into_iter().enumerate() {
        let id = world
            .send_text("taro@example.jp", &["hanako@example.com"], text, |envelope| {
                envelope.parameters.utf8 = utf8;
                envelope.parameters.body = eight.then_some(Body::EightBitMime);
            })
            .await;
        world.settled(id).await;
        let reports = world.mailbox("taro");
        assert_eq!(reports.len(), nth + 1);
        assert!(
            reports.iter().any(|report| report.contains(&format!("Status: {status}\r\n"))),
            "{reports:?}"
        );
    }
    assert!(host.received().is_empty());
}

#[tokio::test]
async fn one_session_carries_many_messages() {
    let host = Host::start("127.0.0.1", 0, Manners::offering(&["PIPELINING"]), None).await;
    let concurrency = Concurrency { per_destination: 1, ..Concurrency::default() };
    let world = World::new(OutboundConfig { port: host.address.port(), concurrency, ..config() });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    for _ in 0..10 {
        world.send(&["hanako@example.com"]).await;
    }
    world.run();
    let received = host.wait_for(10).await;
    assert!(received.iter().all(|message| message.session == received[0].session), "{received:?}");
}

#[tokio::test]
async fn routes_and_a_smarthost_come_before_the_dns() {
    let smart = Host::start("127.0.0.1", 0, Manners::offering(&["PIPELINING"]), None).await;
    let inside = Host::start("127.0.0.1", 0, Manners::offering(&["PIPELINING"]), None).await;
    let relay = |host: &Host| {
        let (host, port) = (host.address.ip().to_string(), host.address.port());
        Some(Relay { host, port, implicit_tls: false, login: None })
    };
    let route = Route { domain: "inside.example".into(), relay: relay(&inside), tls: None };
    let world = World::new(OutboundConfig { smarthost: relay(&smart), routes: vec![route], ..config() });
    world.run();
    world.send(&["a@inside.example", "b@x.example", "c@y.example"]).await;
    assert_eq!(inside.wait_for(1).await[0].rcpts, ["RCPT TO:<a@inside.example>"]);
    let received = smart.wait_for(1).await;
    assert_eq!(
        received[0].rcpts,
        ["RCPT TO:<b@x.example>", "RCPT TO:<c@y.example>"],
        "one transaction for both"
    );
}

#[tokio::test]
async fn a_literal_address_and_a_domain_without_mx_are_hosts_themselves() {
    let host = Host::start("127.0.0.1", 0, Manners::default(), None).await;
    let world = World::new(OutboundConfig { port: host.address.port(), ..config() });
    world.dns.no_mx("bare.example", delivery::outbound::NoAnswer::NoRecords);
    world.dns.host("bare.example", &["127.0.0.1"]);
    world.run();
    world.send(&["a@[127.0.0.1]"]).await;
    host.wait_for(1).await;
    world.send(&["b@bare.example"]).await;
    assert_eq!(host.wait_for(2).await[1].rcpts, ["RCPT TO:<b@bare.example>"]);
}

#[tokio::test]
async fn where_ipv6_leads_nowhere_ipv4_is_tried_at_once() {
    let host = Host::start("127.0.0.1", 0, Manners::default(), None).await;
    let world = World::new(OutboundConfig { port: host.address.port(), ..config() });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    // Nobody listens at the first two.
    world.dns.host("mx.example.com", &["::1", "127.0.0.9", "127.0.0.1"]);
    world.run();
    world.send(&["a@example.com"]).await;
    host.wait_for(1).await;
    assert_eq!(host.sessions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_an_earlier_run_left_is_sent() {
    let host = Host::start("127.0.0.1", 0, Manners::default(), None).await;
    let config = || OutboundConfig { port: host.address.port(), ..config() };
    let world = World::new(config());
    for _ in 0..3 {
        world.send(&["a@example.com"]).await;
    }
    let world = World::over(world.into_directory(), config());
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    host.wait_for(3).await;
}
