//! Databases that are missing, broken, old, new.

use std::os::unix::fs::PermissionsExt;

use accounts::{Accounts, DatabaseConfig, OpenError};
use sqlx::Connection;

use crate::support::{databases, new, owner, password, postgres, sqlite, verdict};

#[tokio::test]
async fn a_missing_database_is_named_with_the_command_that_makes_it() {
    for (_dir, config) in [Some(sqlite()), postgres()].into_iter().flatten() {
        let error = Accounts::open(&config).await.unwrap_err();
        assert!(matches!(error, OpenError::Missing { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("yubin check --create") && text.contains(&config.place()), "{text}");
    }
}

#[tokio::test]
async fn opening_makes_nothing() {
    let (dir, config) = sqlite();
    Accounts::open(&config).await.unwrap_err();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn creating_twice_keeps_what_is_there() {
    for db in databases().await {
        let db = db.furnished().await;
        let again = Accounts::create(&db.config).await.unwrap();
        assert_eq!(verdict(&again, &password("ab4t-ash", "sakura")).await.as_deref(), Ok("ab4t-ash"));
        let opened = Accounts::open(&db.config).await.unwrap();
        assert_eq!(opened.status().await.unwrap(), db.accounts.status().await.unwrap());
    }
}

#[tokio::test]
async fn the_files_of_a_new_database_are_its_owners() {
    let (dir, config) = sqlite();
    let accounts = Accounts::create(&config).await.unwrap();
    accounts.domain_add("edit.ne.jp").await.unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    let database = "accounts #1 100%.sqlite";
    let expected = [database, &format!("{database}-shm"), &format!("{database}-wal"), "apop.key"];
    assert_eq!(names, expected, "write-ahead logging is on, and a path needs no escapes from its owner");
}

#[tokio::test]
async fn a_database_of_another_version_is_refused_with_words() {
    for db in databases().await {
        db.accounts.domain_add("edit.ne.jp").await.unwrap();
        db.accounts.close().await;
        execute(&db.config, "UPDATE _sqlx_migrations SET version = 999999 WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)").await;
        for outcome in [Accounts::open(&db.config).await, Accounts::create(&db.config).await] {
            let error = outcome.unwrap_err();
            assert!(matches!(error, OpenError::Newer { found: 999_999, .. }), "{error}");
            assert!(error.to_string().contains("newer program"), "{error}");
        }
        execute(&db.config, "DELETE FROM _sqlx_migrations WHERE version > 1").await;
        let error = Accounts::open(&db.config).await.unwrap_err();
        assert!(matches!(error, OpenError::Outdated { found: 1, .. }), "{error}");
        assert!(error.to_string().contains("yubin check --create"), "{error}");
    }
}

#[tokio::test]
async fn an_older_database_is_brought_up_to_date_with_its_accounts() {
    for db in databases().await {
        let db = db.furnished().await;
        db.accounts.close().await;
        // As the first program that had a database left it.
        for table in TABLES {
            let statement: &'static str = format!("DROP TABLE {table}").leak();
            execute(&db.config, statement).await;
        }
        execute(&db.config, include_str!("../../migrations/0001_accounts.sql")).await;
        for row in OLD_ROWS {
            execute(&db.config, row).await;
        }
        execute(&db.config, "DELETE FROM _sqlx_migrations WHERE version > 1").await;
        assert!(matches!(Accounts::open(&db.config).await, Err(OpenError::Outdated { found: 1, .. })));
        let sqlite = db.config.url.starts_with("sqlite:");
        let upgrade = Accounts::rehearse(&db.config).await.unwrap();
        assert_eq!((upgrade.found, upgrade.snapshot), (1, sqlite), "{upgrade:?}");
        assert_eq!((upgrade.steps[0], upgrade.needed), ((2, "quota"), upgrade.steps.last().unwrap().0));
        assert!(matches!(Accounts::open(&db.config).await, Err(OpenError::Outdated { found: 1, .. })));
        let (accounts, copy) = Accounts::create_with_copy(&db.config).await.unwrap();
        assert_eq!(copy.is_some(), sqlite);
        if let Some(copy) = copy {
            assert_eq!(copy.parent(), Some(db.dir.path()));
            assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
            let copy = DatabaseConfig::sqlite(&copy);
            assert!(matches!(Accounts::open(&copy).await, Err(OpenError::Outdated { found: 1, .. })));
            let restored = Accounts::create(&copy).await.unwrap();
            assert_eq!(owner(&restored, "taro", "mx.edit.ne.jp").await, "ab4t-ash");
        }
        let (_, copy) = Accounts::create_with_copy(&db.config).await.unwrap();
        assert_eq!(copy, None, "there is nothing to bring up to date");
        let shown = accounts.account_show("ab4t-ash").await.unwrap();
        assert_eq!(shown.account.quota, accounts::Allowances::default());
        assert_eq!(shown.account.pop3, accounts::Pop3Rules::default());
        assert_eq!(shown.account.state, accounts::State::Active);
        assert!(shown.addresses[0].primary && !shown.addresses[1].primary && shown.addresses[1].enabled);
        assert_eq!(owner(&accounts, "taro", "mx.edit.ne.jp").await, "ab4t-ash");
        assert!(accounts.domain_list().await.unwrap()[0].default);
    }
}

/// Those that others refer to last.
const TABLES: [&str; 19] = [
    "sent",
    "forward",
    "login_attempt",
    "guess",
    "known",
    "ticket",
    "request",
    "service",
    "plan_service",
    "plan",
    "brand",
    "released",
    "reserved",
    "audit",
    "credential",
    "address",
    "account",
    "domain",
    "counter",
];

const OLD_ROWS: [&str; 5] = [
    "UPDATE counter SET value = 1",
    "INSERT INTO domain VALUES (1, 'mx.edit.ne.jp', 1)",
    "INSERT INTO account VALUES (1, 'ab4t-ash', 'ab4t-ash.1', 1)",
    "INSERT INTO address VALUES (1, 'ab4t-ash', 1, 'issued', 1), (1, 'taro', 1, 'alias', 1)",
    "INSERT INTO audit VALUES (1, 1, 'account add', 'ab4t-ash')",
];

#[tokio::test]
async fn a_database_without_its_tables_is_no_verdict() {
    for db in databases().await {
        let db = db.furnished().await;
        execute(&db.config, "ALTER TABLE credential RENAME TO elsewhere").await;
        execute(&db.config, "ALTER TABLE address RENAME TO faraway").await;
        assert!(db.accounts.authenticate(&password("ab4t-ash", "sakura")).await.is_err());
        assert!(db.accounts.resolve("taro", "mx.edit.ne.jp").await.is_err());
        assert!(db.accounts.account_add(new("hanako12", &[], "x")).await.is_err());
    }
}

#[tokio::test]
async fn what_is_no_database_is_told_so() {
    let (dir, config) = sqlite();
    let file = dir.path().join("accounts #1 100%.sqlite");
    std::fs::write(&file, "something else entirely, and long enough to be looked at. ".repeat(100)).unwrap();
    let error = Accounts::open(&config).await.unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }) && error.needs_repair(), "{error}");
    let text = error.to_string();
    assert!(text.contains("not a database") && text.contains("accounts #1"), "{text}");
    for url in ["", "accounts.sqlite", "mysql://host/db", "sqlite:", "sqlite::memory:"] {
        let config = DatabaseConfig { url: url.into(), apop_key: None };
        assert!(matches!(Accounts::open(&config).await, Err(OpenError::Url)), "{url}");
    }
    let nowhere = DatabaseConfig::sqlite(&dir.path().join("no/such/directory.sqlite"));
    assert!(matches!(Accounts::open(&nowhere).await, Err(OpenError::Missing { .. })));
    let text = Accounts::create(&nowhere).await.unwrap_err().to_string();
    assert!(text.contains("No such file or directory"), "{text}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unreachable() {
    let config = DatabaseConfig { url: "postgres://yubin@127.0.0.1:1/mail".into(), apop_key: None };
    let error = Accounts::open(&config).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }) && !error.needs_repair(), "{error}");
}

/// Behind the crate's back, as another program would.
pub(crate) async fn execute(config: &DatabaseConfig, statement: &'static str) {
    sqlx::any::install_default_drivers();
    let url = config.url.replace('%', "%25").replace(' ', "%20").replace('#', "%23");
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
