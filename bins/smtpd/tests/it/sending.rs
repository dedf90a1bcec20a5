//! How much a customer may send, with a clock of the test's own, on both databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use accounts::{Allowance, DatabaseConfig, SendingLimit};
use tempfile::TempDir;

use crate::house::{Client, House};

/// 2026-11-22T07:00:00Z, and one hour.
const SEVEN: i64 = 1_795_330_800;
const HOUR: i64 = 3600;

/// A SQLite database, and one on PostgreSQL if there is a server.
fn databases() -> Vec<(TempDir, DatabaseConfig)> {
    let dir = TempDir::new().unwrap();
    let sqlite = DatabaseConfig::sqlite(&dir.path().join("accounts.sqlite"));
    let mut databases = vec![(dir, sqlite)];
    if let Ok(server) = std::env::var("YUBIN_TEST_POSTGRES") {
        // Process numbers come again; the databases of earlier runs may still be there.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let url = format!("{}/smtpd_{}_{now}", server.trim_end_matches('/'), std::process::id());
        databases.push((TempDir::new().unwrap(), DatabaseConfig { url, apop_key: None }));
    }
    databases
}

fn customer(house: &House) -> Client {
    let mut client = house.connect();
    client.ask_for_all("EHLO pc.example");
    client.log_in();
    client
}

/// A message to hanako so many times; the reply to what was refused, or to the message.
fn send(client: &mut Client, recipients: usize) -> String {
    let mut commands = vec!["MAIL FROM:<hanako@example.jp>"];
    commands.extend(vec!["RCPT TO:<hanako@example.jp>"; recipients]);
    commands.push("DATA");
    commands.push("Subject: x\r\n\r\nx\r\n.");
    for command in commands {
        let reply = client.ask(command);
        if !reply.starts_with(['2', '3']) {
            assert!(client.ask("RSET").starts_with("250 "));
            return reply;
        }
        if command.ends_with("\r\n.") {
            return reply;
        }
    }
    unreachable!("the message is the last command")
}

#[test]
fn o_05_two_machines_on_one_database_know_one_budget_of_the_hour_and_one_of_the_day() {
    for (_dir, database) in databases() {
        let clock = Arc::new(AtomicI64::new(SEVEN));
        let limits = "[sending_limits]\nmessages_per_hour = 3\nrecipients_per_day = 8\n";
        let (here, there) = (House::on(&database, limits, &clock), House::on(&database, limits, &clock));
        let (mut one, mut other) = (customer(&here), customer(&there));
        assert!(send(&mut one, 1).starts_with("250 "));
        assert!(send(&mut other, 1).starts_with("250 "));
        assert!(send(&mut one, 1).starts_with("250 "));
        // The hour's three are gone, on either machine; it is said at MAIL.
        for client in [&mut one, &mut other] {
            let reply = client.ask("MAIL FROM:<hanako@example.jp>");
            assert!(reply.starts_with("450 4.7.1 ") && reply.contains("hour"), "{reply}");
        }
        // The next hour: five of eight recipients are left, and the sixth is told at RCPT.
        clock.store(SEVEN + HOUR, Ordering::Relaxed);
        assert!(one.ask("MAIL FROM:<hanako@example.jp>").starts_with("250 "));
        for _ in 0..5 {
            assert!(one.ask("RCPT TO:<hanako@example.jp>").starts_with("250 "));
        }
        let reply = one.ask("RCPT TO:<hanako@example.jp>");
        assert!(reply.starts_with("450 4.7.1 ") && reply.contains("day"), "{reply}");
        // Another message takes four of them meanwhile: then this one is too much, at its end, and costs nothing.
        assert!(send(&mut other, 4).starts_with("250 "));
        assert!(one.ask("DATA").starts_with("354 "));
        assert!(one.ask("Subject: x\r\n\r\nx\r\n.").starts_with("450 4.7.1 "));
        // What is refused does not count.
        assert!(send(&mut other, 2).starts_with("450 4.7.1 "));
        assert!(send(&mut one, 1).starts_with("250 "));
        assert!(send(&mut other, 1).starts_with("450 4.7.1 "));
        drop((one, other));
        // A restart forgets nothing.
        there.close();
        let again = House::on(&database, limits, &clock);
        let mut client = customer(&again);
        assert!(send(&mut client, 1).starts_with("450 4.7.1 "));
        clock.store(SEVEN + 17 * HOUR, Ordering::Relaxed);
        assert!(send(&mut client, 1).starts_with("250 "));
        drop(client);
        again.close();
        here.close();
    }
}

#[test]
fn o_05_what_would_be_held_and_is_for_mailboxes_here_is_deferred() {
    for (_dir, database) in databases() {
        let clock = Arc::new(AtomicI64::new(SEVEN));
        let house =
            House::on(&database, "[sending_limits]\nmessages_per_hour = 1\nover = \"hold\"\n", &clock);
        let (mut one, mut other) = (customer(&house), customer(&house));
        for command in ["MAIL FROM:<hanako@example.jp>", "RCPT TO:<hanako@example.jp>", "DATA"] {
            assert!(one.ask(command).starts_with(['2', '3']));
        }
        // Both had room when they began.
        assert!(send(&mut other, 1).starts_with("250 "));
        assert!(one.ask("Subject: x\r\n\r\nx\r\n.").starts_with("450 4.7.1 "));
        drop((one, other));
        house.close();
    }
}

#[test]
fn o_05_the_accounts_own_limit_holds_from_its_next_message_on() {
    for (_dir, database) in databases() {
        let clock = Arc::new(AtomicI64::new(SEVEN));
        let house = House::on(&database, "", &clock);
        let mut client = customer(&house);
        for _ in 0..3 {
            assert!(send(&mut client, 1).starts_with("250 "), "no limit by default");
        }
        let set = |allowance| {
            let limits = [(SendingLimit::MessagesPerHour, allowance)];
            house.administer(async |accounts| accounts.account_set_sending("hanako", &limits).await.unwrap());
        };
        set(Allowance::Limit(1));
        // Counted from now on: without a limit nothing was.
        assert!(send(&mut client, 1).starts_with("250 "));
        assert!(send(&mut client, 1).starts_with("450 4.7.1 "));
        set(Allowance::Unlimited);
        assert!(send(&mut client, 1).starts_with("250 "));
        drop(client);
        house.close();
    }
}

#[test]
fn o_05_what_everybody_may_send_us_is_not_counted() {
    let clock = Arc::new(AtomicI64::new(SEVEN));
    let (_dir, database) = databases().swap_remove(0);
    let limits = "[sending_limits]\nmessages_per_day = 1\n\n[networks]\ninside = \"127.0.0.0/8\"\n";
    let house = House::on(&database, limits, &clock);
    let mut client = house.connect();
    client.ask_for_all("EHLO pc.example");
    for _ in 0..3 {
        client.envelope();
        assert!(client.ask("DATA").starts_with("354 "));
        assert!(client.ask("Subject: x\r\n\r\nx\r\n.").starts_with("250 "));
    }
    drop(client);
    house.close();
}
