//! An operator's orders.

use std::sync::atomic::Ordering;

use delivery::QueueId;
use delivery::outbound::{NoAnswer, Order, OutboundConfig, ask};
use mail_queue::Fate;

use super::host::{Host, Manners};
use super::world::{World, config};

async fn order(world: &World, order: Order) -> Result<String, String> {
    match ask(&world.queue(), &order).await {
        Ok(text) => Ok(text.expect("the agent runs")),
        Err(error) => Err(error.to_string()),
    }
}

/// One whose domain has trouble, at the pace of real life.
async fn waiting() -> (World, QueueId, tokio::task::JoinHandle<()>) {
    let world = World::new(OutboundConfig::new("us.example.jp"));
    world.dns.no_mx("example.com", NoAnswer::Trouble("SERVFAIL".into()));
    world.run();
    let outbound = world.outbound.clone();
    let orders = tokio::spawn(async move { outbound.take_orders().await.unwrap() });
    let id = world.send(&["a@example.com"]).await;
    world.until(id, |progress| progress.recipients[0].attempts > 0).await;
    while ask(&world.queue(), &Order::Why(id)).await.unwrap().is_none() {
        world.breathe().await;
    }
    (world, id, orders)
}

#[tokio::test]
async fn a_message_tells_why_it_waits_and_goes_when_it_is_told() {
    let (world, id, _orders) = waiting().await;
    let why = order(&world, Order::Why(id)).await.unwrap();
    assert!(why.contains("its own time has not come"), "{why}");
    assert!(order(&world, Order::Why(QueueId::new())).await.is_err());

    // Another one does not get so far: it waits behind the first.
    let second = world.send(&["b@example.com"]).await;
    loop {
        let why = order(&world, Order::Why(second)).await.unwrap();
        if why.contains("no host of example.com answered") {
            break;
        }
        world.breathe().await;
    }

    let host = Host::start("127.0.0.1", 0, Manners::default(), None).await;
    assert!(host.received().is_empty());
    world.dns.mx("example.com", &[(0, ".")]);
    order(&world, Order::Retry(id)).await.unwrap();
    world.settled(id).await;
    world.settled(second).await;
    assert_eq!(world.mailbox("taro").len(), 2, "no mail is taken there, as it says now");
}

/// At the pace of real life nobody would ask the host again before the test is over.
#[tokio::test]
async fn what_was_learnt_of_a_host_is_forgotten_when_an_operator_wants_a_try() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let world = World::new(OutboundConfig { port, ..OutboundConfig::new("us.example.jp") });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    let outbound = world.outbound.clone();
    tokio::spawn(async move { outbound.take_orders().await.unwrap() });
    let id = world.send(&["a@example.com"]).await;
    world.until(id, |progress| progress.recipients[0].attempts > 0).await;
    let host = Host::start("127.0.0.1", port, Manners::default(), None).await;
    while ask(&world.queue(), &Order::Retry(id)).await.unwrap().is_none() {
        world.breathe().await;
    }
    assert_eq!(host.wait_for(1).await.len(), 1);
}

#[tokio::test]
async fn a_held_message_waits_for_its_release() {
    let (world, id, _orders) = waiting().await;
    order(&world, Order::Hold(id, "who is that?".into())).await.unwrap();
    world.dns.mx("example.com", &[(0, ".")]);
    assert_eq!(world.outbound.waiting(), 0);
    let progress = world.until(id, |progress| progress.hold.is_some()).await;
    assert_eq!(progress.hold.as_deref(), Some("who is that?"));
    // A try is not what it waits for, and who wants one is told so.
    for asked in [Order::Retry(id), Order::Why(id)] {
        let told = order(&world, asked).await.unwrap();
        assert!(told.contains("who is that?") && told.contains("yubin queue release"), "{told}");
    }
    order(&world, Order::Release(id)).await.unwrap();
    assert!(order(&world, Order::Retry(id)).await.unwrap().contains("is tried now"));
    world.settled(id).await;
    assert_eq!(world.mailbox("taro").len(), 1);
}

#[tokio::test]
async fn a_dropped_message_is_gone_and_nobody_is_told() {
    let (world, id, _orders) = waiting().await;
    order(&world, Order::Drop(id, "spam".into())).await.unwrap();
    assert!(world.view().outbound(id).unwrap().is_none());
    assert_eq!((world.outbound.waiting(), world.queue_files(), world.mailbox("taro")), (0, vec![], vec![]));
    assert!(order(&world, Order::Drop(id, "again".into())).await.is_err());
}

#[tokio::test]
async fn a_dead_machines_messages_are_sent_by_who_adopts_them() {
    let dead = World::new(config());
    let theirs = dead.send(&["a@nowhere.example"]).await;
    let dead = dead.into_directory();
    let (world, _id, _orders) = waiting().await;
    let text = order(&world, Order::Adopt(dead.path().join("queue"))).await.unwrap();
    assert!(text.starts_with("1 messages"), "{text}");
    world.settled(theirs).await;
    assert_eq!(world.mailbox("taro").len(), 1);
    assert!(order(&world, Order::Adopt(world.queue())).await.is_err(), "ours is nobody's to adopt");
}

#[tokio::test]
async fn what_was_adopted_is_sent_whatever_kept_another_message_from_it() {
    let dead = World::new(config());
    let (theirs, bad) = (dead.send(&["a@nowhere.example"]).await, dead.send(&["b@nowhere.example"]).await);
    let dead = dead.into_directory();
    let (world, _id, _orders) = waiting().await;
    // Its envelope goes to a name that is taken by what no file can replace.
    std::fs::create_dir(world.queue().join(format!("msg/{bad}.one"))).unwrap();
    let text = order(&world, Order::Adopt(dead.path().join("queue"))).await.unwrap_err();
    assert!(text.starts_with("1 messages are ours, then: "), "{text}");
    world.settled(theirs).await;
}

#[tokio::test]
async fn without_an_agent_orders_go_to_the_disk() {
    let world = World::new(config());
    let id = world.send(&["a@nowhere.example"]).await;
    assert_eq!(ask(&world.queue(), &Order::Release(id)).await.unwrap(), None);
    let directory = world.into_directory();
    let (spool, _) = mail_queue::Spool::open(mail_queue::SpoolConfig {
        queue: directory.path().join("queue"),
        maildirs: directory.path().join("mail"),
        host: "us.example.jp".into(),
    })
    .unwrap();
    delivery::outbound::obey(&spool, &Order::Hold(id, "wait".into())).unwrap();
    let progress = spool.outbound(id).unwrap().unwrap().progress;
    assert_eq!((progress.hold.as_deref(), progress.recipients[0].fate), (Some("wait"), Fate::Waiting));
    assert!(delivery::outbound::obey(&spool, &Order::Release(QueueId::new())).is_err());
}

#[tokio::test]
async fn who_stops_an_agent_that_ended_amidst_does_not_wait_for_ever() {
    let world = World::new(config());
    let running = tokio::spawn(world.outbound.clone().run());
    world.send(&["a@nowhere.example"]).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    world.outbound.stop().await;
}

#[tokio::test]
async fn c_11_what_a_suspended_account_sent_is_held_and_goes_when_it_is_released() {
    let (world, _, _orders) = waiting().await;
    world.suspended.store(true, Ordering::SeqCst);
    let submitted = |envelope: &mut delivery::Envelope| envelope.account = Some("taro".into());
    let id = world.send_as("taro@example.jp", &["a@nowhere.example"], submitted).await;
    let progress = world.until(id, |progress| progress.hold.is_some()).await;
    assert_eq!(progress.hold.as_deref(), Some("taro is suspended"));
    assert_eq!(progress.recipients[0].attempts, 0);
    // What nobody submitted is nobody's fault.
    let other = world.send(&["a@nowhere.example"]).await;
    world.settled(other).await;
    // Too early: held again.
    order(&world, Order::Release(id)).await.unwrap();
    world.until(id, |progress| progress.hold.is_some()).await;
    world.suspended.store(false, Ordering::SeqCst);
    order(&world, Order::Release(id)).await.unwrap();
    world.settled(id).await;
}
