//! Who is told what.

use std::sync::atomic::Ordering;

use delivery::outbound::{Language, Order, OutboundConfig, ask};
use delivery::{Mailbox, Notify, QueueId, Return};
use mail_queue::Fate;

use super::host::{Host, Manners, Say};
use super::world::{QUOTA, World, config};

const NEVER: Notify = Notify { success: false, failure: false, delay: false };

async fn refusing() -> (std::sync::Arc<Host>, World) {
    world(Manners::default().saying("RCPT", Say::This("550 5.1.1 No such user here")), config()).await
}

async fn world(manners: Manners, config: OutboundConfig) -> (std::sync::Arc<Host>, World) {
    let host = Host::start("127.0.0.1", 0, manners, None).await;
    let world = World::new(OutboundConfig { port: host.address.port(), ..config });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    (host, world)
}

async fn report_of(world: &World, id: QueueId) -> String {
    world.settled(id).await;
    let reports = world.mailbox("taro");
    assert_eq!(reports.len(), 1);
    reports[0].clone()
}

#[tokio::test]
async fn o_01_a_refusal_comes_back_with_the_other_hosts_words() {
    let (_host, world) = refusing().await;
    let id = world
        .send_as("taro@example.jp", &["hanako@example.com"], |envelope| {
            envelope.parameters.envelope_id = Some("QQ+2B1".into());
            envelope.remotes[0].original = Some("rfc822;hana+2Bko@example.com".into());
        })
        .await;
    let report = report_of(&world, id).await;
    for line in [
        "Return-Path: <>",
        "To: <taro@example.jp>",
        "Subject: Undelivered mail returned to sender",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Original-Envelope-Id: QQ+1",
        "Reporting-MTA: dns; us.example.jp",
        "Original-Recipient: rfc822; hana+ko@example.com",
        "Final-Recipient: rfc822; hanako@example.com",
        "Action: failed",
        "Status: 5.1.1",
        "Remote-MTA: dns; mx.example.com",
        "Diagnostic-Code: smtp; 550 5.1.1 No such user here",
        "Content-Type: text/rfc822-headers",
        "Subject: hello",
    ] {
        assert!(report.contains(&format!("{line}\r\n")), "{line}\n{report}");
    }
    assert!(
        report.contains("report-type=\"delivery-status\"") && report.contains("multipart/report"),
        "{report}"
    );
    assert!(
        !report.contains("Hello.") && !report.contains("Return-Path: <taro"),
        "its header alone: {report}"
    );
    assert!(report.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
}

#[tokio::test]
async fn the_whole_message_comes_back_to_who_asked_for_it() {
    let (_host, world) = refusing().await;
    let full = |envelope: &mut delivery::Envelope| envelope.parameters.ret = Some(Return::Full);
    let id = world.send_as("taro@example.jp", &["hanako@example.com"], full).await;
    let report = report_of(&world, id).await;
    assert!(
        report.contains("Content-Type: message/rfc822\r\n") && report.contains("\r\n.Hello.\r\n"),
        "{report}"
    );
}

#[tokio::test]
async fn reports_speak_japanese_where_that_is_wanted() {
    let config = OutboundConfig { language: Language::Japanese, ..config() };
    let manners = Manners::default().saying("RCPT", Say::This("550 5.1.1 No"));
    let (_host, world) = world(manners, config).await;
    let id = world.send(&["hanako@example.com"]).await;
    let report = report_of(&world, id).await;
    let header = report.split("\r\n\r\n").next().unwrap();
    assert!(header.is_ascii() && header.to_lowercase().contains("subject: =?utf-8?"), "{header}");
    assert!(report.contains("Status: 5.1.1\r\n"));
}

#[tokio::test]
async fn nobody_is_told_who_does_not_want_to_be() {
    let (_host, world) = refusing().await;
    let never = |envelope: &mut delivery::Envelope| envelope.remotes[0].notify = Some(NEVER);
    let id = world.send_as("taro@example.jp", &["hanako@example.com"], never).await;
    world.settled(id).await;
    assert!(world.mailbox("taro").is_empty());
}

#[tokio::test]
async fn a_success_is_told_where_the_other_host_will_not() {
    let (host, world) = world(Manners::default(), config()).await;
    let success = Notify { success: true, ..NEVER };
    let id = world
        .send_as("taro@example.jp", &["hanako@example.com", "b@example.com"], |envelope| {
            envelope.remotes[0].notify = Some(success);
        })
        .await;
    let report = report_of(&world, id).await;
    assert!(
        report.contains("Action: relayed\r\nStatus: 2.0.0\r\n") && !report.contains("b@example.com"),
        "{report}"
    );
    assert!(!host.received()[0].rcpts[0].contains("NOTIFY"));
}

#[tokio::test]
async fn a_report_that_fails_ends_with_the_postmaster() {
    let (_host, world) = refusing().await;
    for (nth, from) in ["", "nobody@example.jp"].into_iter().enumerate() {
        let id = world.send_as(from, &["hanako@example.com"], |_| {}).await;
        world.settled(id).await;
        let told = world.mailbox("postmaster");
        assert_eq!(told.len(), nth + 1, "{from:?}");
        assert!(told.iter().all(|report| report.contains("To: <postmaster@us.example.jp>\r\n")));
    }
    assert!(world.queue_files().is_empty());
}

#[tokio::test]
async fn a_report_goes_to_a_sender_elsewhere_without_a_sender() {
    let manners = Manners::default().saying("RCPT bad@example.com", Say::This("550 5.1.1 No"));
    let (host, world) = world(manners, config()).await;
    world.send_as("jiro@example.com", &["bad@example.com"], |_| {}).await;
    let received = host.wait_for(1).await;
    assert!(received[0].mail.starts_with("MAIL FROM:<>"), "{received:?}");
    assert_eq!(received[0].rcpts, ["RCPT TO:<jiro@example.com>"]);
    assert!(!received[0].text.contains("Return-Path: <>"), "{received:?}");
}

#[tokio::test]
async fn l_03_a_report_counts_in_the_mailbox_that_has_it() {
    let world = World::new(config());
    // The ledger is begun, as by any message with a recipient here.
    let taro = Mailbox::new("taro").unwrap();
    drop(world.local.reserve(&taro, "taro@example.jp", QUOTA, Some(1)).await.unwrap());
    world.run();
    let id = world.send(&["a@nowhere.example"]).await;
    world.settled(id).await;
    world.outbound.stop().await;
    let reports = world.mailbox("taro");
    assert_eq!(reports.len(), 1);
    let line = format!("{} 1\n", reports[0].len());
    assert!(world.ledger("taro").ends_with(&line), "{line}{}", world.ledger("taro"));
}

#[tokio::test]
async fn what_can_be_told_to_nobody_is_held_until_somebody_is_appointed() {
    let later = Say::This("450 4.2.0 later");
    let manners = Manners::default()
        .saying("RCPT bad@example.com", Say::This("550 5.1.1 No"))
        .saying("RCPT late@example.com", later);
    let (host, world) = world(manners, config()).await;
    world.appointed.store(false, Ordering::SeqCst);
    let orders = world.outbound.clone();
    tokio::spawn(async move { orders.take_orders().await.unwrap() });
    for (nth, from) in ["", "nobody@example.jp"].into_iter().enumerate() {
        let id = world.send_as(from, &["bad@example.com", "late@example.com"], |_| {}).await;
        // One is refused, and the other has its turns all the same.
        let progress = world.until(id, |progress| progress.recipients[1].attempts > 1).await;
        assert_eq!((progress.hold, progress.recipients[0].fate), (None, Fate::Failed), "{from:?}");
        host.behave(Manners::default().saying("RCPT bad@example.com", Say::This("550 5.1.1 No")));
        let progress = world.until(id, |progress| progress.hold.is_some()).await;
        assert!(progress.hold.unwrap().contains("a postmaster"), "{from:?}");
        assert_eq!(progress.recipients[1].fate, Fate::Delivered);
        assert!(world.mailbox("postmaster").len() == nth);

        world.appointed.store(true, Ordering::SeqCst);
        while ask(&world.queue(), &Order::Release(id)).await.unwrap().is_none() {
            world.breathe().await;
        }
        world.settled(id).await;
        assert_eq!(world.mailbox("postmaster").len(), nth + 1, "{from:?}");
        world.appointed.store(false, Ordering::SeqCst);
        host.behave(
            Manners::default()
                .saying("RCPT bad@example.com", Say::This("550 5.1.1 No"))
                .saying("RCPT late@example.com", Say::This("450 4.2.0 later")),
        );
    }
    assert_eq!(host.received().len(), 2);
}

#[tokio::test]
async fn what_is_held_for_want_of_a_postmaster_is_held_after_a_restart() {
    let (_host, world) = refusing().await;
    world.appointed.store(false, Ordering::SeqCst);
    let id = world.send_as("", &["hanako@example.com"], |_| {}).await;
    world.until(id, |progress| progress.hold.is_some()).await;
    world.outbound.stop().await;
    let world = World::over(world.into_directory(), config());
    world.run();
    // Another one goes its way behind it, so that this one was looked at.
    let other = world.send(&["a@nowhere.example"]).await;
    world.settled(other).await;
    assert!(world.view().outbound(id).unwrap().unwrap().progress.hold.is_some());
    assert!(world.mailbox("postmaster").is_empty());
}
