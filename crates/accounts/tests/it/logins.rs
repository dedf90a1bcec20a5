//! Who is who.

use accounts::{Accounts, Apop, Hint, Why};
use auth_sasl::{Claim, Secret};

use crate::opening::execute;
use crate::support::{apop, databases, new, password, refusal, verdict, with_apop};

#[tokio::test]
async fn s_07_the_same_login_and_password_serve_sending_and_fetching() {
    for db in databases().await {
        let db = db.furnished().await;
        // POP3's USER and PASS and SMTP's AUTH PLAIN end in the same claim, and the same account.
        let pop = db.accounts.authenticate(&password("ab4t-ash", "sakura")).await.unwrap();
        let smtp = Claim::Password {
            authorization: "ab4t-ash".into(),
            login: "ab4t-ash".into(),
            password: Secret::new("sakura"),
        };
        assert_eq!(db.accounts.authenticate(&smtp).await.unwrap(), pop);
        assert_eq!(verdict(&db.accounts, &smtp).await.as_deref(), Ok("ab4t-ash"));
    }
}

#[tokio::test]
async fn s_06_no_address_and_no_alias_logs_in() {
    for db in databases().await {
        let db = db.furnished().await;
        for login in ["taro", "taro@mx.edit.ne.jp", "ab4t-ash@mx.edit.ne.jp", "mx.edit.ne.jp:ab4t-ash"] {
            let outcome = verdict(&db.accounts, &password(login, "sakura")).await;
            assert_eq!(outcome, Err(Why::UnknownLogin), "{login}");
        }
    }
}

#[tokio::test]
async fn s_09_a_name_that_is_no_login_has_a_hint_for_the_desk() {
    for db in databases().await {
        let db = db.furnished().await;
        let login = || "ab4t-ash".to_owned();
        for (name, hint) in [
            ("taro", Some(Hint::Alias(login()))),
            ("TARO", Some(Hint::Alias(login()))),
            ("taro@mx.edit.ne.jp", Some(Hint::Address(login()))),
            ("ab4t-ash@mx.edit.ne.jp", Some(Hint::Address(login()))),
            ("mx.edit.ne.jp:ab4t-ash", Some(Hint::PseudoUserName)),
            ("pop.example:110:ab4t-ash", Some(Hint::PseudoUserName)),
            ("nobody", None),
            ("nobody@mx.edit.ne.jp", None),
            ("taro@example.com", None),
            ("", None),
            ("no login at all\0", None),
        ] {
            assert_eq!(db.accounts.hint(name, Why::UnknownLogin).await, hint, "{name:?}");
        }
        assert_eq!(db.accounts.hint("ab4t-ash", Why::WrongSecret).await, None);
        assert_eq!(db.accounts.hint("ab4t-ash", Why::NoCredential).await, Some(Hint::NoApopSecret));
        assert_eq!(db.accounts.hint("ab4t-ash", Why::ActingAsAnother).await, Some(Hint::TwoIdentities));
    }
}

#[tokio::test]
async fn s_20_a_login_is_matched_in_any_case_and_width_and_a_password_exactly() {
    for db in databases().await {
        let db = db.furnished().await;
        for login in ["AB4T-ASH", "Ab4t-Ash", "ａｂ４ｔ－ａｓｈ"] {
            let outcome = verdict(&db.accounts, &password(login, "sakura")).await;
            assert_eq!(outcome.as_deref(), Ok("ab4t-ash"), "{login}");
        }
        for wrong in ["Sakura", "SAKURA", "sakura ", " sakura", "ｓａｋｕｒａ", "sakur", "sakuraa", ""]
        {
            let outcome = verdict(&db.accounts, &password("ab4t-ash", wrong)).await;
            assert_eq!(outcome, Err(Why::WrongSecret), "{wrong:?}");
        }
    }
}

/// "The same time", by construction: whoever it is for, a password costs one hash computation.
#[tokio::test]
async fn every_password_claim_costs_one_hash() {
    for db in databases().await {
        let db = db.furnished().await;
        let without = accounts::NewAccount { password: None, ..new("nopass", &[], "") };
        db.accounts.account_add(without).await.unwrap();
        let other = Claim::Password {
            authorization: "nopass".into(),
            login: "ab4t-ash".into(),
            password: Secret::new("sakura"),
        };
        for (claim, outcome) in [
            (password("ab4t-ash", "sakura"), Ok("ab4t-ash")),
            (password("ab4t-ash", "wrong"), Err(Why::WrongSecret)),
            (password("nobody", "sakura"), Err(Why::UnknownLogin)),
            (password("no login at all\0", "sakura"), Err(Why::UnknownLogin)),
            (password("", ""), Err(Why::UnknownLogin)),
            (password("nopass", ""), Err(Why::NoCredential)),
            (other, Err(Why::ActingAsAnother)),
        ] {
            let before = db.accounts.hashes_computed();
            let verdict = verdict(&db.accounts, &claim).await;
            assert_eq!(verdict.as_deref().map_err(|&why| why), outcome, "{claim:?}");
            assert_eq!(db.accounts.hashes_computed() - before, 1, "{claim:?}");
        }
    }
}

#[tokio::test]
async fn r_03_apop_and_the_password_both_log_in() {
    for db in databases().await {
        let db = db.furnished().await;
        db.accounts.account_add(with_apop(new("u1234ab567c", &[], "tanstaaf"))).await.unwrap();
        for claim in [
            apop("u1234ab567c", "tanstaaf"),
            apop("U1234AB567C", "tanstaaf"),
            password("u1234ab567c", "tanstaaf"),
        ] {
            assert_eq!(verdict(&db.accounts, &claim).await.as_deref(), Ok("u1234ab567c"), "{claim:?}");
        }
        assert_eq!(verdict(&db.accounts, &apop("u1234ab567c", "wrong")).await, Err(Why::WrongSecret));
        assert_eq!(verdict(&db.accounts, &apop("nobody", "tanstaaf")).await, Err(Why::UnknownLogin));
        // The digest of the empty password must not do where there is no secret to compare with.
        assert_eq!(verdict(&db.accounts, &apop("nobody", "")).await, Err(Why::UnknownLogin));
        assert_eq!(verdict(&db.accounts, &apop("ab4t-ash", "")).await, Err(Why::NoCredential));
    }
}

#[tokio::test]
async fn r_04_apop_is_for_accounts_that_asked_and_asks_for_the_password_again() {
    for db in databases().await {
        let db = db.furnished().await;
        assert_eq!(verdict(&db.accounts, &apop("ab4t-ash", "sakura")).await, Err(Why::NoCredential));

        db.accounts.account_passwd("ab4t-ash", &Secret::new("ume"), Apop::On).await.unwrap();
        assert_eq!(verdict(&db.accounts, &apop("ab4t-ash", "ume")).await.as_deref(), Ok("ab4t-ash"));
        assert!(db.accounts.account_show("ab4t-ash").await.unwrap().account.apop);

        // A new password is the new APOP secret as well.
        db.accounts.account_passwd("ab4t-ash", &Secret::new("momo"), Apop::Keep).await.unwrap();
        assert_eq!(verdict(&db.accounts, &apop("ab4t-ash", "momo")).await.as_deref(), Ok("ab4t-ash"));
        assert_eq!(verdict(&db.accounts, &apop("ab4t-ash", "ume")).await, Err(Why::WrongSecret));
        assert_eq!(verdict(&db.accounts, &password("ab4t-ash", "ume")).await, Err(Why::WrongSecret));

        db.accounts.account_passwd("ab4t-ash", &Secret::new("kiku"), Apop::Off).await.unwrap();
        assert_eq!(verdict(&db.accounts, &apop("ab4t-ash", "kiku")).await, Err(Why::NoCredential));
        assert_eq!(verdict(&db.accounts, &password("ab4t-ash", "kiku")).await.as_deref(), Ok("ab4t-ash"));
    }
}

#[tokio::test]
async fn r_04_apop_without_a_key_file_is_refused_with_the_setting_to_write() {
    for db in databases().await {
        let config = accounts::DatabaseConfig { apop_key: None, ..db.config.clone() };
        let accounts = Accounts::open(&config).await.unwrap();
        accounts.domain_add("edit.ne.jp").await.unwrap();
        let text = refusal(accounts.account_add(with_apop(new("taro1234", &[], "sakura"))).await);
        assert!(text.contains("apop_key ="), "{text}");
        let bare = accounts::NewAccount { password: None, ..with_apop(new("taro1234", &[], "")) };
        assert!(refusal(db.accounts.account_add(bare).await).contains("password"));
    }
}

/// A key that was lost or exchanged is the operator's trouble, and no client is told that its password is wrong.
#[tokio::test]
async fn a_secret_that_cannot_be_opened_is_unavailable() {
    for db in databases().await {
        let db = db.furnished().await;
        db.accounts.account_passwd("ab4t-ash", &Secret::new("ume"), Apop::On).await.unwrap();
        let key = db.config.apop_key.clone().unwrap();
        std::fs::remove_file(&key).unwrap();
        assert!(Accounts::open(&db.config).await.unwrap_err().to_string().contains("put it back"));
        // Making a new one would bury the old secrets.
        assert!(Accounts::create(&db.config).await.is_err());
        assert!(!key.exists());

        let other = accounts::DatabaseConfig::sqlite(&db.dir.path().join("other.sqlite"));
        Accounts::create(&accounts::DatabaseConfig { apop_key: Some(key), ..other }).await.unwrap();
        let accounts = Accounts::open(&db.config).await.unwrap();
        assert!(accounts.authenticate(&apop("ab4t-ash", "ume")).await.is_err());
        assert_eq!(verdict(&accounts, &password("ab4t-ash", "ume")).await.as_deref(), Ok("ab4t-ash"));
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_no_verdict() {
    for db in databases().await {
        let db = db.furnished().await;
        db.accounts.close().await;
        for claim in [password("ab4t-ash", "sakura"), password("nobody", "x"), apop("ab4t-ash", "x")] {
            let text = db.accounts.authenticate(&claim).await.unwrap_err().to_string();
            assert!(text.contains("account database cannot be used"), "{text}");
        }
        assert!(db.accounts.resolve("taro", "mx.edit.ne.jp").await.is_err());
        assert!(db.accounts.domain_add("edit.jp").await.is_err());
    }
}

/// Neither `Debug` nor an error text has the password in it.
#[tokio::test]
async fn no_secret_is_printed() {
    let config = accounts::DatabaseConfig {
        url: "postgres://yubin:tanuki@127.0.0.1:1/mail?password=tanuki".into(),
        apop_key: None,
    };
    assert_eq!(config.place(), "postgres://127.0.0.1:1/mail");
    let error = Accounts::open(&config).await.unwrap_err();
    for text in [
        format!("{config:?}"),
        error.to_string(),
        format!("{error:?}"),
        format!("{:?}", new("a", &[], "tanuki")),
    ] {
        assert!(!text.contains("tanuki"), "{text}");
    }
}

#[tokio::test]
async fn c_15_a_foreign_hash_is_verified_and_renewed_at_the_next_login() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        for hash in [
            "$1$abcdefgh$1R8HZki36EkrrnI/VRa74.",
            "$6$saltstring$ekYy80OSOX.TrycbMdtUnDybMwQ1ZCWsZK4M//nwz5Uzu74TGfmrdHq.vD1VqXynWq5r8t5Liii71WLptRVJx0",
            "$2b$05$abcdefghijklmnopqrstuuhMPsq2sVxbyAktWJtmEuloXxVxcU1aK",
            "{SSHA256}K77yLBSVxKe77vNfLLpGtWopGIWE5g2CPWrE7s8we8EBAnNhbHRzYWx0",
        ] {
            a.account_set_hash("ab4t-ash", &Secret::new(hash)).await.unwrap();
            let stored = async || {
                let mut text = Vec::new();
                a.dump(&mut text).await.unwrap();
                String::from_utf8(text).unwrap().contains(hash)
            };
            assert_eq!(verdict(a, &password("ab4t-ash", "sakura")).await, Err(Why::WrongSecret), "{hash}");
            assert!(stored().await, "a wrong password renews nothing");
            for _ in 0..2 {
                let claim = password("ab4t-ash", "natsu no umi 7");
                assert_eq!(verdict(a, &claim).await.as_deref(), Ok("ab4t-ash"), "{hash}");
                assert!(!stored().await, "{hash}");
            }
        }
        for none in [
            "",
            "natsu no umi 7",
            "$1$",
            "{MD5}x",
            "$argon2id$v=19$m=12288,t=3,p=1$eXViaW4tZGVjb3ktc2FsdA",
            "\u{ff}",
        ] {
            assert!(
                refusal(a.account_set_hash("ab4t-ash", &Secret::new(none)).await).contains("{SSHA}"),
                "{none}"
            );
        }
    }
}

/// Ways to keep a thread busy for hours, which a file of another system's can hold.
const DEAR: [&str; 3] = [
    "$6$rounds=999999999$saltstring$ekYy80OSOX.TrycbMdtUnDybMwQ1ZCWsZK4M//nwz5Uzu74TGfmrdHq.vD1VqXynWq5r8t5Liii71WLptRVJx0",
    "$2b$31$abcdefghijklmnopqrstuuhMPsq2sVxbyAktWJtmEuloXxVxcU1aK",
    "$argon2id$v=19$m=12288,t=4294967295,p=1$eXViaW4tZGVjb3ktc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

#[tokio::test]
async fn c_15_a_hash_that_would_hold_up_all_logins_is_taken_nowhere_and_spent_on_nobody() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
        for hash in DEAR {
            let text = refusal(a.account_set_hash("ab4t-ash", &Secret::new(hash)).await);
            assert!(text.contains("hold up all logins"), "{text}");
            // It was there before there were bounds.
            let statement = format!(
                "UPDATE credential SET value = '{hash}' WHERE account_id = \
                 (SELECT id FROM account WHERE login = 'ab4t-ash')"
            );
            execute(&db.config, statement.leak()).await;
            // Another process: this one may have remembered what was stored.
            let daemon = accounts::Accounts::open(&db.config).await.unwrap();
            for _ in 0..4 {
                let unavailable =
                    daemon.authenticate(&password("ab4t-ash", "sakura")).await.unwrap_err().to_string();
                assert!(
                    unavailable.contains("hold up all logins") && unavailable.ends_with("for ab4t-ash"),
                    "{unavailable}"
                );
            }
            assert_eq!(daemon.hashes_computed(), 0);
            assert_eq!(
                verdict(&daemon, &password("m1234ab567c", "yuki")).await.as_deref(),
                Ok("m1234ab567c")
            );
        }
    }
}
