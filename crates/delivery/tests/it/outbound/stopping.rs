//! SIGTERM in the midst of a delivery.

use std::sync::Arc;

use delivery::outbound::{Concurrency, OutboundConfig};
use tokio::sync::Notify;

use super::host::{Host, Manners, Say};
use super::world::{World, config};

/// One session at a time, so that the second message stands behind the first.
async fn world(manners: Manners) -> (Arc<Host>, World) {
    let host = Host::start("127.0.0.1", 0, manners, None).await;
    let world = World::new(settings(&host));
    route(&world);
    world.run();
    (host, world)
}

fn settings(host: &Host) -> OutboundConfig {
    let concurrency = Concurrency { per_destination: 1, ..Concurrency::default() };
    OutboundConfig { port: host.address.port(), concurrency, ..config() }
}

fn route(world: &World) {
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
}

#[tokio::test]
async fn a_delivery_in_progress_is_finished_and_what_waits_behind_it_is_for_the_next_start() {
    // At each of the last places where a host may let us wait.
    for at in ["RCPT", "DATA", "END"] {
        let word = Arc::new(Notify::new());
        let text = if at == "DATA" { "354 go" } else { "250 2.0.0 mine" };
        let (host, world) = world(Manners::default().saying(at, Say::Later(word.clone(), text))).await;
        let first = world.send(&["a@example.com"]).await;
        host.silent.notified().await;
        let second = world.send(&["b@example.com"]).await;
        let stopping = tokio::spawn({
            let outbound = world.outbound.clone();
            async move { outbound.stop().await }
        });
        // The agent has taken notice, and waits.
        while !world.outbound.is_stopping() {
            tokio::task::yield_now().await;
        }
        assert!(!stopping.is_finished(), "{at}");
        host.behave(Manners::default());
        word.notify_one();
        stopping.await.unwrap();
        assert!(world.view().outbound(first).unwrap().is_none(), "{at}: delivered, and known to be");
        let waits = world.view().outbound(second).unwrap().unwrap();
        assert_eq!(waits.progress.recipients[0].attempts, 0, "{at}");

        let world = World::over(world.into_directory(), settings(&host));
        route(&world);
        world.run();
        world.settled(second).await;
        let rcpts: Vec<String> =
            host.received().into_iter().map(|received| received.rcpts.concat()).collect();
        assert_eq!(rcpts, ["RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>"], "{at}: each once");
        assert!(world.mailbox("taro").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_answers_holds_up_no_stop_and_loses_no_message() {
    let (host, world) = world(Manners::default().saying("END", Say::Silence)).await;
    let id = world.send(&["a@example.com"]).await;
    host.silent.notified().await;
    world.outbound.stop().await;
    let waits = world.view().outbound(id).unwrap().unwrap();
    assert!(!waits.progress.is_done());
    host.behave(Manners::default());
    let world = World::over(world.into_directory(), settings(&host));
    route(&world);
    world.run();
    world.settled(id).await;
    assert_eq!(host.received().len(), 1);
}
