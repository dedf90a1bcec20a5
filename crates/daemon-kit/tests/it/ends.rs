//! How sessions and servers end.

use tokio::net::TcpStream;

use crate::log::logged;
use crate::script::House;

#[tokio::test]
async fn a_drain_takes_nobody_in_and_lets_sessions_end() {
    let mut house = House::start("", "");
    let mut idle = house.client().await;
    let mut busy = house.client().await;
    assert_eq!(busy.ask("STAY").await, "staying");
    house.drain.begin();
    assert_eq!(idle.line().await, "closing");
    assert_eq!(house.end().await, "draining");
    assert_eq!(idle.rest().await, b"");
    drop(idle);
    assert!(TcpStream::connect(house.address).await.is_err(), "the port is closed");
    assert_eq!(busy.ask("still here").await, "you said still here");
    assert_eq!(busy.ask("QUIT").await, "bye");
    drop(busy);
    house.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_drain_cuts_who_takes_too_long() {
    let house = House::start("drain = \"10ms\"", "");
    let mut busy = house.client().await;
    assert_eq!(busy.ask("STAY").await, "staying");
    house.drain.begin();
    assert_eq!(busy.rest().await, b"");
    drop(busy);
    house.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_second_signal_cuts_at_once() {
    let house = House::start("drain = \"24h\"", "");
    let mut busy = house.client().await;
    assert_eq!(busy.ask("STAY").await, "staying");
    house.drain.begin();
    house.drain.cut();
    assert_eq!(busy.rest().await, b"");
    drop(busy);
    house.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_drain_ends_handshakes_too() {
    let house = House::start("drain = \"10ms\"", "tls = \"implicit\"\nauth = \"required\"");
    let mut silent = house.stranger().await;
    while !logged().contains("session_open") {
        tokio::task::yield_now().await;
    }
    house.drain.begin();
    assert_eq!(silent.rest().await, b"");
    drop(silent);
    house.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_panic_costs_one_session() {
    let house = House::start("", "");
    let mut victim = house.client().await;
    let mut other = house.client().await;
    victim.send("PANIC\r\n").await;
    assert_eq!(victim.rest().await, b"");
    assert_eq!(other.ask("alive").await, "you said alive");
    assert!(logged().contains("session_close outcome=panic"), "{}", logged());
}

#[tokio::test]
async fn a_session_is_told_with_its_end_and_its_octets() {
    let house = House::start("", "");
    let mut client = house.client().await;
    assert_eq!(client.ask("QUIT").await, "bye");
    let peer = client.0.get_ref().local_addr().unwrap();
    drop(client);
    house.drain.begin();
    house.running.await.unwrap().unwrap();
    let text = logged();
    let names: Vec<&str> = text.lines().map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(
        names,
        ["listener_ready", "session_open", "drain_started", "session_close", "drain_finished"],
        "{text}"
    );
    let close = text.lines().nth(3).unwrap();
    assert!(close.contains(" outcome=quit received=6 sent=12 ms="), "{close}");
    assert!(close.contains(&format!(" peer={peer} protocol=smtp")), "{close}");
}
