//! A PostgreSQL that hangs: it accepts and says nothing more.

use std::net::SocketAddr;

use accounts::{Accounts, DatabaseConfig, Service};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::opening::execute;
use crate::support::{new, owner, password, postgres, verdict};

/// Everything between our connections and the server, as long as it is not told to stand still.
async fn line_to(server: SocketAddr, stands: watch::Receiver<bool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut stands = stands.clone();
            tokio::spawn(async move {
                if *stands.borrow() {
                    // Accepted, and that was all.
                    std::future::pending::<()>().await;
                }
                let still = async move { stands.wait_for(|stands| *stands).await.is_ok() };
                let mut there = TcpStream::connect(server).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut there) => {}
                    _ = still => std::future::pending().await,
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_and_never_a_wrong_password_and_comes_back() {
    let Some((_dir, config)) = postgres() else { return };
    let direct = Accounts::create(&config).await.unwrap();
    direct.domain_add("mx.edit.ne.jp").await.unwrap();
    direct.account_add(new("ab4t-ash", &[], "sakura")).await.unwrap();

    let (host, rest) = config.url.split_once('@').unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    let (stand, stands) = watch::channel(false);
    let line = line_to(server.parse().unwrap(), stands).await;
    let url = format!("{host}@{line}/{database}");
    let accounts = Accounts::open(&DatabaseConfig { url, apop_key: config.apop_key.clone() }).await.unwrap();
    let claim = password("ab4t-ash", "sakura");
    assert_eq!(verdict(&accounts, &claim).await, Ok("ab4t-ash".into()));

    stand.send_replace(true);
    // More at once than there are connections: some wait for the server, the others for a connection.
    let from = "192.0.2.1".parse().unwrap();
    let asked = (0..12).map(|_| {
        let (accounts, claim) = (accounts.clone(), claim.clone());
        tokio::spawn(async move {
            let login = accounts.authenticate_from(&claim, from, Service::Pop).await;
            let address = accounts.resolve("ab4t-ash", "mx.edit.ne.jp").await;
            (login.map(drop), address.map(drop))
        })
    });
    for answers in asked.collect::<Vec<_>>() {
        let (login, address) = answers.await.unwrap();
        assert!(login.is_err() && address.is_err(), "{login:?} {address:?}");
    }
    assert!(
        Accounts::open(&DatabaseConfig {
            url: config.url.replace(server, &line.to_string()),
            apop_key: None
        })
        .await
        .is_err(),
        "a daemon that starts then does not wait for ever"
    );

    stand.send_replace(false);
    assert_eq!(owner(&accounts, "ab4t-ash", "mx.edit.ne.jp").await, "ab4t-ash");
    assert_eq!(verdict(&accounts, &claim).await, Ok("ab4t-ash".into()));
}

#[tokio::test]
async fn a_server_that_ended_all_connections_fails_one_question_at_most() {
    let Some((_dir, config)) = postgres() else { return };
    let accounts = Accounts::create(&config).await.unwrap();
    accounts.domain_add("mx.edit.ne.jp").await.unwrap();
    accounts.account_add(new("ab4t-ash", &[], "sakura")).await.unwrap();
    // As many as there are connections, and some.
    let at_once = || async {
        let asked = (0..12).map(|_| {
            let accounts = accounts.clone();
            tokio::spawn(async move { accounts.resolve("ab4t-ash", "mx.edit.ne.jp").await.is_ok() })
        });
        let mut good = 0;
        for answer in asked.collect::<Vec<_>>() {
            good += usize::from(answer.await.unwrap());
        }
        good
    };
    assert_eq!(at_once().await, 12);
    let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    execute(&config, end).await;
    let mut failed = 0;
    for _ in 0..8 {
        failed += usize::from(accounts.resolve("ab4t-ash", "mx.edit.ne.jp").await.is_err());
    }
    assert!(failed <= 1, "{failed} failed");
    assert_eq!(at_once().await, 12);
}
