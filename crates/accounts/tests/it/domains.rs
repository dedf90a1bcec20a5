//! Domains of three kinds, and what they lead to.

use accounts::{AddressKind, DomainKind, DomainSetting, Resolution, Stops};

use crate::support::{databases, new, owner, refusal};

#[tokio::test]
async fn d_05_an_equivalent_domain_is_the_same_for_delivery_and_for_uniqueness() {
    for db in databases().await {
        let a = &db.accounts;
        a.domain_add("mx.edit.ne.jp").await.unwrap();
        let info = a.domain_equivalent("Edit.ne.jp", "mx.edit.ne.jp").await.unwrap();
        assert_eq!(info.kind, DomainKind::Equivalent("mx.edit.ne.jp".into()));
        a.account_add(new("ab4t-ash", &["taro@edit.ne.jp"], "sakura")).await.unwrap();
        for (local_part, domain) in [
            ("taro", "edit.ne.jp"),
            ("taro", "mx.edit.ne.jp"),
            ("ab4t-ash", "edit.ne.jp"),
            ("ab4t-ash", "mx.edit.ne.jp"),
        ] {
            assert_eq!(owner(a, local_part, domain).await, "ab4t-ash", "{local_part}@{domain}");
        }
        assert_eq!(owner(a, "hanako", "edit.ne.jp").await, "");
        // It is one address, whichever name it is called by.
        a.account_add(new("m1234ab567c", &[], "x")).await.unwrap();
        for address in ["taro@edit.ne.jp", "taro@mx.edit.ne.jp", "ab4t-ash@edit.ne.jp"] {
            assert!(refusal(a.address_add(address, "m1234ab567c").await).contains("belongs to ab4t-ash"));
        }
        assert_eq!(a.address_show("taro@edit.ne.jp").await.unwrap().address, "taro@mx.edit.ne.jp");
        a.address_remove("taro@edit.ne.jp").await.unwrap();
        assert_eq!(owner(a, "taro", "mx.edit.ne.jp").await, "");
    }
}

#[tokio::test]
async fn d_06_another_host_domain_is_not_reached_and_names_that_clash_are_told() {
    for db in databases().await {
        let a = &db.accounts;
        for name in ["mx.edit.ne.jp", "mx2.edit.ne.jp", "mx3.edit.ne.jp"] {
            a.domain_add(name).await.unwrap();
        }
        a.domain_equivalent("edit.ne.jp", "mx.edit.ne.jp").await.unwrap();
        a.account_add(new("ab4t-ash", &["hana@mx2.edit.ne.jp"], "x")).await.unwrap();
        a.account_add(new("m1234ab567c", &["hana@mx3.edit.ne.jp", "yuki@mx3.edit.ne.jp"], "x"))
            .await
            .unwrap();
        assert_eq!(owner(a, "hana", "edit.ne.jp").await, "");

        let text = refusal(a.domain_equivalent("mx3.edit.ne.jp", "mx2.edit.ne.jp").await);
        assert!(text.contains("at mx2.edit.ne.jp: hana;"), "{text}");
        assert_eq!(owner(a, "yuki", "mx3.edit.ne.jp").await, "m1234ab567c", "nothing was moved");

        // Without the clash, addresses move; what one account has in both is one.
        a.address_remove("hana@mx3.edit.ne.jp").await.unwrap();
        a.address_add("yuki@mx2.edit.ne.jp", "m1234ab567c").await.unwrap();
        a.address_set_primary("yuki@mx3.edit.ne.jp").await.unwrap();
        a.domain_equivalent("mx3.edit.ne.jp", "mx2.edit.ne.jp").await.unwrap();
        for domain in ["mx2.edit.ne.jp", "mx3.edit.ne.jp"] {
            assert_eq!(owner(a, "yuki", domain).await, "m1234ab567c");
            assert_eq!(owner(a, "hana", domain).await, "ab4t-ash");
        }
        let primary = a.address_list(Some("m1234ab567c")).await.unwrap();
        assert_eq!(primary.iter().filter(|info| info.primary).count(), 1);
        // And what was equivalent to the one is equivalent to the other.
        assert!(refusal(a.domain_remove("mx2.edit.ne.jp").await).contains("yubin address list"));
        assert!(
            refusal(a.domain_equivalent("mx.edit.ne.jp", "mx2.edit.ne.jp").await).contains("default domain")
        );
    }
}

#[tokio::test]
async fn d_12_a_barred_domain_is_known_and_nobody_has_mail_there() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.domain_bar("atson.net", "Write to the same name at asahi-net.or.jp").await.unwrap();
        let resolved = a.resolve("ab4t-ash", "ATSON.net").await.unwrap();
        assert_eq!(resolved, Resolution::Barred("Write to the same name at asahi-net.or.jp".into()));
        assert!(matches!(a.resolve("postmaster", "atson.net").await.unwrap(), Resolution::Barred(_)));
        assert!(refusal(a.address_add("taro@atson.net", "ab4t-ash").await).contains("barred"));
        assert!(refusal(a.address_check("taro@atson.net").await).contains("barred"));
        // The text can change; a domain with addresses cannot be barred from under them.
        a.domain_bar("atson.net", "").await.unwrap();
        assert_eq!(a.resolve("x", "atson.net").await.unwrap(), Resolution::Barred(String::new()));
        assert!(refusal(a.domain_bar("mx.edit.ne.jp", "").await).contains("2 addresses"));
        for bad in ["two\r\nlines", "日本", "a\0b", &"x".repeat(accounts::limits::REPLY_TEXT + 1)] {
            assert!(refusal(a.domain_bar("atson.net", bad).await).contains("one line"));
        }
        a.domain_remove("atson.net").await.unwrap();
        assert_eq!(a.resolve("x", "atson.net").await.unwrap(), Resolution::NotOurs);
        assert!(refusal(a.domain_remove("atson.net").await).contains("yubin domain list"));
    }
}

#[tokio::test]
async fn a_domain_is_ours_from_the_moment_on_when_it_is_added_by_whomever() {
    for db in databases().await {
        let db = db.furnished().await;
        let foreign = async || db.accounts.resolve("hanako", "new.example").await.unwrap();
        for _ in 0..2 {
            assert_eq!(foreign().await, Resolution::NotOurs);
        }
        // This process is told nothing.
        let elsewhere = accounts::Accounts::open(&db.config).await.unwrap();
        elsewhere.domain_add("new.example").await.unwrap();
        assert_eq!(foreign().await, Resolution::UnknownUser);
        elsewhere.domain_remove("new.example").await.unwrap();
        assert_eq!(foreign().await, Resolution::NotOurs);
        elsewhere.domain_bar("new.example", "").await.unwrap();
        assert_eq!(foreign().await, Resolution::Barred(String::new()));
    }
}

#[tokio::test]
async fn a_name_that_can_be_no_domain_is_refused() {
    for db in databases().await {
        for nonsense in
            ["192.0.2.1", "mx.123", "7", "a..b", "-a.jp", "a b.jp", "[192.0.2.1]", "", "x_y.jp", "ｍｘ.jp"]
        {
            refusal(db.accounts.domain_add(nonsense).await);
            refusal(db.accounts.domain_bar(nonsense, "").await);
        }
        db.accounts.domain_add("123.jp").await.unwrap();
        db.accounts.domain_remove("123.jp").await.unwrap();
        assert_eq!(db.accounts.domain_list().await.unwrap(), []);
    }
}

#[tokio::test]
async fn d_15_postmaster_and_abuse_are_accepted_in_every_domain_of_ours() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.domain_equivalent("edit.jp", "edit.ne.jp").await.unwrap();
        assert_eq!(a.resolve("postmaster", "edit.ne.jp").await.unwrap(), Resolution::NoPostmaster);
        // An account of that name is one without a word; an appointed one goes before it.
        a.insisting().account_add(new("postmaster", &[], "x")).await.unwrap();
        a.account_add(new("m1234ab567c", &[], "x")).await.unwrap();
        for local_part in ["postmaster", "Abuse", "POSTMASTER"] {
            for domain in ["mx.edit.ne.jp", "edit.ne.jp", "edit.jp"] {
                assert_eq!(owner(a, local_part, domain).await, "postmaster");
            }
        }
        let appoint = |login: Option<&str>| DomainSetting::Postmaster(login.map(str::to_owned));
        a.domain_set("mx.edit.ne.jp", &appoint(Some("ab4t-ash"))).await.unwrap();
        assert_eq!(owner(a, "abuse", "edit.jp").await, "ab4t-ash");
        a.domain_set("edit.ne.jp", &appoint(Some("m1234ab567c"))).await.unwrap();
        assert_eq!(owner(a, "abuse", "edit.jp").await, "m1234ab567c");
        assert_eq!(owner(a, "abuse", "mx.edit.ne.jp").await, "ab4t-ash");
        // Who is appointed goes first, although the account of that name has the address in the default domain.
        assert_eq!(owner(a, "postmaster", "mx.edit.ne.jp").await, "ab4t-ash");
        for (hostname, expected) in [("mx.edit.ne.jp", "ab4t-ash"), ("elsewhere.example", "ab4t-ash")] {
            let Resolution::Mailbox(mailbox) = a.postmaster(hostname).await.unwrap() else { panic!() };
            assert_eq!(mailbox.login, expected);
        }
        // Who has the duty stays until another has it.
        assert!(
            refusal(a.account_remove("ab4t-ash").await)
                .contains("yubin domain set mx.edit.ne.jp postmaster=")
        );
        a.domain_set("mx.edit.ne.jp", &appoint(None)).await.unwrap();
        a.account_remove("ab4t-ash").await.unwrap();
        // Nobody gets the names by asking, not even where all names are the customer's.
        for kind in [AddressKind::Alias, AddressKind::Own] {
            let text = refusal(a.address_add_as("abuse@edit.ne.jp", "m1234ab567c", kind).await);
            assert!(text.contains("reserved"), "{text}");
        }
    }
}

#[tokio::test]
async fn d_16_sub_addresses_and_a_catch_all_are_a_domains_options() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.account_add(new("m1234ab567c", &["taro+list@mx.edit.ne.jp"], "x")).await.unwrap();
        assert_eq!(owner(a, "taro+x", "mx.edit.ne.jp").await, "", "off");
        a.domain_set("mx.edit.ne.jp", &DomainSetting::Separators("+-".into())).await.unwrap();
        for (local_part, expected) in [
            ("taro+x", "ab4t-ash"),
            ("taro-x+y", "ab4t-ash"),
            ("TARO+", "ab4t-ash"),
            ("taro+list", "m1234ab567c"),
            ("ab4t-ash", "ab4t-ash"),
            ("ab4t-ash+x", ""),
            ("+x", ""),
            ("hanako+x", ""),
        ] {
            assert_eq!(owner(a, local_part, "mx.edit.ne.jp").await, expected, "{local_part}");
        }
        assert_eq!(owner(a, "taro+x", "edit.ne.jp").await, "", "of that domain only");
        a.domain_set("mx.edit.ne.jp", &DomainSetting::CatchAll(Some("m1234ab567c".into()))).await.unwrap();
        assert_eq!(owner(a, "nobody", "mx.edit.ne.jp").await, "m1234ab567c");
        assert_eq!(owner(a, "no body", "mx.edit.ne.jp").await, "", "what can be no address is none");
        assert_eq!(owner(a, "nobody", "edit.ne.jp").await, "");
        let info = a.domain_show("mx.edit.ne.jp").await.unwrap();
        assert_eq!((info.catch_all.as_deref(), info.separators.as_str()), (Some("m1234ab567c"), "+-"));
        a.domain_set("mx.edit.ne.jp", &DomainSetting::CatchAll(None)).await.unwrap();
        assert_eq!(owner(a, "nobody", "mx.edit.ne.jp").await, "");

        for bad in ["@", "a", ".", "+-=#_", "全"] {
            let bad = DomainSetting::Separators(bad.into());
            assert!(refusal(a.domain_set("mx.edit.ne.jp", &bad).await).contains("separators"));
        }
        let missing = DomainSetting::CatchAll(Some("nobody".into()));
        assert!(refusal(a.domain_set("mx.edit.ne.jp", &missing).await).contains("yubin account list"));
    }
}

#[tokio::test]
async fn d_15_postmaster_is_refused_in_no_state_of_its_account() {
    for db in databases().await {
        let db = db.furnished().await;
        let a = &db.accounts;
        a.insisting().account_add(new("postmaster", &["abuse@mx.edit.ne.jp"], "x")).await.unwrap();
        let stops = Stops { sending: true, reading: true, receiving: true };
        a.account_suspend("postmaster", stops, "").await.unwrap();
        a.account_suspend("ab4t-ash", stops, "").await.unwrap();
        assert_eq!(a.resolve("taro", "mx.edit.ne.jp").await.unwrap(), Resolution::Disabled);
        for local_part in ["postmaster", "abuse"] {
            assert_eq!(owner(a, local_part, "mx.edit.ne.jp").await, "postmaster");
            assert_eq!(owner(a, local_part, "edit.ne.jp").await, "postmaster");
        }
        let appoint = DomainSetting::Postmaster(Some("ab4t-ash".to_owned()));
        a.domain_set("mx.edit.ne.jp", &appoint).await.unwrap();
        assert_eq!(owner(a, "postmaster", "mx.edit.ne.jp").await, "ab4t-ash");
    }
}
