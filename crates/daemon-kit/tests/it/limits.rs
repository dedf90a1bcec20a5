//! Who comes in, and what a session may take.

use crate::log::logged;
use crate::script::{House, bind, file};
use crate::world::World;

#[tokio::test]
async fn one_address_has_so_many_sessions_and_is_told() {
    let house = House::start("connections_per_address = 2", "");
    let (mut first, _second) = (house.client().await, house.client().await);
    let mut third = house.stranger().await;
    assert_eq!(third.line().await, "mx.example.jp says: too many connections from your address");
    assert_eq!(third.rest().await, b"");
    assert_eq!(first.ask("QUIT").await, "bye");
    assert_eq!(first.rest().await, b"");
    drop(first);
    // The place is free once the server has seen the end.
    while house.stranger().await.line().await != "hello" {}
}

#[tokio::test]
async fn the_daemon_has_so_many_sessions() {
    let house = House::start("connections = 1", "");
    let _first = house.client().await;
    assert_eq!(house.stranger().await.line().await, "mx.example.jp says: too many connections");
}

#[tokio::test]
async fn one_network_has_so_many_sessions_and_others_are_not_touched() {
    let house = House::start("connections_per_network = 2\nipv4_network = 31", "");
    let from = |last: u8| house.stranger_from([127, 0, 0, last]);
    let (mut first, mut second) = (from(2).await, from(3).await);
    assert_eq!((first.line().await, second.line().await), ("hello".to_owned(), "hello".to_owned()));
    assert_eq!(from(2).await.line().await, "mx.example.jp says: too many connections from your network");
    let mut neighbour = from(4).await;
    assert_eq!(neighbour.line().await, "hello");
    assert_eq!(neighbour.ask("alive").await, "you said alive");
    assert_eq!(first.ask("alive").await, "you said alive");
}

#[tokio::test]
async fn without_memory_nobody_new_comes_in_and_those_inside_go_on() {
    let mut house = House::start("memory = \"80KiB\"", "");
    let mut inside = Vec::new();
    let refused = loop {
        let mut client = house.stranger().await;
        match client.line().await {
            greeting if greeting == "hello" => inside.push(client),
            other => break other,
        }
    };
    assert_eq!(refused, "mx.example.jp says: out of memory");
    assert_eq!(inside.len(), 3);
    for client in &mut inside {
        assert_eq!(client.ask("alive").await, "you said alive");
    }
    // What one holds unconsumed, others cannot have: it is sent away, not they.
    let mut greedy = inside.pop().unwrap();
    let _ = greedy.0.get_mut().try_write(&[b'x'; 60_000]);
    greedy.rest_or_reset().await;
    assert_eq!(inside[0].ask("alive").await, "you said alive");
    assert_eq!(house.end().await, "memory");
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_in_time_and_counted() {
    let house = House::start("connections = 1", "");
    let _inside = house.client().await;
    for _ in 0..5 {
        house.stranger().await.line().await;
    }
    let told = || logged().lines().filter(|line| line.contains("connection_refused")).count();
    assert_eq!(told(), 1, "{}", logged());
    tokio::time::sleep(daemon_kit::limits::REFUSALS_TOLD * 2).await;
    assert_eq!(told(), 2, "{}", logged());
    assert!(logged().contains(" count=4"), "{}", logged());
    house.stranger().await.line().await;
    assert_eq!(told(), 3, "after a quiet second the next is told at once: {}", logged());
    house.stranger().await.line().await;
    house.drain.begin();
    drop(_inside);
    house.running.await.unwrap().unwrap();
    assert_eq!(told(), 4, "the end leaves none untold: {}", logged());
}

#[tokio::test(start_paused = true)]
async fn who_trickles_a_line_is_sent_away_and_others_are_not_touched() {
    let mut house = House::start("patience = \"5m\"", "");
    let mut slow = house.client().await;
    for _ in 0..5 {
        slow.send("x").await;
        tokio::time::sleep(std::time::Duration::from_secs(59)).await;
        let mut other = house.client().await;
        assert_eq!(other.ask("alive").await, "you said alive");
        assert_eq!(other.ask("QUIT").await, "bye");
        assert_eq!(house.end().await, "quit");
    }
    assert_eq!(slow.rest().await, b"");
    assert_eq!(house.end().await, "timed_out");
}

#[tokio::test(start_paused = true)]
async fn a_session_lasts_no_longer_than_it_may() {
    let mut house = House::start("session_time = \"1h\"", "");
    let mut client = house.client().await;
    for _ in 0..60 {
        assert_eq!(client.ask("alive").await, "you said alive");
        tokio::time::sleep(std::time::Duration::from_secs(59)).await;
    }
    assert_eq!(client.rest().await, b"");
    assert_eq!(house.end().await, "overtime");
}

#[tokio::test]
async fn nobody_who_expects_tls_is_told_in_clear_text() {
    let house = House::start("connections_per_address = 1", "tls = \"implicit\"\nauth = \"required\"");
    let _first = house.stranger().await;
    assert_eq!(house.stranger().await.rest().await, b"");
}

#[tokio::test]
async fn the_silent_are_sent_away() {
    let mut house = House::start("patience = \"10ms\"", "");
    let mut client = house.client().await;
    assert_eq!(client.rest().await, b"");
    assert_eq!(house.end().await, "timed_out");
}

#[tokio::test]
async fn input_that_nobody_consumes_does_not_pile_up() {
    let mut house = House::start("", "");
    let mut client = house.client().await;
    let endless = "x".repeat(daemon_kit::limits::INPUT_MOST + 100_000);
    client.send(&endless).await;
    assert_eq!(house.end().await, "unconsumed");
}

#[tokio::test]
async fn the_last_reply_reaches_a_client_that_keeps_sending() {
    let house = House::start("", "");
    let mut client = house.client().await;
    let rubbish = "rubbish\r\n".repeat(20_000);
    client.send(&format!("QUIT\r\n{rubbish}")).await;
    assert_eq!(client.rest().await, b"bye\r\n");
}

#[tokio::test]
async fn a_batch_is_answered_in_order() {
    let house = House::start("", "");
    let mut client = house.client().await;
    client.send("a\r\nb\r\nQUIT\r\n").await;
    assert_eq!(client.rest().await, b"you said a\r\nyou said b\r\nbye\r\n");
}

#[tokio::test]
async fn a_port_in_use_is_a_fault_with_its_place_and_no_other_is_taken() {
    let world = World::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = std::net::TcpListener::bind(taken).unwrap();
    let text =
        file("", "").replace("\"127.0.0.1:0\"", &format!("[\"{free}\", \"{taken}\", \"192.0.2.1:25\"]"));
    let told = bind(&world, &text).unwrap_err().to_string();
    let column = 14 + free.to_string().len();
    let port = taken.port();
    let lines: Vec<String> = told.lines().map(|line| line.rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(
        lines,
        [
            format!(
                "yubin.toml:11:{}: port {port} on 127.0.0.1 is in use by another program; write: another address, or stop that program (`ss -ltnp 'sport = :{port}'` shows it)",
                column + 2
            ),
            format!(
                "yubin.toml:11:{}: 192.0.2.1 is not an address of this machine; write: one of its own addresses (`ip address` shows them), or 0.0.0.0",
                column + 6 + taken.to_string().len()
            ),
        ]
    );
    std::net::TcpListener::bind(free).expect("what could be had was given back");
    drop(holder);
    let other = file("", "").replace("127.0.0.1:0", &taken.to_string());
    bind(&world, &other).expect("now it is free");
}

#[tokio::test]
async fn p_28_ipv6_and_ipv4_stand_beside_each_other_on_one_port() {
    let world = World::new();
    let port = std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let text = file("", "").replace("\"127.0.0.1:0\"", &format!("[\"[::]:{port}\", \"0.0.0.0:{port}\"]"));
    let server = bind(&world, &text).unwrap();
    assert_eq!(server.bound().count(), 2);
}

#[tokio::test]
async fn a_file_without_a_listener_for_the_daemon_is_a_fault() {
    let world = World::new();
    let text = file("", "").replace("\"smtp\"", "\"pop3\"") + "tls = \"starttls\"\n";
    let told = bind(&world, &text).unwrap_err().to_string();
    assert!(told.ends_with(
        "yubin.toml: there is no listener for smtp; write: [[listener]] with protocol = \"smtp\""
    ));
}
