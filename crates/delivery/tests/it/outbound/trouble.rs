//! Hosts and name servers that fail in every way, and what the queue makes of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use delivery::outbound::{Concurrency, NoAnswer, OutboundConfig, Schedule};
use mail_queue::Fate;
use mailstore::faults::{Faults, Op, Plan};
use rustix::io::Errno;

use super::host::{Host, Manners, Say};
use super::world::{World, config};

#[tokio::test]
async fn o_01_every_trouble_that_may_pass_is_waited_out() {
    let mut cases = tokio::task::JoinSet::new();
    for (verb, say) in [
        ("CONNECT", Say::HangUp),
        ("CONNECT", Say::This("421 4.3.2 not now")),
        ("CONNECT", Say::This("554 5.3.2 not you")),
        ("CONNECT", Say::This("HTTP/1.1 400 Bad Request")),
        ("EHLO", Say::HangUp),
        ("EHLO", Say::This("450 4.3.2 not now")),
        ("MAIL", Say::HangUp),
        ("MAIL", Say::This("451 4.3.0 not now")),
        ("RCPT", Say::HangUp),
        ("RCPT", Say::This("450 4.7.1 greylisted")),
        ("RCPT", Say::This("421 4.7.0 go away for now")),
        ("DATA", Say::HangUp),
        ("DATA", Say::This("451 4.3.0 not now")),
        ("DATA", Say::This("250 2.0.0 mine, before it was sent")),
        ("DATA", Say::This("334 who are you")),
        ("END", Say::HangUp),
        ("END", Say::This("452 4.3.1 full")),
    ] {
        for offers in [&["PIPELINING"][..], &["PIPELINING", "CHUNKING"]] {
            // With chunks it is never said.
            if verb != "DATA" || !offers.contains(&"CHUNKING") {
                cases.spawn(waited_out(offers, verb, say.clone()));
            }
        }
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
}

async fn waited_out(offers: &'static [&'static str], verb: &'static str, say: Say) {
    let manners = Manners::offering(offers).saying(verb, say.clone());
    let host = Host::start("127.0.0.1", 0, manners, None).await;
    let world = World::new(OutboundConfig { port: host.address.port(), ..config() });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    let id = world.send(&["a@example.com"]).await;
    let progress = world.until(id, |progress| progress.recipients[0].attempts > 0).await;
    let (recipient, last) = (&progress.recipients[0], &progress.recipients[0].last);
    assert_eq!(recipient.fate, Fate::Waiting, "{verb} {say:?}: {last}");
    if let Say::This(text) = &say
        && text.starts_with(['4', '5'])
    {
        assert!(last.contains(&text[4..]), "{verb}: {last}");
    }
    assert_eq!(progress.history.last().unwrap().answer, *last);
    host.behave(Manners::offering(offers));
    world.settled(id).await;
    assert_eq!(host.received().len(), 1, "{verb} {say:?}");
    assert!(world.mailbox("taro").is_empty(), "{verb} {say:?}");
}

#[tokio::test]
async fn l_05_what_was_sent_is_written_down_until_the_disk_takes_it_and_sent_once() {
    let mut cases = tokio::task::JoinSet::new();
    for (answer, op) in [
        ("450 4.2.0 later", Op::CreateNew),
        ("450 4.2.0 later", Op::Sync),
        ("450 4.2.0 later", Op::Rename),
        ("450 4.2.0 later", Op::SyncDir),
        ("250 2.0.0 mine", Op::Remove),
        ("250 2.0.0 mine", Op::SyncDir),
    ] {
        cases.spawn(written_down(answer, op));
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
}

async fn written_down(answer: &'static str, op: Op) {
    let disk = Arc::new(Faults::new(Plan::Nothing));
    let host = Host::start("127.0.0.1", 0, Manners::default().saying("END", Say::This(answer)), None).await;
    let schedule = Schedule { minimal_backoff: Duration::from_secs(3600), ..Schedule::default() };
    let world = World::on(disk.clone(), OutboundConfig { port: host.address.port(), schedule, ..config() });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    let id = world.send(&["a@example.com"]).await;
    for errno in [Errno::NOSPC, Errno::ROFS] {
        disk.fail_next(op, errno);
    }
    world.run();
    if answer.starts_with('2') {
        world.settled(id).await;
    } else {
        world.until(id, |progress| progress.recipients[0].attempts > 0).await;
    }
    // It waits for what is being written.
    world.outbound.stop().await;
    assert!(disk.failed(), "{op:?}");
    assert_eq!(host.sessions.load(Ordering::SeqCst), 1, "{answer} {op:?}: it was sent again");
    if let Some(left) = world.view().outbound(id).unwrap() {
        assert_eq!((left.progress.recipients[0].attempts, left.progress.history.len()), (1, 1), "{op:?}");
    }
}

#[tokio::test]
async fn each_recipient_has_a_result_of_its_own() {
    let manners = Manners::offering(&["PIPELINING"])
        .saying("RCPT wrong@example.com", Say::This("550 5.1.1 no such user"))
        .saying("RCPT later@example.com", Say::This("450 4.2.1 busy"));
    let host = Host::start("127.0.0.1", 0, manners, None).await;
    let world = World::new(OutboundConfig { port: host.address.port(), ..config() });
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    let id = world.send(&["right@example.com", "wrong@example.com", "later@example.com"]).await;
    let progress = world.until(id, |progress| progress.recipients[1].fate == Fate::Reported).await;
    let fates: Vec<Fate> = progress.recipients.iter().map(|recipient| recipient.fate).collect();
    assert_eq!(fates, [Fate::Delivered, Fate::Reported, Fate::Waiting]);
    host.behave(Manners::offering(&["PIPELINING"]));
    world.settled(id).await;
    let rcpts: Vec<_> = host.received().into_iter().flat_map(|message| message.rcpts).collect();
    assert_eq!(rcpts, ["RCPT TO:<right@example.com>", "RCPT TO:<later@example.com>"]);
    let reports = world.mailbox("taro");
    assert_eq!(reports.len(), 1);
    assert!(reports[0].contains("wrong@example.com") && !reports[0].contains("right@example.com"));
}

#[tokio::test]
async fn a_host_that_fails_is_followed_by_the_next() {
    for manners in [
        Manners::default().saying("CONNECT", Say::HangUp),
        Manners::default().saying("CONNECT", Say::This("554 5.3.2 no")),
        Manners::default().saying("EHLO", Say::This("421 4.3.2 no")),
    ] {
        let first = Host::start("127.0.0.1", 0, manners, None).await;
        let second = Host::start("127.0.0.2", first.address.port(), Manners::default(), None).await;
        let world = World::new(OutboundConfig { port: first.address.port(), ..config() });
        world.dns.mx("example.com", &[(20, "second.example.com"), (10, "first.example.com")]);
        world.dns.host("first.example.com", &["127.0.0.1"]);
        world.dns.host("second.example.com", &["127.0.0.2"]);
        world.run();
        let id = world.send(&["a@example.com"]).await;
        second.wait_for(1).await;
        world.settled(id).await;
        assert!(first.sessions.load(Ordering::SeqCst) > 0 && first.received().is_empty());
    }
}

#[tokio::test]
async fn o_01_only_an_authoritative_answer_is_final() {
    let world = World::new(config());
    world.dns.mx("null.example", &[(0, ".")]);
    world.dns.mx("us.example", &[(10, "us.example.jp"), (20, "backup.example")]);
    world.dns.mx("gone.example", &[(10, "gone.gone.example")]);
    world.run();
    for (nth, (to, status)) in [
        ("a@nowhere.example", "5.1.2"),
        ("a@null.example", "5.1.10"),
        ("a@us.example", "5.4.6"),
        ("a@gone.example", "5.4.4"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = world.send(&[to]).await;
        world.settled(id).await;
        let reports = world.mailbox("taro");
        assert_eq!(reports.len(), nth + 1, "{to}");
        assert!(
            reports.iter().any(|report| report.contains(&format!("Status: {status}\r\n"))),
            "{to}: {reports:?}"
        );
    }
    for why in [NoAnswer::Trouble("REFUSED".into()), NoAnswer::NoRecords] {
        world.dns.no_mx("doubt.example", why.clone());
        let id = world.send(&["a@doubt.example"]).await;
        if why == NoAnswer::NoRecords {
            world.dns.host("doubt.example", &[]);
        }
        let progress = world.until(id, |progress| progress.recipients[0].attempts > 0).await;
        assert_eq!(progress.recipients[0].fate, Fate::Waiting, "{why:?}: {progress:?}");
    }
    assert_eq!(world.mailbox("taro").len(), 4);
}

#[tokio::test]
async fn a_message_that_goes_round_comes_back() {
    let world = World::new(config());
    world.run();
    let text = format!("{}Subject: x\r\n\r\n", "Received: by us\r\n".repeat(101));
    let id = world.send_text("taro@example.jp", &["a@[127.0.0.1]"], &text, |_| {}).await;
    world.settled(id).await;
    assert!(world.mailbox("taro")[0].contains("Status: 5.4.6\r\n"));
}

/// A virtual clock: five days pass as soon as nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn o_01_five_days_of_silence_are_told_twice() {
    let schedule = Schedule::default();
    let world = World::new(OutboundConfig { schedule, ..OutboundConfig::new("us.example.jp") });
    world.dns.no_mx("silent.example", NoAnswer::Trouble("timed out".into()));
    world.run();
    let begin = tokio::time::Instant::now();
    let id = world.send(&["a@silent.example"]).await;
    let waits = |world: &World| world.view().outbound(id).unwrap().is_some();
    while world.mailbox("taro").is_empty() {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let hours = begin.elapsed().as_secs_f64() / 3600.0;
    assert!((4.0..5.5).contains(&hours), "told after {hours} h");
    let delay = &world.mailbox("taro")[0];
    assert!(delay.contains("Action: delayed\r\n") && delay.contains("Will-Retry-Until: "), "{delay}");
    while waits(&world) {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let days = begin.elapsed().as_secs_f64() / 86400.0;
    assert!((5.0..5.1).contains(&days), "given up after {days} days");
    let reports = world.mailbox("taro");
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().any(|it| it.contains("Action: failed\r\nStatus: 4.4.7\r\n")), "{reports:?}");
    assert!(world.queue_files().is_empty());
}

#[tokio::test(start_paused = true)]
async fn those_behind_a_dead_destination_come_back_in_time_too() {
    let world = World::new(OutboundConfig::new("us.example.jp"));
    world.dns.no_mx("silent.example", NoAnswer::Trouble("timed out".into()));
    world.run();
    let mut ids = Vec::new();
    for nth in 0..30 {
        ids.push(world.send(&[&*format!("a{nth}@silent.example")]).await);
    }
    while ids.iter().any(|id| world.view().outbound(*id).unwrap().is_some()) {
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    let reports = world.mailbox("taro");
    assert_eq!(reports.len(), 60, "a warning and a failure each");
    assert!(world.queue_files().is_empty());
}

#[tokio::test]
async fn a_host_that_says_nothing_holds_up_nobody_else() {
    let slow = Host::start("127.0.0.1", 0, Manners::default().saying("CONNECT", Say::Silence), None).await;
    let quick = Host::start("127.0.0.2", slow.address.port(), Manners::default(), None).await;
    let concurrency = Concurrency { sessions: 4, per_destination: 3, per_host: 2 };
    let world = World::new(OutboundConfig { port: slow.address.port(), concurrency, ..config() });
    for (domain, address) in
        [("slow.example", "127.0.0.1"), ("slow2.example", "127.0.0.1"), ("quick.example", "127.0.0.2")]
    {
        // Both slow domains have the same host.
        let host = if address == "127.0.0.1" { "slow.example" } else { domain };
        world.dns.mx(domain, &[(10, host)]);
        world.dns.host(host, &[address]);
    }
    for _ in 0..10 {
        world.send(&["a@slow.example", "a@slow2.example"]).await;
    }
    world.run();
    let ids = [world.send(&["a@quick.example"]).await, world.send(&["b@quick.example"]).await];
    quick.wait_for(2).await;
    for id in ids {
        world.settled(id).await;
    }
    assert!(slow.sessions.load(Ordering::SeqCst) <= 2, "as many as one host may have");
}

#[tokio::test]
async fn a_crash_between_failure_and_report_is_made_good() {
    let world = World::new(config());
    let id = world.send(&["a@nowhere.example"]).await;
    let directory = world.into_directory();
    let (spool, _) = mail_queue::Spool::open(mail_queue::SpoolConfig {
        queue: directory.path().join("queue"),
        maildirs: directory.path().join("mail"),
        host: "us.example.jp".into(),
    })
    .unwrap();
    let failed = spool.record(id, |_, progress| {
        progress.recipients[0].fate = Fate::Failed;
        progress.recipients[0].last = "550 5.1.1 no such user".into();
    });
    assert!(failed.unwrap().is_some());
    drop(spool);
    let world = World::over(directory, config());
    world.run();
    world.settled(id).await;
    let reports = world.mailbox("taro");
    assert!(reports.len() == 1 && reports[0].contains("Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"));
}
