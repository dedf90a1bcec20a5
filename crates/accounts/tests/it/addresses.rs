//! Where mail goes.

use accounts::AddressKind;

use crate::support::{databases, new, owner, refusal};

#[tokio::test]
async fn d_02_the_issued_name_is_an_address_from_the_first_minute() {
    for db in databases().await {
        db.accounts.domain_add("mx.edit.ne.jp").await.unwrap();
        db.accounts.domain_add("edit.ne.jp").await.unwrap();
        let account = db.accounts.account_add(new("m1234ab567c", &[], "sakura")).await.unwrap();
        assert_eq!(account.addresses.len(), 1);
        assert_eq!(account.addresses[0].address, "m1234ab567c@mx.edit.ne.jp");
        assert_eq!(account.addresses[0].kind, AddressKind::Issued);
        assert_eq!(owner(&db.accounts, "m1234ab567c", "mx.edit.ne.jp").await, "m1234ab567c");
        assert_eq!(owner(&db.accounts, "m1234ab567c", "edit.ne.jp").await, "", "the first domain only");
    }
}

#[tokio::test]
async fn d_03_alias_and_issued_address_lead_to_one_mailbox() {
    for db in databases().await {
        let db = db.furnished().await;
        let issued = db.accounts.resolve("ab4t-ash", "mx.edit.ne.jp").await.unwrap();
        let alias = db.accounts.resolve("taro", "mx.edit.ne.jp").await.unwrap();
        assert!(matches!(issued, accounts::Resolution::Mailbox(_)));
        assert_eq!(issued, alias);
    }
}

#[tokio::test]
async fn d_13_an_unknown_user_and_a_foreign_domain_are_told_apart() {
    for db in databases().await {
        let db = db.furnished().await;
        for (local_part, domain, expected) in [
            ("taro", "mx.edit.ne.jp", "ab4t-ash"),
            ("TARO", "MX.EDIT.NE.JP", "ab4t-ash"),
            ("ab4t-ash", "mx.edit.ne.jp", "ab4t-ash"),
            ("taro", "edit.ne.jp", ""),
            ("hanako", "mx.edit.ne.jp", ""),
            ("", "mx.edit.ne.jp", ""),
            ("ta ro", "mx.edit.ne.jp", ""),
            ("taro\0", "mx.edit.ne.jp", ""),
            ("taro%", "mx.edit.ne.jp", ""),
            ("t_ro", "mx.edit.ne.jp", ""),
            ("太郎", "mx.edit.ne.jp", ""),
            ("' OR '1'='1", "mx.edit.ne.jp", ""),
            ("taro", "example.com", "-"),
            ("taro", "x.mx.edit.ne.jp", "-"),
            ("taro", "", "-"),
            ("taro", "mx.edit.ne.jp\0", "-"),
            ("taro", "[192.0.2.1]", "-"),
            ("taro", "' OR '1'='1", "-"),
        ] {
            assert_eq!(
                owner(&db.accounts, local_part, domain).await,
                expected,
                "{local_part:?} @ {domain:?}"
            );
        }
        let long = "a".repeat(100_000);
        assert_eq!(owner(&db.accounts, &long, "mx.edit.ne.jp").await, "");
        assert_eq!(owner(&db.accounts, "taro", &long).await, "-");
    }
}

#[tokio::test]
async fn addresses_come_and_go() {
    for db in databases().await {
        let db = db.furnished().await;
        let added = db.accounts.address_add("Taro.Yamada@Edit.ne.jp", "AB4T-ASH").await.unwrap();
        assert_eq!((added.address.as_str(), added.login.as_str()), ("taro.yamada@edit.ne.jp", "ab4t-ash"));
        assert_eq!(owner(&db.accounts, "taro.yamada", "edit.ne.jp").await, "ab4t-ash");

        let list = db.accounts.address_list(Some("ab4t-ash")).await.unwrap();
        let texts: Vec<&str> = list.iter().map(|info| info.address.as_str()).collect();
        assert_eq!(texts, ["ab4t-ash@mx.edit.ne.jp", "taro.yamada@edit.ne.jp", "taro@mx.edit.ne.jp"]);
        assert_eq!(db.accounts.address_list(None).await.unwrap(), list);
        assert_eq!(db.accounts.address_list(Some("nobody")).await.unwrap(), []);

        db.accounts.address_remove("TARO.yamada@edit.ne.jp").await.unwrap();
        assert_eq!(owner(&db.accounts, "taro.yamada", "edit.ne.jp").await, "");
    }
}

#[tokio::test]
async fn every_refusal_names_the_next_step() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.account_add(new("m1234ab567c", &[], "sakura")).await.unwrap();
        for (text, step) in [
            (refusal(a.address_add("taro@example.com", "ab4t-ash").await), "yubin domain add example.com"),
            (refusal(a.address_add("taro@edit.ne.jp", "nobody").await), "yubin account list"),
            (
                refusal(a.address_add("taro@mx.edit.ne.jp", "m1234ab567c").await),
                "yubin account show ab4t-ash",
            ),
            (refusal(a.address_add("taro", "ab4t-ash").await), "taro@example.jp"),
            (refusal(a.address_remove("ab4t-ash@mx.edit.ne.jp").await), "yubin account remove ab4t-ash"),
            (refusal(a.address_remove("nobody@mx.edit.ne.jp").await), "yubin address list"),
            (refusal(a.domain_add("Edit.NE.jp").await), "yubin domain list"),
            (refusal(a.domain_add("日本.jp").await), "xn--"),
            (refusal(a.account_add(new("AB4T-ASH", &[], "x")).await), "yubin account show ab4t-ash"),
            (refusal(a.account_add(new("taro", &[], "x")).await), "yubin account show ab4t-ash"),
            (refusal(a.account_show("taro@mx.edit.ne.jp").await), "its account is ab4t-ash"),
            (refusal(a.account_show("nobody").await), "yubin account list"),
        ] {
            assert!(text.contains(step), "{step} should be in: {text}");
        }
    }
}

#[tokio::test]
async fn the_first_domain_is_the_default() {
    for db in databases().await {
        assert!(
            refusal(db.accounts.account_add(new("ab4t-ash", &[], "x")).await).contains("yubin domain add")
        );
        let first = db.accounts.domain_add("zz.example.jp").await.unwrap();
        let second = db.accounts.domain_add("aa.example.jp").await.unwrap();
        assert!(first.default && !second.default);
        db.accounts.account_add(new("ab4t-ash", &[], "x")).await.unwrap();
        let list = db.accounts.domain_list().await.unwrap();
        let rows: Vec<_> = list.iter().map(|d| (d.name.as_str(), d.default, d.addresses)).collect();
        assert_eq!(rows, [("zz.example.jp", true, 1), ("aa.example.jp", false, 0)]);
    }
}
