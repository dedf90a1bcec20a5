//! Several processes on one database: each `Accounts` here has connections of its own, as a process has.

use accounts::{Accounts, AdminError, Allowance, Pop3Changes};

use crate::support::{databases, new, owner, postgres, sqlite};

const EACH: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_writers_and_a_reader_never_see_a_locked_database() {
    for db in databases().await {
        db.accounts.domain_add("edit.ne.jp").await.unwrap();
        let mut tasks = Vec::new();
        for writer in 0..2 {
            let accounts = Accounts::open(&db.config).await.unwrap();
            tasks.push(tokio::spawn(async move {
                for n in 0..EACH {
                    let bare =
                        accounts::NewAccount { password: None, ..new(&format!("w{writer}-{n}"), &[], "") };
                    accounts.account_add(bare).await.unwrap();
                }
            }));
        }
        let reader = Accounts::open(&db.config).await.unwrap();
        tasks.push(tokio::spawn(async move {
            while owner(&reader, &format!("w0-{}", EACH - 1), "edit.ne.jp").await.is_empty()
                || owner(&reader, &format!("w1-{}", EACH - 1), "edit.ne.jp").await.is_empty()
            {
                reader.account_list().await.unwrap();
            }
        }));
        for task in tasks {
            task.await.unwrap();
        }
        let list = db.accounts.account_list().await.unwrap();
        assert_eq!(list.len(), 2 * EACH);
        let keys: std::collections::BTreeSet<_> = list.iter().map(|a| a.id).collect();
        assert_eq!(keys.len(), 2 * EACH);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_two_who_want_the_same_address_at_the_same_instant_gets_it() {
    for db in databases().await {
        let db = db.furnished().await;
        db.accounts.account_add(new("m1234ab567c", &[], "x")).await.unwrap();
        let (one, two) =
            (Accounts::open(&db.config).await.unwrap(), Accounts::open(&db.config).await.unwrap());
        for n in 0..EACH {
            let address = format!("hanako{n}@edit.ne.jp");
            let outcomes = tokio::join!(
                one.address_add(&address, "ab4t-ash"),
                two.address_add(&address, "m1234ab567c"),
            );
            let winner = match outcomes {
                (Ok(won), Err(AdminError::Refused(_))) | (Err(AdminError::Refused(_)), Ok(won)) => won.login,
                other => panic!("{other:?}"),
            };
            assert_eq!(owner(&db.accounts, &format!("hanako{n}"), "edit.ne.jp").await, winner);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_change_rules_of_pop3_at_the_same_instant_both_do() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        let (one, two) =
            (Accounts::open(&db.config).await.unwrap(), Accounts::open(&db.config).await.unwrap());
        for n in 1..=EACH as u64 {
            let said = Allowance::Limit(n);
            let read = Pop3Changes { expire_read: Some(said), ..Pop3Changes::default() };
            let delay = Pop3Changes { login_delay: Some(said), ..Pop3Changes::default() };
            let outcomes =
                tokio::join!(one.account_set_pop3("ab4t-ash", read), two.account_set_pop3("ab4t-ash", delay));
            assert!(outcomes.0.is_ok() && outcomes.1.is_ok(), "{outcomes:?}");
            let rules = a.account_show("ab4t-ash").await.unwrap().account.pop3;
            assert_eq!((rules.expire_read, rules.login_delay), (said, said), "of the account");
            let outcomes = tokio::join!(
                one.domain_set_pop3("edit.ne.jp", read),
                two.domain_set_pop3("edit.ne.jp", delay)
            );
            assert!(outcomes.0.is_ok() && outcomes.1.is_ok(), "{outcomes:?}");
            let rules = a.domain_show("edit.ne.jp").await.unwrap().pop3;
            assert_eq!((rules.expire_read, rules.login_delay), (said, said), "of the domain");
        }
        let said = a.audit(Some("ab4t-ash"), 1).await.unwrap();
        assert_eq!(
            said[0].subject,
            format!("ab4t-ash expire_read={EACH} expire_all=default login_delay={EACH}")
        );
    }
}

/// Two operators, or a daemon's unit file run twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_create_the_same_database_at_once_both_succeed() {
    for _ in 0..10 {
        let (_dir, config) = sqlite();
        let outcomes =
            tokio::join!(Accounts::create(&config), Accounts::create(&config), Accounts::create(&config));
        outcomes.0.unwrap().domain_add("edit.ne.jp").await.unwrap();
        assert_eq!(outcomes.1.unwrap().domain_list().await.unwrap().len(), 1);
        outcomes.2.unwrap();
    }
    if let Some((_dir, config)) = postgres() {
        let (one, two) = tokio::join!(Accounts::create(&config), Accounts::create(&config));
        assert_eq!(one.unwrap().status().await.unwrap(), two.unwrap().status().await.unwrap());
    }
}

/// Real processes: this test binary runs itself twice and both write.
#[tokio::test]
async fn two_processes_write_at_once() {
    let (_dir, config) = sqlite();
    let accounts = Accounts::create(&config).await.unwrap();
    accounts.domain_add("edit.ne.jp").await.unwrap();
    accounts.close().await;
    let children: Vec<_> = (0..2)
        .map(|number| {
            std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "contention::child_that_writes", "--nocapture"])
                .env(CHILD, format!("{number} {}", config.url))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let accounts = Accounts::open(&config).await.unwrap();
    assert_eq!(accounts.account_list().await.unwrap().len(), 2 * EACH);
}

const CHILD: &str = "ACCOUNTS_TEST_CHILD";

/// Does nothing unless [`two_processes_write_at_once`] started it.
#[tokio::test]
async fn child_that_writes() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (number, url) = order.split_once(' ').unwrap();
    let config = accounts::DatabaseConfig { url: url.to_owned(), apop_key: None };
    let accounts = Accounts::open(&config).await.unwrap();
    for n in 0..EACH {
        let bare = accounts::NewAccount { password: None, ..new(&format!("p{number}-{n}"), &[], "") };
        accounts.account_add(bare).await.unwrap();
    }
}
