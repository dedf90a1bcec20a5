//! Reports of success for mailboxes here.

use delivery::outbound::{Order, SuccessReport, ask};
use delivery::{Envelope, Mailbox, Notify, QueueId, Recipient, Remote};

use super::world::{TEXT, World, config};

const SUCCESS: Notify = Notify { success: true, failure: true, delay: false };
const FAILURE: Notify = Notify { success: false, failure: true, delay: true };

fn recipient(mailbox: &str, address: &str, notify: Option<Notify>) -> Recipient {
    Recipient { notify, ..Recipient::new(Mailbox::new(mailbox).unwrap(), address) }
}

/// As smtpd does it: the message, then the report.
async fn deliver(world: &World, from: &str, recipients: Vec<Recipient>) -> usize {
    let mut envelope = Envelope::new(QueueId::new(), from, recipients);
    envelope.parameters.envelope_id = Some("QQ+2B1".into());
    let report = SuccessReport::wanted(&envelope);
    let mut incoming = world.local().begin(envelope, Vec::new());
    incoming.write(TEXT.as_bytes()).await.unwrap();
    let accepted = incoming.commit().await.unwrap();
    if let Some(mut report) = report {
        // In pieces, as it comes.
        TEXT.as_bytes().chunks(7).for_each(|piece| report.read(piece));
        world.outbound.report_delivered(&accepted, report).await;
    }
    accepted.deferred
}

#[tokio::test]
async fn each_address_of_a_mailbox_has_its_own_wish_and_the_report_is_there_when_it_is_promised() {
    let world = World::new(config());
    let mut first = recipient("hanako", "hanako@example.jp", Some(SUCCESS));
    first.original = Some("rfc822;hana+2Bko@example.com".into());
    let recipients = vec![
        recipient("hanako", "hana@example.jp", Some(FAILURE)),
        first,
        recipient("hanako", "h@example.jp", Some(SUCCESS)),
        recipient("jiro", "jiro@example.jp", None),
    ];
    deliver(&world, "taro@example.jp", recipients).await;
    assert_eq!((world.mailbox("hanako").len(), world.mailbox("jiro").len()), (1, 1));
    let reports = world.mailbox("taro");
    assert_eq!(reports.len(), 1);
    let report = &reports[0];
    for line in [
        "Return-Path: <>",
        "Subject: Your mail was delivered",
        "Original-Envelope-Id: QQ+1",
        "Original-Recipient: rfc822; hana+ko@example.com",
        "Final-Recipient: rfc822; hanako@example.jp",
        "Final-Recipient: rfc822; h@example.jp",
        "Action: delivered\r\nStatus: 2.0.0",
        "Content-Type: text/rfc822-headers",
        "Subject: hello",
    ] {
        assert!(report.contains(&format!("{line}\r\n")), "{line}\n{report}");
    }
    assert_eq!(report.matches("Action: ").count(), 2, "{report}");
    for not in ["hana@example.jp", "jiro@example.jp", "Hello.", "Diagnostic-Code"] {
        assert!(!report.contains(not), "{not}\n{report}");
    }
}

#[tokio::test]
async fn nobody_is_told_where_there_is_no_sender_or_no_wish() {
    let world = World::new(config());
    let one = |notify| vec![recipient("hanako", "hanako@example.jp", notify)];
    deliver(&world, "", one(Some(SUCCESS))).await;
    deliver(&world, "taro@example.jp", one(Some(FAILURE))).await;
    deliver(&world, "taro@example.jp", one(None)).await;
    // Of a sender who does not exist nobody needs to know a success.
    deliver(&world, "nobody@example.jp", one(Some(SUCCESS))).await;
    assert_eq!(world.mailbox("hanako").len(), 4);
    assert!(world.mailbox("taro").is_empty() && world.mailbox("postmaster").is_empty());
    assert!(world.queue_files().is_empty());
}

#[tokio::test]
async fn a_sender_elsewhere_gets_it_through_the_queue() {
    let world = World::new(config());
    deliver(&world, "taro@example.com", vec![recipient("a", "a@example.jp", Some(SUCCESS))]).await;
    let ids = world.view().ids().unwrap();
    assert_eq!(ids.len(), 1);
    let report = world.view().outbound(ids[0]).unwrap().unwrap().envelope;
    assert_eq!((&*report.reverse_path, &*report.remotes[0].address), ("", "taro@example.com"));
}

#[tokio::test]
async fn a_mailbox_that_has_to_wait_is_reported_when_it_has_the_message() {
    let world = World::new(config());
    std::fs::write(world.mail().join("b"), "not a directory").unwrap();
    let recipients = ["a", "b"].map(|name| recipient(name, &format!("{name}@example.jp"), Some(SUCCESS)));
    assert_eq!(deliver(&world, "taro@example.jp", recipients.into()).await, 1);
    let reports = world.mailbox("taro");
    assert_eq!(reports.len(), 1);
    assert!(reports[0].contains("; a@example.jp\r\n") && !reports[0].contains("b@example.jp"));
    std::fs::remove_file(world.mail().join("b")).unwrap();
    assert_eq!(world.local().retry().await, 0);
    while world.mailbox("taro").len() < 2 {
        world.breathe().await;
    }
    assert!(world.mailbox("taro").iter().any(|report| report.contains("; b@example.jp\r\n")));
}

/// Nobody's mailbox can be made.
fn bar(world: &World, mailbox: &str) {
    std::fs::create_dir_all(world.mail()).unwrap();
    std::fs::write(world.mail().join(mailbox), "not a directory").unwrap();
}

/// A message of taro's for the mailboxes a and b, of which b cannot be served; then that process is no more.
async fn b_has_to_wait() -> tempfile::TempDir {
    let world = World::new(config());
    bar(&world, "b");
    let recipients = ["a", "b"].map(|name| recipient(name, &format!("{name}@example.jp"), Some(SUCCESS)));
    assert_eq!(deliver(&world, "taro@example.jp", recipients.into()).await, 1);
    assert_eq!(world.mailbox("taro").len(), 1, "that of a");
    world.into_directory()
}

/// There is one report more, of b's mailbox, and there will be no other.
async fn b_is_reported_once(world: World) {
    while world.mailbox("taro").len() < 2 {
        world.breathe().await;
    }
    let reports = world.mailbox("taro");
    let report = reports.iter().find(|report| report.contains("; b@example.jp\r\n")).unwrap();
    for line in ["Original-Envelope-Id: QQ+1", "Action: delivered", "Received: from pc", "Subject: hello"] {
        assert!(report.contains(&format!("{line}\r\n")), "{line}\n{report}");
    }
    for not in ["a@example.jp", "Hello.", "Return-Path: <taro"] {
        assert!(!report.contains(not), "{not}\n{report}");
    }
    world.outbound.stop().await;
    let world = World::over(world.into_directory(), config());
    assert_eq!(world.local().retry().await, 0);
    // What is to be told is told before it stops.
    let running = tokio::spawn(world.outbound.clone().run());
    world.outbound.stop().await;
    running.await.unwrap();
    assert_eq!((world.mailbox("taro").len(), world.mailbox("b").len()), (2, 1));
    assert!(world.queue_files().is_empty());
}

#[tokio::test]
async fn what_a_restart_found_waiting_is_reported_once_when_it_is_served() {
    let world = World::over(b_has_to_wait().await, config());
    world.run();
    assert_eq!(world.local().retry().await, 1);
    std::fs::remove_file(world.mail().join("b")).unwrap();
    assert_eq!(world.local().retry().await, 0);
    b_is_reported_once(world).await;
}

#[tokio::test]
async fn what_a_restart_serves_is_reported_once() {
    let directory = b_has_to_wait().await;
    std::fs::remove_file(directory.path().join("mail/b")).unwrap();
    let world = World::over(directory, config());
    assert_eq!(world.mailbox("b").len(), 1);
    world.run();
    b_is_reported_once(world).await;
}

#[tokio::test]
async fn each_mailbox_that_had_to_wait_is_reported_once_though_a_restart_comes_between_them() {
    let world = World::new(config());
    for mailbox in ["b", "c"] {
        bar(&world, mailbox);
    }
    let mut recipients: Vec<Recipient> =
        ["b", "c"].map(|name| recipient(name, &format!("{name}@example.jp"), Some(SUCCESS))).into();
    // Another address of the same mailbox, with the same wish.
    recipients.push(recipient("b", "bee@example.jp", Some(SUCCESS)));
    assert_eq!(deliver(&world, "taro@example.jp", recipients).await, 2);
    assert!(world.mailbox("taro").is_empty());
    std::fs::remove_file(world.mail().join("b")).unwrap();
    assert_eq!(world.local().retry().await, 1, "c waits");
    while world.mailbox("taro").is_empty() {
        world.breathe().await;
    }
    let directory = world.into_directory();
    // Who has just reported has the queue for a moment still.
    let lock = std::fs::File::open(directory.path().join("queue/lock")).unwrap();
    while lock.try_lock().is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(lock);
    let world = World::over(directory, config());
    world.run();
    std::fs::remove_file(world.mail().join("c")).unwrap();
    assert_eq!(world.local().retry().await, 0);
    while world.mailbox("taro").len() < 2 {
        world.breathe().await;
    }
    world.outbound.stop().await;
    let reports = world.mailbox("taro");
    for address in ["b@example.jp", "bee@example.jp", "c@example.jp"] {
        let told = reports.iter().filter(|report| report.contains(&format!("; {address}\r\n")));
        assert_eq!(told.count(), 1, "{address}\n{reports:#?}");
    }
    assert_eq!((reports.len(), world.mailbox("b").len(), world.mailbox("c").len()), (2, 1, 1));
}

#[tokio::test]
async fn what_was_held_is_reported_when_it_was_released() {
    let world = World::new(config());
    world.run();
    let recipients = vec![recipient("a", "a@example.jp", Some(SUCCESS))];
    let envelope = Envelope::new(QueueId::new(), "taro@example.jp", recipients);
    let id = envelope.queue_id;
    let mut incoming = world.local().begin_holdable(envelope, Vec::new());
    incoming.write(TEXT.as_bytes()).await.unwrap();
    assert!(incoming.commit_held("to be looked at".into()).await.unwrap().held);
    let orders = world.outbound.clone();
    tokio::spawn(async move { orders.take_orders().await });
    while ask(&world.queue(), &Order::Release(id)).await.unwrap().is_none() {
        world.breathe().await;
    }
    while world.mailbox("taro").is_empty() {
        world.breathe().await;
    }
    assert!(world.mailbox("taro")[0].contains("Final-Recipient: rfc822; a@example.jp\r\n"));
    assert_eq!(world.mailbox("a").len(), 1);
}

#[tokio::test]
async fn who_still_waits_when_the_rest_is_released_is_reported_once_and_not_before_it_has_the_message() {
    let world = World::new(config());
    bar(&world, "b");
    let recipients = vec![recipient("b", "b@example.jp", Some(SUCCESS))];
    let remotes = vec![Remote::new("x@example.com")];
    let envelope = Envelope { remotes, ..Envelope::new(QueueId::new(), "taro@example.jp", recipients) };
    let (id, report) = (envelope.queue_id, SuccessReport::wanted(&envelope).unwrap());
    let mut incoming = world.local().begin(envelope, Vec::new());
    incoming.hold("to be looked at".into());
    incoming.write(TEXT.as_bytes()).await.unwrap();
    let accepted = incoming.commit().await.unwrap();
    world.outbound.report_delivered(&accepted, report).await;
    world.breathe().await;
    let orders = world.outbound.clone();
    tokio::spawn(async move { orders.take_orders().await });
    while ask(&world.queue(), &Order::Release(id)).await.unwrap().is_none() {
        world.breathe().await;
    }
    // Another message through the queue, of which nobody is told.
    let others = ["a", "c"].map(|name| recipient(name, &format!("{name}@example.jp"), None));
    deliver(&world, "taro@example.jp", others.into()).await;
    for _ in 0..20 {
        world.breathe().await;
    }
    assert!(world.mailbox("taro").is_empty(), "{:#?}", world.mailbox("taro"));
    std::fs::remove_file(world.mail().join("b")).unwrap();
    assert_eq!(world.local().retry().await, 0);
    while world.mailbox("taro").is_empty() {
        world.breathe().await;
    }
    assert!(world.mailbox("taro")[0].contains("; b@example.jp\r\n"));
    for _ in 0..20 {
        world.breathe().await;
    }
    assert_eq!((world.mailbox("taro").len(), world.mailbox("b").len()), (1, 1));
}
