//! Another file in place of the database's, while it is open: a restoration, or a copy.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use accounts::{Accounts, DatabaseConfig, Replacement, Resolution, Service, Stops, Verdict};
use tokio::sync::mpsc;

use crate::support::{Database, account, new, owner, password, sqlite};

const LIFETIME: Duration = Duration::from_secs(600);

async fn furnished() -> Database {
    let (dir, config) = sqlite();
    let accounts = Accounts::create(&config).await.unwrap();
    Database { accounts, config, dir }.furnished().await
}

fn path(config: &DatabaseConfig) -> &Path {
    Path::new(config.url.strip_prefix("sqlite:").unwrap())
}

/// As `rm` does, with what SQLite has beside it.
fn remove(config: &DatabaseConfig) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path(config).as_os_str().to_owned();
        name.push(suffix);
        std::fs::remove_file(name).unwrap();
    }
}

/// Why the daemon answers nothing.
async fn trouble(daemon: &Accounts) -> String {
    let from: IpAddr = "192.0.2.7".parse().unwrap();
    let login = daemon.authenticate_from(&password("ab4t-ash", "sakura"), from, Service::Pop).await;
    let address = daemon.resolve("ab4t-ash", "mx.edit.ne.jp").await;
    match (login, address) {
        (Err(login), Err(_)) => login.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn after_a_restoration_under_a_running_daemon_nobody_goes_on_with_what_was() {
    let Database { accounts, config, dir: _dir } = furnished().await;
    let daemon = Accounts::open(&config).await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    daemon.on_replacement(move |replacement| tell.send(replacement).unwrap());
    let from: IpAddr = "192.0.2.7".parse().unwrap();
    let ayumi = account(&daemon, "ab4t-ash", "sakura").await;
    let session = daemon.attend(&ayumi, Service::Pop);
    // All that is kept is kept, and every connection is open.
    daemon.ticket_open(&ayumi, from, LIFETIME).await.unwrap();
    assert_eq!(owner(&daemon, "taro", "mx.edit.ne.jp").await, "ab4t-ash");
    let mut dump = Vec::new();
    accounts.dump(&mut dump).await.unwrap();
    accounts.close().await;

    remove(&config);
    assert!(trouble(&daemon).await.contains("was replaced"));
    // Half of it: it is no answer that the domain is not ours, nor that there is no such login.
    let restoring = Accounts::create(&config).await.unwrap();
    assert!(trouble(&daemon).await.contains("no domain yet"));
    assert!(daemon.ticket_open(&ayumi, from, LIFETIME).await.is_err());
    restoring.close().await;
    Accounts::restore(&config, &mut &*dump).await.unwrap();

    // The numbers of the changes are those of the other one, or nearly.
    let desk = Accounts::open(&config).await.unwrap();
    desk.account_suspend("ab4t-ash", Stops::ALL, "").await.unwrap();
    desk.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
    let claim = password("ab4t-ash", "sakura");
    let verdict = daemon.authenticate_from(&claim, from, Service::Pop).await.unwrap();
    assert!(matches!(verdict, Verdict::Barred(..)), "{verdict:?}");
    let resolution = daemon.resolve("taro", "mx.edit.ne.jp").await.unwrap();
    assert_eq!(resolution, Resolution::Disabled);
    session.ended().await;
    let kenji = account(&daemon, "m1234ab567c", "yuki").await;
    daemon.ticket_open(&kenji, from, LIFETIME).await.unwrap();
    // That of the other is from the dump, as it was before the suspension.
    assert_eq!(desk.ticket_holders(from, LIFETIME).await.unwrap(), ["m1234ab567c"]);
    while told.recv().await.unwrap() != Replacement::Used {}

    // One that was judged by the file before, and is announced only now.
    daemon.attend(&ayumi, Service::Pop).ended().await;
    // Sessions of this one stay, and end as ever.
    let session = daemon.attend(&kenji, Service::Pop);
    desk.account_suspend("m1234ab567c", Stops::ALL, "").await.unwrap();
    session.ended().await;
}

#[tokio::test]
async fn what_is_put_in_its_place_is_used_if_it_is_a_database_of_ours() {
    let Database { accounts: daemon, config, dir } = furnished().await;
    assert_eq!(owner(&daemon, "taro", "mx.edit.ne.jp").await, "ab4t-ash");
    let aside = dir.path().join("aside");
    std::fs::rename(path(&config), &aside).unwrap();
    assert!(trouble(&daemon).await.contains("No such file"));
    std::fs::rename(&aside, path(&config)).unwrap();
    assert_eq!(owner(&daemon, "taro", "mx.edit.ne.jp").await, "ab4t-ash");

    let other = furnished().await;
    other.accounts.address_add("jiro@edit.ne.jp", "ab4t-ash").await.unwrap();
    other.accounts.address_remove("taro@mx.edit.ne.jp").await.unwrap();
    other.accounts.close().await;
    remove(&config);
    let words = "something else entirely, and long enough to be looked at. ".repeat(100);
    std::fs::write(path(&config), words).unwrap();
    let text = trouble(&daemon).await;
    assert!(text.contains("not a database"), "{text}");
    std::fs::rename(path(&other.config), path(&config)).unwrap();
    assert_eq!(owner(&daemon, "taro", "mx.edit.ne.jp").await, "");
    assert_eq!(owner(&daemon, "jiro", "edit.ne.jp").await, "ab4t-ash");
    daemon.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
    let desk = Accounts::open(&config).await.unwrap();
    assert_eq!(owner(&desk, "m1234ab567c", "mx.edit.ne.jp").await, "m1234ab567c");
}

#[tokio::test]
async fn a_log_that_the_one_before_left_does_no_harm_to_what_is_put_in_its_place() {
    let Database { accounts: daemon, config, dir: _dir } = furnished().await;
    assert_eq!(owner(&daemon, "taro", "mx.edit.ne.jp").await, "ab4t-ash");
    daemon.on_replacement(|_| ());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let other = furnished().await;
    other.accounts.address_add("jiro@edit.ne.jp", "ab4t-ash").await.unwrap();
    other.accounts.address_remove("taro@mx.edit.ne.jp").await.unwrap();
    other.accounts.account_suspend("ab4t-ash", Stops::ALL, "").await.unwrap();
    other.accounts.close().await;
    let whole = std::fs::read(path(&other.config)).unwrap();
    // As `mv` does, before `rm` has come to what SQLite has beside it.
    std::fs::rename(path(&other.config), path(&config)).unwrap();
    let text = trouble(&daemon).await;
    assert!(text.contains("-wal"), "{text}");
    assert!(std::fs::read(path(&config)).unwrap() == whole, "the new file was changed");
    for suffix in ["-wal", "-shm"] {
        let mut name = path(&config).as_os_str().to_owned();
        name.push(suffix);
        std::fs::remove_file(name).unwrap();
    }
    let resolution = daemon.resolve("jiro", "edit.ne.jp").await.unwrap();
    assert_eq!(resolution, Resolution::Disabled);
    assert_eq!(daemon.resolve("taro", "mx.edit.ne.jp").await.unwrap(), Resolution::UnknownUser);
}

#[tokio::test]
async fn who_was_judged_before_anybody_followed_the_changes_misses_none() {
    let Database { accounts: desk, config, dir: _dir } = furnished().await;
    let daemon = Accounts::open(&config).await.unwrap();
    let ayumi = account(&daemon, "ab4t-ash", "sakura").await;
    desk.account_suspend("ab4t-ash", Stops::ALL, "").await.unwrap();
    daemon.on_replacement(|_| ());
    // It is looked for what comes from now on.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let session = daemon.attend(&ayumi, Service::Pop);
    tokio::time::timeout(Duration::from_secs(5), session.ended()).await.unwrap();
}

#[tokio::test]
async fn no_database_is_made_beside_the_log_of_another() {
    let Database { accounts: daemon, config, dir: _dir } = furnished().await;
    let mut dump = Vec::new();
    daemon.dump(&mut dump).await.unwrap();
    daemon.account_suspend("ab4t-ash", Stops::ALL, "").await.unwrap();
    std::fs::remove_file(path(&config)).unwrap();
    let refused = match Accounts::restore(&config, &mut &*dump).await {
        Ok(_) => panic!("made"),
        Err(error) => error.to_string(),
    };
    assert!(refused.contains("-wal"), "{refused}");
    assert!(!path(&config).exists());
}
