//! Clients behind a load balancer.

use proxy_header::{ProxiedAddress, ProxyHeader};
use tokio::io::AsyncWriteExt as _;

use crate::log::logged;
use crate::script::{House, der};
use crate::world::World;

const BALANCED: &str = "proxy_protocol = [\"10.0.0.0/8\", \"127.0.0.1\"]";

fn header(client: &str) -> Vec<u8> {
    let header = ProxyHeader::with_address(ProxiedAddress::stream(
        client.parse().unwrap(),
        "10.0.0.1:25".parse().unwrap(),
    ));
    let mut octets = Vec::new();
    header.encode_v1(&mut octets).unwrap();
    octets
}

#[tokio::test]
async fn n_10_a_session_is_its_clients_not_its_balancers() {
    let mut house = House::start("connections_per_address = 1", BALANCED);
    let mut first = house.stranger().await;
    first.0.write_all(&header("192.0.2.7:40000")).await.unwrap();
    assert_eq!(first.line().await, "hello");
    assert_eq!(first.ask("PEER").await, "192.0.2.7:40000");
    let mut again = house.stranger().await;
    again.0.write_all(&header("192.0.2.7:40001")).await.unwrap();
    assert_eq!(again.line().await, "mx.example.jp says: too many connections from your address");
    let mut other = house.stranger().await;
    other.0.write_all(&header("192.0.2.8:40000")).await.unwrap();
    assert_eq!(other.line().await, "hello");
    assert_eq!(first.ask("QUIT").await, "bye");
    assert_eq!(house.end().await, "quit");
    while !logged().contains("session_close") {
        tokio::task::yield_now().await;
    }
    let log = logged();
    assert!(log.contains(" peer=192.0.2.7:40000 "), "{log}");
    assert!(!log.contains("peer=127.0.0.1"), "{log}");
}

#[tokio::test]
async fn n_10_a_balancer_asks_for_itself_whether_all_is_well() {
    let house = House::start("", BALANCED);
    let mut local = Vec::new();
    ProxyHeader::with_local().encode_v2(&mut local).unwrap();
    let mut balancer = house.stranger().await;
    balancer.0.write_all(&local).await.unwrap();
    assert_eq!(balancer.line().await, "hello");
    assert_eq!(balancer.ask("PEER").await, balancer.0.get_ref().local_addr().unwrap().to_string());
}

#[tokio::test]
async fn n_10_a_balancer_without_a_header_is_not_served() {
    let house = House::start("", BALANCED);
    let mut balancer = house.stranger().await;
    balancer.send("EHLO client.example.jp\r\n").await;
    // A reset, where the kernel still held octets that nobody wanted.
    assert_eq!(balancer.rest_or_reset().await, b"");
    let log = logged();
    assert!(log.contains("proxy_refused balancer=127.0.0.1:"), "{log}");
    assert!(log.contains(" reason=malformed "), "{log}");
}

#[tokio::test]
async fn n_10_who_is_no_balancer_is_not_believed() {
    let house = House::start("", "proxy_protocol = \"10.0.0.0/8\"");
    let mut liar = house.stranger().await;
    let _ = liar.0.write_all(&header("192.0.2.7:40000")).await;
    assert_eq!(liar.rest_or_reset().await, b"");
    assert!(logged().contains("connection_refused reason=not_listed peer=127.0.0.1:"), "{}", logged());
}

#[tokio::test]
async fn n_10_without_balancers_a_header_is_a_strange_command() {
    let house = House::start("", "");
    let mut liar = house.client().await;
    assert_eq!(
        liar.ask("PROXY TCP4 192.0.2.7 10.0.0.1 40000 25").await,
        "you said PROXY TCP4 192.0.2.7 10.0.0.1 40000 25"
    );
    assert_eq!(liar.ask("PEER").await, liar.0.get_ref().local_addr().unwrap().to_string());
}

#[tokio::test]
async fn n_10_tls_begins_behind_the_header() {
    let house = House::start("", &format!("tls = \"implicit\"\nauth = \"required\"\n{BALANCED}"));
    let roots = [der(&house.world, "cert.pem")];
    let mut client = house.stranger().await;
    client.0.write_all(&header("192.0.2.7:40000")).await.unwrap();
    let mut client = client.encrypt("mx.example.jp", &roots).await.unwrap();
    assert_eq!(client.line().await, "hello");
    assert_eq!(client.ask("PEER").await, "192.0.2.7:40000");
}

#[tokio::test(start_paused = true)]
async fn n_10_a_silent_balancer_keeps_its_place_for_a_moment_only() {
    let house = House::start("connections = 1", BALANCED);
    let mut silent = house.stranger().await;
    assert_eq!(silent.rest().await, b"");
    assert!(logged().contains(" reason=timed_out "), "{}", logged());
    let mut next = house.stranger().await;
    next.0.write_all(&header("192.0.2.7:40000")).await.unwrap();
    assert_eq!(next.line().await, "hello");
}

#[tokio::test]
async fn n_10_a_drain_does_not_wait_for_headers() {
    let house = House::start("drain = \"24h\"", BALANCED);
    let mut silent = house.stranger().await;
    house.drain.begin();
    assert_eq!(silent.rest_or_reset().await, b"");
    house.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn n_10_networks_are_checked_with_the_file() {
    use daemon_kit::config::Config;
    let world = World::new();
    let faults = |balancers: &str| {
        let text = crate::script::file("", &format!("proxy_protocol = {balancers}"));
        Config::parse(&text, world.path("yubin.toml")).unwrap_err().to_string()
    };
    for everybody in ["0.0.0.0/0", "::/0"] {
        let told = faults(&format!("[\"10.0.0.1\", \"{everybody}\"]"));
        assert!(
            told.contains(&format!("{everybody} would let everybody say where they come from")),
            "{told}"
        );
    }
    assert!(faults("\"10.0.0.1/8\"").contains("has more bits than its prefix; write: \"10.0.0.0/8\""));
    assert!(
        faults("[\"balancer.example.jp\"]").contains("\"balancer.example.jp\" is not a network; write: ")
    );
}
