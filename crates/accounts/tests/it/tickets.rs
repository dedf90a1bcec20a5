//! POP before SMTP.

use std::net::IpAddr;
use std::time::Duration;

use accounts::{Accounts, Apop, Service, Stops, Which};
use auth_sasl::Secret;
use sqlx::Connection as _;

use crate::opening::execute;
use crate::support::{account, databases, new, postgres};

const LIFETIME: Duration = Duration::from_secs(600);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn b_05_b_06_c_06_a_ticket_holds_at_its_address_until_it_expires_or_its_account_may_not() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        accounts.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
        let ayumi = &account(accounts, "ab4t-ash", "sakura").await;
        let kenji = &account(accounts, "m1234ab567c", "yuki").await;
        let holders = async |address: &str| accounts.ticket_holders(ip(address), LIFETIME * 2).await.unwrap();

        accounts.ticket_open(ayumi, ip("192.0.2.7"), LIFETIME).await.unwrap();
        assert_eq!(holders("192.0.2.7").await, ["ab4t-ash"]);
        assert_eq!(holders("::ffff:192.0.2.7").await, ["ab4t-ash"]);
        assert!(holders("192.0.2.8").await.is_empty());

        // Two behind one address; the latest stands first.
        accounts.ticket_open(kenji, ip("192.0.2.7"), LIFETIME * 2).await.unwrap();
        assert_eq!(holders("192.0.2.7").await, ["m1234ab567c", "ab4t-ash"]);

        // An IPv6 line is a /64.
        accounts.ticket_open(ayumi, ip("2001:db8:1:2::7"), LIFETIME).await.unwrap();
        assert_eq!(holders("2001:db8:1:2:ffff::1").await, ["ab4t-ash"]);
        assert!(holders("2001:db8:1:3::7").await.is_empty());

        // One that is over is as good as none, and a login renews it.
        accounts.ticket_open(ayumi, ip("192.0.2.9"), Duration::ZERO).await.unwrap();
        assert!(holders("192.0.2.9").await.is_empty());
        accounts.ticket_open(ayumi, ip("192.0.2.9"), LIFETIME).await.unwrap();
        assert_eq!(holders("192.0.2.9").await, ["ab4t-ash"]);

        // A password that changed ends what was opened with the old one; a service that is off, or a suspension, what it may do.
        accounts.ticket_open(ayumi, ip("192.0.2.10"), LIFETIME).await.unwrap();
        accounts.services_set(Which::Login("ab4t-ash"), &[(Service::PopBeforeSmtp, false)]).await.unwrap();
        assert!(holders("192.0.2.10").await.is_empty());
        accounts.services_set(Which::Login("ab4t-ash"), &[(Service::PopBeforeSmtp, true)]).await.unwrap();
        assert_eq!(holders("192.0.2.10").await, ["ab4t-ash"]);
        accounts.account_suspend("ab4t-ash", Stops::default(), "").await.unwrap();
        assert!(holders("192.0.2.10").await.is_empty());
        accounts.account_resume("ab4t-ash").await.unwrap();
        assert!(holders("192.0.2.10").await.is_empty(), "a suspension ends tickets for good");
        // Also that of a login that was judged before.
        accounts.ticket_open(ayumi, ip("192.0.2.10"), LIFETIME).await.unwrap();
        assert!(holders("192.0.2.10").await.is_empty());
        let ayumi = &account(accounts, "ab4t-ash", "sakura").await;
        accounts.ticket_open(ayumi, ip("192.0.2.10"), LIFETIME).await.unwrap();
        assert_eq!(holders("192.0.2.10").await, ["ab4t-ash"]);
        accounts.account_passwd("ab4t-ash", &Secret::new("another"), Apop::Keep).await.unwrap();
        accounts.ticket_open(ayumi, ip("192.0.2.10"), LIFETIME).await.unwrap();
        assert!(holders("192.0.2.10").await.is_empty());
        let ayumi = &account(accounts, "ab4t-ash", "another").await;
        accounts.ticket_open(ayumi, ip("192.0.2.9"), LIFETIME).await.unwrap();

        // Another process sees the same, and a removed account holds nothing.
        let elsewhere = Accounts::open(&database.config).await.unwrap();
        assert_eq!(elsewhere.ticket_holders(ip("192.0.2.9"), LIFETIME * 2).await.unwrap(), ["ab4t-ash"]);
        elsewhere.account_remove("ab4t-ash").await.unwrap();
        assert_eq!(holders("192.0.2.7").await, ["m1234ab567c"]);
        accounts.ticket_open(ayumi, ip("192.0.2.9"), LIFETIME).await.unwrap();
        assert!(holders("192.0.2.9").await.is_empty());
        elsewhere.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c_06_a_login_and_a_change_at_the_same_instant_leave_no_ticket() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let elsewhere = Accounts::open(&database.config).await.unwrap();
        for _ in 0..50 {
            let ayumi = account(accounts, "ab4t-ash", "sakura").await;
            let outcomes = tokio::join!(
                accounts.ticket_open(&ayumi, ip("192.0.2.7"), LIFETIME),
                elsewhere.account_suspend("ab4t-ash", Stops::default(), ""),
            );
            assert!(outcomes.0.is_ok() && outcomes.1.is_ok(), "{outcomes:?}");
            elsewhere.account_resume("ab4t-ash").await.unwrap();
            let holders = accounts.ticket_holders(ip("192.0.2.7"), LIFETIME * 2).await.unwrap();
            assert!(holders.is_empty(), "{holders:?}");
        }
        elsewhere.close().await;
    }
}

/// Tickets of `ab4t-ash` that are over, as many as there are reserved names.
const EXPIRED: &str = "INSERT INTO ticket (address, account_id, expires_at) \
     SELECT reserved.name, account.id, 1 FROM reserved, account WHERE account.login = 'ab4t-ash' \
     ON CONFLICT (address, account_id) DO NOTHING";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_machines_that_drop_what_is_over_at_once_both_open_their_tickets() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let elsewhere = Accounts::open(&database.config).await.unwrap();
        let ayumi = account(accounts, "ab4t-ash", "sakura").await;
        for round in 0..25 {
            execute(&database.config, EXPIRED).await;
            let [here, there] = [1, 2].map(|line| ip(&format!("192.0.{round}.{line}")));
            let outcomes = tokio::join!(
                accounts.ticket_open(&ayumi, here, LIFETIME),
                elsewhere.ticket_open(&ayumi, there, LIFETIME),
            );
            assert!(outcomes.0.is_ok() && outcomes.1.is_ok(), "{outcomes:?}");
            for address in [here, there] {
                assert_eq!(elsewhere.ticket_holders(address, LIFETIME).await.unwrap(), ["ab4t-ash"]);
            }
        }
        elsewhere.close().await;
    }
}

/// SQLite has one writer at a time.
#[tokio::test]
async fn on_postgresql_what_another_machine_has_in_hand_is_left_to_it() {
    let Some((_dir, config)) = postgres() else { return };
    let accounts = Accounts::create(&config).await.unwrap();
    accounts.domain_add("mx.edit.ne.jp").await.unwrap();
    accounts.account_add(new("ab4t-ash", &[], "sakura")).await.unwrap();
    let ayumi = &account(&accounts, "ab4t-ash", "sakura").await;
    execute(&config, EXPIRED).await;

    let mut other = sqlx::AnyConnection::connect(&config.url).await.unwrap();
    let mut change = other.begin().await.unwrap();
    let held = sqlx::query("UPDATE ticket SET expires_at = 2 WHERE address = 'root'");
    assert_eq!(held.execute(&mut *change).await.unwrap().rows_affected(), 1);
    // Who waited here for the other, with rows in hand that the other wants next, would make a deadlock.
    accounts.ticket_open(ayumi, ip("192.0.2.7"), LIFETIME).await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM ticket").fetch_one(&mut *change).await.unwrap();
    assert_eq!(left, 2, "the one in hand, and the new one");
    let dropped = sqlx::query("DELETE FROM ticket WHERE expires_at <= 2");
    assert_eq!(dropped.execute(&mut *change).await.unwrap().rows_affected(), 1);
    change.commit().await.unwrap();
    other.close().await.unwrap();
    accounts.close().await;
}

#[tokio::test]
async fn b_06_a_ticket_that_a_wrong_clock_gave_is_none_and_the_next_login_gives_a_right_one() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let ayumi = &account(accounts, "ab4t-ash", "sakura").await;
        let here = ip("192.0.2.7");
        // As one reads that was given before the clock was set back by a day.
        accounts.ticket_open(ayumi, here, LIFETIME + Duration::from_secs(24 * 60 * 60)).await.unwrap();
        assert!(accounts.ticket_holders(here, LIFETIME).await.unwrap().is_empty());
        accounts.ticket_open(ayumi, here, LIFETIME).await.unwrap();
        assert_eq!(accounts.ticket_holders(here, LIFETIME).await.unwrap(), ["ab4t-ash"]);
        // Clocks of two machines differ a little: what one gave holds on the other.
        accounts.ticket_open(ayumi, ip("192.0.2.8"), LIFETIME).await.unwrap();
        let slow = LIFETIME - Duration::from_secs(30);
        assert_eq!(accounts.ticket_holders(ip("192.0.2.8"), slow).await.unwrap(), ["ab4t-ash"]);
    }
}
