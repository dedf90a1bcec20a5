//! The database as text, out of each kind and into each kind.

use accounts::{Accounts, Allowance, DatabaseConfig, RestoreError};

use crate::support::*;

async fn dump(accounts: &Accounts) -> String {
    let mut text = Vec::new();
    accounts.dump(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// Without what a restoration itself writes.
fn facts(dump: &str) -> Vec<&str> {
    let mut lines: Vec<_> = dump.lines().collect();
    lines.retain(|line| !line.contains("\"audit\""));
    lines
}

async fn restore(config: &DatabaseConfig, dump: &str) -> Result<(), RestoreError> {
    Accounts::restore(config, &mut dump.as_bytes()).await
}

#[tokio::test]
async fn l_07_what_is_dumped_from_either_database_is_restored_into_either() {
    for db in databases().await {
        let db = db.furnished().await;
        let apop = with_apop(new("m1234ab567c", &["hana@edit.ne.jp"], "yuki"));
        db.accounts.account_add(apop).await.unwrap();
        db.accounts.account_set_quota("ab4t-ash", Some(Allowance::Limit(7)), None).await.unwrap();
        let text = dump(&db.accounts).await;
        assert!(!text.contains("sakura") && !text.contains("yuki"), "{text}");
        assert_eq!(dump(&db.accounts).await, text, "the same database is the same text");
        let listed = db.accounts.account_list().await.unwrap();
        for (dir, mut config) in [Some(sqlite()), postgres()].into_iter().flatten() {
            config.apop_key.clone_from(&db.config.apop_key);
            restore(&config, &text).await.unwrap();
            let accounts = Accounts::open(&config).await.unwrap();
            assert_eq!(facts(&dump(&accounts).await), facts(&text));
            assert_eq!(accounts.account_list().await.unwrap(), listed);
            for claim in [password("ab4t-ash", "sakura"), apop_claim()] {
                verdict(&accounts, &claim).await.unwrap();
            }
            // Numbers go on: nobody gets the mailbox of an account that is gone.
            let third = accounts.account_add(new("hanako12", &[], "x")).await.unwrap();
            assert!(listed.iter().all(|account| account.id < third.account.id));
            let again = restore(&config, &text).await.unwrap_err().to_string();
            assert!(again.contains("not empty"), "{again}");
            accounts.close().await;
            drop(dir);
        }
    }
}

fn apop_claim() -> auth_sasl::Claim {
    apop("m1234ab567c", "yuki")
}

#[tokio::test]
async fn a_dump_of_an_older_program_is_brought_up_to_date() {
    for (_dir, config) in [Some(sqlite()), postgres()].into_iter().flatten() {
        let text = r#"{"yubin_accounts":1,"schema":1}
{"table":"counter","row":{"name":"account","value":1}}
{"table":"counter","row":{"name":"audit","value":0}}
{"table":"counter","row":{"name":"domain","value":1}}
{"table":"domain","row":{"id":1,"name":"edit.ne.jp","created_at":0}}
{"table":"account","row":{"id":1,"login":"ab4t-ash","mailbox":"ab4t-ash.1","created_at":0}}
"#;
        restore(&config, text).await.unwrap();
        let accounts = Accounts::open(&config).await.unwrap();
        assert_eq!(accounts.account_list().await.unwrap()[0].quota.octets, Allowance::Configured);
    }
}

#[tokio::test]
async fn what_is_no_dump_is_refused_and_changes_nothing() {
    let head = "{\"yubin_accounts\":1,\"schema\":2}\n";
    for (text, reason) in [
        (String::new(), "no dump"),
        ("hello\n".into(), "no row"),
        ("{\"yubin_accounts\":1,\"schema\":99}\n".into(), "newer program"),
        (format!("{head}{{\"table\":\"sqlite_master\",\"row\":{{\"name\":\"x\"}}}}\n"), "no row"),
        (
            format!("{head}{{\"table\":\"domain\",\"row\":{{\"id); DROP TABLE account; --\":1}}}}\n"),
            "cannot be one",
        ),
        (format!("{head}{{\"table\":\"domain\",\"row\":{{\"id\":null}}}}\n"), "neither"),
        (format!("{head}{{\"table\":\"domain\",\"row\":{{\"id\":1}}}}\n"), "filling it"),
    ] {
        for (_dir, config) in [Some(sqlite()), postgres()].into_iter().flatten() {
            let error = restore(&config, &text).await.unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
            if let Ok(accounts) = Accounts::create(&config).await {
                assert_eq!(accounts.status().await.unwrap().domains, 0, "{text}");
            }
        }
    }
}

#[tokio::test]
async fn no_table_is_forgotten() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.address_remove("taro@mx.edit.ne.jp").await.unwrap();
        a.brand_add("asahi").await.unwrap();
        let services = vec![(accounts::Service::Forward, true)];
        let plan = accounts::NewPlan {
            name: "p".into(),
            pattern: "@@#@-@@@".into(),
            services,
            ..Default::default()
        };
        a.plan_add(&plan).await.unwrap();
        let order = accounts::Order { plan: "p".into(), request: Some("1".into()), ..Default::default() };
        a.issue(&order).await.unwrap();
        a.ticket_open(
            &account(a, "ab4t-ash", "sakura").await,
            [192, 0, 2, 7].into(),
            std::time::Duration::from_secs(60),
        )
        .await
        .unwrap();
        a.services_set(accounts::Which::All, &[(accounts::Service::Pop, false)]).await.unwrap();
        a.forward_add("ab4t-ash", "taro@example.org").await.unwrap();
        // The answer to the wrong one waits for what is written.
        for with in ["sakura", "wrong"] {
            let claim = password("ab4t-ash", with);
            a.authenticate_from(&claim, [192, 0, 2, 7].into(), accounts::Service::SmtpAuth).await.unwrap();
        }
        let text = dump(a).await;
        // What daemons note for the desk, and wrong claims, are old before a backup is needed, and more than all the rest.
        let (left_out, kept): (Vec<_>, Vec<_>) =
            accounts_tables().into_iter().partition(|table| ["login_attempt", "guess"].contains(&&**table));
        for table in left_out {
            assert!(!text.contains(&format!("\"table\":\"{table}\"")), "{table}");
        }
        for table in kept {
            assert!(text.contains(&format!("\"table\":\"{table}\"")), "{table}");
        }
    }
}

/// As the migrations make them.
fn accounts_tables() -> Vec<String> {
    let migrations = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let texts = std::fs::read_dir(migrations)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let tables: Vec<String> = texts
        .flat_map(|text| {
            let lines = text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")).map(str::to_owned);
            lines.collect::<Vec<_>>()
        })
        .map(|line| line.split([' ', '(']).next().unwrap().to_owned())
        // What was sent today is nothing that anybody would bring back.
        .filter(|table| table != "sent")
        .collect();
    assert!(tables.len() >= 6);
    tables
}
