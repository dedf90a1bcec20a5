//! The life of an account.

use accounts::{Allowance, Allowances, Apop, Pop3Changes, Pop3Rules, Resolution, Verdict, Why};
use auth_sasl::Secret;

use crate::support::{databases, new, owner, password, refusal, verdict};

#[tokio::test]
async fn an_account_is_shown_listed_and_counted() {
    for db in databases().await {
        let db = db.furnished().await;
        let bare = accounts::NewAccount { password: None, ..new("m1234ab567c", &[], "") };
        db.accounts.account_add(bare).await.unwrap();
        let shown = db.accounts.account_show("Ab4t-Ash").await.unwrap();
        assert_eq!(shown.account.login, "ab4t-ash");
        assert!(shown.account.created_at > 1_700_000_000);
        assert!(shown.account.password_changed_at.unwrap() >= shown.account.created_at);
        assert!(!shown.account.apop);
        assert_eq!(shown.addresses.len(), 2);

        let list = db.accounts.account_list().await.unwrap();
        assert_eq!(list.iter().map(|a| a.login.as_str()).collect::<Vec<_>>(), ["ab4t-ash", "m1234ab567c"]);
        assert_eq!(list[0], shown.account);
        assert_eq!(list[1].password_changed_at, None);

        let status = db.accounts.status().await.unwrap();
        assert_eq!((status.domains, status.accounts, status.addresses, status.apop_key), (2, 2, 3, true));
    }
}

#[tokio::test]
async fn an_account_is_made_whole_or_not_at_all() {
    for db in databases().await {
        let db = db.furnished().await;
        for (addresses, step) in [
            (vec!["ok@edit.ne.jp", "hana@example.com"], "yubin domain add example.com"),
            (vec!["ok@edit.ne.jp", "taro@mx.edit.ne.jp"], "belongs to ab4t-ash"),
            (vec!["ok@edit.ne.jp", "no address"], "not an address"),
        ] {
            let text = refusal(db.accounts.account_add(new("hanako12", &addresses, "x")).await);
            assert!(text.contains(step), "{text}");
            assert_eq!(owner(&db.accounts, "hanako12", "mx.edit.ne.jp").await, "");
            assert_eq!(owner(&db.accounts, "ok", "edit.ne.jp").await, "");
            assert_eq!(db.accounts.account_list().await.unwrap().len(), 1);
        }
        for (bad, why) in [("", "empty"), ("a\0b", "NUL"), ("a\nb", "line break")] {
            assert!(refusal(db.accounts.account_add(new("hanako12", &[], bad)).await).contains(why));
        }
    }
}

#[tokio::test]
async fn naming_an_address_twice_is_naming_it_once() {
    for db in databases().await {
        let db = db.furnished().await;
        let addresses = ["hana@edit.ne.jp", "HANA@edit.ne.jp", "hanako12@mx.edit.ne.jp"];
        let account = db.accounts.account_add(new("hanako12", &addresses, "x")).await.unwrap();
        let texts: Vec<&str> = account.addresses.iter().map(|a| a.address.as_str()).collect();
        assert_eq!(texts, ["hanako12@mx.edit.ne.jp", "hana@edit.ne.jp"]);
    }
}

#[tokio::test]
async fn a_removed_account_is_gone_and_its_mailbox_is_nobodys_ever_after() {
    for db in databases().await {
        let db = db.furnished().await;
        let first = db.accounts.account_show("ab4t-ash").await.unwrap().account;
        let removed = db.accounts.account_remove("AB4T-ASH").await.unwrap();
        assert_eq!((removed.login.as_str(), &removed.mailbox), ("ab4t-ash", &first.mailbox));
        assert_eq!(removed.addresses, ["ab4t-ash@mx.edit.ne.jp", "taro@mx.edit.ne.jp"]);

        assert_eq!(verdict(&db.accounts, &password("ab4t-ash", "sakura")).await, Err(Why::UnknownLogin));
        assert_eq!(db.accounts.resolve("taro", "mx.edit.ne.jp").await.unwrap(), Resolution::UnknownUser);
        assert!(refusal(db.accounts.account_remove("ab4t-ash").await).contains("yubin account list"));

        let again = db.accounts.insisting().account_add(new("ab4t-ash", &[], "ume")).await.unwrap().account;
        assert_ne!(again.mailbox, first.mailbox, "nobody inherits another's mail");
        assert_ne!(again.id, first.id);
        assert_eq!(verdict(&db.accounts, &password("ab4t-ash", "sakura")).await, Err(Why::WrongSecret));
    }
}

#[tokio::test]
async fn a_mailbox_key_is_a_safe_file_name_and_stays() {
    for db in databases().await {
        db.accounts.domain_add("edit.ne.jp").await.unwrap();
        let longest = "a".repeat(accounts::limits::LOGIN);
        let mut keys = std::collections::BTreeSet::new();
        // `a.1` next to `a` is the nearest that two keys can come.
        for login in ["a", "a.1", "a.1.2", "AB4T-ASH", "x_y", &longest] {
            let account = db.accounts.account_add(new(login, &[], "x")).await.unwrap().account;
            let key = account.mailbox;
            assert!(key.len() < 100 && key.starts_with(&account.login), "{key}");
            assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b)));
            assert!(key.as_bytes()[0].is_ascii_alphanumeric());
            db.accounts.account_passwd(login, &Secret::new("y"), Apop::Keep).await.unwrap();
            assert_eq!(db.accounts.account_show(login).await.unwrap().account.mailbox, key);
            assert!(keys.insert(key));
        }
    }
}

#[tokio::test]
async fn a_new_password_ends_the_old_one() {
    for db in databases().await {
        let db = db.furnished().await;
        db.accounts.account_passwd("Ab4t-Ash", &Secret::new("ume"), Apop::Keep).await.unwrap();
        assert_eq!(verdict(&db.accounts, &password("ab4t-ash", "sakura")).await, Err(Why::WrongSecret));
        assert_eq!(verdict(&db.accounts, &password("ab4t-ash", "ume")).await.as_deref(), Ok("ab4t-ash"));
        let missing = db.accounts.account_passwd("nobody", &Secret::new("ume"), Apop::Keep).await;
        assert!(refusal(missing).contains("yubin account list"));
    }
}

#[tokio::test]
async fn l_03_a_quota_is_the_accounts_own_or_as_configured() {
    for db in databases().await {
        let db = db.furnished().await;
        let accounts = &db.accounts;
        let shown = async || accounts.account_show("ab4t-ash").await.unwrap().account.quota;
        assert_eq!(shown().await, Allowances::default());
        let (limit, none) = (Allowance::Limit(10 << 30), Allowance::Unlimited);
        accounts.account_set_quota("ab4t-ash", Some(limit), None).await.unwrap();
        accounts.account_set_quota("ab4t-ash", None, Some(none)).await.unwrap();
        let quota = Allowances { octets: limit, messages: none };
        assert_eq!(shown().await, quota);
        assert_eq!(accounts.account_list().await.unwrap()[0].quota, quota);
        let resolved = accounts.resolve("taro", "mx.edit.ne.jp").await.unwrap();
        assert!(matches!(resolved, Resolution::Mailbox(mailbox) if mailbox.quota == quota));
        let verdict = accounts.authenticate(&password("ab4t-ash", "sakura")).await.unwrap();
        assert!(matches!(verdict, Verdict::Accepted(account) if account.quota == quota));
        accounts.account_set_quota("ab4t-ash", Some(Allowance::Configured), None).await.unwrap();
        assert_eq!(shown().await, Allowances { octets: Allowance::Configured, messages: none });
        refusal(accounts.account_set_quota("nobody", None, None).await);
    }
}

#[tokio::test]
async fn r_08_r_15_rules_of_pop3_are_the_accounts_own_or_its_domains() {
    for db in databases().await {
        let db = db.furnished().await;
        let accounts = &db.accounts;
        let effective = async || match accounts.authenticate(&password("ab4t-ash", "sakura")).await.unwrap() {
            Verdict::Accepted(account) => account.pop3,
            other => panic!("{other:?}"),
        };
        assert_eq!(effective().await, Pop3Rules::default());
        assert!(accounts.pop3_rules_in_use().await.unwrap().is_empty());

        let (week, none) = (Allowance::Limit(7), Allowance::Unlimited);
        let domains = Pop3Changes { expire_read: Some(week), expire_all: Some(week), login_delay: None };
        accounts.domain_set_pop3("MX.edit.ne.jp", domains).await.unwrap();
        let own = Pop3Changes { expire_all: Some(none), login_delay: Some(week), expire_read: None };
        accounts.account_set_pop3("ab4t-ash", own).await.unwrap();
        // Of the domain of an alias nothing is taken.
        let other = Pop3Changes { login_delay: Some(Allowance::Limit(1)), ..Pop3Changes::default() };
        accounts.domain_set_pop3("edit.ne.jp", other).await.unwrap();

        let rules = Pop3Rules { expire_read: week, expire_all: none, login_delay: week };
        assert_eq!(effective().await, rules);
        let all = accounts.pop3_rules().await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].0.login.as_str(), all[0].1), ("ab4t-ash", rules));
        let own = Pop3Rules { expire_read: Allowance::Configured, ..rules };
        assert_eq!(accounts.account_show("ab4t-ash").await.unwrap().account.pop3, own);
        assert_eq!(accounts.domain_list().await.unwrap()[0].pop3.expire_all, week);
        assert_eq!(accounts.pop3_rules_in_use().await.unwrap().len(), 3);

        let back = Pop3Changes { expire_all: Some(Allowance::Configured), ..Pop3Changes::default() };
        accounts.account_set_pop3("ab4t-ash", back).await.unwrap();
        assert_eq!(effective().await.expire_all, week);
        refusal(accounts.account_set_pop3("nobody", back).await);
        refusal(accounts.domain_set_pop3("example.net", back).await);
    }
}

#[tokio::test]
async fn what_was_changed_on_an_account_that_is_gone_is_told_of_that_login_only() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        for login in ["m_234", "m1234"] {
            a.account_add(new(login, &[], "ume")).await.unwrap();
            a.account_remove(login).await.unwrap();
        }
        for login in ["m_234", "m1234"] {
            let entries = a.audit(Some(login), 10).await.unwrap();
            assert_eq!(entries.len(), 2, "{entries:?}");
            assert!(entries.iter().all(|entry| entry.subject.starts_with(login)), "{entries:?}");
        }
        assert_eq!(a.audit(Some("m1_34"), 10).await.unwrap(), []);
    }
}
