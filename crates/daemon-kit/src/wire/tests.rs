//! Buffers that are there only when needed, and peers that take their time.

use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::config::Protocol;
use crate::memory::Memory;

const PATIENCE: Duration = Duration::from_secs(60);

async fn pair() -> (Wire, TcpStream) {
    pair_with(&SessionLimits::default_for(Protocol::Smtp), &Memory::new(None)).await
}

async fn pair_with(limits: &SessionLimits, memory: &Arc<Memory>) -> (Wire, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    client.set_nodelay(true).unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    (Wire::new(stream, peer, limits, memory.newcomer().unwrap()).unwrap(), client)
}

fn waits(wire: &mut Wire) -> bool {
    pin!(wire.fill(PATIENCE)).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn a_session_that_waits_owns_no_buffer() {
    let (mut wire, mut client) = pair().await;
    client.write_all(b"NOOP\r\n").await.unwrap();
    assert_eq!(wire.fill(PATIENCE).await.unwrap(), Filled::Data);
    wire.consume(6);
    wire.out().extend_from_slice(b"250 OK\r\n");
    wire.flush(PATIENCE).await.unwrap();
    assert!(waits(&mut wire));
    assert_eq!((wire.input.capacity(), wire.out.capacity()), (0, 0));
}

#[tokio::test]
async fn what_is_not_consumed_stays_when_waiting_is_given_up() {
    let (mut wire, mut client) = pair().await;
    client.write_all(b"NOOP\r\nQU").await.unwrap();
    wire.fill(PATIENCE).await.unwrap();
    wire.consume(6);
    assert!(waits(&mut wire));
    assert_eq!(wire.input(), b"QU");
    client.write_all(b"IT\r\n").await.unwrap();
    wire.fill(PATIENCE).await.unwrap();
    assert_eq!(wire.input(), b"QUIT\r\n");
}

#[tokio::test]
async fn reads_grow_while_the_peer_fills_them() {
    let (mut wire, mut client) = pair().await;
    let sending = tokio::spawn(async move { client.write_all(&vec![b'x'; 4 << 20]).await });
    let mut most = 0;
    while wire.fill(PATIENCE).await.unwrap() == Filled::Data {
        most = most.max(wire.input().len());
        wire.consume(usize::MAX);
    }
    sending.await.unwrap().unwrap();
    assert!(most > limits::READ_LEAST && most <= limits::READ_MOST, "{most}");
    assert_eq!(wire.traffic().received, 4 << 20);
}

/// What ends a session whose client sends an octet each `pause`, while `consumed` of each fill is taken; and after how long.
async fn trickled(pause: Duration, consumed: usize, limits: &SessionLimits) -> (&'static str, Duration) {
    let (mut wire, mut client) = pair_with(limits, &Memory::new(None)).await;
    let sending = tokio::spawn(async move {
        while client.write_all(b"x").await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    });
    let began = Instant::now();
    let end = loop {
        match wire.fill(PATIENCE).await {
            Ok(Filled::Data) => wire.consume(consumed),
            Ok(Filled::Eof) => break "eof",
            Err(error) => break error.word(),
        }
    };
    sending.abort();
    (end, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_trickled_has_no_longer_than_a_whole_one() {
    let limits = SessionLimits::default_for(Protocol::Smtp);
    assert_eq!(trickled(Duration::from_secs(1), 0, &limits).await, ("timed_out", PATIENCE));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_trickled_is_given_up_after_one_patience() {
    let limits = SessionLimits::default_for(Protocol::Smtp);
    assert_eq!(trickled(Duration::from_secs(1), 1, &limits).await, ("too_slow", PATIENCE));
}

#[tokio::test(start_paused = true)]
async fn a_body_at_its_least_rate_may_take_as_long_as_the_session_may() {
    let mut limits = SessionLimits::default_for(Protocol::Smtp);
    limits.session_time = Some(Duration::from_hours(1));
    let pause = Duration::from_millis(1000 / limits::MIN_DATA_RATE - 1);
    assert_eq!(trickled(pause, 1, &limits).await, ("overtime", Duration::from_hours(1)));
    limits.min_data_rate = None;
    assert_eq!(trickled(PATIENCE / 2, 1, &limits).await.0, "overtime");
}

#[tokio::test(start_paused = true)]
async fn a_command_a_patience_is_fast_enough_for_a_person() {
    let (mut wire, mut client) = pair().await;
    for _ in 0..100 {
        tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
        client.write_all(b"NOOP\r\n").await.unwrap();
        assert_eq!(wire.fill(PATIENCE).await.unwrap(), Filled::Data);
        wire.consume(6);
        wire.out().extend_from_slice(b"250 OK\r\n");
        wire.flush(PATIENCE).await.unwrap();
    }
}

/// What ends a session that sends 64 MiB to a client which takes so many octets each second.
async fn read_slowly(octets: usize) -> (&'static str, Duration) {
    let (mut wire, mut client) = pair().await;
    let reading = tokio::spawn(async move {
        let mut buffer = vec![0; octets];
        while client.read(&mut buffer).await.is_ok_and(|octets| octets > 0) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let began = Instant::now();
    let mut end = "sent";
    for _ in 0..1024 {
        wire.out().resize(64 << 10, b'x');
        if let Err(error) = wire.flush(PATIENCE).await {
            end = error.word();
            break;
        }
    }
    reading.abort();
    (end, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_an_octet_a_second_is_given_up() {
    let (end, after) = read_slowly(1).await;
    assert!(["timed_out", "too_slow"].contains(&end), "{end}");
    assert!(after < 4 * PATIENCE, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_its_time_gets_all_of_it() {
    let (end, after) = read_slowly(256 << 10).await;
    assert_eq!(end, "sent");
    assert!(after > 2 * PATIENCE, "{after:?}");
}

#[tokio::test]
async fn without_memory_for_it_nothing_is_read_and_there_is_some_again_later() {
    let most = std::num::NonZeroU64::new(2 * limits::SESSION_MEMORY);
    let memory = Memory::new(most);
    let (mut wire, mut client) = pair_with(&SessionLimits::default_for(Protocol::Smtp), &memory).await;
    let other = memory.share(limits::SESSION_MEMORY).unwrap();
    client.write_all(b"NOOP\r\n").await.unwrap();
    assert!(matches!(wire.fill(PATIENCE).await, Err(WireError::Memory(MemoryFull))));
    drop(other);
    assert_eq!(wire.fill(PATIENCE).await.unwrap(), Filled::Data);
}

#[tokio::test]
async fn a_piece_is_sent_behind_what_stood_before_it() {
    let (mut wire, mut client) = pair().await;
    wire.out().extend_from_slice(b"+OK\r\n");
    wire.flush_with(b"piece", PATIENCE).await.unwrap();
    assert_eq!((wire.traffic().sent, wire.out().len()), (10, 0));
    let mut received = [0; 10];
    client.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"+OK\r\npiece");
}

#[tokio::test]
async fn what_it_holds_is_not_printed() {
    let (mut wire, mut client) = pair().await;
    client.write_all(b"PASS hunter2\r\n").await.unwrap();
    wire.fill(PATIENCE).await.unwrap();
    let printed = format!("{wire:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("104, 117"), "{printed}");
}
